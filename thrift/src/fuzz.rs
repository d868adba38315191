//! Entry points of the fuzz targets: each takes any bytes and panics if a promise does not hold.
#![expect(clippy::panic, reason = "this is what it is for")]

use std::sync::Arc;

use bytes::BytesMut;
use tokio_util::codec::Decoder;
use wireloom_codecs::edits::FieldEdits;
use wireloom_codecs::units::Size;
use wireloom_codecs::{
    Codec, FrameLimits, Inbound, Needs, Outbound, Request, Role, Sniff, WriteBuf,
};

use crate::fixed::Fixed;
use crate::infos::{self, WireKey};
use crate::transcode::transcode;
use crate::types::{Protocol, Transport};
use crate::walk::{Broken, Walker};
use crate::{ThriftCodec, ThriftConfig, ThriftSettings, ThriftUpstream};

const LIMITS: FrameLimits = FrameLimits {
    frame: 4096,
    header: 1024,
    headers: 16,
};

fn codec(role: Role, settings: &Arc<ThriftSettings>) -> ThriftCodec {
    let mut codec = ThriftCodec::new(settings, role, LIMITS);
    codec.set_needs(&Needs::fields(["service", "to_service", "x-trace", "k"]));
    codec
}

/// Decoding gives the same events however the bytes are cut, and encoding what was decoded gives the same bytes.
pub fn decode(data: &[u8]) {
    let detected = ThriftConfig {
        discard: Size(8192),
        ..ThriftConfig::default()
    };
    let old = ThriftConfig {
        protocol: Some(Protocol::BinaryNonStrict),
        ..detected.clone()
    };
    let old_unframed = ThriftConfig {
        transport: Some(Transport::Buffered),
        ..old.clone()
    };
    for settings in [detected, old, old_unframed].map(|config| Arc::new(config.into())) {
        for role in [Role::Downstream, Role::Upstream] {
            let at_once = events(role, &settings, data, data.len().max(1));
            for step in [1, 7] {
                let cut = events(role, &settings, data, step);
                assert_eq!(at_once, cut, "{role:?} in steps of {step}");
            }
        }
    }
}

/// What an event says, and its bytes if it is a message.
type Summary = (String, Vec<u8>);

/// All events of `data`, which comes `step` bytes at a time, and the error that ends them.
fn events(role: Role, settings: &Arc<ThriftSettings>, data: &[u8], step: usize) -> Vec<Summary> {
    let mut codec = codec(role, settings);
    let mut buffer = BytesMut::new();
    let mut events = Vec::new();
    let mut fed = 0;
    for chunk in data.chunks(step) {
        buffer.extend_from_slice(chunk);
        fed += chunk.len();
        loop {
            let start = fed - buffer.len();
            let event = match codec.decode(&mut buffer) {
                Ok(Some(event)) => summary(&event, settings),
                Ok(None) => break,
                Err(error) => {
                    events.push((error.to_string(), Vec::new()));
                    return events;
                }
            };
            let frame = data.get(start..fed - buffer.len()).unwrap_or_default();
            assert!(
                event.1.is_empty() || frame == event.1,
                "not the identity: {}",
                event.0
            );
            events.push(event);
        }
        if let Some(whole) = codec.pending_frame(&buffer) {
            assert!(
                whole > buffer.len() && whole <= LIMITS.frame,
                "a wrong promise"
            );
        }
    }
    events
}

fn summary(event: &Inbound, settings: &Arc<ThriftSettings>) -> Summary {
    match event {
        Inbound::Request(id, request) => {
            let head = &request.head;
            let text = format!(
                "{id:?} {} {} {:?} {:?}",
                head.service, head.method, head.fields, head.timeout
            );
            (text, encode(Outbound::Request(*id, request), settings))
        }
        Inbound::Response(id, response) => {
            let head = &response.head;
            let text = format!("{id:?} {:?} {:?}", head.outcome, head.fields);
            (text, encode(Outbound::Response(*id, response), settings))
        }
        Inbound::Control(control) => (format!("{control:?}"), Vec::new()),
        Inbound::Fault(id, fault) => (format!("{id:?} {fault:?}"), Vec::new()),
    }
}

fn encode(message: Outbound<'_>, settings: &Arc<ThriftSettings>) -> Vec<u8> {
    let mut out = WriteBuf::new();
    let result = codec(Role::Upstream, settings).encode(message, &mut out);
    assert!(
        result.is_ok(),
        "what was decoded cannot be encoded: {result:?}"
    );
    out.to_vec()
}

