//! The handshake of WebSocket where it changes versions: HTTP/1.1 has a key and its hash (RFC 6455 §4), HTTP/2 has neither
//! (RFC 8441 §5.1).

use std::hash::{BuildHasher, Hasher, RandomState};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};
use sha1::{Digest, Sha1};

const KEY: HeaderName = HeaderName::from_static("sec-websocket-key");
const ACCEPT: HeaderName = HeaderName::from_static("sec-websocket-accept");
/// What is hashed behind the key (RFC 6455 §1.3).
const MAGIC: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Whether a protocol to switch to is this one.
pub(super) fn is(protocol: &[u8]) -> bool {
    protocol.eq_ignore_ascii_case(b"websocket")
}

/// Gives a request of HTTP/2 the key that an HTTP/1.1 server expects.
pub(super) fn add_key(headers: &mut HeaderMap) {
    let half = || RandomState::new().build_hasher().finish().to_ne_bytes();
    let key = BASE64_STANDARD.encode([half(), half()].concat());
    if let Ok(key) = HeaderValue::try_from(key) {
        headers.insert(KEY, key);
    }
}

/// Takes an HTTP/1.1 server's hash out of the answer to a client of HTTP/2.
pub(super) fn remove_accept(headers: &mut HeaderMap) {
    headers.remove(ACCEPT);
}

/// Takes the key out of a request that goes on in HTTP/2.
pub(super) fn take_key(headers: &mut HeaderMap) -> Option<HeaderValue> {
    headers.remove(KEY)
}

/// Gives the answer the hash that an HTTP/1.1 client expects.
pub(super) fn add_accept(headers: &mut HeaderMap, key: &HeaderValue) {
    let hash = Sha1::digest([key.as_bytes(), MAGIC].concat());
    if let Ok(hash) = HeaderValue::try_from(BASE64_STANDARD.encode(hash)) {
        headers.insert(ACCEPT, hash);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_the_standard_s_own_example() {
        let mut headers = HeaderMap::new();
        let key = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");
        add_accept(&mut headers, &key);
        assert_eq!(headers[ACCEPT], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
