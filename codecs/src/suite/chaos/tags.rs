//! Messages that can be told from each other: samples in which one byte of the body may be any letter or digit.
//!
//! Where that is depends on the protocol, so it is found by trying: a byte will do if the message with each of the tags
//! is read as the same message with that byte.

use bytes::{Bytes, BytesMut};

use crate::suite::{Sample, codec};
use crate::{
    Body, Codec, Inbound, Kind, Outbound, Request, RequestHead, Response, ResponseHead, Role,
    StreamId, WriteBuf,
};

/// What the byte may be.
pub(super) const TAGS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Positions that are tried in a body.
const TRIED: usize = 96;

/// A message with room for a tag at `at` in its body.
pub(super) struct Tagged<H> {
    head: H,
    body: Vec<u8>,
    at: usize,
}

/// Those of a codec's samples.
pub(super) struct Templates {
    pub(super) requests: Vec<Tagged<RequestHead>>,
    pub(super) responses: Vec<Tagged<ResponseHead>>,
}

impl<H> Tagged<H> {
    fn with(&self, tag: usize) -> Body {
        let mut body = self.body.clone();
        body[self.at] = TAGS[tag];
        Body::Whole(Bytes::from(body))
    }

    /// The tag, if that is the body of this message.
    fn read(&self, body: &[u8]) -> Option<usize> {
        let same = body.len() == self.body.len()
            && body[..self.at] == self.body[..self.at]
            && body[self.at + 1..] == self.body[self.at + 1..];
        let tag = same.then(|| body[self.at])?;
        TAGS.iter().position(|known| *known == tag)
    }
}

impl Tagged<RequestHead> {
    pub(super) fn is_one_way(&self) -> bool {
        self.head.kind == Kind::OneWay
    }

    pub(super) fn request(&self, tag: usize) -> Request {
        Request::new(self.head.clone(), self.with(tag))
    }
}

impl Tagged<ResponseHead> {
    pub(super) fn response(&self, tag: usize) -> Response {
        Response::new(self.head.clone(), self.with(tag))
    }
}

impl Templates {
    /// # Panics
    /// If no request or no answer can bear a tag: the samples are too poor then.
    pub(super) fn of<C: Codec>(settings: &C::Settings, samples: &[Sample]) -> Self {
        let mut templates = Self {
            requests: Vec::new(),
            responses: Vec::new(),
        };
        for sample in samples {
            let mut one = codec::<C>(settings, sample.role);
            match one.decode(&mut BytesMut::from(&sample.bytes[..])) {
                Ok(Some(Inbound::Request(_, request))) if sample.role == Role::Downstream => {
                    templates.requests.extend(tagged(request, |m| {
                        let (head, whole) = (m.head.clone(), m.body.whole()?.to_vec());
                        let again = requested::<C>(settings, m)?;
                        let same = again.head.kind == head.kind
                            && again.head.service == head.service
                            && again.head.method == head.method;
                        (same && again.body.whole()? == whole).then_some(())
                    }));
                }
                Ok(Some(Inbound::Response(_, response))) if sample.role == Role::Upstream => {
                    templates.responses.extend(tagged(response, |m| {
                        let (outcome, whole) = (m.head.outcome, m.body.whole()?.to_vec());
                        let again = answered::<C>(settings, m)?;
                        (again.head.outcome == outcome && again.body.whole()? == whole)
                            .then_some(())
                    }));
                }
                _ => {}
            }
        }
        let unary = templates
            .requests
            .iter()
            .any(|request| !request.is_one_way());
        assert!(
            unary,
            "no sample of a request has a byte to spare for a tag"
        );
        assert!(
            !templates.responses.is_empty(),
            "no sample of an answer has a byte to spare for a tag"
        );
        templates
    }

    /// The tag of a request, whichever it is.
    pub(super) fn asks(&self, request: &Request) -> Option<usize> {
        let body = request.body.whole()?;
        self.requests.iter().find_map(|tagged| tagged.read(body))
    }

    /// The tag of an answer, whichever it is.
    pub(super) fn answers(&self, response: &Response) -> Option<usize> {
        let body = response.body.whole()?;
        self.responses.iter().find_map(|tagged| tagged.read(body))
    }
}

fn requested<C: Codec>(settings: &C::Settings, request: &Request) -> Option<Request> {
    let mut out = WriteBuf::new();
    let id = StreamId(C::MAX_ID.min(3));
    let mut up = codec::<C>(settings, Role::Upstream);
    up.encode(Outbound::Request(id, request), &mut out).ok()?;
    let mut bytes = BytesMut::from(&out.to_vec()[..]);
    match codec::<C>(settings, Role::Downstream).decode(&mut bytes) {
        Ok(Some(Inbound::Request(_, again))) if bytes.is_empty() => Some(again),
        _ => None,
    }
}

fn answered<C: Codec>(settings: &C::Settings, response: &Response) -> Option<Response> {
    let mut out = WriteBuf::new();
    let id = StreamId(C::MAX_ID.min(3));
    let mut down = codec::<C>(settings, Role::Downstream);
    down.encode(Outbound::Response(id, response), &mut out)
        .ok()?;
    let mut bytes = BytesMut::from(&out.to_vec()[..]);
    match codec::<C>(settings, Role::Upstream).decode(&mut bytes) {
        Ok(Some(Inbound::Response(_, again))) if bytes.is_empty() => Some(again),
        _ => None,
    }
}

/// The message with the first place from the end where every tag fits.
fn tagged<H>(
    message: crate::Message<H>,
    fits: impl Fn(&crate::Message<H>) -> Option<()>,
) -> Option<Tagged<H>> {
    let body = message.body.whole()?.to_vec();
    let mut message = message;
    for at in (0..body.len()).rev().take(TRIED) {
        let mut bytes = body.clone();
        let all = TAGS.iter().all(|tag| {
            bytes[at] = *tag;
            message.body = Body::Whole(Bytes::from(bytes.clone()));
            fits(&message).is_some()
        });
        if all {
            let head = message.head;
            return Some(Tagged { head, body, at });
        }
    }
    None
}
