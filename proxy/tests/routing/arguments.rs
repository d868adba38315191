//! Routing by what is inside of requests.

use wireloom_dubbo::call::{Arguments, DubboCall};
use wireloom_hessian::Value;

use crate::dubbo::call;
use crate::servers::Site;
use crate::thrift;

/// `acme.Orders.find(user, limit)`, or the same as a generic call.
fn find(name: &str, limit: i32, generic: bool) -> DubboCall {
    let address = Value::map([("city", "Bern")]);
    let fields = [("name", Value::from(name)), ("address", address)];
    let values = vec![Value::object("acme.User", fields), Value::Int(limit)];
    DubboCall {
        arguments: match generic {
            true => Arguments::Generic {
                types: None,
                values,
            },
            false => Arguments::Typed {
                descriptor: "Lacme/User;I".to_owned(),
                values,
            },
        },
        ..call("acme.Orders", "find", &[])
    }
}

#[tokio::test]
async fn dubbo_by_argument() {
    let site = Site::start(
        "- {match: {protocol: dubbo, arguments: [{index: 0, field: name, exact: ann}, {index: 1, range: {min: 10}}]}, to: both-dubbo}
- {match: {protocol: dubbo, arguments: [{index: 0, field: address.city, prefix: Be}, {index: 1, exact: 7}]}, to: seven-dubbo}
- {match: {protocol: dubbo, arguments: [{index: 0, field: name, exact: bob, budget: 32B}]}, to: never-dubbo}
- {match: {protocol: dubbo, arguments: [{index: 2, present: true}]}, to: never-dubbo}
- {match: {protocol: dubbo}, to: rest-dubbo}",
        &["both", "seven", "never", "rest"],
    )
    .await;
    for generic in [false, true] {
        for (name, limit, expected) in [
            ("ann", 10, "both"),
            ("ann", 7, "seven"),
            ("ann", 8, "rest"),
            ("bob", 10, "rest"),
        ] {
            let answer = site.dubbo.send(&find(name, limit, generic)).await;
            assert_eq!(answer.unwrap(), expected, "{name} {limit} {generic}");
        }
    }
    let none = site.dubbo.get(&[]).await;
    assert_eq!(none.unwrap(), "rest");
}

fn post(kind: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

#[tokio::test]
async fn http_by_a_value_of_its_json_body() {
    let mut site = Site::start(
        "- {match: {protocol: http1, arguments: [{json: /user/plan, exact: gold, budget: 1KiB}]}, to: gold-http1}
- {match: {protocol: http1}, to: rest-http1}",
        &["gold", "rest"],
    )
    .await;
    let http = &mut site.http;
    let gold = r#"{"id": 7, "user": {"name": "ann", "plan": "gold"}}"#;
    let large = format!(
        "{{\"x\": {:?}, \"user\": {{\"plan\": \"gold\"}}}}",
        "y".repeat(200_000)
    );
    let json = "application/json";
    for (kind, body, name) in [
        (json, gold, "gold"),
        ("application/vnd.acme+json; charset=utf-8", gold, "gold"),
        ("text/plain", "gold", "rest"),
        (json, "{}", "rest"),
        (json, "{\"user\":", "rest"),
        // Over the budget it goes on as it comes, and arrives whole.
        (json, &large, "rest"),
    ] {
        http.write(post(kind, body).as_bytes()).await;
        let answer = (200, format!("{name} {}", body.len()));
        assert_eq!(http.read().await, answer, "{kind}");
    }

    // In pieces, of a length that nobody told.
    let head = format!(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: {json}\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    for (pieces, name) in [
        (&[&gold[..20], &gold[20..]][..], "gold"),
        (
            &[&large[..1_000], &large[1_000..100_000], &large[100_000..]],
            "rest",
        ),
    ] {
        http.write(head.as_bytes()).await;
        let mut length = 0;
        for piece in pieces {
            http.write(format!("{:x}\r\n{piece}\r\n", piece.len()).as_bytes())
                .await;
            length += piece.len();
        }
        http.write(b"0\r\n\r\n").await;
        assert_eq!(http.read().await, (200, format!("{name} {length}")));
    }
}

#[tokio::test]
async fn a_stream_does_not_wait_for_conditions_on_bodies() {
    let site = Site::start(
        "- {match: {arguments: [{json: /a, exact: b}]}, to: never-grpc}
- {match: {protocol: grpc}, to: rest-grpc}",
        &["never", "rest"],
    )
    .await;
    // The answer's head comes while the request goes on.
    let open = site.grpc.open("/acme.Orders/watch", &[("x", "y")]).await;
    let mut send = open.send;
    send.send_data(crate::client::MESSAGE.into(), false)
        .unwrap();
    send.send_data(bytes::Bytes::new(), true).unwrap();
    let reply = crate::mesh::soon(open.response).await.unwrap();
    assert_eq!(reply.headers()["x-server"], "rest");
}

#[tokio::test]
async fn thrift_by_field_ids() {
    let (gold, rest) = (thrift::server("gold").await, thrift::server("rest").await);
    let mesh = crate::mesh::Mesh::start(
        "    - {match: {protocol: thrift, method: find, arguments: [{thrift: [1, 2], exact: gold}]}, to: gold}
    - {match: {protocol: thrift, arguments: [{thrift: [2], range: {min: 100}}]}, to: gold}
    - {to: rest}",
        &format!("  gold: {{endpoints: ['{gold}']}}\n  rest: {{endpoints: ['{rest}']}}"),
    );
    let mut client = thrift::Client::connect(mesh.address).await;
    for (plan, limit, name) in [
        ("gold", 1, "gold"),
        ("free", 1, "rest"),
        ("free", 100, "gold"),
    ] {
        assert_eq!(client.find(plan, limit).await, name, "{plan} {limit}");
    }
}
