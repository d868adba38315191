//! What nobody's client sends.

use std::time::{Duration, Instant};

use wireloom_codecs::{ErrorKind, Kind};

use super::*;
use crate::fuzz;

/// `\x052.0.2\x03a.B` and what follows.
fn first(rest: &[u8]) -> Vec<u8> {
    [b"\x052.0.2\x03a.B", rest].concat()
}

/// A call with one argument.
fn argument(bytes: &[u8]) -> Vec<u8> {
    let head = b"N\x01m\x12Ljava/lang/Object;";
    [&first(head)[..], bytes, b"H\x05group\x01gZ"].concat()
}

#[test]
fn a_request_without_readable_names_is_refused_and_the_connection_lives() {
    let long = [b"S\x10\x01".to_vec(), vec![b'x'; 4097]].concat();
    let longer = [b"S\xea\x60".to_vec(), vec![b'x'; 60_000]].concat();
    let chunks = [b"R\x00\x01x".repeat(5000), b"\x01y".to_vec()].concat();
    let gadget = b"C\x24com.sun.rowset.JdbcRowSetImpl_padding\x91\x0adataSource\x60\x14ldap://127.0.0.1:1389";
    let bodies: [Vec<u8>; 20] = [
        vec![],
        b"\x05".to_vec(),
        b"N".to_vec(),
        b"\x90".to_vec(),
        gadget.to_vec(),
        b"H\x01a\x01bZ".to_vec(),
        b"\x052.0.2".to_vec(),
        b"\x052.0.2N".to_vec(),
        b"\x052.0.2\x90".to_vec(),
        b"\x052.0.2\x00N\x01m\x00N".to_vec(),
        b"\x052.0.2B\x00\x03a.B".to_vec(),
        b"\x052.0.2\x03a\xffBN\x01m".to_vec(),
        first(b"S\xff\xff"),
        first(b"\x90"),
        first(b"NN"),
        first(b"N\x00\x00N"),
        first(&[b"N", &long[..]].concat()),
        first(&[b"N", &longer[..]].concat()),
        first(&[b"N", &chunks[..]].concat()),
        first(&[b"N", &b"R\x00\x01x".repeat(5000)[..]].concat()),
    ];
    let good = vector("java26_request");
    for body in bodies {
        for (flag, kind) in [(0xc2, Kind::Unary), (0x82, Kind::OneWay)] {
            let bytes = [&frame(flag, 4, &body)[..], &good].concat();
            let (events, error) = decode_all(&mut codec(), &bytes);
            let [Inbound::Fault(StreamId(4), fault), Inbound::Request(..)] = &events[..] else {
                panic!("{:x?}", &body[..body.len().min(40)]);
            };
            assert!(error.is_none());
            assert_eq!(fault.error.kind, ErrorKind::Malformed);
            assert_eq!((fault.origin.kind, fault.is_request), (kind, true));
            assert!(fault.error.to_string().len() < 200, "{}", fault.error);
        }
    }
}

#[test]
fn arguments_are_forwarded_byte_for_byte_whatever_they_are() {
    let mut open_maps = b"H".repeat(100_000);
    open_maps.extend(b"Z".repeat(100_000));
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        ("list of 2^31-1", b"XI\x7f\xff\xff\xff".to_vec()),
        ("list of -1", b"XI\xff\xff\xff\xff".to_vec()),
        ("list of -2^31", b"XI\x80\x00\x00\x00".to_vec()),
        ("typed list of 2^31-1", b"V\x01tI\x7f\xff\xff\xff".to_vec()),
        ("typed list of -1", b"V\x01tI\xff\xff\xff\xff".to_vec()),
        ("open map", b"H\x01a".to_vec()),
        ("nested lists", b"\x79".repeat(100_000)),
        ("nested maps", open_maps),
        ("variable lists", b"W".repeat(100_000)),
        ("a list in itself", b"\x79Q\x90".to_vec()),
        ("reference to nothing", b"QI\x7f\xff\xff\xff".to_vec()),
        (
            "class of 2^31-1 fields",
            b"C\x01aI\x7f\xff\xff\xff\x60".to_vec(),
        ),
        ("class of -1 fields", b"C\x01a\x8f\x60".to_vec()),
        ("object of no class", b"\x60".to_vec()),
        ("object of class -1", b"O\x8f".to_vec()),
        ("tags of nothing", b"@EGP".to_vec()),
        (
            "a pair of surrogates",
            b"\x02\xed\xa0\xbd\xed\xb8\x80".to_vec(),
        ),
        ("half a pair", b"\x01\xed\xa0\xbd".to_vec()),
        ("four bytes", b"\x02\xf0\x9f\x98\x80".to_vec()),
        ("binary without end", b"A\x00\x01x".repeat(50_000)),
        ("definitions without end", b"C\x01a\x90".repeat(50_000)),
        (
            // Forwarded as bytes, and never looked up: nothing here could.
            "a gadget",
            b"C\x1dcom.sun.rowset.JdbcRowSetImpl\x91\x0edataSourceName\x60\x16ldap://127.0.0.1:1389/a".to_vec(),
        ),
        (
            "references",
            [&b"X\xd5\x00\x00"[..], &b"Q\x90".repeat(0x10000)].concat(),
        ),
    ];
    for (name, bytes) in bodies {
        let body = argument(&bytes);
        let started = Instant::now();
        for mut codec in [with_needs([]), with_needs(["group"])] {
            let bytes = frame(0xc2, 7, &body);
            let (id, request) = request(&mut codec, &bytes);
            assert_eq!(request.head.service, "a.B", "{name}");
            assert_eq!(encode(Outbound::Request(id, &request)), bytes, "{name}");
        }
        assert!(started.elapsed() < Duration::from_secs(4), "{name}");
    }
}

