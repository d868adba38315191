//! Requests that go where their clients wanted to go.

use crate::mesh::Mesh;
use crate::users::{PROTOCOLS, Servers, Users, routes};

fn clusters(discovery: &str) -> String {
    let clusters = PROTOCOLS.map(|p| format!("  c-{p}: {{discovery: {discovery}}}"));
    clusters.join("\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_names_the_endpoint_in_every_protocol() {
    let mesh = Mesh::start(
        &routes(),
        &clusters("{original_destination: {header: x-to, limit: 2, idle: 200ms}}"),
    );
    let mut users = Users::of(&mesh).await;
    let mut servers = Vec::new();
    for name in ["one", "two", "one", "two"] {
        servers.push((name, Servers::named(name).await));
    }
    for (at, (name, server)) in servers.iter().enumerate() {
        if at == 2 {
            // There is room for two, until these have been idle.
            let listed = &["state=\"listed\""];
            mesh.counts("wireloom_cluster_endpoints", listed, 0.0).await;
        }
        let to = server.addresses.map(|address| address.to_string());
        let to = to.each_ref().map(|to| [("x-to", to.as_str())]);
        let said = users.ask_with([&to[0], &to[1], &to[2]]).await;
        assert_eq!(said, [*name; 3]);
    }
}

#[tokio::test]
async fn a_connection_that_was_not_redirected_has_no_destination() {
    // To connect to where it had connected to would be to connect to the proxy itself, again and again.
    let mesh = Mesh::start(&routes(), &clusters("original_destination"));
    let (grpc, http, dubbo) = Users::of(&mesh).await.refused().await;
    assert_eq!((grpc, http), (14, 503));
    assert!(dubbo.contains("not redirected to the proxy"), "{dubbo}");
}