/// What can be decoded can be after its pairs were edited, with every other pair, and nothing else of it changes. What is
/// not edited stays as it is.
pub fn edits(data: &[u8]) {
    let mut edits = FieldEdits::new();
    edits.set("k", "v");
    edits.remove("x-trace");
    edits.add("log_id", "1");
    // The service is not its user's to change.
    edits.set("to_service", "other");
    let settings = Arc::default();
    let limits = FrameLimits {
        header: 2048,
        headers: 32,
        ..LIMITS
    };
    for role in [Role::Downstream, Role::Upstream] {
        let mut codec = codec(role, &settings);
        let mut buffer = BytesMut::from(data);
        while let Ok(Some(event)) = codec.decode(&mut buffer) {
            let mut event = event;
            let before = summary(&event, &settings).1;
            let old = parts(&event);
            match &mut event {
                Inbound::Request(_, request) => {
                    assert!(!ThriftCodec::edit_request(request, &edits));
                }
                Inbound::Response(_, response) => {
                    assert!(!ThriftCodec::edit_response(response, &edits));
                }
                _ => continue,
            }
            let after = summary(&event, &settings).1;
            if before == after {
                continue;
            }
            let mut reader = ThriftCodec::new(&settings, role, limits);
            let again = reader.decode(&mut BytesMut::from(&*after));
            let Ok(Some(again)) = again else {
                panic!("what was edited cannot be decoded: {again:?}");
            };
            let (Some((what, mut expected)), Some((new, pairs))) = (old, parts(&again)) else {
                panic!("it was a message: {again:?}");
            };
            assert_eq!(what, new, "more than pairs changed");
            expected.retain(|(name, _)| name != b"k" && name != b"x-trace");
            let kitex = what.starts_with("TtHeader");
            let added = [
                (b"k".to_vec(), b"v".to_vec()),
                (b"log_id".to_vec(), b"1".to_vec()),
            ];
            expected.extend(added);
            if kitex {
                // Numbers are written before texts.
                let place = expected.len() - 2;
                if let Some(added) = expected.get_mut(place..) {
                    added.reverse();
                }
            }
            assert_eq!(pairs, expected);
        }
    }
}

type Texts = Vec<(Vec<u8>, Vec<u8>)>;

/// What no edit changes, and the pairs.
fn parts(event: &Inbound) -> Option<(String, Texts)> {
    let (wire, body, text) = match event {
        Inbound::Request(id, request) => {
            let head = &request.head;
            let text = format!("{id:?} {:?} {} {}", head.kind, head.service, head.method);
            (&head.wire, &request.body, text)
        }
        Inbound::Response(id, response) => {
            let text = format!("{id:?} {:?}", response.head.outcome);
            (&response.head.wire, &response.body, text)
        }
        _ => return None,
    };
    let fixed = Fixed::parse(&wire.fixed)?;
    let transport = fixed.dialect.transport;
    let length = match transport.has_header() {
        true => 4 * usize::from(fixed.words),
        false => 0,
    };
    let (block, rest) = wire.image.split_at_checked(length)?;
    let mut pairs = Vec::new();
    let from = infos::start(transport, block).map_or(length, |start| start.pairs);
    let _ = infos::each(transport, block, from, |key, value| {
        let name = match key {
            WireKey::Text(name) => block.get(name).unwrap_or_default(),
            WireKey::Number(key) => infos::name_of(key).as_bytes(),
        };
        let value = block.get(value).unwrap_or_default();
        pairs.push((name.to_vec(), value.to_vec()));
        Ok(())
    });
    let protocol = fixed.dialect.protocol;
    let text = format!(
        "{transport:?} {protocol:?} {text} {rest:?} {:?}",
        body.whole()
    );
    Some((text, pairs))
}

/// A walk ends within what it was given, at the same place however the bytes are cut.
pub fn walk(data: &[u8]) {
    for protocol in [Protocol::Binary, Protocol::Compact] {
        let at_once = Walker::new(protocol, 0).walk(data, LIMITS.frame);
        if let Ok(Some(end)) = at_once {
            assert!(end <= data.len());
        }
        let mut walker = Walker::new(protocol, 0);
        let mut step = Ok(None);
        for len in 0..=data.len() {
            step = walker.walk(data.get(..len).unwrap_or_default(), LIMITS.frame);
            if step != Ok(None) {
                break;
            }
        }
        assert_eq!(at_once, step, "{protocol:?}");
    }
}

