//! Servers that tell which header fields their requests have, and clients that see those of the answers.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use wireloom_bolt::BoltCodec;
use wireloom_codecs::{
    Accepted, ByteBudget, Codec, FrameLimits, Framed, Inbound, LocalError, Needs, Outbound,
    Protocol, Request, Response, Role, ServeLimits, Service, StreamId, WriteBuf, drain,
};
use wireloom_dubbo::DubboCodec;
use wireloom_dubbo::call::{Arguments, DubboCall, ok_response, read_response};
use wireloom_hessian::Value;
use wireloom_thrift::ThriftCodec;

use crate::mesh::soon;
use crate::server::{Server, status};
use crate::{client, http1};

/// Name and value, sorted.
pub(crate) type Fields = Vec<(String, String)>;

/// The fields that peers look at, on requests and on answers.
const LOOKED_AT: [&str; 9] = [
    "x-secret", "x-zone", "x-hop", "x-from", "x-user", "x-caller", "x-client", "x-call", "x-route",
];

fn looked_at(fields: impl IntoIterator<Item = (String, String)>) -> Fields {
    let fields = fields.into_iter();
    let mut fields: Fields = fields
        .filter(|(name, _)| LOOKED_AT.contains(&name.as_str()))
        .collect();
    fields.sort();
    fields
}

/// A server of any protocol: where it listens, and what its requests had.
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    seen: mpsc::UnboundedReceiver<Fields>,
}

impl Peer {
    pub(crate) async fn asked(&mut self) -> Fields {
        soon(self.seen.recv()).await.unwrap()
    }

    /// What came and was not asked for yet.
    pub(crate) fn more(&mut self) -> Option<Fields> {
        self.seen.try_recv().ok()
    }
}

#[derive(Clone)]
struct Telling {
    seen: mpsc::UnboundedSender<Fields>,
    answer: fn() -> Response,
}

impl Service for Telling {
    fn call(
        &self,
        request: Box<Request>,
    ) -> impl Future<Output = Result<Response, LocalError>> + Send + use<> {
        let fields = request.head.fields.iter();
        let fields = fields.map(|(name, value)| (name.to_string(), value.to_string()));
        let _ = self.seen.send(looked_at(fields));
        std::future::ready(Ok((self.answer)()))
    }

    fn needs(&self) -> Arc<Needs> {
        Arc::new(Needs::fields(LOOKED_AT))
    }
}

async fn serve<C: Codec>(settings: C::Settings, answer: fn() -> Response) -> Peer {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (seen, receiver) = mpsc::unbounded_channel();
    let service = Telling { seen, answer };
    tokio::spawn(async move {
        let (_drain, watch) = drain();
        while let Ok((stream, _)) = listener.accept().await {
            let connection = Accepted {
                tls: false,
                io: Box::new(stream),
                prefix: Bytes::new(),
                limits: ServeLimits::default(),
                budget: ByteBudget::new(1 << 24),
                drain: watch.clone(),
            };
            let framed = Framed::<C>::new(settings.clone());
            tokio::spawn(framed.serve(connection, service.clone()));
        }
    });
    Peer {
        address,
        seen: receiver,
    }
}

pub(crate) async fn dubbo_server() -> Peer {
    let answer = || ok_response(&Value::from("done"), &[("x-secret", "1")]).unwrap();
    serve::<DubboCodec>(Default::default(), answer).await
}

pub(crate) async fn bolt_server() -> Peer {
    serve::<BoltCodec>(Default::default(), || {
        let bytes = vector(BOLT, "v1_response_hessian4_map");
        let Inbound::Response(_, response) = decode::<BoltCodec>(&Default::default(), &bytes)
        else {
            panic!("no response");
        };
        response
    })
    .await
}

pub(crate) async fn thrift_server() -> Peer {
    serve::<ThriftCodec>(Default::default(), || {
        let bytes = vector(THRIFT, "header_binary_reply");
        let Inbound::Response(_, response) = decode::<ThriftCodec>(&Default::default(), &bytes)
        else {
            panic!("no response");
        };
        response
    })
    .await
}

pub(crate) async fn http_server() -> Peer {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (seen, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let seen = seen.clone();
            tokio::spawn(async move {
                while let Some((head, _)) = http1::message(&mut stream).await {
                    let _ = seen.send(lines(&head));
                    let answer = b"HTTP/1.1 200 OK\r\nx-secret: 1\r\ncontent-length: 0\r\n\r\n";
                    if stream.write_all(answer).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    Peer {
        address,
        seen: receiver,
    }
}

pub(crate) async fn grpc_server() -> Peer {
    let (seen, receiver) = mpsc::unbounded_channel();
    let server = Server::start(move |mut asked| {
        let seen = seen.clone();
        async move {
            asked.take().await;
            let _ = seen.send(map(&asked.head.headers));
            let mut send = asked.head_of(&[("x-secret", "1")], false);
            send.send_data(Bytes::from_static(client::MESSAGE), false)
                .unwrap();
            send.send_trailers(status(0)).unwrap();
        }
    })
    .await;
    Peer {
        address: server.address,
        seen: receiver,
    }
}

fn lines(head: &str) -> Fields {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    looked_at(lines.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())))
}

fn map(headers: &http::HeaderMap) -> Fields {
    let fields = headers.iter();
    looked_at(fields.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())))
}

const BOLT: &str = include_str!("../../../bolt/vectors/bolt.json");
const THRIFT: &str = include_str!("../../../thrift/vectors/thrift.json");

