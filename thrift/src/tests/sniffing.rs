//! Detection, against first bytes of every protocol.

use serde_json::Value;
use wireloom_codecs::{Codec, Sniff};

use crate::{ThriftCodec, fuzz};

#[test]
fn vectors_are_decided_where_they_should_be() {
    let file: Value = serde_json::from_str(include_str!("../../vectors/sniffing.json")).unwrap();
    let mut thrift = 0;
    for vector in file["vectors"].as_array().unwrap() {
        let name = &vector["name"];
        let bytes = hex::decode(vector["hex"].as_str().unwrap()).unwrap();
        fuzz::sniff(&bytes);
        let decide_at = vector["expect"]["min_bytes_to_decide"].as_u64().unwrap() as usize;
        let protocol = vector["expect"]["protocol"].as_str().unwrap();
        if protocol.starts_with("thrift-") {
            thrift += 1;
            assert_eq!(
                ThriftCodec::sniff(&bytes[..decide_at - 1]),
                Sniff::More,
                "{name}"
            );
            assert_eq!(
                ThriftCodec::sniff(&bytes[..decide_at]),
                Sniff::Match,
                "{name}"
            );
        } else if !bytes.is_empty() {
            assert_eq!(ThriftCodec::sniff(&bytes), Sniff::Never, "{name}");
        }
    }
    assert_eq!(thrift, 7);
}

#[test]
fn what_is_close_is_not_thrift() {
    let sniff = |text: &str| ThriftCodec::sniff(&super::hex(text));
    // TTHeader, and Tars beside it.
    assert_eq!(sniff("00000020 1000"), Sniff::Match);
    assert_eq!(sniff("00000020 1001"), Sniff::Never);
    assert_eq!(sniff("00000020 1003"), Sniff::Never);
    // Replies, unframed and framed.
    for reply in [
        "80010002",
        "80010003",
        "8241",
        "8261",
        "00000020 80010002",
        "00000020 8241",
    ] {
        assert_eq!(sniff(reply), Sniff::Never, "{reply}");
    }
    // Lengths.
    assert_eq!(sniff("00000005"), Sniff::Never);
    assert_eq!(sniff("00000006 8221"), Sniff::Match);
    assert_eq!(sniff("00fa0000 8221"), Sniff::Match);
    assert_eq!(sniff("00fa0001"), Sniff::Never);
    assert_eq!(sniff("01"), Sniff::Never);
    for more in [
        "",
        "00",
        "000000",
        "00000020",
        "00000020 80",
        "00000020 800100",
        "80",
        "800100",
        "82",
    ] {
        assert_eq!(sniff(more), Sniff::More, "{more}");
    }
}
