//! Entry points for fuzzing: each takes any bytes and checks what must hold for all of them. The test suite runs
//! them over mutated vectors; `cargo fuzz` targets need only call them.
#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "panics are how a fuzz target reports"
)]

use bytes::{Bytes, BytesMut};
use tokio_util::codec::Decoder;
use wireloom_codecs::edits::FieldEdits;
use wireloom_codecs::{
    Body, Codec, Control, FrameLimits, Inbound, LocalError, Needs, Outbound, Role, StreamId,
    WriteBuf,
};
use wireloom_hessian::{Decoder as Values, Dialect, Value};

use crate::invocation::{self, TEXT_MAX};
use crate::wants::Wants;
use crate::{DubboCodec, DubboConfig, answer, call};

const NAMES: [&str; 5] = ["group", "interface", "path", "timeout", "version"];

/// Runs all of them.
pub fn fuzz_all(data: &[u8]) {
    fuzz_frames(data);
    fuzz_edits(data);
    fuzz_invocation(data);
}

/// The same events come out however the bytes are cut, and what can be forwarded leaves as it came.
pub fn fuzz_frames(data: &[u8]) {
    let whole = events(data, data.len().max(1));
    for size in [1, 7] {
        assert_eq!(events(data, size), whole, "in pieces of {size}");
    }
}

fn codec() -> DubboCodec {
    let limits = FrameLimits {
        frame: 4096,
        ..FrameLimits::default()
    };
    let mut codec = DubboCodec::new(&DubboConfig::default(), Role::Downstream, limits);
    codec.set_needs(&Needs::fields(NAMES));
    codec
}

fn events(data: &[u8], size: usize) -> Vec<String> {
    let mut codec = codec();
    let mut buffer = BytesMut::new();
    let mut events = Vec::new();
    for piece in data.chunks(size) {
        buffer.extend_from_slice(piece);
        loop {
            match codec.decode(&mut buffer) {
                Ok(Some(event)) => {
                    written_back(&mut codec, &event, data);
                    events.push(format!("{event:?}"));
                }
                Ok(None) => break,
                Err(error) => {
                    events.push(error.to_string());
                    return events;
                }
            }
            assert!(events.len() <= data.len(), "events out of nothing");
        }
        if let Some(size) = codec.pending_frame(&buffer) {
            assert!(size > buffer.len() && size <= 4096);
        }
    }
    events
}

fn written_back(codec: &mut DubboCodec, event: &Inbound, data: &[u8]) {
    let mut dst = WriteBuf::new();
    let forwarded = match event {
        Inbound::Request(id, request) => {
            codec
                .encode(Outbound::Request(*id, request), &mut dst)
                .expect("it was decoded");
            if let Ok(call) = answer::read_request(request) {
                let head = &request.head;
                assert_eq!(call.service, head.service.as_str());
                // With other than three arguments it is a method like any other to a provider, which routing need
                // not know; and routing trims the name of the method that it is about, as providers do.
                let like_any = call.method.starts_with("$invoke");
                assert!(like_any || call.method.contains(head.method.as_str()));
            }
            true
        }
        Inbound::Response(id, response) => {
            codec
                .encode(Outbound::Response(*id, response), &mut dst)
                .expect("it was decoded");
            let _ = call::read_response(response);
            true
        }
        Inbound::Control(Control::Ping(id, wire)) => {
            codec
                .encode(Outbound::Pong(*id, wire), &mut dst)
                .expect("a pong");
            false
        }
        Inbound::Control(_) => return,
        Inbound::Fault(id, fault) => {
            let reply = codec.error_reply(&fault.origin, &fault.error);
            codec
                .encode(Outbound::Response(*id, &reply), &mut dst)
                .expect("a reply");
            false
        }
    };
    let bytes = dst.to_vec();
    if forwarded {
        assert!(data.windows(bytes.len()).any(|window| window == bytes));
        return;
    }
    // What the proxy says of its own is valid in turn.
    match codec_of_a_client().decode(&mut BytesMut::from(&*bytes)) {
        Ok(Some(Inbound::Response(..) | Inbound::Control(Control::Pong(StreamId(_))))) => {}
        other => panic!("{other:?}"),
    }
}

