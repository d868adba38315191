//! The tests that every codec passes, run by one line: [`codec_suite!`](crate::codec_suite).
//!
//! They check what the framework promises of any protocol: framing that does not depend on how the bytes were cut,
//! messages that leave as they came, ids that may be replaced by any other, and bad bytes that end in an error and
//! never in a panic, a hang or a large allocation.

pub mod chaos;
mod exchanges;
mod fuzz;

use bytes::BytesMut;

use crate::{
    Codec, ConnError, Control, ErrorKind, FrameLimits, Inbound, LocalError, Needs, Outbound, Role,
    Sniff, StreamId, WriteBuf,
};

pub use chaos::chaos;
pub use exchanges::{go_away, late_replies, one_way};
pub use fuzz::fuzz;

/// One whole frame, as a real encoder wrote it.
#[derive(Clone, Debug)]
pub struct Sample {
    /// What a failing test calls it.
    pub name: String,
    /// The end that receives it.
    pub role: Role,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Sample {
    /// A frame that the end in this role receives.
    pub fn new(name: impl Into<String>, role: Role, bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            name: name.into(),
            role,
            bytes: bytes.into(),
        }
    }
}

/// Runs the shared codec tests: `codec_suite!(MyCodec, settings, samples)`, where `samples` is an expression that
/// gives a `Vec<Sample>` of valid frames. Needs the feature `suite` of this crate.
#[macro_export]
macro_rules! codec_suite {
    ($codec:ty, $settings:expr, $samples:expr) => {
        $crate::codec_suite!(@tests $codec, $settings, $samples;
            split_at_every_byte two_in_one_read identity ids_are_replaceable truncated garbage
            limits error_replies heartbeats sniffing one_way go_away late_replies chaos);
    };
    (@tests $codec:ty, $settings:expr, $samples:expr; $($test:ident)*) => {
        mod codec_suite {
            #[allow(unused_imports)]
            use super::*;
            $(#[test]
            fn $test() {
                $crate::suite::$test::<$codec>(&$settings, &$samples);
            })*
        }
    };
}

fn codec<C: Codec>(settings: &C::Settings, role: Role) -> C {
    let mut codec = C::new(settings, role, FrameLimits::default());
    codec.set_needs(&Needs::NOTHING);
    codec
}

/// What a comparison of two events needs: their kind, their id, and what they would be written as.
fn image<C: Codec>(codec: &mut C, event: &Inbound) -> (String, Vec<u8>) {
    let mut out = WriteBuf::new();
    let (label, written) = match event {
        Inbound::Request(id, request) => {
            let head = &request.head;
            let label = format!(
                "request {} {:?} {}/{}",
                id.0, head.kind, head.service, head.method
            );
            (
                label,
                codec.encode(Outbound::Request(*id, request), &mut out),
            )
        }
        Inbound::Response(id, response) => {
            let label = format!("response {} {:?}", id.0, response.head.outcome);
            (
                label,
                codec.encode(Outbound::Response(*id, response), &mut out),
            )
        }
        other => (format!("{other:?}"), Ok(())),
    };
    assert!(written.is_ok(), "{label}: {written:?}");
    (label, out.to_vec())
}

fn decode_all<C: Codec>(codec: &mut C, buffer: &mut BytesMut) -> Result<Vec<Inbound>, ConnError> {
    let mut events = Vec::new();
    while !buffer.is_empty() {
        let before = buffer.len();
        match codec.decode(buffer)? {
            Some(event) => events.push(event),
            None => break,
        }
        assert!(buffer.len() < before, "an event that took no bytes");
    }
    Ok(events)
}

fn whole<C: Codec>(settings: &C::Settings, sample: &Sample) -> Vec<(String, Vec<u8>)> {
    let mut codec = codec::<C>(settings, sample.role);
    let mut buffer = BytesMut::from(&sample.bytes[..]);
    let events = decode_all(&mut codec, &mut buffer);
    let events = events.unwrap_or_else(|error| panic!("{}: {error}", sample.name));
    assert!(
        buffer.is_empty(),
        "{}: {} bytes left",
        sample.name,
        buffer.len()
    );
    assert!(!events.is_empty(), "{}: no event", sample.name);
    events
        .iter()
        .map(|event| image(&mut codec, event))
        .collect()
}

