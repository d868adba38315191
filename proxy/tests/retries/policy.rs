//! What is tried again, and when.

use std::time::{Duration, Instant};

use wireloom_codecs::ErrorKind;

use crate::client::Client;
use crate::dubbo::{Act as Dubbo, Consumer, Provider, SERVICE_ERROR};
use crate::http1::{self, Act, OK, Server};
use crate::mesh::Mesh;
use crate::server;

const RETRIES: &str = "wireloom_retries_total";

fn retry(keys: &str) -> String {
    format!(", retry: {{backoff: {{base: 0s, server_max: 5s}}, {keys}}}")
}

#[tokio::test]
async fn what_may_have_had_an_effect_is_tried_again_if_the_route_says_so_in_http1() {
    for (method, keys, tries) in [
        ("POST", "on: [reset]", 2),
        ("GET", "on: [reset]", 2),
        ("POST", "on: [reset], idempotent: false", 1),
        ("POST", "on: [reset], idempotent: true", 2),
        ("GET", "on: [reset], idempotent: false", 1),
        ("GET", "on: [reset], methods: [HEAD, PUT]", 1),
        ("GET", "on: [reset], methods: [HEAD, GET]", 2),
    ] {
        let server = Server::start(|before| match before {
            0 => Act::Close,
            _ => Act::Say(OK),
        })
        .await;
        let mesh = Mesh::to(server.address, &retry(keys));
        let status = http1::ask(mesh.address, method).await;
        assert_eq!(
            status,
            if tries == 2 { 200 } else { 502 },
            "{method} {keys}"
        );
        assert_eq!(server.calls(), tries, "{method} {keys}");
        let result = match (tries, keys.contains("methods")) {
            (2, _) => "result=\"recovered\"",
            (_, true) => "result=\"method\"",
            _ => "result=\"unsafe\"",
        };
        mesh.counts(RETRIES, &[result], 1.0).await;
    }
}

#[tokio::test]
async fn what_may_have_had_an_effect_is_tried_again_if_the_route_says_so_in_dubbo() {
    for (method, keys, result) in [
        ("getOrder", "on: [server-error]", "recovered"),
        (
            "getOrder",
            "on: [server-error], idempotent: false",
            "unsafe",
        ),
        ("getOrder", "on: [overloaded]", "not_named"),
        (
            "getOrder",
            "on: [server-error], idempotent: true",
            "recovered",
        ),
        ("getOrder", "on: [], statuses: [70]", "recovered"),
        (
            "getOrder",
            "on: [server-error], idempotent: true, methods: ['get*']",
            "recovered",
        ),
        (
            "addOrder",
            "on: [server-error], idempotent: true, methods: ['get*']",
            "method",
        ),
    ] {
        let provider = Provider::start(|before| match before {
            0 => Dubbo::Fail(ErrorKind::Internal),
            _ => Dubbo::Answer,
        })
        .await;
        let mesh = Mesh::to(provider.address, &retry(keys));
        let consumer = Consumer::connect(mesh.address).await;
        let answer = consumer.call(method).await;
        let again = result == "recovered";
        let expected = if again { Ok(()) } else { Err(SERVICE_ERROR) };
        assert_eq!(answer, expected, "{method} {keys}");
        assert_eq!(provider.calls(), 1 + usize::from(again), "{method} {keys}");
        mesh.counts(RETRIES, &[&format!("result=\"{result}\"")], 1.0)
            .await;
    }
}

#[tokio::test]
async fn one_try_takes_only_its_own_time() {
    let keys = "on: [timeout], idempotent: true, per_try_timeout: 200ms";
    let server = Server::start(|before| match before {
        0 => Act::Hang,
        _ => Act::Say(OK),
    })
    .await;
    let mesh = Mesh::to(server.address, &retry(keys));
    assert_eq!(http1::ask(mesh.address, "POST").await, 200);
    assert_eq!(server.calls(), 2);
    server.given_up(1).await;

    let provider = Provider::start(|before| match before {
        0 => Dubbo::Hang,
        _ => Dubbo::Answer,
    })
    .await;
    let mesh = Mesh::to(provider.address, &retry(keys));
    let consumer = Consumer::connect(mesh.address).await;
    assert_eq!(consumer.call("get").await, Ok(()));
    assert_eq!(provider.calls(), 2);
}

#[tokio::test]
async fn http_servers_say_when_they_want_the_request_again() {
    const BUSY: &str = "HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n";
    const LATER: &str = "HTTP/1.1 503 Busy\r\nRetry-After: 36000\r\nContent-Length: 0\r\n\r\n";
    for (answer, server_max, waits) in [
        (BUSY, "5s", Duration::from_secs(1)),
        (LATER, "300ms", Duration::from_millis(300)),
        (LATER, "0s", Duration::ZERO),
    ] {
        let server = Server::start(move |before| match before {
            0 => Act::Say(answer),
            _ => Act::Say(OK),
        })
        .await;
        let keys = format!(
            ", timeout: 1h, retry: {{on: [unavailable], backoff: {{base: 0s, server_max: {server_max}}}}}"
        );
        let mesh = Mesh::to(server.address, &keys);
        let start = Instant::now();
        assert_eq!(http1::ask(mesh.address, "GET").await, 200);
        assert_eq!(server.calls(), 2);
        assert!(start.elapsed() >= waits, "{server_max}");
    }
}

#[tokio::test]
async fn a_header_field_asks_for_another_try() {
    const AGAIN: &str = "HTTP/1.1 409 Conflict\r\nX-Again: 1\r\nContent-Length: 0\r\n\r\n";
    let server = Server::start(|before| match before {
        0 => Act::Say(AGAIN),
        _ => Act::Say(OK),
    })
    .await;
    let mesh = Mesh::to(server.address, &retry("on: [], headers: [x-again]"));
    assert_eq!(http1::ask(mesh.address, "POST").await, 200);
    assert_eq!(server.calls(), 2);
}

#[tokio::test]
async fn grpc_servers_say_when_and_whether_they_want_the_request_again() {
    for (pushback, tries) in [("20", 2), ("-1", 1), ("never", 1)] {
        let server = server::Server::start(move |mut asked| async move {
            asked.take().await;
            match asked.number {
                0 => {
                    let fields = [("grpc-status", "14"), ("grpc-retry-pushback-ms", pushback)];
                    asked.head_of(&fields, true);
                }
                _ => asked.succeed(),
            }
        })
        .await;
        let mesh = Mesh::to(server.address, &retry("on: [unavailable]"));
        let client = Client::connect(mesh.address).await;
        let reply = client.call("/acme.Orders/get", &[]).await;
        let (status, result) = match tries {
            2 => (0, "result=\"recovered\""),
            _ => (14, "result=\"pushback\""),
        };
        assert_eq!(reply.grpc().0, status, "{pushback}: {reply:?}");
        assert_eq!(server.calls(), tries, "{pushback}");
        mesh.counts(RETRIES, &[result], 1.0).await;
    }
}