fn codec_of_a_client() -> DubboCodec {
    DubboCodec::new(
        &DubboConfig::default(),
        Role::Upstream,
        FrameLimits::default(),
    )
}

/// Whatever a body holds, what is read of it is bounded, and reading more changes nothing that was read before.
pub fn fuzz_invocation(data: &[u8]) {
    let body = Bytes::copy_from_slice(data);
    for serialization in [2, 3, 23] {
        let read = |names: &[&str], verify: bool| -> Result<_, LocalError> {
            let wants = Wants::new(&Needs::fields(names.iter().copied()), verify);
            invocation::read(serialization, &body, &wants)
        };
        let least = read(&[], false);
        let most = read(&NAMES, false);
        let verified = read(&NAMES, true);
        match (&least, &most) {
            (Ok(least), Ok(most)) => {
                assert_eq!(
                    (&least.service, &least.method),
                    (&most.service, &most.method)
                );
                assert!(least.service.len() <= TEXT_MAX && least.method.len() <= TEXT_MAX);
                assert!(most.fields.len() <= NAMES.len());
                assert!(most.fields.iter().all(|(_, value)| value.len() <= TEXT_MAX));
            }
            (Err(least), Err(most)) => assert_eq!(least, most),
            (least, most) => panic!("{least:?} and {most:?}"),
        }
        if let (Ok(verified), Ok(most)) = (&verified, &most) {
            assert_eq!(verified, most);
        }
        assert!(most.is_ok() || verified.is_err());
    }
}

/// What can be read can be after its attachments were edited, and nothing but pairs of text with the edited names differs.
/// What is not edited stays as it is.
pub fn fuzz_edits(data: &[u8]) {
    let mut edits = FieldEdits::new();
    edits.set("timeout", "7");
    edits.remove("zone");
    edits.add("new", "1");
    // The group is not its user's to change.
    edits.set("group", "other");
    let mut codec = codec();
    let mut buffer = BytesMut::from(data);
    while let Ok(Some(event)) = codec.decode(&mut buffer) {
        let whole = |body: &Body| Bytes::copy_from_slice(body.whole().unwrap_or_default());
        let (old, new) = match event {
            Inbound::Request(_, mut request) => {
                let old = whole(&request.body);
                assert!(!DubboCodec::edit_request(&mut request, &edits));
                (old, whole(&request.body))
            }
            Inbound::Response(_, mut response) => {
                let old = whole(&response.body);
                assert!(!DubboCodec::edit_response(&mut response, &edits));
                (old, whole(&response.body))
            }
            _ => continue,
        };
        // What is skipped need not be fit to be built.
        if old == new || values(&old).is_none() {
            continue;
        }
        let (old, new) = (values(&old), values(&new));
        let (old, new) = (old.unwrap_or_default(), new.expect("it can still be read"));
        assert_eq!(old.len(), new.len());
        let pairs = old.iter().zip(&new);
        let mut differ = pairs.filter(|(old, new)| format!("{old:?}") != format!("{new:?}"));
        let found = differ.next().expect("something was added");
        assert!(differ.next().is_none(), "more than the attachments changed");
        let mut expected = match &found.0 {
            Value::Map { entries, .. } => entries.clone(),
            Value::Null => Vec::new(),
            other => panic!("{other:?} was edited"),
        };
        let goes = |key: &Value| {
            key.as_str()
                .is_some_and(|key| key == "timeout" || key == "zone")
        };
        let plain = |value: &Value| matches!(value, Value::String(_) | Value::Int(_) | Value::Null);
        expected.retain(|(key, value)| !(goes(key) && plain(value)));
        for (name, value) in edits.added().iter().filter(|(name, _)| *name != "group") {
            expected.push(((*name).into(), (*value).into()));
        }
        let Value::Map { entries, .. } = &found.1 else {
            panic!("the attachments are no map any more");
        };
        assert_eq!(format!("{entries:?}"), format!("{expected:?}"));
    }
}

/// All values of a body; None if it cannot be read to its end.
fn values(body: &[u8]) -> Option<Vec<Value>> {
    let mut decoder = Values::new(body, Dialect::Final);
    let mut values = Vec::new();
    while let Some(value) = decoder.next_value().ok()? {
        values.push(value);
    }
    Some(values)
}