/// A frame cut anywhere decodes as the whole one, and also when it comes byte by byte.
pub fn split_at_every_byte<C: Codec>(settings: &C::Settings, samples: &[Sample]) {
    for sample in samples {
        let expected = whole::<C>(settings, sample);
        // Cuts near both ends matter most; long frames are sampled in between.
        let step = (sample.bytes.len() / 512).max(1);
        for cut in (1..sample.bytes.len()).filter(|cut| *cut < 64 || cut % step == 0) {
            let mut codec = codec::<C>(settings, sample.role);
            let (first, second) = sample.bytes.split_at(cut);
            let mut buffer = BytesMut::from(first);
            let mut events = decode_all(&mut codec, &mut buffer).expect("a valid prefix");
            buffer.extend_from_slice(second);
            events.extend(decode_all(&mut codec, &mut buffer).expect("a valid frame"));
            let images: Vec<_> = events
                .iter()
                .map(|event| image(&mut codec, event))
                .collect();
            assert_eq!(images, expected, "{} cut at {cut}", sample.name);
        }
        if sample.bytes.len() <= 4096 {
            let mut codec = codec::<C>(settings, sample.role);
            let mut buffer = BytesMut::new();
            let mut events = Vec::new();
            for byte in &sample.bytes {
                buffer.extend_from_slice(&[*byte]);
                events.extend(decode_all(&mut codec, &mut buffer).expect("a valid frame"));
            }
            let images: Vec<_> = events
                .iter()
                .map(|event| image(&mut codec, event))
                .collect();
            assert_eq!(images, expected, "{} byte by byte", sample.name);
        }
    }
}

/// Frames in one read decode one by one.
pub fn two_in_one_read<C: Codec>(settings: &C::Settings, samples: &[Sample]) {
    for role in [Role::Downstream, Role::Upstream] {
        let samples: Vec<_> = samples
            .iter()
            .filter(|sample| sample.role == role)
            .collect();
        let mut codec = codec::<C>(settings, role);
        let mut buffer = BytesMut::new();
        let mut expected = Vec::new();
        for sample in samples.iter().chain(&samples) {
            buffer.extend_from_slice(&sample.bytes);
            expected.extend(whole::<C>(settings, sample));
        }
        let events = decode_all(&mut codec, &mut buffer).expect("valid frames");
        let images: Vec<_> = events
            .iter()
            .map(|event| image(&mut codec, event))
            .collect();
        assert_eq!(images, expected);
        assert!(buffer.is_empty());
    }
}

/// What is decoded and encoded again under its own id is byte for byte what came.
pub fn identity<C: Codec>(settings: &C::Settings, samples: &[Sample]) {
    let mut messages = 0;
    for sample in samples {
        let images = whole::<C>(settings, sample);
        if let [(label, bytes)] = images.as_slice()
            && !bytes.is_empty()
        {
            messages += 1;
            assert_eq!(bytes, &sample.bytes, "{}: {label}", sample.name);
        }
    }
    assert!(messages > 0, "no sample is a message");
}

/// Any id may stand in for another, and the message is the same but for it.
pub fn ids_are_replaceable<C: Codec>(settings: &C::Settings, samples: &[Sample]) {
    for sample in samples {
        let mut codec = codec::<C>(settings, sample.role);
        let mut buffer = BytesMut::from(&sample.bytes[..]);
        let event = codec.decode(&mut buffer).expect("a valid frame");
        for id in [0, 1, C::MAX_ID / 2, C::MAX_ID].map(StreamId) {
            let mut out = WriteBuf::new();
            let own = match &event {
                Some(Inbound::Request(own, request)) => {
                    codec
                        .encode(Outbound::Request(id, request), &mut out)
                        .expect("encodes");
                    *own
                }
                Some(Inbound::Response(own, response)) => {
                    codec
                        .encode(Outbound::Response(id, response), &mut out)
                        .expect("encodes");
                    *own
                }
                _ => continue,
            };
            let mut buffer = BytesMut::from(&out.to_vec()[..]);
            let again = codec.decode(&mut buffer).expect("decodes its own frame");
            let mut out = WriteBuf::new();
            match again {
                Some(Inbound::Request(given, request)) => {
                    assert_eq!(given, id, "{}", sample.name);
                    codec
                        .encode(Outbound::Request(own, &request), &mut out)
                        .expect("encodes");
                }
                Some(Inbound::Response(given, response)) => {
                    assert_eq!(given, id, "{}", sample.name);
                    codec
                        .encode(Outbound::Response(own, &response), &mut out)
                        .expect("encodes");
                }
                other => panic!("{}: became {other:?}", sample.name),
            }
            assert_eq!(out.to_vec(), sample.bytes, "{} through {id:?}", sample.name);
        }
    }
}

