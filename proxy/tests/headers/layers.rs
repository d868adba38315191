//! Changes at listener, route and cluster, with values from the request, over every protocol.

use crate::mesh::Mesh;
use crate::peers::{self, Fields, Peer};

const ROUTE: &str = "headers:
        request:
          remove: [x-secret]
          set: {x-user: '%REQ(x-user)%-%REQ(x-none?x-user)%', x-caller: '%DOWNSTREAM_PEER_URI_SAN%'}
          add: {x-hop: route, x-client: '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%'}
        response: {set: {x-route: '%ROUTE_NAME% of %REQ(x-user)%'}}";

/// A proxy in front of these servers: routes and clusters have their protocols' names.
fn site(servers: &[(&str, &Peer)]) -> Mesh {
    let mut yaml = "workers: 1
listeners:
  - address: '127.0.0.1:0'
    routes: main
    headers:
      request: {set: {x-zone: '100%%', x-from: listener, x-secret: listener}, add: {x-call: '%PROTOCOL% to %UPSTREAM_CLUSTER%'}}
      response: {remove: [x-secret], add: {x-hop: listener}}
routes:
  main:
"
    .to_owned();
    for (name, _) in servers {
        yaml += &format!(
            "    - match: {{protocol: {name}}}\n      name: {name}\n      to: {name}\n      {ROUTE}\n"
        );
    }
    yaml += "clusters:\n";
    for (name, peer) in servers {
        let address = peer.address;
        yaml += &format!(
            "  {name}: {{endpoints: ['{address}'], headers: {{request: {{set: {{x-from: cluster}}}}, response: {{set: {{x-hop: cluster}}}}}}}}\n"
        );
    }
    Mesh::of(&yaml)
}

fn fields(pairs: &[(&str, &str)]) -> Fields {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

const SENT: [(&str, &str); 4] = [
    ("x-secret", "client"),
    ("x-user", "ann"),
    ("x-zone", "client"),
    ("x-caller", "spiffe://not/true"),
];

fn request_of(protocol: &str) -> Fields {
    fields(&[
        ("x-call", &format!("{protocol} to {protocol}")),
        ("x-client", "127.0.0.1"),
        ("x-from", "cluster"),
        ("x-hop", "route"),
        ("x-user", "ann-ann"),
        ("x-zone", "100%"),
    ])
}

fn answer_of(protocol: &str) -> Fields {
    fields(&[
        ("x-hop", "cluster"),
        ("x-route", &format!("{protocol} of ann")),
    ])
}

#[tokio::test]
async fn dubbo_attachments_are_changed() {
    let mut server = peers::dubbo_server().await;
    let mesh = site(&[("dubbo", &server)]);
    for _ in 0..2 {
        let answer = peers::dubbo(mesh.address, &SENT).await;
        assert_eq!(server.asked().await, request_of("dubbo"));
        assert_eq!(answer, answer_of("dubbo"));
    }
}

#[tokio::test]
async fn bolt_header_entries_are_changed() {
    let mut server = peers::bolt_server().await;
    let mesh = site(&[("bolt", &server)]);
    let answer = peers::bolt(mesh.address, &SENT).await;
    assert_eq!(server.asked().await, request_of("bolt"));
    assert_eq!(answer, answer_of("bolt"));
}

#[tokio::test]
async fn thrift_info_pairs_are_changed() {
    let mut server = peers::thrift_server().await;
    let mesh = site(&[("thrift", &server)]);
    let answer = peers::thrift(mesh.address, &SENT).await;
    assert_eq!(server.asked().await, request_of("thrift"));
    assert_eq!(answer, answer_of("thrift"));
}

#[tokio::test]
async fn http_headers_are_changed() {
    let mut server = peers::http_server().await;
    let mesh = site(&[("http1", &server)]);
    let answer = peers::http(mesh.address, &SENT).await;
    assert_eq!(server.asked().await, request_of("http1"));
    assert_eq!(answer, answer_of("http1"));
}

#[tokio::test]
async fn grpc_metadata_is_changed() {
    let mut server = peers::grpc_server().await;
    let mesh = site(&[("grpc", &server)]);
    let answer = peers::grpc(mesh.address, &SENT).await;
    assert_eq!(server.asked().await, request_of("grpc"));
    assert_eq!(answer, answer_of("grpc"));
}

#[tokio::test]
async fn copies_are_changed_as_their_request_and_then_as_their_own_cluster_says() {
    let (mut main, mut copies) = (peers::bolt_server().await, peers::bolt_server().await);
    let mesh = Mesh::start(
        "    - {name: all, to: a, mirror: [{cluster: b}], headers: {request: {set: {x-route: '%ROUTE_NAME%'}, remove: [x-secret]}}}",
        &format!(
            "  a: {{endpoints: ['{}'], headers: {{request: {{add: {{x-from: a}}}}}}}}
  b: {{endpoints: ['{}'], headers: {{request: {{add: {{x-from: b, x-hop: '%UPSTREAM_CLUSTER%'}}}}}}}}",
            main.address, copies.address
        ),
    );
    peers::bolt(mesh.address, &[("x-secret", "1")]).await;
    assert_eq!(
        main.asked().await,
        fields(&[("x-from", "a"), ("x-route", "all")])
    );
    let copy = [("x-from", "b"), ("x-hop", "b"), ("x-route", "all")];
    assert_eq!(copies.asked().await, fields(&copy));
}

/// Framed Thrift has no fields, and the service of Dubbo is not the user's to change: such messages pass, and are counted.
#[tokio::test]
async fn what_cannot_be_changed_passes_and_is_counted() {
    let mut server = peers::dubbo_server().await;
    let mesh = Mesh::to(
        server.address,
        ", headers: {request: {set: {group: other, x-zone: a}}}",
    );
    assert_eq!(
        peers::dubbo(mesh.address, &[]).await,
        fields(&[("x-secret", "1")])
    );
    assert_eq!(server.asked().await, fields(&[("x-zone", "a")]));
    let name = "wireloom_header_edits_skipped_total";
    mesh.counts(name, &["protocol=\"dubbo\""], 1.0).await;
    mesh.counts(name, &["protocol=\"bolt\""], 0.0).await;
}

#[tokio::test]
async fn a_path_is_told_as_it_came() {
    let mut server = peers::http_server().await;
    let route = ", rewrite: {path: /inner}, headers: {request: {set: {x-route: '%REQ(:method)% %REQ(:path)%'}}}";
    let mesh = Mesh::to(server.address, route);
    peers::http(mesh.address, &[]).await;
    assert_eq!(
        server.asked().await,
        fields(&[("x-route", "GET /acme.Orders/get")])
    );
}
