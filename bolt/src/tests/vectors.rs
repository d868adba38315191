//! Frames that real encoders wrote.

use serde_json::Value;
use wireloom_codecs::{Class, Control, Inbound, Kind, Role, StreamId};

use super::{codec, decode_all, encode_event};
use crate::header::Pairs;

pub(crate) struct Vector {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    expect: Value,
    routing: Value,
}

impl Vector {
    /// The frame alone: one vector has bytes behind it.
    pub(crate) fn frame(&self) -> &[u8] {
        &self.bytes[..self.number("frame_len") as usize]
    }

    pub(crate) fn is_response(&self) -> bool {
        self.number("type") == 0
    }

    fn number(&self, key: &str) -> u64 {
        self.expect[key]
            .as_u64()
            .unwrap_or_else(|| panic!("{}: no {key}", self.name))
    }
}

pub(crate) fn all() -> Vec<Vector> {
    let file: Value = serde_json::from_str(include_str!("../../vectors/bolt.json")).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 49);
    let vector = |value: &Value| Vector {
        name: value["name"].as_str().unwrap().to_owned(),
        bytes: hex::decode(value["hex"].as_str().unwrap()).unwrap(),
        expect: value["expect"].clone(),
        routing: value["routing"].clone(),
    };
    vectors.iter().map(vector).collect()
}

#[test]
fn every_field_is_what_an_independent_parser_found() {
    let (mut requests, mut responses, mut controls) = (0, 0, 0);
    for vector in all() {
        let name = &vector.name;
        let (mut events, error) = decode_all(&mut codec(Role::Upstream), vector.frame());
        assert!(
            error.is_none() && events.len() == 1,
            "{name}: {events:?} {error:?}"
        );
        let id = StreamId(vector.number("request_id"));
        let content = &vector.frame()[vector.number("content_offset") as usize..]
            [..vector.number("content_len") as usize];
        let (found, wire, body) = match events.remove(0) {
            Inbound::Request(found, request) => {
                requests += 1;
                let head = request.head;
                assert_eq!(
                    head.kind == Kind::OneWay,
                    vector.number("type") == 2,
                    "{name}"
                );
                let millis = head.timeout.map(|timeout| timeout.as_millis() as u64);
                assert_eq!(millis, Some(vector.number("timeout_ms")), "{name}");
                let unique_name = vector.routing["service"].as_str();
                let service = unique_name.map(|name| name.split(':').next().unwrap());
                if let Some(service) = service {
                    assert_eq!(head.service, service, "{name}");
                    assert_eq!(
                        head.method,
                        vector.routing["method"].as_str().unwrap(),
                        "{name}"
                    );
                } else {
                    assert_eq!(head.service, "com.acme.OrderService", "{name}");
                    assert_eq!(head.method, "plus", "{name}");
                }
                (found, head.wire, request.body)
            }
            Inbound::Response(found, response) => {
                responses += 1;
                let outcome = response.head.outcome;
                assert_eq!(u64::from(outcome.native), vector.number("status"), "{name}");
                assert_eq!(
                    outcome.class == Class::Success,
                    outcome.native == 0,
                    "{name}"
                );
                (found, response.head.wire, response.body)
            }
            Inbound::Control(control) => {
                controls += 1;
                match (vector.number("cmdcode"), vector.number("type"), &control) {
                    (0, 1, Control::Ping(found, _)) | (0, 0, Control::Pong(found)) => {
                        assert_eq!(*found, id, "{name}");
                    }
                    (100, 1, Control::GoAway) => {}
                    _ => panic!("{name}: {control:?}"),
                }
                continue;
            }
            fault @ Inbound::Fault(..) => panic!("{name}: {fault:?}"),
        };
        assert_eq!(found, id, "{name}");
        assert_eq!(body.whole(), Some(content), "{name}");
        let (class, header) = wire.image.split_at(vector.number("class_len") as usize);
        assert_eq!(
            class,
            vector.expect["class"].as_str().unwrap().as_bytes(),
            "{name}"
        );
        let pairs: Vec<_> = Pairs::new(header).map(Result::unwrap).collect();
        let expected: Vec<_> = vector.expect["headers"]
            .as_array()
            .unwrap()
            .iter()
            .collect();
        assert_eq!(pairs.len(), expected.len(), "{name}");
        for (pair, expected) in pairs.iter().zip(expected) {
            assert_eq!(pair.0, expected[0].as_str().unwrap().as_bytes(), "{name}");
            assert_eq!(pair.1, expected[1].as_str().unwrap().as_bytes(), "{name}");
        }
    }
    assert_eq!((requests, responses, controls), (18, 26, 5));
}

#[test]
fn a_rewritten_id_is_all_that_changes_and_it_changes_back() {
    let mut seen = 0;
    for vector in all() {
        let (events, _) = decode_all(&mut codec(Role::Upstream), vector.frame());
        let id = StreamId(vector.number("request_id"));
        let Some(same) = encode_event(&events[0], id) else {
            continue;
        };
        assert_eq!(same, vector.frame(), "{}", vector.name);

        let other = encode_event(&events[0], StreamId(0x7ead_beef)).unwrap();
        let at = vector.number("request_id_offset") as usize;
        let mut expected = vector.frame().to_vec();
        expected[at..at + 4].copy_from_slice(&[0x7e, 0xad, 0xbe, 0xef]);
        if vector.expect.get("crc32").is_some() {
            let end = expected.len() - 4;
            let crc = crc32fast::hash(&expected[..end]);
            expected[end..].copy_from_slice(&crc.to_be_bytes());
        }
        assert_eq!(other, expected, "{}", vector.name);

        let (events, error) = decode_all(&mut codec(Role::Upstream), &other);
        assert!(error.is_none(), "{}", vector.name);
        assert_eq!(
            encode_event(&events[0], id).unwrap(),
            vector.frame(),
            "{}",
            vector.name
        );
        seen += 1;
    }
    assert_eq!(seen, 44);
}

#[test]
fn bytes_that_one_library_wrongly_adds_are_no_frame() {
    let divergent = all()
        .into_iter()
        .find(|vector| vector.name.contains("DIVERGENT"))
        .unwrap();
    let (events, error) = decode_all(&mut codec(Role::Downstream), &divergent.bytes);
    assert!(matches!(events[..], [Inbound::Request(..)]));
    assert!(error.is_some(), "the stray CRC starts no frame");
}
