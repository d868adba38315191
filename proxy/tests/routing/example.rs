//! `examples/routing.yaml`, with servers behind it.

use std::net::SocketAddr;
use std::path::Path;

use wireloom_dubbo::call::{Arguments, DubboCall};
use wireloom_hessian::Value;

use crate::dubbo::{Consumer, call, provider};
use crate::http1;
use crate::mesh::Mesh;

/// The example, on a port of its own and without an admin server, in front of these.
fn example(canary: SocketAddr, orders: SocketAddr, web: SocketAddr) -> Mesh {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/routing.yaml");
    let mut yaml = std::fs::read_to_string(file).unwrap();
    for (text, instead) in [
        ("admin: {address: 127.0.0.1:9901}\n", ""),
        ("0.0.0.0:2045", "127.0.0.1:0"),
        ("10.0.1.1:20880", &canary.to_string()),
        ("10.0.0.1:20880, 10.0.0.2:20880", &orders.to_string()),
        ("10.0.2.1:8080", &web.to_string()),
    ] {
        assert!(yaml.contains(text), "{text}");
        yaml = yaml.replace(text, instead);
    }
    Mesh::of(&yaml)
}

#[tokio::test]
async fn http_goes_where_the_example_says() {
    let canary = http1::server("canary").await;
    let (orders, web) = (http1::server("orders").await, http1::server("web").await);
    let mesh = example(canary, orders, web);
    let mut client = http1::Client::connect(mesh.address).await;
    let testers = [
        "X-User: ann@acme.com",
        "X-Shard: 7",
        "X-Trial: 1",
        "X-Release: new",
    ];
    for (lines, name) in [
        (&["X-Canary: true"][..], "canary"),
        (&testers, "canary"),
        (&testers[..3], "canary"),
        (&testers[1..], "web"),
        (&["Cookie: plan=beta"], "canary"),
        (&["User-Agent: SomeBot", "X-Hour: 5"], "canary"),
        (&["User-Agent: SomeBot", "X-Hour: 7"], "web"),
        (&[], "web"),
    ] {
        assert_eq!(client.get("/", lines).await, name, "{lines:?}");
    }
    for (head, body, name) in [
        (
            "POST /orders HTTP/1.1\r\nHost: a",
            r#"{"user": {"plan": "gold"}}"#,
            "canary",
        ),
        (
            "POST /orders HTTP/1.1\r\nHost: a",
            r#"{"user": {"plan": "free"}}"#,
            "web",
        ),
        ("GET /orders/7 HTTP/1.1\r\nHost: api.acme.com", "", "orders"),
        ("GET /users HTTP/1.1\r\nHost: eu.api.acme.com", "", "web"),
    ] {
        let length = body.len();
        let lines = format!("Content-Type: application/json\r\nContent-Length: {length}");
        client
            .write(format!("{head}\r\n{lines}\r\n\r\n{body}").as_bytes())
            .await;
        let answer = (200, format!("{name} {length}"));
        assert_eq!(client.read().await, answer, "{head} {body}");
    }
}

#[tokio::test]
async fn dubbo_goes_where_the_example_says() {
    let (canary, orders) = (provider("canary").await, provider("orders").await);
    let mesh = example(canary, orders, provider("web").await);
    let consumer = Consumer::connect(mesh.address).await;
    let create = |plan: &str, amount: i32| {
        let user = Value::map([("plan", plan)]);
        DubboCall {
            arguments: Arguments::Typed {
                descriptor: "Lacme/Order;I".to_owned(),
                values: vec![
                    Value::object("acme.Order", [("user", user)]),
                    Value::Int(amount),
                ],
            },
            ..call("com.acme.order.Checkout", "createOrder", &[])
        }
    };
    for (call, name) in [
        (create("gold", 1_000), "canary"),
        (create("gold", 999), "orders"),
        (create("free", 1_000), "orders"),
        (call("com.acme.order.Checkout", "get", &[]), "orders"),
        (call("com.acme.Users", "get", &[]), "web"),
        (
            call("com.acme.Users", "get", &[("x-canary", "true")]),
            "canary",
        ),
    ] {
        assert_eq!(consumer.send(&call).await.unwrap(), name, "{call:?}");
    }
}
