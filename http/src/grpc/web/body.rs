//! An answer's body with its trailers as the last frame.

use std::task::{Context, Poll};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{BufMut, Bytes, BytesMut};
use wireloom_codecs::{Body, Headers, LocalError, Outcome, Part, Pull, Stream};

/// The flag of a frame that holds trailers.
const TRAILERS: u8 = 0x80;

/// A body that is all there.
pub(super) fn whole(body: Body, trailers: Option<&Headers>, text: bool) -> Bytes {
    let data = match body {
        Body::Whole(bytes) => bytes,
        Body::Empty | Body::Stream(_) => Bytes::new(),
    };
    let mut all = BytesMut::from(&data[..]);
    if let Some(trailers) = trailers {
        put_trailers(&mut all, trailers);
    }
    encoded(all.freeze(), text)
}

fn encoded(data: Bytes, text: bool) -> Bytes {
    match text {
        // Segments that are padded each by itself may follow one another.
        true => STANDARD.encode(&data).into(),
        false => data,
    }
}

fn put_trailers(to: &mut BytesMut, trailers: &Headers) {
    let mut block = BytesMut::new();
    for (name, value) in trailers.iter() {
        block.extend(name.iter().map(u8::to_ascii_lowercase));
        block.put_slice(b": ");
        block.put_slice(value);
        block.put_slice(b"\r\n");
    }
    to.put_u8(TRAILERS);
    // Trailers are bounded by the limit on header blocks, far below 4 GiB.
    to.put_u32(u32::try_from(block.len()).unwrap_or(u32::MAX));
    to.put_slice(&block);
}

/// A body that comes in parts.
pub(super) struct Framed {
    body: Stream,
    text: bool,
}

impl Framed {
    pub(super) fn new(body: Stream, text: bool) -> Self {
        Self { body, text }
    }
}

impl Pull for Framed {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Part, LocalError>>> {
        self.body.poll_next(cx).map_ok(|part| {
            let data = match part {
                Part::Data(data) => data,
                Part::Trailers(trailers) => {
                    let mut frame = BytesMut::new();
                    put_trailers(&mut frame, &trailers);
                    frame.freeze()
                }
            };
            Part::Data(encoded(data, self.text))
        })
    }

    fn ended(&self) -> bool {
        self.body.ended()
    }

    fn outcome(&self) -> Option<Outcome> {
        self.body.outcome()
    }
}
