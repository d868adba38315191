//! Bodies that routes and filters look into, and that must be there for it.

use std::collections::VecDeque;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use tokio::time::timeout;
use wireloom_codecs::http::{HTTP1, HTTP2};
use wireloom_codecs::{
    Body, ErrorKind, HttpRequest, LocalError, Message, Outcome, Part, Pull, Request, RequestHead,
    ResponseHead, Stream,
};

/// How long a client may take for a body that its route depends on.
const PATIENCE: Duration = Duration::from_secs(15);

/// Whether a body is waited for: JSON that is on its way and may be within the budget. RPCs stream, and wait for answers
/// before they go on.
pub(super) fn is_wanted(request: &Request, budget: usize) -> bool {
    let protocol = request.head.protocol;
    let streamed = matches!(request.body, Body::Stream(_));
    let http = request.head.http.as_deref();
    let http = http.filter(|_| streamed && (protocol == HTTP1 || protocol == HTTP2));
    http.is_some_and(|http| http.upgrade.is_none() && is_json(http) && fits(http, budget))
}

fn is_json(http: &HttpRequest) -> bool {
    let kind = http.headers.get(&CONTENT_TYPE).unwrap_or_default();
    let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default();
    let kind = kind.trim_ascii().to_ascii_lowercase();
    let json = kind == b"application/json" || kind.ends_with(b"+json");
    json && !http.headers.contains(&CONTENT_ENCODING)
}

fn fits(http: &HttpRequest, budget: usize) -> bool {
    let length = http.headers.get(&CONTENT_LENGTH);
    let length = length.and_then(|length| std::str::from_utf8(length).ok()?.parse::<usize>().ok());
    length.is_none_or(|length| length <= budget)
}

/// The request with its body whole, if that is within the budget; else with the body as it was.
///
/// # Errors
/// The client breaks off, or takes longer than it may.
pub(super) async fn buffered(
    mut request: Box<Request>,
    budget: usize,
) -> Result<Box<Request>, LocalError> {
    let Body::Stream(stream) = std::mem::take(&mut request.body) else {
        return Ok(request);
    };
    let mut taken = Taken {
        parts: VecDeque::new(),
        rest: stream,
    };
    let complete = timeout(PATIENCE, taken.fill(budget)).await;
    let complete = complete.map_err(|_| {
        let detail = "the body that the route depends on did not come in time";
        LocalError::new(ErrorKind::Timeout, detail)
    })??;
    taken.put_back(&mut *request, complete);
    Ok(request)
}

/// Makes the body of a message whole. False if it is longer than `cap` bytes; it is as it was then.
///
/// # Errors
/// The body breaks off.
pub(super) async fn whole<H: Headed>(
    message: &mut Message<H>,
    cap: usize,
) -> Result<bool, LocalError> {
    let Body::Stream(stream) = std::mem::take(&mut message.body) else {
        return Ok(true);
    };
    let mut taken = Taken {
        parts: VecDeque::new(),
        rest: stream,
    };
    let complete = taken.fill(cap).await?;
    if let (true, Some(outcome)) = (complete, taken.rest.outcome()) {
        message.head.ended(outcome);
    }
    taken.put_back(message, complete);
    Ok(complete)
}

/// A head that learns from the end of its body.
pub(super) trait Headed {
    /// The end of the body made this of the answer.
    fn ended(&mut self, outcome: Outcome);
}

impl Headed for RequestHead {
    fn ended(&mut self, _: Outcome) {}
}

impl Headed for ResponseHead {
    fn ended(&mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

/// A body of which some parts were taken.
struct Taken {
    parts: VecDeque<Part>,
    rest: Stream,
}

impl Taken {
    /// Gives what was taken back: as a whole body, if that is all of it.
    fn put_back<H>(self, message: &mut Message<H>, complete: bool) {
        if !complete {
            message.body = Body::Stream(Stream::pull(self));
            return;
        }
        let mut whole = BytesMut::new();
        for part in self.parts {
            match part {
                Part::Data(data) => whole.extend_from_slice(&data),
                Part::Trailers(trailers) => message.trailers = Some(Box::new(trailers)),
            }
        }
        message.body = match Bytes::from(whole) {
            whole if whole.is_empty() => Body::Empty,
            whole => Body::Whole(whole),
        };
    }

    /// Takes parts until the end, or until there are more bytes than the budget has. True if it came to the end.
    async fn fill(&mut self, budget: usize) -> Result<bool, LocalError> {
        let mut length = 0;
        while let Some(part) = self.rest.next().await {
            let part = part?;
            if let Part::Data(data) = &part {
                length += data.len();
            }
            self.parts.push_back(part);
            if length > budget {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// What was taken comes first.
impl Pull for Taken {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Part, LocalError>>> {
        match self.parts.pop_front() {
            Some(part) => Poll::Ready(Some(Ok(part))),
            None => self.rest.poll_next(cx),
        }
    }

    fn ended(&self) -> bool {
        self.parts.is_empty() && self.rest.ended()
    }

    fn outcome(&self) -> Option<Outcome> {
        self.rest.outcome()
    }
}
