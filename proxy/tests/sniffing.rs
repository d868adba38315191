//! No client's first bytes are two protocols', however they are cut, and what is none of ours is nobody's.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends at what it does not expect"
)]

use serde_json::Value;
use wireloom::{Program, config};

/// What the vectors call it, by our names.
fn own(protocol: &str) -> Option<&str> {
    match protocol {
        "http1" | "http2" | "dubbo" | "dubbo-thrift" => Some(protocol),
        "bolt-v1" | "bolt-v2" => Some("bolt"),
        _ => protocol.starts_with("thrift-").then_some("thrift"),
    }
}

#[test]
fn first_bytes_belong_to_one_protocol_at_most() {
    let text = include_str!("../../dubbo/vectors/sniffing.json");
    let file: Value = serde_json::from_str(text).unwrap();
    let yaml = "{listeners: [{address: '127.0.0.1:0', routes: a}], routes: {a: []}, clusters: {}}";
    let program = Program::new();
    let config = config::parse("test.yaml".as_ref(), yaml, &program.names()).unwrap();
    let protocols = program.protocols(&config);
    let mut seen = Vec::new();
    for vector in file["vectors"].as_array().unwrap() {
        let bytes = hex::decode(vector["hex"].as_str().unwrap()).unwrap();
        let claimants = protocols.claimants(&bytes);
        let claimants: Vec<_> = claimants.iter().map(|id| id.as_str()).collect();
        let name = &vector["name"];
        let expected = vector["expect"]["protocol"].as_str().unwrap();
        // These bytes are two protocols' in truth: a DNS query of that length is a Bolt request.
        if expected == "ambiguous" {
            assert!(claimants.len() <= 1, "{name}: {claimants:?}");
            continue;
        }
        let owner = own(expected);
        assert_eq!(claimants, Vec::from_iter(owner), "{name}");
        seen.extend(owner);
    }
    for name in ["http1", "http2", "dubbo", "dubbo-thrift", "bolt", "thrift"] {
        assert!(seen.contains(&name), "no sample of {name}");
    }
}
