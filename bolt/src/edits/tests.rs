use wireloom_codecs::{Codec, Inbound, Outbound, Role, StreamId, WriteBuf};

use super::*;
use crate::BoltCodec;
use crate::fuzz;
use crate::header::Pairs;
use crate::tests::{codec, decode_all, vectors};

fn some() -> FieldEdits<'static> {
    let mut edits = FieldEdits::new();
    edits.remove("rpc_trace_context.sofaRpcId");
    edits.set("x-zone", "east");
    edits
}

#[test]
fn frames_of_real_peers_are_edited_and_read_again() {
    let mut edited = 0;
    for vector in vectors::all() {
        fuzz::edits(vector.frame());
        let (events, _) = decode_all(&mut codec(Role::Upstream), vector.frame());
        for event in events {
            let mut dst = WriteBuf::new();
            let mut codec = codec(Role::Upstream);
            match event {
                Inbound::Request(_, mut request) => {
                    assert!(
                        BoltCodec::edit_request(&mut request, &some()),
                        "{}",
                        vector.name
                    );
                    let out = Outbound::Request(StreamId(1), &request);
                    codec.encode(out, &mut dst).unwrap();
                }
                Inbound::Response(_, mut response) => {
                    assert!(
                        BoltCodec::edit_response(&mut response, &some()),
                        "{}",
                        vector.name
                    );
                    let out = Outbound::Response(StreamId(1), &response);
                    codec.encode(out, &mut dst).unwrap();
                }
                _ => continue,
            }
            let (events, error) = decode_all(&mut codec, &dst.to_vec());
            assert!(error.is_none());
            let wire = match &events[..] {
                [Inbound::Request(_, request)] => &request.head.wire,
                [Inbound::Response(_, response)] => &response.head.wire,
                other => panic!("{}: {other:?}", vector.name),
            };
            let head = Head::parse(&wire.fixed).unwrap();
            let pairs = Pairs::new(&wire.image[usize::from(head.class_len)..]);
            let pairs: Vec<_> = pairs.map(Result::unwrap).collect();
            assert_eq!(pairs.last().unwrap(), &(&b"x-zone"[..], &b"east"[..]));
            let gone = b"rpc_trace_context.sofaRpcId";
            assert!(pairs.iter().all(|(name, _)| name != gone));
            edited += 1;
        }
    }
    assert!(edited > 20, "{edited}");
}

fn wire(block: &[u8]) -> Wire {
    let header_len = u16::try_from(block.len()).unwrap();
    let head = Head {
        header_len,
        ..Head::default()
    };
    Wire {
        fixed: head.to_bytes(),
        image: Bytes::copy_from_slice(block),
    }
}

#[test]
fn what_is_broken_or_would_not_fit_stays_as_it_is() {
    let mut edits = some();
    for block in [
        &b"\0"[..],
        b"\0\0\0\x01",
        b"\0\0\0\x02ab",
        b"\xff\xff\xff\xfe",
    ] {
        let mut wire = wire(block);
        let before = wire.clone();
        assert!(!message(&mut wire, &edits));
        assert_eq!(wire, before);
    }
    let long = "x".repeat(32_767 - 8 - 3 - 18);
    edits.add("big", &long);
    let mut fits = wire(b"");
    assert!(message(&mut fits, &edits));
    assert_eq!(fits.image.len(), 32_767);
    let before = fits.clone();
    let mut more = FieldEdits::new();
    more.add("", "");
    assert!(!message(&mut fits, &more));
    assert_eq!(fits, before);
}

#[test]
fn what_says_where_a_request_goes_is_never_edited() {
    let mut block = BytesMut::new();
    header::put_pair(&mut block, "service", "a.B:1.0");
    header::put_pair(&mut block, "sofa_head_method_name", "m");
    header::put_pair(&mut block, "x", "1");
    let mut edits = FieldEdits::new();
    edits.set("service", "other");
    edits.remove("sofa_head_method_name");
    let mut wire = wire(&block);
    assert!(!message(&mut wire, &edits));
    assert_eq!(wire.image, block);
    edits.remove("x");
    assert!(!message(&mut wire, &edits));
    assert_eq!(wire.image, block[..block.len() - 10]);
}