/// A struct is rewritten if and only if a walk comes to its end, up to there, and what it becomes says the same: it becomes the same
/// again, and the struct itself, written in the one form that there is for each value, is what the way there and back gives.
pub fn rewrite(data: &[u8]) {
    /// More than any struct of this length becomes: eight bytes of one.
    const CAP: usize = 8 * LIMITS.frame;
    let data = data.get(..LIMITS.frame).unwrap_or(data);
    let written = |from, src: &[u8], to| {
        let mut out = BytesMut::new();
        let read = transcode(from, src, to, &mut out, CAP);
        assert!(out.len() <= CAP, "over the cap");
        read.map(|read| (read, out))
    };
    for (here, there) in [
        (Protocol::Binary, Protocol::Compact),
        (Protocol::Compact, Protocol::Binary),
    ] {
        let end = Walker::new(here, 0).walk(data, data.len());
        let (read, out) = match (written(here, data, there), end) {
            (Ok(written), Ok(Some(end))) => {
                assert_eq!(written.0, end, "{here:?} ends elsewhere");
                written
            }
            // What breaks off is too long to a walk that may not go on, and malformed to the other.
            (Err(Broken::Malformed(_)), Err(_) | Ok(None)) => continue,
            (written, end) => panic!("{here:?}: {written:?}, but a walk {end:?}"),
        };
        let end = Walker::new(there, 0).walk(&out, out.len());
        assert_eq!(end, Ok(Some(out.len())), "what was written is a struct");
        let bytes = |written: Result<(usize, BytesMut), Broken>| written.map(|(_, bytes)| bytes);
        let Ok(back) = bytes(written(there, &out, here)) else {
            panic!("no way back from {there:?}");
        };
        assert_eq!(bytes(written(here, &back, there)), Ok(out), "{here:?}");
        if here == Protocol::Compact {
            // In binary an empty map has types, which compact does not keep.
            let plain = written(here, data.get(..read).unwrap_or_default(), here);
            assert_eq!(bytes(plain), Ok(back), "{here:?}");
        }
        // A cap that is reached is told, and never passed.
        let mut out = BytesMut::new();
        let cap = read / 2;
        if let Err(broken) = transcode(here, data, there, &mut out, cap) {
            assert_eq!(broken, Broken::TooLong);
        }
        assert!(out.len() <= cap, "over the cap");
    }
}

/// Whatever comes in as a request leaves in every dialect, and says there what it said; so does it back where it came from.
pub fn translate(data: &[u8]) {
    const TRANSPORTS: [Transport; 4] = [
        Transport::Framed,
        Transport::Buffered,
        Transport::Header,
        Transport::TtHeader,
    ];
    const PROTOCOLS: [Protocol; 3] = [
        Protocol::Binary,
        Protocol::Compact,
        Protocol::BinaryNonStrict,
    ];
    // Room for what grows on the way.
    let wide = FrameLimits {
        frame: 16 * LIMITS.frame,
        header: 4 * LIMITS.header,
        headers: 64,
    };
    let settings = Arc::new(ThriftSettings::default());
    let mut client = codec(Role::Downstream, &settings);
    let Ok(Some(Inbound::Request(id, request))) = client.decode(&mut BytesMut::from(data)) else {
        return;
    };
    let names = |request: &Request| (request.head.method.clone(), request.head.kind);
    let sealed = Fixed::parse(&request.head.wire.fixed).is_some_and(|fixed| fixed.sealed);
    for (transport, protocol) in TRANSPORTS
        .into_iter()
        .flat_map(|transport| PROTOCOLS.map(|protocol| (transport, protocol)))
    {
        let there = ThriftSettings {
            upstream: ThriftUpstream {
                transport: Some(transport),
                protocol: Some(protocol),
            },
            ..ThriftSettings::default()
        };
        let Some(mut request) = request.try_clone() else {
            panic!("a body in parts");
        };
        let expected = names(&request);
        let mut upstream = ThriftCodec::new(&Arc::new(there), Role::Upstream, wide);
        if let Err(error) = upstream.adapt(&mut request) {
            assert!(sealed, "{transport:?} {protocol:?}: {error}");
            continue;
        }
        let mut out = WriteBuf::new();
        let result = upstream.encode(Outbound::Request(id, &request), &mut out);
        assert!(result.is_ok(), "{transport:?} {protocol:?}: {result:?}");
        let config = ThriftConfig {
            transport: Some(transport),
            protocol: Some(protocol),
            ..ThriftConfig::default()
        };
        let mut server = ThriftCodec::new(&Arc::new(config.into()), Role::Downstream, wide);
        let mut bytes = BytesMut::from(&out.to_vec()[..]);
        match server.decode(&mut bytes) {
            Ok(Some(Inbound::Request(_, request))) => assert_eq!(names(&request), expected),
            // Of a compressed message that needs no translation nobody looks at the struct.
            other => panic!("{transport:?} {protocol:?}: {other:?}"),
        }
        assert!(bytes.is_empty(), "{} bytes more", bytes.len());
    }
}

/// A verdict stays what it is whatever follows, and eight bytes are enough for one.
pub fn sniff(data: &[u8]) {
    let mut verdict = Sniff::More;
    for len in 0..=data.len().min(16) {
        let now = ThriftCodec::sniff(data.get(..len).unwrap_or_default());
        assert!(
            verdict == Sniff::More || now == verdict,
            "a verdict changed at {len}"
        );
        assert!(len < 8 || now != Sniff::More, "undecided at {len}");
        verdict = now;
    }
}