/// A frame that breaks off is no event, and no error before its end is known to be missing.
pub fn truncated<C: Codec>(settings: &C::Settings, samples: &[Sample]) {
    for sample in samples {
        let step = (sample.bytes.len() / 512).max(1);
        for length in (0..sample.bytes.len()).filter(|cut| *cut < 64 || cut % step == 0) {
            let mut codec = codec::<C>(settings, sample.role);
            let mut buffer = BytesMut::from(&sample.bytes[..length]);
            let event = codec.decode(&mut buffer).expect("a valid prefix");
            assert!(
                event.is_none(),
                "{} cut to {length}: {event:?}",
                sample.name
            );
            if let Some(frame) = codec.pending_frame(&buffer) {
                // Where nothing tells, room is asked for in steps.
                let told = frame == sample.bytes.len() || frame == 2 * length;
                assert!(told, "{} cut to {length}: {frame}", sample.name);
            }
        }
    }
}

/// A small generator of the same numbers every time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize
    }
}

/// Damaged frames and noise end in events or errors: no panic, no endless loop, no memory beyond the limits.
pub fn garbage<C: Codec>(settings: &C::Settings, samples: &[Sample]) {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    for sample in samples {
        let rounds = (200_000 / sample.bytes.len().max(1)).clamp(20, 2_000);
        for _ in 0..rounds {
            let mut bytes = sample.bytes.clone();
            for _ in 0..1 + numbers.next() % 4 {
                let at = numbers.next() % bytes.len();
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = numbers.next() as u8;
                }
            }
            bytes.truncate(1 + numbers.next() % bytes.len());
            survive::<C>(settings, sample.role, &bytes);
            bytes.insert(0, numbers.next() as u8);
            fuzz::<C>(settings, &bytes);
        }
    }
    for role in [Role::Downstream, Role::Upstream] {
        for _ in 0..2_000 {
            let length = numbers.next() % 64;
            let noise: Vec<u8> = (0..length).map(|_| numbers.next() as u8).collect();
            survive::<C>(settings, role, &noise);
        }
    }
}

fn survive<C: Codec>(settings: &C::Settings, role: Role, bytes: &[u8]) {
    let mut codec = codec::<C>(settings, role);
    codec.set_needs(&Needs::fields(["version", "group", "x-anything"]));
    let mut buffer = BytesMut::from(bytes);
    // Every event takes bytes, so this ends.
    let _ = decode_all(&mut codec, &mut buffer);
    assert!(
        buffer.capacity() <= bytes.len().max(1) * 2 + 64,
        "memory by announced length"
    );
    let _ = codec.pending_frame(&buffer);
}

/// A frame over the limit is refused when its head is known, and nothing is allocated for it.
pub fn limits<C: Codec>(settings: &C::Settings, samples: &[Sample]) {
    let mut refused = 0;
    for sample in samples {
        let limits = FrameLimits {
            frame: sample.bytes.len() - 1,
            ..FrameLimits::default()
        };
        let mut codec = C::new(settings, sample.role, limits);
        let mut buffer = BytesMut::from(&sample.bytes[..]);
        match codec.decode(&mut buffer) {
            Ok(Some(Inbound::Fault(_, fault))) => {
                assert_eq!(fault.error.kind, ErrorKind::TooLarge, "{}", sample.name);
                refused += 1;
            }
            Err(_) => refused += 1,
            // Control frames may be exempt.
            Ok(Some(Inbound::Control(_))) => {}
            other => panic!("{}: over the limit, yet {other:?}", sample.name),
        }
    }
    assert!(refused > 0, "no sample is subject to the limit");
}

