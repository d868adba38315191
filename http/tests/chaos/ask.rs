//! Requests and answers that can be told from each other: every byte of a body says whose it is.

use http::Method;
use wireloom_codecs::Request;
use wireloom_codecs::suite::chaos::Dice;

use crate::Version;

/// What is asked under one tag.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) grpc: bool,
    /// Of the request's body.
    pub(crate) length: usize,
    /// Chunked, in HTTP/1.1.
    pub(crate) chunked: bool,
    pub(crate) expects: bool,
    /// Of the answer's body.
    pub(crate) answer: usize,
}

impl Ask {
    pub(crate) fn new(dice: &mut Dice, down: Version, up: Version, calm: bool) -> Self {
        let grpc = down == Version::Two && up == Version::Two && dice.one_in(2);
        let methods = [
            Method::GET,
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::POST,
            Method::PUT,
        ];
        let method = match grpc {
            true => Method::POST,
            false => methods[dice.roll(6) as usize].clone(),
        };
        let has_body = method == Method::POST || method == Method::PUT;
        let lengths = |dice: &mut Dice| match dice.roll(8) {
            0 => 0,
            1..=4 => dice.roll(100) as usize,
            5 | 6 => 1_000 + dice.roll(3_000) as usize,
            _ => 20_000 + dice.roll(30_000) as usize,
        };
        Self {
            length: if has_body { lengths(dice) } else { 0 },
            chunked: has_body && dice.one_in(2),
            expects: has_body && down == Version::One && !calm && dice.one_in(4),
            answer: lengths(dice),
            method,
            grpc,
        }
    }

    pub(crate) fn path(tag: usize) -> String {
        format!("/acme.Chaos/t{tag}")
    }

    /// The tag in a path.
    pub(crate) fn tag(path: &[u8]) -> Option<usize> {
        let path = std::str::from_utf8(path).ok()?;
        path.strip_prefix("/acme.Chaos/t")?.parse().ok()
    }

    /// The body of the request or of the answer; gRPC's is one message.
    pub(crate) fn body(&self, tag: usize, answer: bool) -> Vec<u8> {
        let length = if answer { self.answer } else { self.length };
        let salt = tag * 7 + usize::from(answer) * 3;
        let plain = (0..length).map(|at| (salt + at / 5 * 11 + at) as u8);
        if !self.grpc {
            return plain.collect();
        }
        let mut message = vec![0];
        message.extend_from_slice(&(length as u32).to_be_bytes());
        message.extend(plain);
        message
    }
}

/// The tag of a request that has come to the proxy.
pub(crate) fn tag_of(request: &Request) -> usize {
    let http = request.head.http.as_ref().expect("a request of HTTP");
    Ask::tag(http.path()).expect("a request that somebody asked")
}
