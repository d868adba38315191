//! Bytes that real libraries wrote.

use serde_json::Value;
use wireloom_codecs::{Body, Class, Inbound, Kind, Outbound, Role, StreamId};

use super::{codec, decode_all, encode, non_strict};
use crate::ThriftCodec;
use crate::types::{Protocol, Transport};
use wireloom_codecs::{Codec, FrameLimits};

pub(crate) struct Vector {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) expect: Value,
}

impl Vector {
    pub(crate) fn is_reply(&self) -> bool {
        matches!(self.expect["message_type"].as_u64(), Some(2 | 3))
    }

    pub(crate) fn text(&self, key: &str) -> &str {
        self.expect[key].as_str().unwrap_or_default()
    }

    /// Non-strict binary has to be configured.
    pub(crate) fn codec(&self, role: Role) -> ThriftCodec {
        match (self.text("protocol"), self.text("transport")) {
            ("binary-old", "framed") => {
                ThriftCodec::new(&non_strict(Transport::Framed), role, FrameLimits::default())
            }
            ("binary-old", _) => ThriftCodec::new(
                &non_strict(Transport::Buffered),
                role,
                FrameLimits::default(),
            ),
            _ => codec(role),
        }
    }

    /// The struct, as the codec cuts it off.
    pub(crate) fn body(&self) -> Vec<u8> {
        let (mut events, _) = decode_all(&mut self.codec(self.role()), &self.bytes);
        let body = match events.remove(0) {
            Inbound::Request(_, request) => request.body,
            Inbound::Response(_, response) => response.body,
            other => panic!("{other:?}"),
        };
        match body {
            Body::Whole(body) => body.to_vec(),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn role(&self) -> Role {
        if self.is_reply() {
            Role::Upstream
        } else {
            Role::Downstream
        }
    }
}

/// Single messages, then captures of whole connections.
pub(crate) fn all() -> (Vec<Vector>, Vec<Vector>) {
    let file: Value = serde_json::from_str(include_str!("../../vectors/thrift.json")).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 58);
    let vector = |value: &Value| Vector {
        name: value["name"].as_str().unwrap().to_owned(),
        bytes: hex::decode(value["hex"].as_str().unwrap()).unwrap(),
        expect: value["expect"].clone(),
    };
    vectors
        .iter()
        .map(vector)
        .partition(|vector| !vector.name.starts_with("capture_stream"))
}

#[test]
fn every_field_is_what_an_independent_parser_found() {
    let (messages, _) = all();
    let (mut requests, mut responses) = (0, 0);
    for vector in &messages {
        let name = &vector.name;
        let mut codec = vector.codec(vector.role());
        let (mut events, error) = decode_all(&mut codec, &vector.bytes);
        assert!(
            error.is_none() && events.len() == 1,
            "{name}: {events:?} {error:?}"
        );
        let seqid = vector.expect["seqid"].as_i64().unwrap() as u32;
        let id = StreamId(seqid.into());
        match events.remove(0) {
            Inbound::Request(found, request) => {
                requests += 1;
                assert_eq!(found, id, "{name}");
                assert_eq!(request.head.method, vector.text("method"), "{name}");
                assert_eq!(request.head.service, vector.text("service"), "{name}");
                let one_way = vector.expect["message_type"] == 4;
                assert_eq!(request.head.kind == Kind::OneWay, one_way, "{name}");
                if let Some(infos) = vector.expect["info_headers"].as_object() {
                    assert_eq!(request.head.fields.len(), infos.len(), "{name}");
                    for (key, value) in infos {
                        let found = request.head.fields.get(key.as_bytes()).unwrap();
                        assert_eq!(*found, value.as_str().unwrap(), "{name}");
                    }
                }
                assert_eq!(
                    encode(&mut codec, Outbound::Request(id, &request)),
                    vector.bytes,
                    "{name}"
                );
            }
            Inbound::Response(found, response) => {
                responses += 1;
                assert_eq!(found, id, "{name}");
                let outcome = response.head.outcome;
                match &vector.expect["exception"]["type"] {
                    Value::Null => assert_eq!(outcome.class, Class::Success, "{name}"),
                    code => {
                        assert_eq!(u64::from(outcome.native), code.as_u64().unwrap(), "{name}");
                        let class = if *code == 1 {
                            Class::Refused
                        } else {
                            Class::ServerError
                        };
                        assert_eq!(outcome.class, class, "{name}");
                    }
                }
                assert_eq!(
                    encode(&mut codec, Outbound::Response(id, &response)),
                    vector.bytes,
                    "{name}"
                );
            }
            other => panic!("{name}: {other:?}"),
        }
    }
    assert_eq!((requests, responses), (30, 20));
}

#[test]
fn a_binary_seqid_is_patched_where_it_stands() {
    let (messages, _) = all();
    let mut seen = 0;
    for vector in &messages {
        if vector.text("protocol") == "compact" || vector.text("transport") == "header" {
            continue;
        }
        let mut codec = vector.codec(vector.role());
        let (events, _) = decode_all(&mut codec, &vector.bytes);
        let id = StreamId(0x7ead_beef);
        let written = match &events[0] {
            Inbound::Request(_, request) => encode(&mut codec, Outbound::Request(id, request)),
            Inbound::Response(_, response) => encode(&mut codec, Outbound::Response(id, response)),
            other => panic!("{other:?}"),
        };
        let at = vector.expect["seqid_offset"].as_u64().unwrap() as usize;
        let mut expected = vector.bytes.clone();
        expected[at..at + 4].copy_from_slice(&[0x7e, 0xad, 0xbe, 0xef]);
        assert_eq!(written, expected, "{}", vector.name);
        seen += 1;
    }
    assert_eq!(seen, 21);
}

#[test]
fn captured_connections_are_read_message_by_message_however_they_are_cut() {
    let (_, captures) = all();
    assert_eq!(captures.len(), 8);
    for capture in &captures {
        let names: Vec<_> = capture.expect["message_names_in_order"]
            .as_array()
            .unwrap()
            .iter()
            .map(|name| name.as_str().unwrap())
            .collect();
        let (role, from_client) = if capture.name.ends_with("c2s") {
            (Role::Downstream, true)
        } else {
            (Role::Upstream, false)
        };
        for step in [1, 7, capture.bytes.len()] {
            let mut codec = codec(role);
            let mut buffer = bytes::BytesMut::new();
            let mut written = Vec::new();
            let mut methods = Vec::new();
            let mut count = 0;
            for chunk in capture.bytes.chunks(step) {
                buffer.extend_from_slice(chunk);
                while let Some(event) =
                    tokio_util::codec::Decoder::decode(&mut codec, &mut buffer).unwrap()
                {
                    count += 1;
                    written.extend(match &event {
                        Inbound::Request(id, request) if from_client => {
                            methods.push(request.head.method.to_string());
                            let one_way = request.head.method == "notify";
                            assert_eq!(request.head.kind == Kind::OneWay, one_way);
                            encode(&mut codec, Outbound::Request(*id, request))
                        }
                        Inbound::Response(id, response) if !from_client => {
                            encode(&mut codec, Outbound::Response(*id, response))
                        }
                        other => panic!("{}: {other:?}", capture.name),
                    });
                }
            }
            assert_eq!(count, names.len(), "{}", capture.name);
            assert!(!from_client || methods == names, "{}", capture.name);
            assert!(
                buffer.is_empty() && written == capture.bytes,
                "{}",
                capture.name
            );
        }
    }
}

#[test]
fn protocols_are_as_they_are_named() {
    // What the tables above rely on.
    let (messages, _) = all();
    let old = |vector: &&Vector| vector.text("protocol") == "binary-old";
    assert_eq!(messages.iter().filter(old).count(), 2);
    let mut codec = messages.iter().find(old).unwrap().codec(Role::Downstream);
    assert_eq!(
        non_strict(Transport::Framed).config.protocol,
        Some(Protocol::BinaryNonStrict)
    );
    // The same settings let strict clients in too.
    let strict = super::binary(1, "ping", 1, &[0]);
    let (events, error) = decode_all(&mut codec, &strict);
    assert!(error.is_none() && matches!(events[..], [Inbound::Request(..)]));
}