/// Every local error has a reply that the codec itself reads as a failure, under the client's id.
pub fn error_replies<C: Codec>(settings: &C::Settings, samples: &[Sample]) {
    let mut requests = 0;
    for sample in samples
        .iter()
        .filter(|sample| sample.role == Role::Downstream)
    {
        let mut server = codec::<C>(settings, Role::Downstream);
        let mut buffer = BytesMut::from(&sample.bytes[..]);
        let Ok(Some(Inbound::Request(id, request))) = server.decode(&mut buffer) else {
            continue;
        };
        requests += 1;
        for kind in ErrorKind::ALL {
            let error = LocalError::new(kind, "as the suite wants it");
            let reply = server.error_reply(&request.head.origin(), &error);
            let mut out = WriteBuf::new();
            server
                .encode(Outbound::Response(id, &reply), &mut out)
                .expect("encodes");
            let mut client = codec::<C>(settings, Role::Upstream);
            let mut buffer = BytesMut::from(&out.to_vec()[..]);
            match client.decode(&mut buffer) {
                Ok(Some(Inbound::Response(given, response))) => {
                    assert_eq!(given, id, "{}: {kind}", sample.name);
                    let class = response.head.outcome.class;
                    assert_ne!(class, crate::Class::Success, "{}: {kind}", sample.name);
                }
                other => panic!("{}: the reply for {kind} reads as {other:?}", sample.name),
            }
            assert!(
                buffer.is_empty(),
                "{}: {kind}: bytes behind the reply",
                sample.name
            );
        }
    }
    assert!(requests > 0, "no sample is a request");
}

/// A ping that the codec writes is a ping to its peer, and the answer is an answer, both with the same id.
pub fn heartbeats<C: Codec>(settings: &C::Settings, _: &[Sample]) {
    if C::keep_alive(settings).is_none() {
        return;
    }
    for id in [1, C::MAX_ID].map(StreamId) {
        let mut client = codec::<C>(settings, Role::Upstream);
        let mut server = codec::<C>(settings, Role::Downstream);
        let mut out = WriteBuf::new();
        client
            .encode(Outbound::Ping(id), &mut out)
            .expect("encodes a ping");
        let mut buffer = BytesMut::from(&out.to_vec()[..]);
        let Ok(Some(Inbound::Control(Control::Ping(given, wire)))) = server.decode(&mut buffer)
        else {
            panic!("the ping does not read as one");
        };
        assert_eq!(given, id);
        let mut out = WriteBuf::new();
        server
            .encode(Outbound::Pong(given, &wire), &mut out)
            .expect("encodes a pong");
        let mut buffer = BytesMut::from(&out.to_vec()[..]);
        match client.decode(&mut buffer) {
            Ok(Some(Inbound::Control(Control::Pong(given)))) => assert_eq!(given, id),
            other => panic!("the pong reads as {other:?}"),
        }
    }
}

/// Every request is recognised by its first bytes, decided once and for good, and noise is not.
pub fn sniffing<C: Codec>(_: &C::Settings, samples: &[Sample]) {
    assert_eq!(C::sniff(&[]), Sniff::More);
    for sample in samples
        .iter()
        .filter(|sample| sample.role == Role::Downstream)
    {
        let verdicts: Vec<_> = (1..=sample.bytes.len().min(64))
            .map(|length| C::sniff(sample.bytes.get(..length).unwrap_or_default()))
            .collect();
        let decided = verdicts.iter().position(|verdict| *verdict == Sniff::Match);
        let decided = decided.unwrap_or_else(|| panic!("{}: never recognised", sample.name));
        let (before, after) = verdicts.split_at(decided);
        assert!(
            before.iter().all(|v| *v == Sniff::More),
            "{}: {verdicts:?}",
            sample.name
        );
        assert!(
            after.iter().all(|v| *v == Sniff::Match),
            "{}: {verdicts:?}",
            sample.name
        );
    }
    for other in [
        "GET / HTTP/1.1\r\n",
        "PRI * HTTP/2.0\r\n",
        "\0\0\0\0\0\0\0\0",
        "*1\r\n$4\r\nPING",
    ] {
        assert_ne!(C::sniff(other.as_bytes()), Sniff::Match, "{other:?}");
    }
}
