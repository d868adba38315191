//! `examples/headers.yaml`, with servers behind it.

use std::path::Path;

use crate::mesh::Mesh;
use crate::peers::{self, Peer};

/// The example, on a port of its own and without an admin server, in front of this.
fn example(orders: &Peer) -> Mesh {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/headers.yaml");
    let mut yaml = std::fs::read_to_string(file).unwrap();
    for (text, instead) in [
        ("admin: {address: 127.0.0.1:9901}\n", ""),
        ("0.0.0.0:2045", "127.0.0.1:0"),
        ("10.0.0.1:8080", &orders.address.to_string()),
    ] {
        assert!(yaml.contains(text), "{text}");
        yaml = yaml.replace(text, instead);
    }
    Mesh::of(&yaml)
}

const SENT: [(&str, &str); 3] = [
    ("x-account", "ann"),
    ("x-caller", "spiffe://not/true"),
    ("x-secret", "1"),
];

async fn is_as_the_example_says(server: &mut Peer, call: &str) {
    let asked = server.asked().await;
    let asked: Vec<_> = asked
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    let expected = [
        ("x-call", call),
        ("x-client", "127.0.0.1"),
        ("x-hop", "mesh to orders"),
        ("x-user", "ann"),
    ];
    assert_eq!(asked, expected);
}

#[tokio::test]
async fn every_protocol_is_changed_as_the_example_says() {
    let answer = [("x-route".to_owned(), "orders".to_owned())];

    let mut server = peers::dubbo_server().await;
    assert_eq!(peers::dubbo(example(&server).address, &SENT).await, answer);
    is_as_the_example_says(&mut server, "dubbo acme.Orders/get").await;

    let mut server = peers::thrift_server().await;
    assert_eq!(peers::thrift(example(&server).address, &SENT).await, answer);
    is_as_the_example_says(&mut server, "thrift /plus").await;

    let mut server = peers::http_server().await;
    assert_eq!(peers::http(example(&server).address, &SENT).await, answer);
    is_as_the_example_says(&mut server, "http1 /").await;

    let mut server = peers::grpc_server().await;
    assert_eq!(peers::grpc(example(&server).address, &SENT).await, answer);
    is_as_the_example_says(&mut server, "grpc acme.Orders/get").await;
}
