//! Entry points of the fuzz targets: each takes any bytes and panics if a promise does not hold.

use bytes::BytesMut;
use tokio_util::codec::Decoder;
use wireloom_codecs::units::Size;
use wireloom_codecs::{Codec, FrameLimits, Inbound, Needs, Outbound, Role, Sniff, WriteBuf};

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
