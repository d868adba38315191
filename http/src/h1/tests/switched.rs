//! Upgrades and CONNECT through both drivers.

use super::*;
use wireloom_codecs::ChannelState;

const ASKED: &str = "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\n";
const PASSED: &str = "GET /chat HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Key: k\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
const AGREED: &str =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

async fn switched() -> (Client, DuplexStream, Arc<dyn Channel>) {
    let (mut client, mut server, channel) = both().await;
    client.send(ASKED).await;
    expect(&mut server, PASSED.as_bytes()).await;
    server.write_all(AGREED.as_bytes()).await.unwrap();
    client.expect(AGREED).await;
    (client, server, channel)
}

#[tokio::test]
async fn after_a_switch_bytes_flow_both_ways() {
    let (mut client, mut server, channel) = switched().await;
    client.send("\x01ping").await;
    expect(&mut server, b"\x01ping").await;
    server.write_all(b"\x02pong").await.unwrap();
    client.expect("\x02pong").await;
    assert_eq!(channel.in_flight(), 1);
}

#[tokio::test]
async fn the_client_may_end_first() {
    let (mut client, mut server, _) = switched().await;
    client.send("last").await;
    client.io.shutdown().await.unwrap();
    assert_eq!(rest(&mut server).await, "last");
    server.write_all(b"still here").await.unwrap();
    server.shutdown().await.unwrap();
    assert_eq!(client.rest().await, "still here");
    timeout(LONG, client.serving)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn the_server_may_end_first() {
    let (mut client, mut server, _) = switched().await;
    server.write_all(b"last").await.unwrap();
    server.shutdown().await.unwrap();
    assert_eq!(client.rest().await, "last");
    client.send("still here").await;
    client.io.shutdown().await.unwrap();
    assert_eq!(rest(&mut server).await, "still here");
    timeout(LONG, client.serving)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn one_direction_does_not_wait_for_the_other() {
    let (mut client, mut server, _) = switched().await;
    // More than all buffers between them, while the client reads nothing.
    let flood = tokio::spawn(async move {
        let result = server.write_all(&vec![7; 4 << 20]).await;
        (server, result)
    });
    client.send("up").await;
    let mut got = vec![0; 4 << 20];
    timeout(LONG, client.io.read_exact(&mut got))
        .await
        .unwrap()
        .unwrap();
    let (mut server, result) = flood.await.unwrap();
    result.unwrap();
    expect(&mut server, b"up").await;
}

#[tokio::test]
async fn either_ends_loss_is_the_others() {
    let (client, mut server, _) = switched().await;
    drop(client.io);
    assert_eq!(rest(&mut server).await, "");
    drop(server);
    timeout(LONG, client.serving).await.unwrap().unwrap().ok();
    let (mut client, server, _) = switched().await;
    drop(server);
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn a_switch_that_is_declined_leaves_http() {
    let (mut client, mut server, channel) = both().await;
    // What comes behind is a request of its own, whatever the client hoped for.
    client.send(ASKED).await;
    client.send("GET /next HTTP/1.1\r\nHost: a\r\n\r\n").await;
    expect(&mut server, PASSED.as_bytes()).await;
    let declined = "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno";
    server.write_all(declined.as_bytes()).await.unwrap();
    client.expect(declined).await;
    expect(&mut server, b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n").await;
    server
        .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
        .await
        .unwrap();
    client.expect("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert_eq!(channel.state(), ChannelState::Open);
}

#[tokio::test]
async fn bytes_behind_a_declined_switch_are_no_tunnel() {
    let (mut client, mut server, _) = both().await;
    client.send(ASKED).await;
    client.send("\x01raw bytes\r\n\r\n").await;
    expect(&mut server, PASSED.as_bytes()).await;
    server
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        .await
        .unwrap();
    let answers = client.rest().await;
    assert!(answers.starts_with("HTTP/1.1 200 OK\r\n"), "{answers}");
    assert!(
        answers.contains("HTTP/1.1 400 Bad Request\r\n"),
        "{answers}"
    );
    drop(client);
    assert_eq!(rest(&mut server).await, "");
}

#[tokio::test]
async fn connect_is_a_setting() {
    let (channel, mut server) = connect().await;
    let config = H1Config {
        connect: true,
        ..H1Config::default()
    };
    let service = proxy(Arc::new(Mutex::new(channel)));
    let mut client = serve_with(service, config, limits(), 64 << 10);
    client
        .send("CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n")
        .await;
    expect(
        &mut server,
        b"CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n",
    )
    .await;
    server
        .write_all(b"HTTP/1.1 200 OK\r\n\r\nhello")
        .await
        .unwrap();
    client.expect("HTTP/1.1 200 OK\r\n\r\nhello").await;
    client.send("raw").await;
    expect(&mut server, b"raw").await;
}

#[tokio::test]
async fn the_server_agrees_to_what_was_asked_and_nothing_else() {
    for fields in ["", "Connection: Upgrade\r\nUpgrade: h2c\r\n"] {
        let (mut client, mut server, channel) = both().await;
        client.send(ASKED).await;
        expect(&mut server, PASSED.as_bytes()).await;
        let answer = format!("HTTP/1.1 101 Switching Protocols\r\n{fields}\r\nraw");
        server.write_all(answer.as_bytes()).await.unwrap();
        client.expect("HTTP/1.1 502 Bad Gateway\r\n").await;
        assert_eq!(channel.state(), ChannelState::Closed);
    }
}

/// What HTTP/2 asks for with an extended CONNECT, as far as the server has read it.
async fn extended() -> (
    JoinHandle<Result<Response, wireloom_codecs::CallError>>,
    wireloom_codecs::StreamSender,
    DuplexStream,
) {
    use wireloom_codecs::http::HTTP2;
    use wireloom_codecs::{Body, HttpRequest, Kind, Message, stream};
    let (channel, mut server) = connect().await;
    let mut http = HttpRequest::new(http::Method::CONNECT, "a".into(), "/chat".into());
    http.upgrade = Some("websocket".into());
    let mut map = http::HeaderMap::new();
    map.insert("sec-websocket-key", http::HeaderValue::from_static("k"));
    http.headers = map.into();
    let head = crate::semantics::request_head(Box::new(http), HTTP2, Kind::Streaming);
    let (up, body) = stream(1 << 10);
    let request = Box::new(Message::new(head, Body::Stream(body)));
    let deadline = Instant::now() + LONG;
    let call = channel.send(Call { request, deadline });
    let call = tokio::spawn(call.unwrap_or_else(|_| panic!()));
    let asked = "GET /chat HTTP/1.1\r\nHost: a\r\nsec-websocket-key: k\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    expect(&mut server, asked.as_bytes()).await;
    (call, up, server)
}

#[tokio::test]
async fn an_extended_connect_leaves_as_an_upgrade() {
    let (call, mut up, mut server) = extended().await;
    server.write_all(AGREED.as_bytes()).await.unwrap();
    server.write_all(b"down").await.unwrap();
    let response = call.await.unwrap().unwrap();
    assert_eq!(response.head.http.unwrap().status, 101);
    let part = wireloom_codecs::Part::Data("up".into());
    up.send(part).await.unwrap();
    expect(&mut server, b"up").await;
    drop(server);
    assert_eq!(response.body.collect(10).await.unwrap().0, "down");
}

/// HTTP/2's client would take any success for a tunnel.
#[tokio::test]
async fn a_server_that_knows_no_upgrades_has_not_agreed() {
    for (answer, status) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", None),
        (
            "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
            Some(403),
        ),
    ] {
        let (call, _up, mut server) = extended().await;
        server.write_all(answer.as_bytes()).await.unwrap();
        let answer = timeout(LONG, call).await.unwrap().unwrap();
        let got = match answer {
            Ok(response) => Some(response.head.http.unwrap().status.as_u16()),
            Err(failed) => {
                assert_eq!(failed.error.kind, wireloom_codecs::ErrorKind::Unsupported);
                None
            }
        };
        assert_eq!(got, status);
    }
}
