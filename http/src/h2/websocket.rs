//! The handshake of WebSocket where it changes versions: HTTP/1.1 has a key and its hash (RFC 6455 §4), HTTP/2 has neither
//! (RFC 8441 §5.1).

use std::hash::{BuildHasher, Hasher, RandomState};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};

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
    let hash = sha1(&[key.as_bytes(), MAGIC].concat());
    if let Ok(hash) = HeaderValue::try_from(BASE64_STANDARD.encode(hash)) {
        headers.insert(ACCEPT, hash);
    }
}

/// SHA-1 (FIPS 180-4 §6.1): nothing is kept secret by it here, and nothing else needs it.
fn sha1(message: &[u8]) -> [u8; 20] {
    let mut padded = message.to_vec();
    padded.push(0x80);
    padded.resize(padded.len().next_multiple_of(64), 0);
    if padded.len() - message.len() < 9 {
        padded.resize(padded.len() + 64, 0);
    }
    padded.truncate(padded.len() - 8);
    padded.extend((message.len() as u64 * 8).to_be_bytes());
    let mut state = [
        0x6745_2301_u32,
        0xefcd_ab89,
        0x98ba_dcfe,
        0x1032_5476,
        0xc3d2_e1f0,
    ];
    for block in padded.as_chunks::<64>().0 {
        let mut words: Vec<u32> = Vec::with_capacity(80);
        words.extend(
            block
                .as_chunks::<4>()
                .0
                .iter()
                .map(|word| u32::from_be_bytes(*word)),
        );
        while words.len() < 80
            && let [.., a, _, b, _, _, _, _, _, c, _, _, _, _, d, _, _] = words.as_slice()
        {
            words.push((a ^ b ^ c ^ d).rotate_left(1));
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (round, word) in words.iter().enumerate() {
            let (mix, constant) = match round {
                0..20 => ((b & c) | (!b & d), 0x5a82_7999),
                20..40 => (b ^ c ^ d, 0x6ed9_eba1),
                40..60 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6_u32),
            };
            let next = a
                .rotate_left(5)
                .wrapping_add(mix)
                .wrapping_add(e)
                .wrapping_add(constant)
                .wrapping_add(*word);
            (e, d, c, b, a) = (d, c, b.rotate_left(30), a, next);
        }
        for (sum, add) in state.iter_mut().zip([a, b, c, d, e]) {
            *sum = sum.wrapping_add(add);
        }
    }
    let mut hash = [0; 20];
    for (to, from) in hash
        .iter_mut()
        .zip(state.iter().flat_map(|word| word.to_be_bytes()))
    {
        *to = from;
    }
    hash
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

    #[test]
    fn lengths_around_a_block() {
        let hex = |hash: [u8; 20]| hash.map(|byte| format!("{byte:02x}")).concat();
        assert_eq!(hex(sha1(b"")), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
        assert_eq!(
            hex(sha1(b"abc")),
            "a9993e364706816aba3e25717850c26c9cd0d89d"
        );
        let two = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
        assert_eq!(hex(sha1(two)), "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    }
}
