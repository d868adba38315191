//! A second try beside one that is slow: the first good answer wins, and the others are given up.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use tokio::time::sleep;
use wireloom_cluster::{Endpoint, Selection, Tried};
use wireloom_codecs::{Body, CallError, ErrorKind, ProtocolId, Request, Response};
use wireloom_router::{Hedge, RetryBudget, RetryPolicy, Retrying};
use wireloom_telemetry::Retry;

use super::replay::Replay;
use super::streaming;
use super::tries::{Limits, failed};
use crate::routing::Binding;

type Answer<'a> = Pin<Box<dyn Future<Output = Result<Response, CallError>> + Send + 'a>>;

/// What the tries beside each other have in common.
pub(super) struct Race<'a> {
    pub(super) binding: &'a Binding,
    pub(super) policy: &'a RetryPolicy,
    pub(super) hedge: Hedge,
    pub(super) selection: &'a Selection<'a>,
    pub(super) protocol: ProtocolId,
    pub(super) limits: Limits,
}

/// A try under way.
struct Racer<'a> {
    answer: Answer<'a>,
    limit: Instant,
    /// The status behind the head was waited for.
    settled: bool,
    /// What it counts as; None for the first.
    counted: Option<Retrying<&'a RetryBudget>>,
}

enum Event {
    Over(usize, Result<Response, CallError>),
    Slow,
}

impl<'a> Race<'a> {
    /// Sends the request, and again as long as no answer comes. `tried` is extended by all endpoints that were asked. If
    /// no try succeeds, the answer is an answer rather than the lack of one, and the oldest of these.
    pub(super) async fn run(
        &self,
        first: Box<Request>,
        replay: &mut Replay,
        tried: &mut Tried,
    ) -> Result<Response, CallError> {
        // Each try has a list of its own to add to.
        let tries = usize::try_from(self.hedge.attempts).unwrap_or_default();
        let mut lists = vec![tried.clone(); tries.saturating_add(1)];
        let result = self.tries(first, replay, &mut lists).await;
        for endpoint in lists.iter().flat_map(Tried::iter) {
            if !tried.contains(endpoint) {
                tried.push(endpoint.clone());
            }
        }
        result
    }

    async fn tries(
        &self,
        first: Box<Request>,
        replay: &mut Replay,
        lists: &mut [Tried],
    ) -> Result<Response, CallError> {
        let (mut asked, mut racers) = (Vec::new(), Vec::new());
        let mut lists = lists.iter_mut();
        if let Some(list) = lists.next() {
            racers.push(self.begin(first, list, &mut asked, None));
        }
        let mut timer = Box::pin(sleep(self.hedge.after));
        let mut more = true;
        let (mut lost, mut sent) = (None, false);
        loop {
            let next = poll_fn(|cx| {
                for (at, racer) in racers.iter_mut().enumerate() {
                    if let Poll::Ready(result) = racer.answer.as_mut().poll(cx) {
                        return Poll::Ready(Event::Over(at, result));
                    }
                }
                match more && timer.as_mut().poll(cx).is_ready() {
                    true => Poll::Ready(Event::Slow),
                    false => Poll::Pending,
                }
            });
            match next.await {
                Event::Slow => {
                    timer.set(sleep(self.hedge.after));
                    // A request that is still coming may be whole the next time.
                    let Some(request) = replay.copy() else {
                        continue;
                    };
                    let begun = lists.next().and_then(|list| {
                        let counted = self.counted()?;
                        Some(self.begin(request, list, &mut asked, Some(counted)))
                    });
                    more = begun.is_some() && lists.len() > 0;
                    racers.extend(begun);
                }
                Event::Over(at, result) => {
                    let mut racer = racers.swap_remove(at);
                    if let Ok(response) = &result
                        && let Body::Stream(_) = response.body
                        && !racer.settled
                        && replay.is_kept()
                    {
                        racer.answer = Box::pin(streaming::settled(result, racer.limit));
                        racer.settled = true;
                        racers.push(racer);
                        continue;
                    }
                    match &result {
                        Ok(response) if !failed(self.policy, self.protocol, response) => {
                            if racer.counted.is_some() {
                                self.binding.stats.retry(Retry::HedgeWon);
                            }
                            return result;
                        }
                        Ok(_) => {}
                        Err(error) => sent |= error.sent,
                    }
                    if lost.as_ref().is_none_or(Result::is_err)
                        && (lost.is_none() || result.is_ok())
                    {
                        lost = Some(result);
                    }
                    if racers.is_empty() {
                        break;
                    }
                }
            }
        }
        match lost {
            Some(Err(error)) => Err(CallError { sent, ..error }),
            Some(answer) => answer,
            None => Err(CallError::new(ErrorKind::Internal.into(), sent)),
        }
    }

    /// Counts another try against the budget.
    fn counted(&self) -> Option<Retrying<&'a RetryBudget>> {
        let counted = Retrying::new(&*self.binding.budget);
        self.binding.stats.retry(match counted {
            Some(_) => Retry::Hedged,
            None => Retry::OverBudget,
        });
        counted
    }

    /// Sends the request to an endpoint that none of the others is at.
    fn begin<'l>(
        &self,
        request: Box<Request>,
        list: &'l mut Tried,
        asked: &mut Vec<Arc<Endpoint>>,
        counted: Option<Retrying<&'a RetryBudget>>,
    ) -> Racer<'l>
    where
        'a: 'l,
    {
        for endpoint in &*asked {
            list.push(endpoint.clone());
        }
        let limit = self.limits.of_a_try();
        let cluster = &self.binding.cluster;
        let attempt = cluster.select(self.selection, self.protocol, request, limit, list);
        asked.extend(attempt.endpoint().cloned());
        Racer {
            answer: Box::pin(attempt),
            limit,
            settled: false,
            counted,
        }
    }
}
