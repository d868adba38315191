//! `examples/filters.yaml`, with servers behind it.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::dubbo::{Consumer, call, provider};
use crate::http1;
use crate::mesh::Mesh;
use crate::server::Server;

/// The example, on a port of its own and without an admin server, in front of this.
fn example(shop: SocketAddr) -> Mesh {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/filters.yaml");
    let mut yaml = std::fs::read_to_string(file).unwrap();
    for (text, instead) in [
        ("admin: {address: 127.0.0.1:9901}\n", ""),
        ("0.0.0.0:2045", "127.0.0.1:0"),
        ("10.0.3.1:8080", &shop.to_string()),
    ] {
        assert!(yaml.contains(text), "{text}");
        yaml = yaml.replace(text, instead);
    }
    Mesh::of(&yaml)
}

#[tokio::test]
async fn dubbo_is_limited_as_the_example_says() {
    let mesh = example(provider("shop").await);
    let consumer = Consumer::connect(mesh.address).await;
    let login = |user| call("com.acme.Login", "login", &[("x-user", user)]);
    for user in ["ann", "bob"] {
        for _ in 0..5 {
            assert_eq!(consumer.send(&login(user)).await.unwrap(), "shop");
        }
        let error = consumer.send(&login(user)).await.unwrap_err();
        assert!(error.contains("rate limited"), "{error}");
    }
    let name = "wireloom_filter_rejections_total";
    let user = [
        "filter=\"rate_limit/user\"",
        "route=\"login\"",
        "reason=\"rate\"",
    ];
    mesh.counts(name, &user, 2.0).await;

    let stock = |fields| call("com.acme.Stock", "count", fields);
    let start = Instant::now();
    let late = [("x-chaos", "on"), ("x-chaos-delay", "300")];
    // One in a hundred fails.
    let _ = consumer.send(&stock(&late)).await;
    assert!(start.elapsed() >= Duration::from_millis(300));
    assert_eq!(consumer.send(&stock(&late[1..])).await.unwrap(), "shop");

    // Others share the client's fifty, of which none is taken but by Stock; ten come back each second.
    let mut refused = None;
    for _ in 0..10_000 {
        if let Err(error) = consumer.get(&[]).await {
            refused = Some(error);
            break;
        }
    }
    assert!(refused.unwrap().contains("rate limited"));
}

#[tokio::test]
async fn http_is_limited_as_the_example_says() {
    let mesh = example(http1::server("shop").await);
    let mut client = http1::Client::connect(mesh.address).await;
    let mut upload = async |length: usize, from: &str| {
        let body = "x".repeat(length);
        let head = format!("POST /uploads/a HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {from}");
        let request = format!("{head}\r\nContent-Length: {length}\r\n\r\n{body}");
        client.write(request.as_bytes()).await;
        client.read().await.0
    };
    assert_eq!(upload(1000, "192.0.2.1").await, 200);
    assert_eq!(upload(1000, "203.0.113.1").await, 403);
    let mut client = http1::Client::connect(mesh.address).await;
    client.write(b"POST /uploads/a HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\nContent-Length: 70000\r\n\r\n").await;
    assert_eq!(client.read().await.0, 413);
    // A body of that length may go elsewhere.
    let mut client = http1::Client::connect(mesh.address).await;
    client
        .write(b"POST /other HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n")
        .await;
    client.write(&[b'x'; 70_000]).await;
    assert_eq!(client.read().await, (200, "shop 70000".to_owned()));
    let name = "wireloom_filter_rejections_total";
    for (filter, reason) in [("access", "denied"), ("request_size", "announced")] {
        let labels = [filter, reason, "route=\"uploads\""];
        mesh.counts(name, &labels, 1.0).await;
    }
}

#[tokio::test]
async fn grpc_is_limited_as_the_example_says() {
    let server = Server::named("shop").await;
    let mesh = example(server.address);
    let client = Client::connect(mesh.address).await;
    let login = async || {
        let reply = client
            .call("/com.acme.Login/login", &[("x-user", "ann")])
            .await;
        reply.grpc().0
    };
    for _ in 0..5 {
        assert_eq!(login().await, 0);
    }
    assert_eq!(login().await, 8);
    let asked = [
        ("x-chaos", "on"),
        ("x-chaos-delay", "0"),
        ("x-chaos-abort", "denied"),
    ];
    // One in a hundred, of which each can ask how it fails.
    let mut failed = 0;
    for _ in 0..40 {
        let reply = client.call("/com.acme.Stock/count", &asked).await;
        failed += u32::from(reply.grpc().0 == 7);
    }
    assert!(failed < 20, "{failed}");
}
