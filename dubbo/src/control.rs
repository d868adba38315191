//! Events: heartbeats, and the announcements that a side takes no new calls or takes them again.

use bytes::Bytes;
use wireloom_codecs::{Control, StreamId, Wire, WriteBuf};
use wireloom_hessian::{Dialect, Reader};

use crate::types::{Head, serialization::HESSIAN2, status};

/// The longest heartbeat body that is kept to be echoed. Java reads none beyond 15 bytes.
const ECHO_MAX: usize = 64;
/// The longest announcement that is read, Java's own limit.
const EVENT_MAX: usize = 15;
/// Hessian's null: the body of a heartbeat.
const NULL: &[u8] = b"N";
/// Hessian's "R": the body of the READONLY announcement.
const READONLY: &[u8] = b"\x01R";

/// Judges an event that came as a request. Two-way ones want an answer, so they are pings whatever they hold.
pub(crate) fn event(head: Head, body: Bytes) -> Control {
    if head.is_two_way() {
        let image = match body.len() {
            ..=ECHO_MAX => body,
            _ => Bytes::new(),
        };
        let fixed = head.to_fixed();
        return Control::Ping(StreamId(head.id), Wire { fixed, image });
    }
    match announcement(head.serialization(), &body) {
        Some(b'R') => Control::GoAway,
        Some(b'W') => Control::Resume,
        _ => Control::Ignore,
    }
}

/// The letter of an announcement.
fn announcement(serialization: u8, body: &[u8]) -> Option<u8> {
    if body.len() > EVENT_MAX {
        return None;
    }
    if serialization == HESSIAN2 {
        return match Reader::new(body, Dialect::Final)
            .read_str()
            .ok()?
            .as_bytes()
        {
            [letter] => Some(*letter),
            _ => None,
        };
    }
    // The other serializations end with the letter, JSON texts with a quote and a line end.
    let closing = |b: &&u8| !matches!(b, b'"' | b'\'' | b'\r' | b'\n');
    body.iter().rev().find(closing).copied()
}

/// Writes a heartbeat.
pub(crate) fn ping(id: StreamId, dst: &mut WriteBuf) {
    put(Head::request(HESSIAN2, true).event(), id, NULL, dst);
}

/// Writes the answer to the heartbeat that `ping` pictures, in its serialization: Java 3.x compares the body with
/// that serialization's null, so another's null is given back as it came.
pub(crate) fn pong(id: StreamId, ping: &Wire, dst: &mut WriteBuf) {
    let asked = Head::parse(&ping.fixed).unwrap_or(Head::request(HESSIAN2, true));
    let body = match asked.serialization() {
        HESSIAN2 => NULL,
        _ => &ping.image,
    };
    let head = Head::response(asked.serialization(), status::OK).event();
    put(head, id, body, dst);
}

/// Writes the announcement that no new calls are taken.
pub(crate) fn readonly(dst: &mut WriteBuf) {
    let head = Head::request(HESSIAN2, false).event();
    put(head, StreamId(0), READONLY, dst);
}

fn put(head: Head, id: StreamId, body: &[u8], dst: &mut WriteBuf) {
    // At most ECHO_MAX.
    let length = u32::try_from(body.len()).unwrap_or_default();
    let head = Head {
        id: id.0,
        length,
        ..head
    };
    dst.put_slice(&head.to_bytes());
    dst.put_slice(body);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_way(serialization: u8, body: &'static [u8]) -> Control {
        let head = Head::request(serialization, false).event();
        event(head, Bytes::from_static(body))
    }

    #[test]
    fn announcements_are_read_in_every_serialization_seen() {
        assert_eq!(one_way(2, b"\x01R"), Control::GoAway);
        assert_eq!(one_way(2, b"\x01W"), Control::Resume);
        assert_eq!(one_way(2, b"S\x00\x01R"), Control::GoAway);
        assert_eq!(one_way(23, b"\0\0\0\x02JR"), Control::GoAway);
        assert_eq!(one_way(23, b"\0\0\0\x02JW"), Control::Resume);
        assert_eq!(one_way(6, b"\"R\"\r\n"), Control::GoAway);
        for other in [
            &b""[..],
            b"N",
            b"\x02RR",
            b"R",
            b"\x10RRRRRRRRRRRRRRRR",
            b"\x01",
        ] {
            assert_eq!(one_way(2, other), Control::Ignore, "{other:x?}");
        }
    }

    #[test]
    fn a_ping_is_answered_in_its_own_serialization() {
        for (request, answer) in [
            (
                "dabbe200000000000000000c000000014e",
                "dabb2214000000000000000c000000014e",
            ),
            // Two nulls, as MOSN writes it.
            (
                "dabbe200000000000000000c000000024e4e",
                "dabb2214000000000000000c000000014e",
            ),
            (
                "dabbf700ffffffffffffffff0000000500000001af",
                "dabb3714ffffffffffffffff0000000500000001af",
            ),
        ] {
            let frame = Bytes::from(hex::decode(request).unwrap());
            let head = Head::parse(&frame).unwrap();
            let Control::Ping(id, wire) = event(head, frame.slice(16..)) else {
                panic!("no ping");
            };
            let mut dst = WriteBuf::new();
            pong(id, &wire, &mut dst);
            assert_eq!(hex::encode(dst.to_vec()), answer);
        }
    }

    #[test]
    fn a_long_ping_is_answered_and_not_kept() {
        let head = Head::request(9, true).event();
        let Control::Ping(_, wire) = event(head, Bytes::from(vec![7; ECHO_MAX + 1])) else {
            panic!("no ping");
        };
        assert!(wire.image.is_empty());
    }
}
