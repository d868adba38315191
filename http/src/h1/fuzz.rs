//! Entry points of the fuzz targets: each takes any bytes and panics if a promise does not hold.

use bytes::BytesMut;
use http::Method;
use tokio_util::codec::Decoder;
use wireloom_codecs::{Scheme, Sniff, WriteBuf};

use crate::config::H1Config;
use crate::h1::body::{BodyDecoder, Length};
use crate::h1::chunked::Piece;
use crate::h1::encode::{self, Framing, Persist};
use crate::h1::refusal::Refusal;
use crate::h1::request::{Incoming, RequestDecoder};
use crate::h1::response::{Answered, Asked, ResponseDecoder};

/// Limits that inputs of a fuzzer reach.
const HEAD: usize = 2048;
const FIELDS: usize = 16;

fn request_decoder() -> RequestDecoder {
    RequestDecoder::new(&H1Config::default(), HEAD, FIELDS, Scheme::Http)
}

/// What comes of the bytes when they are fed `step` at a time, as text, and what is left of them.
fn fed<D: Decoder<Error = Refusal>>(
    mut decoder: D,
    data: &[u8],
    step: usize,
    say: impl Fn(&D::Item) -> String,
) -> (String, Option<D::Item>) {
    let mut buffer = BytesMut::new();
    for chunk in data.chunks(step) {
        buffer.extend_from_slice(chunk);
        match decoder.decode(&mut buffer) {
            Ok(Some(item)) => return (say(&item), Some(item)),
            Ok(None) => assert!(buffer.len() < HEAD, "more is kept than a head may have"),
            Err(refusal) => return (format!("{refusal:?}"), None),
        }
    }
    (String::new(), None)
}

/// A request's head is read alike however it is cut; what is taken is written in a form that reads the same.
pub fn request(data: &[u8]) {
    let say = |incoming: &Incoming| format!("{incoming:?}");
    let (at_once, incoming) = fed(request_decoder(), data, data.len().max(1), say);
    for step in [1, 7] {
        let (cut, _) = fed(request_decoder(), data, step, say);
        assert_eq!(at_once, cut, "in steps of {step}");
    }
    let Some(incoming) = incoming else { return };
    if incoming.http.method == Method::CONNECT || incoming.http.authority.is_empty() {
        return;
    }
    let framing = match incoming.length {
        Length::None | Length::UntilClose => Framing::Bare,
        Length::Known(length) => Framing::Length(length),
        Length::Chunked => Framing::Chunked,
    };
    let mut out = WriteBuf::new();
    encode::request(&mut out, &incoming.http, framing, true);
    let written = out.to_vec();
    // The limits are of what came; the canonical form is a little longer.
    let mut decoder = RequestDecoder::new(&H1Config::default(), 2 * HEAD, FIELDS + 4, Scheme::Http);
    let again = decoder.decode(&mut BytesMut::from(&written[..]));
    let Ok(Some(again)) = again else {
        panic!("{again:?}: {:?}", String::from_utf8_lossy(&written));
    };
    let names = |incoming: &Incoming| {
        let http = &incoming.http;
        (
            http.method.clone(),
            http.target.clone(),
            http.authority.clone(),
            http.upgrade.clone(),
            incoming.length,
        )
    };
    assert_eq!(names(&incoming), names(&again));
}

/// The same of a response's head, whatever it answers.
pub fn response(data: &[u8]) {
    for asked in [Asked::Plain, Asked::Head, Asked::Connect, Asked::Upgrade] {
        let make = |head: usize| ResponseDecoder::new(head, FIELDS, asked);
        let say = |answered: &Answered| format!("{answered:?}");
        let (at_once, answered) = fed(make(HEAD), data, data.len().max(1), say);
        for step in [1, 7] {
            let (cut, _) = fed(make(HEAD), data, step, say);
            assert_eq!(at_once, cut, "in steps of {step}");
        }
        let Some(answered) = answered else { continue };
        if asked != Asked::Plain {
            continue;
        }
        let framing = match answered.length {
            Length::None => Framing::Told,
            Length::Known(length) => Framing::Length(length),
            Length::Chunked => Framing::Chunked,
            Length::UntilClose => Framing::Close,
        };
        let mut out = WriteBuf::new();
        encode::response(&mut out, &answered.http, framing, Persist::Usual, None);
        let mut written = BytesMut::from(&out.to_vec()[..]);
        let again = ResponseDecoder::new(2 * HEAD, FIELDS + 4, asked).decode(&mut written);
        let Ok(Some(again)) = again else {
            panic!("{again:?}: {data:?}");
        };
        assert_eq!(answered.http.status, again.http.status);
        assert_eq!(answered.length, again.length);
    }
}

/// What a chunked body comes to: its payload and how many trailers it has, or why it is refused, and what is left.
fn unchunked(data: &[u8], step: usize) -> (Vec<u8>, String) {
    let mut decoder = BodyDecoder::new(Length::Chunked);
    let (mut buffer, mut payload, mut fed) = (BytesMut::new(), Vec::new(), 0);
    let mut trailers = 0;
    for chunk in data.chunks(step) {
        buffer.extend_from_slice(chunk);
        fed += chunk.len();
        loop {
            match decoder.decode(&mut buffer) {
                Ok(Some(Piece::Data(data))) => payload.extend_from_slice(&data),
                Ok(Some(Piece::Trailers(fields))) => trailers = fields.len(),
                Ok(Some(Piece::End)) => {
                    let taken = fed - buffer.len();
                    return (payload, format!("{trailers} trailers, {taken} bytes"));
                }
                Ok(None) => break,
                Err(refusal) => return (payload, format!("{refusal:?}")),
            }
        }
    }
    (payload, String::new())
}

/// A chunked body comes to the same however it is cut, and no payload is longer than what carried it.
pub fn chunked(data: &[u8]) {
    let at_once = unchunked(data, data.len().max(1));
    assert!(at_once.0.len() <= data.len());
    for step in [1, 7] {
        assert_eq!(at_once, unchunked(data, step), "in steps of {step}");
    }
}

/// A verdict stays what it is whatever follows, and what is recognised starts like a request.
pub fn sniff(data: &[u8]) {
    let mut verdict = Sniff::More;
    for length in 0..=data.len().min(256) {
        let now = crate::h1::sniff::sniff(data.get(..length).unwrap_or_default());
        assert!(
            verdict == Sniff::More || now == verdict,
            "a verdict changed at {length}"
        );
        verdict = now;
    }
}
