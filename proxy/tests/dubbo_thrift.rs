//! Dubbo's framing of Thrift through a whole proxy, on a port that sniffs.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test ends at what it does not expect"
)]

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wireloom::{Program, Proxy};

const CALL: u8 = 1;
const REPLY: u8 = 2;

fn string(text: &str) -> Vec<u8> {
    let mut out = (text.len() as u32).to_be_bytes().to_vec();
    out.extend(text.bytes());
    out
}

/// A message without arguments or value.
fn frame(id: i64, service: &str, kind: u8, method: &str) -> Vec<u8> {
    let service = string(service);
    let mut message = vec![0x80, 1, 0, kind];
    message.extend(string(method));
    message.extend([0, 0, 0, 9, 0]);
    let header = (17 + service.len()) as u16;
    let length = (usize::from(header) + message.len()) as u32;
    let mut out = length.to_be_bytes().to_vec();
    out.extend([0xda, 0xbc]);
    out.extend(length.to_be_bytes());
    out.extend(header.to_be_bytes());
    out.push(1);
    out.extend(service);
    out.extend(id.to_be_bytes());
    out.extend(message);
    out
}

const SERVICE: &str = "com.acme.Orders";
/// Where the id of a frame of this service lies.
const ID: usize = 17 + SERVICE.len();

async fn read(stream: &mut TcpStream) -> Vec<u8> {
    let length = stream.read_u32().await.unwrap();
    let mut frame = length.to_be_bytes().to_vec();
    frame.resize(4 + length as usize, 0);
    stream.read_exact(&mut frame[4..]).await.unwrap();
    frame
}

async fn start() -> (Proxy, TcpListener) {
    let upstream = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = upstream.local_addr().unwrap();
    let yaml = format!(
        "workers: 1
listeners: [{{address: 127.0.0.1:0, routes: main}}]
routes: {{main: [{{match: {{protocol: dubbo-thrift, service: {SERVICE}, method: find}}, to: orders}}]}}
clusters: {{orders: {{endpoints: ['{at}']}}}}"
    );
    (Program::new().start(&yaml).unwrap(), upstream)
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_share_a_connection_and_each_gets_its_own_answer() {
    let (proxy, upstream) = start().await;
    let server = tokio::spawn(async move {
        let (mut stream, _) = upstream.accept().await.unwrap();
        let frames = [read(&mut stream).await, read(&mut stream).await];
        let ids = frames.map(|frame| i64::from_be_bytes(frame[ID..ID + 8].try_into().unwrap()));
        assert_ne!(ids[0], ids[1]);
        for id in [ids[1], ids[0]] {
            let answer = frame(id, SERVICE, REPLY, "find");
            stream.write_all(&answer).await.unwrap();
        }
    });
    let at = proxy.addresses()[0];
    let mut clients = [
        TcpStream::connect(at).await.unwrap(),
        TcpStream::connect(at).await.unwrap(),
    ];
    for client in &mut clients {
        let call = frame(i64::MAX, SERVICE, CALL, "find");
        client.write_all(&call).await.unwrap();
    }
    for client in &mut clients {
        assert_eq!(read(client).await, frame(i64::MAX, SERVICE, REPLY, "find"));
    }
    server.await.unwrap();
    let bytes = frame(1, SERVICE, CALL, "find");
    let claimants = proxy.protocols().claimants(&bytes);
    assert_eq!(claimants.len(), 1, "{claimants:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_route_is_answered_with_an_exception() {
    let (proxy, _upstream) = start().await;
    let mut client = TcpStream::connect(proxy.addresses()[0]).await.unwrap();
    client
        .write_all(&frame(5, SERVICE, CALL, "rob"))
        .await
        .unwrap();
    let answer = read(&mut client).await;
    // No service, the id, and an exception for the method.
    assert_eq!(answer[13..17], [0; 4]);
    assert_eq!(answer[17..25], 5_i64.to_be_bytes());
    assert_eq!(answer[25..36], *b"\x80\x01\0\x03\0\0\0\x03rob");
    let told = String::from_utf8_lossy(&answer);
    assert!(told.contains("wireloom: no route"), "{told}");
}
