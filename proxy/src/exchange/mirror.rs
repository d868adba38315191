//! Copies of requests, for clusters that nobody waits for.
//!
//! A copy is a task of its own on the worker, with the route's timeout and leave of its cluster's budget. A whole request
//! is copied by counting references. Of a body that is still coming, the parts are kept as they pass, up to the mirror's
//! buffer, and the copy is sent when the last has passed.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::Method;
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::timeout_at;
use wireloom_cluster::{LocalCluster, Selection, Subset, Tried};
use wireloom_codecs::{
    Body, Class, Headers, LocalError, Outcome, Part, Pull, Request, RequestHead, Response, Stream,
};
use wireloom_router::Route;
use wireloom_telemetry::Mirrored;

use super::{Connected, edits};
use crate::routing::Routing;

/// How long a copy may take where its route has no limit.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Copies a request for each mirror of its route that draws it. The request's body, if it is still coming, is replaced by
/// one that keeps what passes.
#[inline(never)]
pub(super) fn copy(
    connected: &Connected,
    routing: &Routing,
    route: &Route,
    request: &mut Request,
    hash: Option<u64>,
) {
    for mirror in &route.mirrors {
        let Some(binding) = routing.bindings.get(mirror.cluster) else {
            continue;
        };
        if !mirror.takes(rand::random()) {
            continue;
        }
        if switches(&request.head) {
            binding.mirrors.count(Mirrored::NotWhole);
            continue;
        }
        let Some(permit) = binding.mirrors.take() else {
            continue;
        };
        let subset = binding.part_for(&request.head);
        let (copy, rest) = match request.try_clone() {
            Some(copy) => (copy, None),
            None => {
                let (copy, rest) = tee(request, mirror.buffer);
                (copy, Some(rest))
            }
        };
        let mut copy = Box::new(copy);
        let made = edits::made(connected, routing, route, Some(binding), &copy.head, None);
        if let Some(http) = &mut copy.head.http {
            // These are for the client.
            http.early = None;
            http.expect_continue = false;
            mirror.mark(http);
        }
        let _ = edits::request(connected, routing, route, Some(binding), made, &mut copy);
        let job = Job {
            cluster: binding.cluster.clone(),
            subset,
            hash,
            request: copy,
            timeout: route.timeout.unwrap_or(TIMEOUT),
        };
        tokio::spawn(async move {
            let outcome = job.run(rest).await;
            permit.ended(outcome);
        });
    }
}

/// What comes after a switch of protocols is no request.
fn switches(head: &RequestHead) -> bool {
    let http = head.http.as_ref();
    http.is_some_and(|http| http.upgrade.is_some() || http.method == Method::CONNECT)
}

/// A copy on its way.
struct Job {
    cluster: Arc<LocalCluster>,
    subset: Option<Arc<Subset>>,
    hash: Option<u64>,
    request: Box<Request>,
    timeout: Duration,
}

impl Job {
    async fn run(mut self, rest: Option<Rest>) -> Mirrored {
        if let Some(rest) = rest {
            match rest.whole(Instant::now() + self.timeout).await {
                Ok((bytes, trailers)) => {
                    if !bytes.is_empty() {
                        self.request.body = Body::Whole(bytes);
                    }
                    self.request.trailers = trailers.map(Box::new);
                }
                Err(why) => return why,
            }
        }
        let deadline = Instant::now() + self.timeout;
        let selection = Selection {
            hash: self.hash,
            subset: self.subset.as_deref(),
            destination: None,
            // No downstream waits for a copy.
            pins: None,
        };
        let protocol = self.request.head.protocol;
        let mut tried = Tried::new();
        let (cluster, request) = (&self.cluster, self.request);
        let attempt = cluster.select(&selection, protocol, request, deadline, &mut tried);
        match attempt.await {
            Ok(response) => thrown_away(response, deadline).await,
            Err(_) => Mirrored::Failure,
        }
    }
}

/// Takes an answer to its end, so that its connection can be used again, and keeps nothing of it.
async fn thrown_away(response: Response, deadline: Instant) -> Mirrored {
    let mut answered = response.head.outcome;
    if let Body::Stream(mut body) = response.body {
        loop {
            match timeout_at(deadline.into(), body.next()).await {
                Ok(Some(Ok(_))) => {}
                Ok(None) => break,
                Ok(Some(Err(_))) | Err(_) => return Mirrored::Failure,
            }
        }
        answered = body.outcome().unwrap_or(answered);
    }
    match answered.class {
        Class::Success | Class::AppError => Mirrored::Success,
        _ => Mirrored::Failure,
    }
}

/// What a body came to, or why it cannot be copied.
type Came = Result<Option<Headers>, Mirrored>;
type Kept = Arc<Mutex<Option<BytesMut>>>;

/// A body that passes, as the copy sees it.
struct Rest {
    kept: Kept,
    came: oneshot::Receiver<Came>,
}

impl Rest {
    async fn whole(self, deadline: Instant) -> Result<(Bytes, Option<Headers>), Mirrored> {
        let came = timeout_at(deadline.into(), self.came).await;
        // What comes from now on is kept for nobody.
        let kept = self.kept.lock().take();
        match (came, kept) {
            (Ok(Ok(Ok(trailers))), Some(kept)) => Ok((kept.freeze(), trailers)),
            (Ok(Ok(Err(why))), _) => Err(why),
            _ => Err(Mirrored::NotWhole),
        }
    }
}

/// A copy of a request without its body, which is kept while it passes.
fn tee(request: &mut Request, cap: usize) -> (Request, Rest) {
    let (sender, came) = oneshot::channel();
    let kept = Arc::new(Mutex::new(Some(BytesMut::new())));
    if let Body::Stream(body) = std::mem::take(&mut request.body) {
        request.body = Body::Stream(Stream::pull(Tee {
            body,
            kept: kept.clone(),
            trailers: None,
            sender: Some(sender),
            cap,
        }));
    }
    let copy = Request::new(request.head.clone(), Body::Empty);
    (copy, Rest { kept, came })
}

struct Tee {
    body: Stream,
    kept: Kept,
    trailers: Option<Headers>,
    /// None once it is known what the body came to.
    sender: Option<oneshot::Sender<Came>>,
    cap: usize,
}

impl Tee {
    fn keep(&mut self, part: &Part) {
        let mut kept = self.kept.lock();
        let Some(bytes) = &mut *kept else { return };
        match part {
            Part::Data(data) if bytes.len() + data.len() > self.cap => {
                *kept = None;
                drop(kept);
                self.came(Err(Mirrored::TooLarge));
            }
            Part::Data(data) => bytes.extend_from_slice(data),
            Part::Trailers(trailers) => self.trailers = Some(trailers.clone()),
        }
    }

    fn came(&mut self, what: Came) {
        if let Some(sender) = self.sender.take() {
            let _ = sender.send(what);
        }
    }
}

impl Pull for Tee {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Part, LocalError>>> {
        let polled = self.body.poll_next(cx);
        match &polled {
            Poll::Ready(Some(Ok(part))) => {
                self.keep(part);
                if self.body.ended() {
                    let trailers = self.trailers.take();
                    self.came(Ok(trailers));
                }
            }
            Poll::Ready(None) => {
                let trailers = self.trailers.take();
                self.came(Ok(trailers));
            }
            Poll::Ready(Some(Err(_))) => self.came(Err(Mirrored::NotWhole)),
            Poll::Pending => {}
        }
        polled
    }

    fn ended(&self) -> bool {
        self.body.ended()
    }

    fn outcome(&self) -> Option<Outcome> {
        self.body.outcome()
    }
}
