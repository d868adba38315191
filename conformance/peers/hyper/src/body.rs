//! Bodies: the pattern, streams that are made as they are taken, digests.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::channel::{Channel, Sender};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::HeaderMap;
use hyper::body::Incoming;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;
pub(crate) type Body = BoxBody<Bytes, Error>;

const PIECE: u64 = 16 << 10;

pub(crate) fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into())
        .map_err(|never| match never {})
        .boxed()
}

/// A body that another task fills, which is stopped when nobody takes it.
pub(crate) fn channel() -> (Sender<Bytes, Error>, Body) {
    let (sender, body) = Channel::new(1);
    (sender, body.boxed())
}

/// Bytes `from` to `to` of the suite's pattern: byte i is i modulo 251.
pub(crate) fn pattern(from: u64, to: u64) -> Bytes {
    (from..to).map(|i| (i % 251) as u8).collect()
}

pub(crate) fn pattern_stream(length: u64) -> Body {
    let (mut sender, body) = channel();
    tokio::spawn(async move {
        let mut at = 0;
        while at < length {
            let to = length.min(at + PIECE);
            if sender.send_data(pattern(at, to)).await.is_err() {
                return;
            }
            at = to;
        }
    });
    body
}

/// `count` lines, one every `pause`.
pub(crate) fn drip(count: u64, pause: Duration) -> Body {
    let (mut sender, body) = channel();
    tokio::spawn(async move {
        for i in 0..count {
            if sender
                .send_data(format!("drip {i}\n").into())
                .await
                .is_err()
            {
                return;
            }
            tokio::time::sleep(pause).await;
        }
    });
    body
}

/// Some of the pattern, and then a failure that resets the stream with `code` or closes the connection.
pub(crate) fn broken(length: u64, code: u32) -> Body {
    let (mut sender, body) = channel();
    tokio::spawn(async move {
        if sender.send_data(pattern(0, length)).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
            sender.abort(h2::Error::from(h2::Reason::from(code)).into());
        }
    });
    body
}

/// Length and hash of a body, and the trailers behind it.
pub(crate) async fn digest(mut body: Incoming) -> Result<(Value, HeaderMap), Error> {
    let (mut hash, mut bytes, mut trailers) = (Sha256::new(), 0, HeaderMap::new());
    while let Some(frame) = body.frame().await {
        match frame?.into_data() {
            Ok(data) => {
                hash.update(&data);
                bytes += data.len();
            }
            Err(frame) => trailers = frame.into_trailers().unwrap_or_default(),
        }
    }
    let hash: String = hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Ok((json!({"bytes": bytes, "sha256": hash}), trailers))
}

/// Fields as a list of names and values; a byte is a character, as Latin-1 has it.
pub(crate) fn list(fields: &HeaderMap) -> Value {
    let text = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| char::from(*byte))
            .collect::<String>()
    };
    fields
        .iter()
        .map(|(name, value)| json!([name.as_str(), text(value.as_bytes())]))
        .collect()
}
