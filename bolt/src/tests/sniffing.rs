//! Detection, against first bytes of every protocol.

use serde_json::Value;
use wireloom_codecs::{Codec, Sniff};

use crate::{BoltCodec, fuzz};

#[test]
fn vectors_are_decided_where_they_should_be() {
    let file: Value = serde_json::from_str(include_str!("../../vectors/sniffing.json")).unwrap();
    let mut bolt = 0;
    for vector in file["vectors"].as_array().unwrap() {
        let name = &vector["name"];
        let bytes = hex::decode(vector["hex"].as_str().unwrap()).unwrap();
        fuzz::sniff(&bytes);
        let decide_at = vector["expect"]["min_bytes_to_decide"].as_u64().unwrap() as usize;
        let protocol = vector["expect"]["protocol"].as_str().unwrap();
        // Not to be told from Bolt by its first bytes.
        if protocol.starts_with("bolt") || protocol == "ambiguous" {
            bolt += 1;
            assert_eq!(
                BoltCodec::sniff(&bytes[..decide_at - 1]),
                Sniff::More,
                "{name}"
            );
            assert_eq!(
                BoltCodec::sniff(&bytes[..decide_at]),
                Sniff::Match,
                "{name}"
            );
        } else if !bytes.is_empty() {
            assert_eq!(BoltCodec::sniff(&bytes), Sniff::Never, "{name}");
            assert_eq!(
                BoltCodec::sniff(&bytes[..decide_at]),
                Sniff::Never,
                "{name}"
            );
        }
    }
    assert_eq!(bolt, 7);
}

#[test]
fn the_table_is_the_whole_truth() {
    let mut matches = 0;
    // Every combination of values near the allowed ones.
    let near = [0u8, 1, 2, 3, 100, 255];
    for i in 0..near.len().pow(6) {
        let bytes: [u8; 6] =
            std::array::from_fn(|at| near[i / near.len().pow(at as u32) % near.len()]);
        let (type_, rest) = match bytes {
            [1, type_, rest @ .., _] => (type_, rest),
            [2, 1 | 2, type_, a, b, c] => (type_, [a, b, c]),
            _ => (255, [0; 3]),
        };
        let allowed = matches!((type_, rest), (1, [0, 0 | 1 | 100, 1]) | (2, [0, 1, 1]));
        let verdict = BoltCodec::sniff(&bytes);
        assert_eq!(verdict == Sniff::Match, allowed, "{bytes:?}");
        assert_ne!(verdict, Sniff::More);
        matches += usize::from(allowed);
    }
    assert_eq!(matches, 4 * 6 + 4 * 2);
}
