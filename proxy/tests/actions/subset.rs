//! Requests that choose a part of their cluster, over each protocol.

use crate::client::Client;
use crate::dubbo::Consumer;
use crate::fleet::{Speaks, by_grpc, by_http, endpoints};
use crate::http1;
use crate::mesh::Mesh;

const SERVERS: [(&str, &str); 4] = [
    ("a1", "zone: a, version: v1"),
    ("a2", "zone: a, version: v2"),
    ("b1", "zone: b, version: v1"),
    ("c", "zone: c"),
];

const ALL: [(Speaks, &str); 3] = [
    (Speaks::Grpc, "grpc"),
    (Speaks::Http, "http1"),
    (Speaks::Dubbo, "dubbo"),
];

async fn mesh(part: &str, subset: &str) -> Mesh {
    let (mut routes, mut clusters) = (String::new(), String::new());
    for (speaks, protocol) in ALL {
        let endpoints = endpoints(speaks, &SERVERS).await;
        clusters += &format!("  {protocol}: {{endpoints: {endpoints}, subset: {subset}}}\n");
        routes += &format!(
            "    - {{match: {{protocol: {protocol}}}, to: {{cluster: {protocol}, subset: {part}}}}}\n"
        );
    }
    Mesh::start(&routes, &clusters)
}

#[tokio::test]
async fn headers_choose_beside_constants() {
    let mesh = mesh(
        "{zone: {header: X-Zone}, version: v1}",
        "{keys: [[zone, version], [version]], fallback: default, default: {zone: c}}",
    )
    .await;
    let grpc = Client::connect(mesh.address).await;
    let mut http = http1::Client::connect(mesh.address).await;
    let dubbo = Consumer::connect(mesh.address).await;
    let long = "a".repeat(300);
    for _ in 0..4 {
        for (fields, servers) in [
            (&[("x-zone", "a")][..], &["a1"][..]),
            (&[("x-zone", "b")], &["b1"]),
            // No endpoint has these: the cluster's fallback.
            (&[("x-zone", "c")], &["c"]),
            (&[("x-zone", "nowhere")], &["c"]),
            (&[("x-zone", &*long)], &["c"]),
            // The version alone is a combination of the cluster's too.
            (&[], &["a1", "b1"]),
        ] {
            let seen = [
                by_grpc(&grpc, fields).await,
                by_http(&mut http, fields).await,
                dubbo.get(fields).await.unwrap(),
            ];
            assert!(
                seen.iter().all(|name| servers.contains(&&**name)),
                "{fields:?}: {seen:?}"
            );
        }
    }
}

#[tokio::test]
async fn without_a_fallback_a_value_that_nobody_has_fails() {
    let mesh = mesh("{zone: {header: x-zone}}", "{keys: [[zone]]}").await;
    let grpc = Client::connect(mesh.address).await;
    let mut http = http1::Client::connect(mesh.address).await;
    let dubbo = Consumer::connect(mesh.address).await;
    let fields = [("x-zone", "b")];
    assert_eq!(by_grpc(&grpc, &fields).await, "b1");
    assert_eq!(by_http(&mut http, &fields).await, "b1");
    assert_eq!(dubbo.get(&fields).await.unwrap(), "b1");
    let fields = [("x-zone", "d")];
    let reply = grpc.call("/acme.Orders/get", &fields).await;
    assert_eq!(reply.grpc(), (14, true), "{reply:?}");
    http.write(b"GET / HTTP/1.1\r\nHost: a\r\nX-Zone: d\r\n\r\n")
        .await;
    let (status, body) = http.read().await;
    assert_eq!(status, 503, "{body}");
    let error = dubbo.get(&fields).await.unwrap_err();
    assert!(error.contains("{zone: d}"), "{error}");
}
