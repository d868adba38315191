use wireloom_codecs::Inbound;
use wireloom_hessian::Value;

use super::*;
use crate::tests::{decode_all, vector, vectors, with_needs};
use crate::{answer, call as calls, fuzz};

fn request_of(name: &str) -> Request {
    let (mut events, _) = decode_all(&mut with_needs([]), &vector(name));
    match events.remove(0) {
        Inbound::Request(_, request) => request,
        other => panic!("{name}: {other:?}"),
    }
}

fn some() -> FieldEdits<'static> {
    let mut edits = FieldEdits::new();
    edits.remove("remote.application");
    edits.set("timeout", "7");
    edits.set("zone", "east");
    edits
}

#[test]
fn real_requests_are_edited_and_read_again() {
    let mut edited = 0;
    for vector in vectors() {
        fuzz::fuzz_edits(&vector.frame);
        let (events, _) = decode_all(&mut with_needs([]), &vector.frame);
        for event in events {
            let Inbound::Request(_, mut request) = event else {
                continue;
            };
            let Ok(before) = answer::read_request(&request) else {
                continue;
            };
            assert!(super::request(&mut request, &some()), "{}", vector.name);
            let after = answer::read_request(&request).unwrap();
            assert_eq!(after.arguments, before.arguments, "{}", vector.name);
            assert_eq!(after.timeout, Some(std::time::Duration::from_millis(7)));
            let mut expected = before.attachments;
            expected.retain(|(name, _)| {
                !["remote.application", "timeout", "zone"].contains(&name.as_str())
            });
            expected.push(("timeout".into(), "7".into()));
            expected.push(("zone".into(), "east".into()));
            assert_eq!(after.attachments, expected, "{}", vector.name);
            edited += 1;
        }
    }
    assert!(edited > 20, "{edited}");
}

#[test]
fn only_responses_with_attachments_get_some() {
    for (name, has) in [
        ("response_value_attachments", true),
        ("response_null_attachments", true),
        ("response_value", false),
        ("response_null", false),
        ("response_status_40", false),
    ] {
        let (mut events, _) = decode_all(&mut with_needs([]), &vector(name));
        let Inbound::Response(_, mut answered) = events.remove(0) else {
            panic!("{name}");
        };
        let before = answered.body.whole().unwrap().to_vec();
        assert_eq!(response(&mut answered, &some()), has, "{name}");
        if has {
            let reply = calls::read_response(&answered).unwrap();
            assert_eq!(
                reply.attachments.get("zone").and_then(Value::as_str),
                Some("east")
            );
        } else {
            assert_eq!(answered.body.whole().unwrap(), before);
        }
    }
}

#[test]
fn what_is_broken_stays_as_it_is() {
    let whole = request_of("java26_request");
    let body = whole.body.whole().unwrap().to_vec();
    for cut in 0..body.len() {
        let mut request = request_of("java26_request");
        request.body = Body::Whole(Bytes::copy_from_slice(&body[..cut]));
        assert!(!super::request(&mut request, &some()), "{cut}");
        assert_eq!(request.body.whole().unwrap(), &body[..cut]);
    }
}

#[test]
fn what_says_where_a_request_goes_is_never_edited() {
    let mut request = request_of("java27_request_group");
    let before = request.body.whole().unwrap().to_vec();
    let mut edits = FieldEdits::new();
    for name in ["path", "interface", "version", "group", "generic"] {
        edits.set(name, "other");
    }
    assert!(!super::request(&mut request, &edits));
    assert_eq!(request.body.whole().unwrap(), before);
}
