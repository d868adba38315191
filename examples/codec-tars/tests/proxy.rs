//! A whole proxy with Tars in it, and clients and servers that write and read bytes.

use std::sync::Arc;
use std::time::Duration;

use codec_tars::Tars;
use codec_tars::wire::{put_bytes, put_int, put_map, put_string};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wireloom::{Program, Proxy, config};
use wireloom_telemetry::Metrics;

/// `(id, servant, function)` as a request, `(id, iRet)` as a response.
fn packet(fields: &dyn Fn(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = vec![0; 4];
    put_int(&mut out, 1, 1);
    put_int(&mut out, 2, 0);
    fields(&mut out);
    let length = out.len() as u32;
    out[..4].copy_from_slice(&length.to_be_bytes());
    out
}

fn request(id: i64, servant: &str, function: &str, zone: &str) -> Vec<u8> {
    packet(&|out| {
        put_int(out, 3, 0);
        put_int(out, 4, id);
        put_string(out, 5, servant.as_bytes());
        put_string(out, 6, function.as_bytes());
        put_bytes(out, 7, &[]);
        put_int(out, 8, 0);
        put_map(out, 9, &[("zone", zone)]);
        put_map(out, 10, &[]);
    })
}

fn response(id: i64, ret: i64, content: &[u8], text: &str) -> Vec<u8> {
    packet(&|out| {
        put_int(out, 3, id);
        put_int(out, 4, 0);
        put_int(out, 5, ret);
        put_bytes(out, 6, content);
        put_map(out, 7, &[]);
        put_string(out, 8, text.as_bytes());
    })
}

async fn read(stream: &mut TcpStream) -> Vec<u8> {
    let length = stream.read_u32().await.unwrap();
    let mut frame = vec![0; length as usize];
    frame[..4].copy_from_slice(&length.to_be_bytes());
    stream.read_exact(&mut frame[4..]).await.unwrap();
    frame
}

/// The id of a request, at its place behind version, packet type and message type.
fn id(frame: &[u8]) -> i64 {
    let mut reader = codec_tars::wire::Reader { rest: &frame[8..] };
    let (tag, kind) = reader.head().unwrap();
    assert_eq!(tag, 4);
    reader.int(kind).unwrap()
}

async fn start(routes: &str, cluster: &str) -> (Arc<Proxy>, TcpListener) {
    let upstream = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = upstream.local_addr().unwrap();
    let yaml = format!(
        "workers: 1
listeners: [{{address: 127.0.0.1:0, routes: main}}]
routes: {{main: [{routes}]}}
clusters: {{orders: {{{cluster} endpoints: ['{at}']}}}}"
    );
    let program = Program::new().with::<Tars>();
    let config = config::parse("tars.yaml".as_ref(), &yaml, &program.names()).unwrap();
    let protocols = program.protocols(&config);
    let metrics = Arc::new(Metrics::new("0").unwrap());
    let proxy = Proxy::start(config, protocols, metrics).unwrap();
    (Arc::new(proxy), upstream)
}

async fn client(proxy: &Proxy) -> TcpStream {
    TcpStream::connect(proxy.addresses()[0]).await.unwrap()
}

const ROUTE: &str = "{match: {protocol: tars, service: Acme.Orders.OrderObj, method: find}, to: orders}";
const SERVANT: &str = "Acme.Orders.OrderObj";

#[tokio::test(flavor = "multi_thread")]
async fn clients_share_a_connection_under_ids_of_any_width_and_are_counted() {
    let (proxy, upstream) = start(ROUTE, "").await;
    let server = tokio::spawn(async move {
        let (mut stream, _) = upstream.accept().await.unwrap();
        let first = id(&read(&mut stream).await);
        let second = id(&read(&mut stream).await);
        assert_ne!(first, second);
        for id in [second, first] {
            let answer = response(id, 0, &id.to_be_bytes(), "");
            stream.write_all(&answer).await.unwrap();
        }
        (first, second)
    });
    // The same id, five bytes wide, on two connections.
    let wide = i64::from(i32::MIN);
    let (mut one, mut two) = (client(&proxy).await, client(&proxy).await);
    one.write_all(&request(wide, SERVANT, "find", "")).await.unwrap();
    two.write_all(&request(wide, SERVANT, "find", "")).await.unwrap();
    let (answer_one, answer_two) = (read(&mut one).await, read(&mut two).await);
    let (first, second) = server.await.unwrap();
    let mut expected = [first, second].map(|id| response(wide, 0, &id.to_be_bytes(), ""));
    let mut answers = [answer_one, answer_two];
    expected.sort();
    answers.sort();
    assert_eq!(answers, expected);

    let counted = proxy.encode_metrics();
    let is_ours = |line: &&str| line.contains("requests_total") && line.contains("protocol=\"tars\"");
    let line = counted.lines().filter(is_ours).find(|line| line.contains("success")).unwrap();
    assert!(line.ends_with(" 2"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_proxy_answers_pings_and_what_has_no_route_or_no_answer() {
    let routes = "{match: {service: Acme.Orders.OrderObj}, to: orders, timeout: 100ms}";
    let (proxy, upstream) = start(routes, "").await;
    let mut client = client(&proxy).await;
    client.write_all(&request(5, SERVANT, "tars_ping", "")).await.unwrap();
    assert_eq!(read(&mut client).await, response(5, 0, &[], ""));

    client.write_all(&request(300, "Acme.Bank.BankObj", "rob", "")).await.unwrap();
    let text = "wireloom: no route: tars service \"Acme.Bank.BankObj\", method \"rob\"";
    let answer = read(&mut client).await;
    let told = String::from_utf8_lossy(&answer).into_owned();
    assert!(told.contains("wireloom: no route"), "{told}, not {text}");
    assert_eq!(answer[8..13], response(300, -4, &[], "")[8..13], "id and iRet");

    client.write_all(&request(6, SERVANT, "find", "")).await.unwrap();
    let answer = read(&mut client).await;
    // Id, message type, iRet.
    assert_eq!(answer[7..12], [0x30, 6, 0x4c, 0x50, -7_i8 as u8]);
    drop(upstream);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_status_is_retried_and_a_context_entry_routes() {
    let routes = "{match: {headers: {zone: a}}, to: orders, retry: {attempts: 2, on: [], statuses: [SERVEROVERLOAD]}}";
    let (proxy, upstream) = start(routes, "protocol: tars,").await;
    tokio::spawn(async move {
        let (mut stream, _) = upstream.accept().await.unwrap();
        for ret in [-9, 0] {
            let id = id(&read(&mut stream).await);
            stream.write_all(&response(id, ret, b"tea", "")).await.unwrap();
        }
        tokio::time::sleep(Duration::from_secs(60)).await;
    });
    let mut client = client(&proxy).await;
    client.write_all(&request(1, SERVANT, "find", "a")).await.unwrap();
    assert_eq!(read(&mut client).await, response(1, 0, b"tea", ""));
}

#[test]
fn the_program_demonstrates_it() {
    let program = env!("CARGO_BIN_EXE_codec-tars");
    let output = std::process::Command::new(program).args(["demo", "--once"]).output().unwrap();
    let table = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{table}{}", String::from_utf8_lossy(&output.stderr));
    let rows = table.lines().filter(|line| line.starts_with("tars ")).count();
    assert_eq!(rows, 3, "{table}");
}
