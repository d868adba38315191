//! Floods of HTTP/2 frames.

use crate::scripted::hpack;
use crate::scripted::http2::{self, code, frame, kind};

/// Frames of a client that means no good.
#[derive(Clone, Debug)]
pub struct Flood {
    /// Of what.
    pub name: &'static str,
    /// All of it, behind the preface and SETTINGS.
    pub bytes: Vec<u8>,
    /// The client reads what it is told; else only at the end.
    pub reads: bool,
    /// The codes with one of which Wireloom ends the connection.
    pub codes: &'static [u32],
}

const CALM: &[u32] = &[code::ENHANCE_YOUR_CALM];

fn flood(name: &'static str, bytes: Vec<u8>) -> Flood {
    Flood {
        name,
        bytes,
        reads: true,
        codes: CALM,
    }
}

fn each(count: u32, frames: impl Fn(u32) -> Vec<u8>) -> Vec<u8> {
    (0..count).flat_map(|n| frames(2 * n + 1)).collect()
}

/// Streams that are opened and reset, by either side.
pub fn resets() -> Vec<Flood> {
    let get = http2::get("/flood");
    let post = http2::grpc("/a.B/c", &[]);
    let opened = |more: &dyn Fn(u32) -> Vec<u8>, end: bool| {
        each(4000, |stream| {
            [http2::headers(stream, &get, end), more(stream)].concat()
        })
    };
    // A broken rule may also end the connection at once.
    let provoked = |name, bytes| Flood {
        codes: &[
            code::ENHANCE_YOUR_CALM,
            code::PROTOCOL_ERROR,
            code::STREAM_CLOSED,
        ],
        ..flood(name, bytes)
    };
    vec![
        flood(
            "rapid reset",
            opened(&|stream| http2::reset(stream, code::CANCEL), true),
        ),
        flood(
            "rapid reset of gRPC",
            each(4000, |stream| {
                [
                    http2::headers(stream, &post, false),
                    http2::reset(stream, code::CANCEL),
                ]
                .concat()
            }),
        ),
        provoked(
            "resets provoked by an empty WINDOW_UPDATE",
            opened(&|stream| http2::window(stream, 0), true),
        ),
        flood(
            "resets provoked by a window that overflows",
            opened(&|stream| http2::window(stream, (1 << 31) - 1), true),
        ),
        provoked(
            "resets provoked by DATA behind the end",
            opened(&|stream| http2::data(stream, b"x", false), true),
        ),
        flood(
            "resets provoked by a length that disagrees",
            each(4000, |stream| {
                let mut block = http2::grpc("/a.B/c", &[]);
                block.extend(hpack::literal("content-length", "1"));
                [
                    http2::headers(stream, &block, false),
                    http2::data(stream, b"xx", true),
                ]
                .concat()
            }),
        ),
        flood(
            "resets provoked by heads that are malformed",
            each(4000, |stream| {
                http2::headers(stream, &hpack::block(&[(":method", "GET")]), true)
            }),
        ),
    ]
}

/// Frames that cost the peer more than the client.
pub fn control() -> Vec<Flood> {
    let many = |frame: Vec<u8>| frame.repeat(200_000);
    let open = http2::headers(1, &http2::grpc("/a.B/c", &[]), false);
    let padded = {
        let mut payload = vec![255];
        payload.extend([0; 256]);
        frame(kind::DATA, 8, 1, &payload)
    };
    // No one would send these by the rules: the first of them may end it.
    let wrong = |name, bytes| Flood {
        codes: &[
            code::ENHANCE_YOUR_CALM,
            code::PROTOCOL_ERROR,
            code::FLOW_CONTROL_ERROR,
        ],
        ..flood(name, bytes)
    };
    let unread = |name, bytes| Flood {
        reads: false,
        ..flood(name, bytes)
    };
    vec![
        flood("SETTINGS", many(http2::settings(&[]))),
        flood("PING", many(frame(kind::PING, 0, 0, &[7; 8]))),
        unread(
            "SETTINGS whose acknowledgements are not read",
            many(http2::settings(&[(4, 65_535)])),
        ),
        unread(
            "PING whose answers are not read",
            many(frame(kind::PING, 0, 0, &[7; 8])),
        ),
        flood(
            "PRIORITY",
            many(frame(kind::PRIORITY, 0, 3, &[0, 0, 0, 0, 16])),
        ),
        flood("WINDOW_UPDATE", many(http2::window(0, 1))),
        flood(
            "WINDOW_UPDATE of a stream",
            [open.clone(), many(http2::window(1, 1))].concat(),
        ),
        flood("frames of an unknown type", many(frame(0x77, 0, 0, b""))),
        flood(
            "empty DATA",
            [open.clone(), many(http2::data(1, b"", false))].concat(),
        ),
        wrong("DATA of padding", [open, padded.repeat(20_000)].concat()),
        wrong(
            "SETTINGS acknowledgements that nobody asked for",
            many(frame(kind::SETTINGS, 1, 0, b"")),
        ),
        wrong(
            "PING acknowledgements that nobody asked for",
            many(frame(kind::PING, 1, 0, &[7; 8])),
        ),
    ]
}

/// Heads that do not end.
pub fn continuations() -> Vec<Flood> {
    let open = frame(kind::HEADERS, 1, 1, &http2::get("/flood"));
    let codes: &[u32] = &[
        code::ENHANCE_YOUR_CALM,
        code::PROTOCOL_ERROR,
        code::COMPRESSION_ERROR,
    ];
    let big = hpack::literal("x", "y".repeat(16_000));
    let floods = [
        (
            "CONTINUATION of 16 KB",
            frame(kind::CONTINUATION, 0, 1, &big).repeat(500),
        ),
        (
            "empty CONTINUATION",
            frame(kind::CONTINUATION, 0, 1, b"").repeat(50_000),
        ),
        (
            "CONTINUATION of one byte",
            frame(kind::CONTINUATION, 0, 1, &[0x82]).repeat(50_000),
        ),
    ];
    floods
        .into_iter()
        .map(|(name, bytes)| Flood {
            codes,
            ..flood(name, [open.clone(), bytes].concat())
        })
        .collect()
}
