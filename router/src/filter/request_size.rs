//! `request_size`: no request with a longer body.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use http::Method;
use http::header::CONTENT_LENGTH;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wireloom_codecs::units::Size;
use wireloom_codecs::{Body, ErrorKind, LocalError, Outcome, Part, Pull, RequestHead, Stream};

use super::{Configured, Exchanged, Filter, Flow, Refusal, Replied, Verdict};
use crate::Problem;

/// Refuses requests with longer bodies: HTTP 413, gRPC RESOURCE_EXHAUSTED, a malformed request in other protocols.
///
/// A body is counted as it comes: compressed if it is, and with the 5 bytes before each message of gRPC. One that says how long
/// it is is refused at once; another as soon as more than so much of it came, when the first part of it may be at the
/// upstream already. What follows a switch of protocols (`CONNECT`, WebSocket) is no body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestSizeConfig {
    /// How long a body may be.
    pub max: Size,
}

/// See [`RequestSizeConfig`].
#[derive(Debug)]
pub(super) struct RequestSize {
    max: u64,
}

impl Configured for RequestSize {
    const NAME: &'static str = "request_size";
    type Config = RequestSizeConfig;

    fn new(config: RequestSizeConfig) -> Result<Self, Vec<Problem>> {
        if config.max.0 == 0 {
            let message =
                "is 0, which refuses every request with a body: write how long one may be";
            return Err(vec![Problem::new("max", message)]);
        }
        let max = config.max.0 as u64;
        Ok(Self { max })
    }
}

impl Filter for RequestSize {
    fn request(&self, exchange: &mut Exchanged<'_>) -> Flow {
        let max = self.max;
        // Only a stream is refused later.
        let streamed = matches!(exchange.request.body, Body::Stream(_));
        let refusal = streamed.then(|| exchange.later());
        let request = &mut *exchange.request;
        if switches(&request.head) {
            return Flow::Continue;
        }
        if announced(&request.head).is_some_and(|length| length > max) {
            return Flow::reject(too_large(max), "announced");
        }
        match std::mem::take(&mut request.body) {
            Body::Stream(body) => {
                let over = Over::default();
                request.body = Body::Stream(Stream::pull(Counted {
                    body,
                    left: max,
                    max,
                    over: over.clone(),
                    refusal,
                }));
                Flow::hold(over)
            }
            Body::Whole(body) if body.len() as u64 > max => Flow::reject(too_large(max), "body"),
            body => {
                request.body = body;
                Flow::Continue
            }
        }
    }

    /// Where the answer breaks off because the request did, the client is told why.
    fn response(&self, reply: &mut Replied<'_>) -> Verdict {
        let max = self.max;
        let Some(over) = reply.held::<Over>().cloned() else {
            return Verdict::Continue;
        };
        match reply.result {
            Err(error) if over.is() => *error = too_large(max),
            Err(_) => {}
            Ok(response) => {
                response.body = match std::mem::take(&mut response.body) {
                    Body::Stream(body) => Body::Stream(Stream::pull(Answered { body, max, over })),
                    body => body,
                };
            }
        }
        Verdict::Continue
    }
}

/// Whether too much of a body came.
#[derive(Clone, Default)]
struct Over(Arc<AtomicBool>);

