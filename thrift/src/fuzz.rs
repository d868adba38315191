//! Entry points of the fuzz targets: each takes any bytes and panics if a promise does not hold.

use std::sync::Arc;

use bytes::BytesMut;
use tokio_util::codec::Decoder;
use wireloom_codecs::units::Size;
use wireloom_codecs::{Codec, FrameLimits, Inbound, Needs, Outbound, Role, Sniff, WriteBuf};

use crate::types::{Protocol, Transport};
use crate::walk::Walker;
use crate::{ThriftCodec, ThriftConfig, ThriftSettings};

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