#[test]
fn attachments_without_measure_are_walked_once() {
    let mut body = first(b"N\x01m\0H");
    for n in 0..20_000 {
        body.extend_from_slice(format!("\x05{:05}\x01v", n % 100_000).as_bytes());
        body.extend_from_slice(b"\x05group\x01x");
    }
    body.extend_from_slice(b"\x05group\x01gZ");
    let started = Instant::now();
    let (_, request) = request(
        &mut with_needs(["group", "interface"]),
        &frame(0xc2, 1, &body),
    );
    assert_eq!(request.head.fields.get(b"group").unwrap(), &"g");
    assert_eq!(request.head.fields.len(), 1);
    assert!(started.elapsed() < Duration::from_secs(4));
    // Text where a map is due.
    let body = first(b"N\x01m\0\x05hello");
    super::request(&mut with_needs(["group"]), &frame(0xc2, 1, &body));
}

#[test]
fn fastjson2_bodies_that_nest_or_lie_end_the_walk() {
    let prefix = b"\0\0\0\x01\x49\0\0\0\x04\x4ca.B\0\0\0\x01\xaf\0\0\0\x02\x4am\0\0\0\x01\x49";
    for attachments in [
        vec![0xa6; 100_000],
        vec![0x95; 100_000],
        [&b"\xa6\x4aa"[..], &vec![0x95; 100_000]].concat(),
        b"\xa6\x4aa\xa4\x48\x7f\xff\xff\xff".to_vec(),
        b"\xa6\x4aa\xa4\x48\xff\xff\xff\xff".to_vec(),
        b"\xa6\x79\x48\x7f\xff\xff\xff".to_vec(),
        b"\xa6\x7c\xff".to_vec(),
        b"\xa6".to_vec(),
        vec![],
    ] {
        let length = u32::try_from(attachments.len()).unwrap().to_be_bytes();
        let body = [&prefix[..], &length, &attachments].concat();
        let bytes = frame(0xd7, 1, &body);
        let (_, request) = request(&mut with_needs(["group"]), &bytes);
        assert_eq!(request.head.service, "a.B");
        assert!(request.head.fields.is_empty());
    }
    for cut in 0..prefix.len() - 5 {
        let event = decode(&mut codec(), &frame(0xd7, 1, &prefix[..cut]));
        assert!(matches!(event, Inbound::Fault(..)), "{cut}");
    }
}

#[test]
fn heartbeats_without_end_leave_nothing_behind() {
    let all = vector("heartbeat_request").repeat(20_000);
    let (events, error) = decode_all(&mut codec(), &all);
    assert_eq!((events.len(), error.is_none()), (20_000, true));
}

#[test]
fn mutated_frames_break_nothing() {
    let vectors = vectors();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for round in 0..20_000 {
        let mut bytes = vectors[round % vectors.len()].frame.clone();
        for _ in 0..=random.below(4) {
            let at = random.below(bytes.len());
            match random.below(6) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, random.below(256) as u8),
                2 => bytes[at] ^= 1 << random.below(8),
                3 => {
                    let other = &vectors[random.below(vectors.len())].frame;
                    bytes.extend_from_slice(&other[random.below(other.len())..]);
                }
                _ => bytes[at] = random.below(256) as u8,
            }
            if bytes.is_empty() {
                bytes.push(0xda);
            }
        }
        if random.below(2) == 0 && bytes.len() >= 16 {
            let length = u32::try_from(bytes.len() - 16).unwrap();
            bytes[12..16].copy_from_slice(&length.to_be_bytes());
        }
        fuzz::fuzz_frames(&bytes);
        fuzz::fuzz_edits(&bytes);
        fuzz::fuzz_invocation(bytes.get(16..).unwrap_or_default());
    }
}

/// Marsaglia's xorshift: the same rounds every time.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n.max(1) as u64) as usize
    }
}
