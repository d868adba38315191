//! Entry points of the fuzz targets: each takes any bytes and panics if a promise does not hold.
#![expect(clippy::panic, reason = "this is what it is for")]

use bytes::BytesMut;
use tokio_util::codec::Decoder;
use wireloom_codecs::edits::FieldEdits;
use wireloom_codecs::units::Size;
use wireloom_codecs::{
    Codec, FrameLimits, Inbound, Needs, Outbound, Request, Response, Role, Sniff, Wire, WriteBuf,
};

use crate::types::Head;
use crate::{BoltCodec, BoltConfig, header, sofa, sofa_value};

const LIMITS: FrameLimits = FrameLimits {
    frame: 4096,
    header: 1024,
    headers: 16,
};

fn codec(role: Role) -> BoltCodec {
    let settings = BoltConfig {
        discard: Size(8192),
        ..BoltConfig::default()
    };
    let mut codec = BoltCodec::new(&settings, role, LIMITS);
    codec.set_needs(&Needs::fields(["version", "group", "service", "k"]));
    codec
}

/// Decoding gives the same events however the bytes are cut, and encoding what was decoded gives the same bytes.
pub fn decode(data: &[u8]) {
    for role in [Role::Downstream, Role::Upstream] {
        let at_once = events(role, data, data.len().max(1));
        for step in [1, 7] {
            assert_eq!(
                at_once,
                events(role, data, step),
                "{role:?} in steps of {step}"
            );
        }
    }
}

/// What an event says, and its bytes if it is a message.
type Summary = (String, Vec<u8>);

