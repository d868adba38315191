//! A whole proxy with the filter in it, and clients of four protocols.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use filter_token::Token;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wireloom::{Program, Proxy, config};
use wireloom_codecs::{Call, ChannelLimits, Connector, Framed};
use wireloom_dubbo::call::{Arguments, DubboCall, read_response};
use wireloom_dubbo::{DubboCodec, DubboConfig};
use wireloom_hessian::Value;
use wireloom_telemetry::Metrics;

const FILTER: &str = "token: {tokens: {alice: s3cret}}";

/// Answers every route by itself: what matters is whether requests get there.
fn start(filter: &str) -> (Proxy, SocketAddr) {
    let yaml = format!(
        "workers: 1
listeners: [{{address: 127.0.0.1:0, routes: main, filters: [{filter}]}}]
routes:
  main:
    - {{match: {{http: {{path: /healthz}}}}, respond: {{status: 204}}, filters: [token: off]}}
    - {{name: all, respond: {{status: 200, body: served}}}}
clusters: {{}}"
    );
    let program = Program::new().filter::<Token>();
    let names = program.names();
    let config = config::parse_with("token.yaml".as_ref(), &yaml, &names, program.filters(), program.sources()).unwrap();
    let protocols = program.protocols(&config);
    let metrics = Arc::new(Metrics::new("0").unwrap());
    let proxy = Proxy::start_with(config, protocols, program.filters().clone(), metrics).unwrap();
    let address = proxy.addresses()[0];
    (proxy, address)
}

fn count(proxy: &Proxy, reason: &str) -> u64 {
    let text = proxy.encode_metrics();
    let series = format!("wireloom_filter_rejections_total{{filter=\"token\",reason=\"{reason}\",route=\"all\"}} ");
    text.lines().find_map(|line| line.strip_prefix(&series)).map_or(0, |count| count.parse().unwrap())
}

async fn get(to: SocketAddr, path: &str, token: &str) -> String {
    let mut stream = TcpStream::connect(to).await.unwrap();
    let token = if token.is_empty() { String::new() } else { format!("X-Token: {token}\r\n") };
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n{token}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn http_needs_a_token_and_is_told_whose_it_was() {
    let (proxy, at) = start(FILTER);
    // The second one is remembered.
    for _ in 0..2 {
        let answer = get(at, "/", "s3cret").await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("x-caller: alice"), "{answer}");
    }
    assert!(get(at, "/", "wrong").await.starts_with("HTTP/1.1 403"));
    assert!(get(at, "/", "").await.starts_with("HTTP/1.1 403"));
    assert!(get(at, "/healthz", "").await.starts_with("HTTP/1.1 204"));
    assert_eq!((count(&proxy, "unknown"), count(&proxy, "missing")), (1, 1));
}

async fn grpc(to: SocketAddr, token: &str) -> http::HeaderMap {
    let stream = TcpStream::connect(to).await.unwrap();
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let request = http::Request::post("http://a/acme.Orders/get")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("x-token", token);
    let mut client = client.ready().await.unwrap();
    let (response, mut send) = client.send_request(request.body(()).unwrap(), false).unwrap();
    send.send_data(Bytes::from_static(b"\0\0\0\0\0"), true).unwrap();
    response.await.unwrap().headers().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn grpc_needs_a_token_and_is_told_whose_it_was() {
    let (_proxy, at) = start(FILTER);
    let headers = grpc(at, "s3cret").await;
    assert_eq!((&headers["grpc-status"], &headers["x-caller"]), (&"0".parse().unwrap(), &"alice".parse().unwrap()));
    // PERMISSION_DENIED
    assert_eq!(grpc(at, "wrong").await["grpc-status"], "7");
}

#[tokio::test(flavor = "multi_thread")]
async fn dubbo_needs_a_token() {
    let (_proxy, at) = start(FILTER);
    let framed = Framed::<DubboCodec>::new(DubboConfig::default());
    let stream = Box::new(TcpStream::connect(at).await.unwrap());
    let budget = wireloom_codecs::ByteBudget::new(1 << 20);
    let channel = framed.open(stream, ChannelLimits::default(), budget, Arc::new(())).await.unwrap();
    for (token, expected) in [("s3cret", "served"), ("wrong", "denied: the token is not known")] {
        let call = DubboCall {
            service: "acme.Orders".to_owned(),
            version: None,
            group: None,
            method: "get".to_owned(),
            arguments: Arguments::Typed { descriptor: String::new(), values: Vec::new() },
            timeout: None,
            attachments: vec![("x-token".to_owned(), Value::from(token))],
        };
        let request = Box::new(call.request(false).unwrap());
        let deadline = Instant::now() + Duration::from_secs(20);
        let Ok(answer) = channel.send(Call { request, deadline }) else { panic!("the channel is closed") };
        let failure = read_response(&answer.await.unwrap()).unwrap_err().to_string();
        assert!(failure.contains(expected), "{token}: {failure}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thrift_has_no_place_for_a_token_without_headers() {
    let (proxy, at) = start(FILTER);
    let mut stream = TcpStream::connect(at).await.unwrap();
    // Framed, strict binary: a call of `find` without arguments.
    let call = b"\0\0\0\x11\x80\x01\0\x01\0\0\0\x04find\0\0\0\x07\0";
    stream.write_all(call).await.unwrap();
    let mut frame = vec![0; stream.read_u32().await.unwrap() as usize];
    stream.read_exact(&mut frame).await.unwrap();
    // An exception, to the same call.
    assert_eq!((&frame[..4], &frame[8..16]), (&b"\x80\x01\0\x03"[..], &b"find\0\0\0\x07"[..]));
    assert!(String::from_utf8_lossy(&frame).contains("denied: there is no `x-token`"));
    assert_eq!(count(&proxy, "missing"), 1);
}

#[test]
fn the_example_is_checked_with_the_filters_own_keys() {
    let program = Program::new().filter::<Token>();
    let (names, filters) = (program.names(), program.filters());
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/token.yaml");
    config::load_with(file.as_ref(), &names, filters, &wireloom::Sources::new()).unwrap();
    let text = std::fs::read_to_string(file).unwrap();
    for (from, to, told) in [
        ("field:", "feild:", "6:17: listeners[0].filters[0].token.feild: unknown key `feild`; did you mean `field`?"),
        (
            "token: {",
            "tokne: {",
            "6:9: listeners[0].filters[0].tokne: there is no filter `tokne`; did you mean `token`?",
        ),
        ("{alice: s3cret, bob: hunter2}", "{}", "listeners[0].filters[0].token.tokens: has no token"),
        ("bob: hunter2", "bob: s3cret", "listeners[0].filters[0].token.tokens.bob: is somebody else's token too"),
        ("bob: hunter2", "bob: 12345", "listeners[0].filters[0].token.tokens.bob: a secret is a text: put it in quotes"),
    ] {
        let text = text.replacen(from, to, 1);
        let error = config::parse_with("token.yaml".as_ref(), &text, &names, filters, &wireloom::Sources::new()).unwrap_err();
        assert!(error.to_string().contains(told), "{error}");
    }
}
