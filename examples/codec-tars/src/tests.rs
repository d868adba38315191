use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wireloom::{Program, Proxy};
use wireloom_codecs::{codec_suite, prelude::*, suite::Sample};

use crate::{Tars, TarsCodec, codec::PING, packet, speech::whole};

const NAMES: [&str; 2] = ["Acme.Orders.OrderObj", "find"];

fn request(id: i32, names: [&str; 2], content: &[u8], packet_type: i64) -> Vec<u8> {
    let (wire, body) = packet::request(names, content, packet_type, 3000, json!({"zone": "a"}));
    whole(id, &wire, &body)
}

fn response(id: i32, ret: i32, content: &[u8]) -> Vec<u8> {
    let response = packet::response(&[0, 1], ret, content, "");
    whole(id, &response.head.wire, &response.body)
}

fn samples() -> Vec<Sample> {
    let mut samples = vec![
        Sample::new("large", Role::Downstream, request(5, NAMES, &[7; 70_000], 0)),
        Sample::new("one-way", Role::Downstream, request(6, NAMES, &[], 1)),
        Sample::new("failure", Role::Upstream, response(7, -9, &[])),
    ];
    for id in [0, 1, 127, 128, -1, 32_767, 32_768, i32::MAX, i32::MIN] {
        samples.push(Sample::new(format!("request {id}"), Role::Downstream, request(id, NAMES, &[0x0c], 0)));
        samples.push(Sample::new(format!("response {id}"), Role::Upstream, response(id, 0, &[0x0c])));
    }
    samples
}

codec_suite!(TarsCodec, (), samples());

fn decode(bytes: &[u8]) -> Inbound {
    let mut codec = TarsCodec::new(&(), Role::Downstream, FrameLimits::default());
    codec.decode(&mut bytes.into()).unwrap().unwrap()
}

#[test]
fn a_ping_asks_for_the_servant_of_the_connection() {
    let Inbound::Request(id, call) = decode(&request(1, NAMES, &[], 0)) else { panic!("no request") };
    let mut upstream = TarsCodec::new(&(), Role::Upstream, FrameLimits::default());
    let mut out = WriteBuf::new();
    upstream.encode(Outbound::Request(id, &call), &mut out).unwrap();
    let before = out.to_vec().len();
    upstream.encode(Outbound::Ping(StreamId(77)), &mut out).unwrap();
    let ping = out.to_vec().split_off(before);
    assert!(ping.windows(NAMES[0].len()).any(|part| part == NAMES[0].as_bytes()));
}

#[test]
fn nesting_without_end_and_counts_without_elements_are_refused() {
    let mut deep = vec![0, 1, 0x86, 0xa0, 0x10, 1, 0x2c, 0x3c, 0x40, 5];
    deep.resize(100_000, 0x0a);
    let list = [0, 0, 0, 17, 0x10, 1, 0x2c, 0x3c, 0x40, 5, 0x59, 0x02, 0x7f, 0xff, 0xff, 0xff, 0];
    for bad in [&deep[..], &list] {
        assert!(matches!(decode(bad), Inbound::Fault(StreamId(5), _)));
    }
}

#[test]
fn requests_are_those_of_a_real_client() {
    let (wire, body) = packet::request(NAMES, b"\x16\x03tea\x20\x03", 0, 3000, json!({}));
    // Of npm's @tars/rpc 2.0.15.
    let real = b"\0\0\08\x10\x01,<@\x02V\x14Acme.Orders.OrderObjf\x04find}\0\0\x07\x16\x03tea \x03\x81\x0b\xb8\x98\x0c\xa8\x0c";
    assert_eq!(whole(2, &wire, &body), real);
}

#[test]
fn who_asks_in_tup_is_answered_in_tup() {
    let mut tup = request(5, NAMES, &[], 0);
    tup[5] = 3;
    let Inbound::Request(_, call) = decode(&tup) else { panic!("no request") };
    let codec = TarsCodec::new(&(), Role::Downstream, FrameLimits::default());
    let reply = codec.error_reply(&call.head.origin(), &ErrorKind::Timeout.into());
    let bytes = whole(300, &reply.head.wire, &reply.body);
    let answer = packet::Packet::read(&bytes, false);
    assert_eq!((answer.is_request, answer.int(1), answer.id(), answer.ret()), (true, 3, StreamId(300), -7));
}

/// A whole proxy in front of a server that the test plays.
async fn start(route: &str) -> (Proxy, TcpListener, TcpStream) {
    let upstream = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = upstream.local_addr().unwrap();
    let yaml = format!(
        "{{workers: 1, listeners: [{{address: '127.0.0.1:0', routes: main}}], routes: {{main: [{route}]}}, \
         clusters: {{orders: {{endpoints: ['{at}']}}}}}}"
    );
    let proxy = Program::new().with::<Tars>().start(&yaml).unwrap();
    for sample in samples().iter().filter(|sample| sample.role == Role::Downstream) {
        assert_eq!(proxy.protocols().claimants(&sample.bytes), [TarsCodec::ID], "{}", sample.name);
    }
    let client = TcpStream::connect(proxy.addresses()[0]).await.unwrap();
    (proxy, upstream, client)
}

async fn read(stream: &mut TcpStream) -> Vec<u8> {
    let length = stream.read_u32().await.unwrap();
    let mut frame = length.to_be_bytes().to_vec();
    frame.resize(length as usize, 0);
    stream.read_exact(&mut frame[4..]).await.unwrap();
    frame
}

#[tokio::test(flavor = "multi_thread")]
async fn the_proxy_routes_retries_counts_and_answers_what_has_no_answer() {
    let route = "{match: {service: Acme.Orders.OrderObj, method: find, headers: {zone: a}}, to: orders, timeout: 2s, \
                  retry: {attempts: 2, on: [], statuses: [SERVEROVERLOAD]}}";
    let (proxy, upstream, mut client) = start(route).await;
    tokio::spawn(async move {
        let (mut stream, _) = upstream.accept().await.unwrap();
        for ret in [-9, 0] {
            let id = packet::Packet::read(&read(&mut stream).await, true).id();
            stream.write_all(&response(id.0 as i32, ret, b"tea")).await.unwrap();
        }
        read(&mut stream).await;
        std::future::pending::<()>().await;
    });
    client.write_all(&request(i32::MIN, NAMES, &[], 0)).await.unwrap();
    assert_eq!(read(&mut client).await, response(i32::MIN, 0, b"tea"));
    let counted = |line: &str| ["requests_total{", "\"tars\"", "\"success\""].iter().all(|part| line.contains(part));
    assert!(proxy.encode_metrics().lines().any(|line| counted(line) && line.ends_with(" 1")));
    client.write_all(&request(5, [NAMES[0], PING], &[], 0)).await.unwrap();
    assert_eq!(read(&mut client).await, response(5, 0, &[]));
    for (function, ret, text) in [("rob", -4, "wireloom: no route"), ("find", -7, "wireloom: timed out")] {
        client.write_all(&request(300, [NAMES[0], function], &[], 0)).await.unwrap();
        let answer = read(&mut client).await;
        assert!(String::from_utf8_lossy(&answer).contains(text), "{answer:?}");
        assert_eq!(answer[8..14], response(300, ret, &[])[8..14], "the id and iRet");
    }
}