/// All events of `data`, which comes `step` bytes at a time, and the error that ends them.
fn events(role: Role, data: &[u8], step: usize) -> Vec<Summary> {
    let mut codec = codec(role);
    // Upstream, for a client's codec may rewrite a response to the client's version.
    let mut encoder = self::codec(Role::Upstream);
    let mut buffer = BytesMut::new();
    let mut events = Vec::new();
    let mut fed = 0;
    for chunk in data.chunks(step) {
        buffer.extend_from_slice(chunk);
        fed += chunk.len();
        loop {
            let start = fed - buffer.len();
            let event = match codec.decode(&mut buffer) {
                Ok(Some(event)) => summary(&event, &mut encoder),
                Ok(None) => break,
                Err(error) => {
                    events.push((error.to_string(), Vec::new()));
                    return events;
                }
            };
            let frame = data.get(start..fed - buffer.len()).unwrap_or_default();
            assert!(frame.ends_with(&event.1), "not the identity: {}", event.0);
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

fn summary(event: &Inbound, encoder: &mut BoltCodec) -> Summary {
    match event {
        Inbound::Request(id, request) => {
            let head = &request.head;
            let text = format!("{id:?} {} {} {:?}", head.service, head.method, head.fields);
            (text, encode(Outbound::Request(*id, request), encoder))
        }
        Inbound::Response(id, response) => {
            let head = &response.head;
            let text = format!("{id:?} {:?} {:?}", head.outcome, head.fields);
            (text, encode(Outbound::Response(*id, response), encoder))
        }
        Inbound::Control(control) => (format!("{control:?}"), Vec::new()),
        Inbound::Fault(id, fault) => (format!("{id:?} {fault:?}"), Vec::new()),
    }
}

fn encode(message: Outbound<'_>, encoder: &mut BoltCodec) -> Vec<u8> {
    let mut out = WriteBuf::new();
    let result = encoder.encode(message, &mut out);
    assert!(
        result.is_ok(),
        "what was decoded cannot be encoded: {result:?}"
    );
    out.to_vec()
}

/// Reading pairs ends, and never yields more than the block holds.
pub fn header(data: &[u8]) {
    let mut total = 0;
    for pair in header::Pairs::new(data) {
        let Ok((key, value)) = pair else { return };
        total += 8 + key.len() + value.len();
    }
    assert!(total <= data.len(), "pairs that are not there");
}

/// Reading the target of a `SofaRequest` ends; asking for less finds the same method, and building the whole request
/// finds both names.
pub fn sofa(data: &[u8]) {
    let (both, one) = (sofa::target(data, true), sofa::target(data, false));
    if let (Ok(both), Ok(one)) = (&both, &one) {
        assert_eq!(both.method, one.method);
    }
    if let (Ok(both), Ok((call, _))) = (both, sofa_value::decode_request(data)) {
        assert_eq!(both.method.unwrap_or_default(), call.method);
        assert_eq!(both.service.unwrap_or_default(), call.service);
    }
}

/// A verdict stays what it is whatever follows, and six bytes are enough for one.
pub fn sniff(data: &[u8]) {
    let mut verdict = Sniff::More;
    for len in 0..=data.len().min(16) {
        let now = BoltCodec::sniff(data.get(..len).unwrap_or_default());
        assert!(
            verdict == Sniff::More || now == verdict,
            "a verdict changed at {len}"
        );
        assert!(len < 6 || now != Sniff::More, "undecided at {len}");
        verdict = now;
    }
}

/// What can be decoded can be after its header was edited, with every other pair, and nothing else of it changes. What is
/// not edited stays as it is.
pub fn edits(data: &[u8]) {
    let mut edits = FieldEdits::new();
    edits.set("k", "v");
    edits.remove("version");
    edits.add("new", "1");
    edits.set(header::SERVICE, "other");
    let limits = FrameLimits {
        header: 2048,
        ..LIMITS
    };
    let mut buffer = BytesMut::from(data);
    let (mut codec, mut encoder) = (codec(Role::Downstream), codec(Role::Upstream));
    while let Ok(Some(event)) = codec.decode(&mut buffer) {
        let (id, mut request, mut response) = match event {
            Inbound::Request(id, request) => (id, Some(request), None),
            Inbound::Response(id, response) => (id, None, Some(response)),
            _ => continue,
        };
        let mut write = |request: &Option<_>, response: &Option<_>| match (request, response) {
            (Some(request), _) => encode(Outbound::Request(id, request), &mut encoder),
            (_, Some(response)) => encode(Outbound::Response(id, response), &mut encoder),
            _ => Vec::new(),
        };
        let before = write(&request, &response);
        let wire = request.as_ref().map(|request: &Request| &request.head.wire);
        let wire = wire.or(response
            .as_ref()
            .map(|response: &Response| &response.head.wire));
        let old = wire.cloned().unwrap_or_default();
        if let Some(request) = &mut request {
            // The service is not its user's to change.
            assert!(!BoltCodec::edit_request(request, &edits));
        }
        if let Some(response) = &mut response {
            assert!(!BoltCodec::edit_response(response, &edits));
        }
        let after = write(&request, &response);
        if after == before {
            continue;
        }
        let settings = BoltConfig::default();
        let mut reader = BoltCodec::new(&settings, Role::Downstream, limits);
        let (new, same) = match reader.decode(&mut BytesMut::from(&*after)) {
            Ok(Some(Inbound::Request(_, new))) => {
                let same = request.is_some_and(|old| {
                    let names = (&old.head.service, &old.head.method);
                    names == (&new.head.service, &new.head.method) && whole(&old) == whole(&new)
                });
                (new.head.wire, same)
            }
            Ok(Some(Inbound::Response(_, new))) => {
                let same = response.is_some_and(|old| {
                    old.head.outcome == new.head.outcome && whole(&old) == whole(&new)
                });
                (new.head.wire, same)
            }
            other => panic!("what was edited cannot be decoded: {other:?}"),
        };
        assert!(same, "more than pairs changed");
        let mut expected = pairs(&old);
        expected.retain(|(key, _)| key != b"k" && key != b"version");
        expected.push((b"k".to_vec(), b"v".to_vec()));
        expected.push((b"new".to_vec(), b"1".to_vec()));
        assert_eq!(pairs(&new), expected);
    }
}

fn whole<H>(message: &wireloom_codecs::Message<H>) -> &[u8] {
    message.body.whole().unwrap_or_default()
}

fn pairs(wire: &Wire) -> Vec<(Vec<u8>, Vec<u8>)> {
    let head = Head::parse(&wire.fixed).unwrap_or_default();
    let block = wire.image.get(usize::from(head.class_len)..);
    let pairs = header::Pairs::new(block.unwrap_or_default()).map_while(Result::ok);
    pairs
        .map(|(key, value)| (key.to_vec(), value.to_vec()))
        .collect()
}