/// A frame that a real peer wrote.
fn vector(file: &str, name: &str) -> Vec<u8> {
    let file: serde_json::Value = serde_json::from_str(file).unwrap();
    let vectors = file["vectors"].as_array().unwrap().iter();
    let mut found = vectors.filter(|vector| vector["name"] == name);
    let hex = found.next().unwrap()["hex"].as_str().unwrap();
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digit).collect()
}

fn decode<C: Codec>(settings: &C::Settings, bytes: &[u8]) -> Inbound {
    let mut codec = C::new(settings, Role::Upstream, FrameLimits::default());
    codec.decode(&mut BytesMut::from(bytes)).unwrap().unwrap()
}

/// Sends a frame and reads the answer, with the fields that are looked at.
async fn exchange<C: Codec>(settings: C::Settings, to: SocketAddr, frame: &[u8]) -> Response {
    let mut stream = TcpStream::connect(to).await.unwrap();
    stream.write_all(frame).await.unwrap();
    let mut codec = C::new(&settings, Role::Upstream, FrameLimits::default());
    codec.set_needs(&Needs::fields(LOOKED_AT));
    let mut buffer = BytesMut::new();
    loop {
        match codec.decode(&mut buffer).unwrap() {
            Some(Inbound::Response(_, response)) => return response,
            Some(other) => panic!("{other:?}"),
            None => {}
        }
        assert!(
            soon(stream.read_buf(&mut buffer)).await.unwrap() > 0,
            "it was closed"
        );
    }
}

fn of(response: &Response) -> Fields {
    let fields = response.head.fields.iter();
    looked_at(fields.map(|(name, value)| (name.to_string(), value.to_string())))
}

/// A call with these attachments; the fields of the answer.
pub(crate) async fn dubbo(to: SocketAddr, fields: &[(&str, &str)]) -> Fields {
    let attachments = fields.iter();
    let attachments = attachments.map(|(name, value)| ((*name).to_owned(), Value::from(*value)));
    let call = DubboCall {
        service: "acme.Orders".to_owned(),
        version: None,
        group: None,
        method: "get".to_owned(),
        arguments: Arguments::Typed {
            descriptor: String::new(),
            values: Vec::new(),
        },
        timeout: None,
        attachments: attachments.collect(),
    };
    let mut codec = DubboCodec::new(&Default::default(), Role::Upstream, FrameLimits::default());
    let mut frame = WriteBuf::new();
    let request = call.request(false).unwrap();
    codec
        .encode(Outbound::Request(StreamId(7), &request), &mut frame)
        .unwrap();
    let response = exchange::<DubboCodec>(Default::default(), to, &frame.to_vec()).await;
    let reply = read_response(&response).unwrap();
    assert_eq!(reply.value.as_str(), Some("done"));
    let Value::Map { entries, .. } = reply.attachments else {
        return Fields::new();
    };
    let text = |value: Value| value.as_str().unwrap().to_owned();
    looked_at(
        entries
            .into_iter()
            .map(|(name, value)| (text(name), text(value))),
    )
}

/// A call as SOFABolt writes it, with these entries beside its own.
pub(crate) async fn bolt(to: SocketAddr, fields: &[(&str, &str)]) -> Fields {
    let frame = vector(BOLT, "v1_request_hessian4");
    let mut codec = BoltCodec::new(
        &Default::default(),
        Role::Downstream,
        FrameLimits::default(),
    );
    let Inbound::Request(id, mut request) = decode::<BoltCodec>(&Default::default(), &frame) else {
        panic!("no request");
    };
    let mut image = BytesMut::from(&request.head.wire.image[..]);
    for (name, value) in fields {
        wireloom_bolt::header::put_pair(&mut image, name, value);
    }
    request.head.wire.image = image.freeze();
    let mut frame = WriteBuf::new();
    codec
        .encode(Outbound::Request(id, &request), &mut frame)
        .unwrap();
    of(&exchange::<BoltCodec>(Default::default(), to, &frame.to_vec()).await)
}

/// A call as THeader carries it, with these pairs.
pub(crate) async fn thrift(to: SocketAddr, fields: &[(&str, &str)]) -> Fields {
    // Protocol and transforms; then one block of pairs. All lengths fit a byte.
    let mut block = vec![0, 0];
    if !fields.is_empty() {
        block.extend([1, fields.len() as u8]);
    }
    for text in fields.iter().flat_map(|(name, value)| [name, value]) {
        block.push(text.len() as u8);
        block.extend(text.as_bytes());
    }
    block.resize(block.len().next_multiple_of(4), 0);
    let mut frame = vec![0x0f, 0xff, 0, 0, 0, 0, 0, 9];
    frame.extend(((block.len() / 4) as u16).to_be_bytes());
    frame.extend(block);
    // The method that the answer is to.
    frame.extend(b"\x80\x01\0\x01\0\0\0\x04plus\0\0\0\x09\0");
    let frame = [&(frame.len() as u32).to_be_bytes()[..], &frame].concat();
    of(&exchange::<ThriftCodec>(Default::default(), to, &frame).await)
}

pub(crate) async fn http(to: SocketAddr, fields: &[(&str, &str)]) -> Fields {
    let lines_of = fields.iter();
    let text: String = lines_of
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let mut client = http1::Client::connect(to).await;
    let request = format!("GET /acme.Orders/get HTTP/1.1\r\nHost: a.test\r\n{text}\r\n");
    client.write(request.as_bytes()).await;
    let (head, _) = client.whole().await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    lines(&head)
}

pub(crate) async fn grpc(to: SocketAddr, fields: &[(&str, &str)]) -> Fields {
    let reply = client::Client::connect(to)
        .await
        .call("/acme.Orders/get", fields)
        .await;
    assert_eq!(reply.grpc(), (0, false));
    map(&reply.headers)
}