impl Over {
    fn is(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

fn too_large(max: u64) -> LocalError {
    let max = Size(usize::try_from(max).unwrap_or(usize::MAX));
    LocalError::new(
        ErrorKind::TooLarge,
        format!("a body may have up to {max} here"),
    )
}

/// Whether what follows is no body.
fn switches(head: &RequestHead) -> bool {
    let http = head.http.as_ref();
    http.is_some_and(|http| http.upgrade.is_some() || http.method == Method::CONNECT)
}

fn announced(head: &RequestHead) -> Option<u64> {
    let length = head.http.as_ref()?.headers.get(&CONTENT_LENGTH)?;
    std::str::from_utf8(length).ok()?.trim().parse().ok()
}

/// A body that ends in an error when more of it comes than may.
struct Counted {
    body: Stream,
    left: u64,
    max: u64,
    over: Over,
    refusal: Option<Refusal>,
}

impl Pull for Counted {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Part, LocalError>>> {
        let polled = self.body.poll_next(cx);
        if let Poll::Ready(Some(Ok(Part::Data(data)))) = &polled {
            match self.left.checked_sub(data.len() as u64) {
                Some(left) => self.left = left,
                None => {
                    self.over.0.store(true, Ordering::Relaxed);
                    if let Some(refusal) = self.refusal.take() {
                        refusal("body");
                    }
                    return Poll::Ready(Some(Err(too_large(self.max))));
                }
            }
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

/// The body of an answer to a request whose body is counted.
struct Answered {
    body: Stream,
    max: u64,
    over: Over,
}

impl Pull for Answered {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Part, LocalError>>> {
        let polled = self.body.poll_next(cx);
        match polled {
            Poll::Ready(Some(Err(_))) if self.over.is() => {
                Poll::Ready(Some(Err(too_large(self.max))))
            }
            polled => polled,
        }
    }

    fn ended(&self) -> bool {
        self.body.ended()
    }

    fn outcome(&self) -> Option<Outcome> {
        self.body.outcome()
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use wireloom_codecs::{HttpRequest, Response, ResponseHead, stream};

    use super::super::testing::{Given, refused, route};
    use super::*;

    fn filter(max: usize) -> RequestSize {
        RequestSize::new(RequestSizeConfig { max: Size(max) }).unwrap()
    }

    fn with(body: Body) -> Given {
        let mut given = Given::default();
        given.request.body = body;
        given
    }

    /// An HTTP request that says how long its body is.
    fn announcing(method: Method, length: &'static str) -> Given {
        let mut http = HttpRequest::new(method, "a.example".into(), "/".into());
        let length = HeaderValue::from_static(length);
        http.headers.append(&CONTENT_LENGTH, &length);
        let mut given = with(Body::Stream(stream(9).1));
        given.request.head.http = Some(Box::new(http));
        given
    }

    /// A body of these parts, and what the filter does with it.
    fn streamed(max: usize, parts: &[&'static str]) -> (Given, Flow) {
        let (mut sender, body) = stream(100);
        for part in parts {
            let part = Part::Data((*part).into());
            assert!(sender.push(part).is_ok());
        }
        sender.finish();
        let mut given = with(Body::Stream(body));
        let flow = given.ask(&filter(max));
        (given, flow)
    }

    #[test]
    fn a_whole_body_may_be_so_long() {
        let ask = |body| refused(&with(body).ask(&filter(4)));
        assert_eq!(ask(Body::Empty), None);
        assert_eq!(ask(Body::Whole("four".into())), None);
        let told = Some((ErrorKind::TooLarge, "body"));
        assert_eq!(ask(Body::Whole("five!".into())), told);
    }

    #[test]
    fn a_length_that_is_announced_is_not_waited_for() {
        let ask = |method, length| refused(&announcing(method, length).ask(&filter(4)));
        let told = Some((ErrorKind::TooLarge, "announced"));
        assert_eq!(ask(Method::POST, "5"), told);
        assert_eq!(ask(Method::POST, "4"), None);
        assert_eq!(ask(Method::CONNECT, "5"), None);
    }

    #[tokio::test]
    async fn parts_are_counted_as_they_pass() {
        let (given, flow) = streamed(10, &["12345", "67890"]);
        assert!(matches!(flow, Flow::Hold(_)));
        let (whole, _) = given.request.body.collect(100).await.unwrap();
        assert_eq!(whole, "1234567890");
        let (given, _) = streamed(10, &["12345", "67890", "1"]);
        let Body::Stream(mut body) = given.request.body else {
            panic!()
        };
        for _ in 0..2 {
            assert!(matches!(body.next().await, Some(Ok(Part::Data(_)))));
        }
        let error = body.next().await.unwrap().unwrap_err();
        assert_eq!(error.kind, ErrorKind::TooLarge);
        assert!(error.detail.contains("10B"), "{error}");
    }

    #[tokio::test]
    async fn an_answer_that_breaks_off_for_it_says_why() {
        for (parts, kind) in [
            (["1", "2"], ErrorKind::Reset),
            (["12345678", "90"], ErrorKind::TooLarge),
        ] {
            let (given, flow) = streamed(9, &parts);
            let Flow::Hold(mut held) = flow else { panic!() };
            let _ = given.request.body.collect(100).await;
            let broken = || LocalError::from(ErrorKind::Reset);
            let (sender, body) = stream(100);
            sender.fail(broken());
            let response = Response::new(ResponseHead::default(), Body::Stream(body));
            let complete = Response::new(ResponseHead::default(), Body::Whole("all".into()));
            for mut result in [Err(broken()), Ok(response), Ok(complete)] {
                let downstream = Given::default().downstream();
                let (route, started) = (route(), std::time::Instant::now());
                let held = Some(&mut *held);
                let mut reply = Replied::new(&mut result, &downstream, &route, started, held);
                filter(9).response(&mut reply);
                let error = match result {
                    Err(error) => Err(error),
                    Ok(response) => response.body.collect(9).await,
                };
                match error {
                    Err(error) => assert_eq!(error.kind, kind),
                    Ok((body, _)) => assert_eq!(body, "all"),
                }
            }
        }
    }
}
