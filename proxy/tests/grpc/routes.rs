//! Routing by metadata.

use crate::client::Client;
use crate::mesh::Mesh;
use crate::server::Server;

/// A proxy in front of servers that say their names, with routes to them.
async fn mesh(routes: &[(&str, &'static str)]) -> (Mesh, Client, Vec<Server>) {
    let mut servers = Vec::new();
    let (mut yaml, mut clusters) = (String::new(), String::new());
    for (at, (condition, name)) in routes.iter().enumerate() {
        let server = Server::named(name).await;
        yaml += &format!("    - {{match: {{{condition}}}, to: c{at}}}\n");
        clusters += &format!("  c{at}: {{endpoints: ['{}']}}\n", server.address);
        servers.push(server);
    }
    let mesh = Mesh::start(&yaml, &clusters);
    let client = Client::connect(mesh.address).await;
    (mesh, client, servers)
}

async fn server(client: &Client, path: &str, fields: &[(&str, &str)]) -> String {
    let reply = client.call(path, fields).await;
    assert_eq!(reply.grpc(), (0, false), "{reply:?}");
    reply.headers["x-server"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn grpc_goes_where_its_service_method_and_metadata_say() {
    let (_mesh, client, _servers) = mesh(&[
        ("headers: {x-canary: 'true'}", "canary"),
        ("headers: {x-token-bin: AQI}", "binary"),
        (
            "protocol: grpc, service: acme.Orders, method: {prefix: get}",
            "reads",
        ),
        ("service: {prefix: acme.}", "rest"),
    ])
    .await;
    for (path, fields, name) in [
        ("/acme.Orders/getOne", &[][..], "reads"),
        ("/acme.Orders/put", &[], "rest"),
        ("/acme.Users/getOne", &[], "rest"),
        ("/acme.Orders/getOne", &[("x-canary", "true")], "canary"),
        ("/acme.Orders/getOne", &[("x-canary", "false")], "reads"),
        ("/acme.Orders/getOne", &[("x-token-bin", "AQI=")], "binary"),
        ("/acme.Orders/getOne", &[("x-token-bin", "AQIE")], "reads"),
    ] {
        let answered = server(&client, path, fields).await;
        assert_eq!(answered, name, "{path} {fields:?}");
    }
    let nowhere = client.call("/other.Service/x", &[]).await;
    assert_eq!(nowhere.grpc(), (12, true), "{nowhere:?}");
    assert_eq!(nowhere.status, 200);
}

#[tokio::test]
async fn triple_goes_where_its_version_and_group_say() {
    let (_mesh, client, _servers) = mesh(&[
        ("protocol: triple, group: blue", "blue"),
        ("protocol: triple, version: {prefix: '2.'}", "second"),
        ("protocol: triple, headers: {peer-key: plain}", "attachment"),
        ("protocol: triple, service: acme.Orders", "triple"),
        ("protocol: grpc", "grpc"),
    ])
    .await;
    let version = |version| ("tri-service-version", version);
    let path = "/context/acme.Orders/get";
    for (fields, name) in [
        (&[version("1.0"), ("tri-service-group", "blue")][..], "blue"),
        (&[version("2.1")], "second"),
        (&[version("1.0"), ("peer-key", "plain")], "attachment"),
        (&[version("1.0")], "triple"),
        (&[("tri-consumer-appname", "a")], "triple"),
        (&[("tri-service-groups", "blue")], "grpc"),
    ] {
        let answered = server(&client, path, fields).await;
        assert_eq!(answered, name, "{fields:?}");
    }
}
