//! A protocol of somebody else's, registered through the public interface: nothing here is known to any other crate.
//!
//! `~ | kind u8 | id u32 | length u16 | body`, where the body of a request is `service/method text`.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test ends at what it does not expect"
)]

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::codec::Decoder;
use wireloom::{Protocols, config};
use wireloom_codecs::{
    Body, Class, Codec, ConnError, FrameLimits, Framed, Inbound, Kind, LocalError, Message, Mode,
    Origin, Outbound, Outcome, ProtocolId, RequestHead, Response, ResponseHead, Role, Sniff, Str,
    StreamId, Wire, WriteBuf, sniff_pattern,
};
use wireloom_telemetry::Metrics;

const REQUEST: u8 = 1;
const ANSWER: u8 = 2;
const FAILURE: u8 = 3;

fn frame(kind: u8, id: u32, body: &[u8]) -> Vec<u8> {
    let mut frame = vec![b'~', kind];
    frame.extend(id.to_be_bytes());
    frame.extend((body.len() as u16).to_be_bytes());
    frame.extend(body);
    frame
}

/// Its setting: requests leave in capitals.
struct Tilde(bool);

impl Decoder for Tilde {
    type Item = Inbound;
    type Error = ConnError;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Inbound>, ConnError> {
        let Some(head) = src.first_chunk::<8>() else {
            return Ok(None);
        };
        let [b'~', kind, a, b, c, d, high, low] = *head else {
            return Err(ConnError::protocol(
                "tilde",
                "no tilde where a frame starts",
            ));
        };
        let length = 8 + usize::from(u16::from_be_bytes([high, low]));
        if src.len() < length {
            return Ok(None);
        }
        let mut body = src.split_to(length).freeze();
        body.advance(8);
        let id = StreamId(u32::from_be_bytes([a, b, c, d]).into());
        if kind == REQUEST {
            let text = Str::from_utf8_lossy(body.clone());
            let path = text.split(' ').next().unwrap_or_default();
            let (service, method) = path.split_once('/').unwrap_or((path, ""));
            let head = RequestHead {
                protocol: Self::ID,
                kind: Kind::Unary,
                service: service.into(),
                method: method.into(),
                fields: Default::default(),
                timeout: None,
                wire: Wire::default(),
                http: None,
            };
            return Ok(Some(Inbound::Request(
                id,
                Message::new(head, Body::Whole(body)),
            )));
        }
        let class = if kind == ANSWER {
            Class::Success
        } else {
            Class::ServerError
        };
        let head = ResponseHead {
            outcome: Outcome::new(class, kind.into()),
            ..ResponseHead::default()
        };
        Ok(Some(Inbound::Response(
            id,
            Message::new(head, Body::Whole(body)),
        )))
    }
}

impl Codec for Tilde {
    const ID: ProtocolId = ProtocolId("tilde");
    const MODE: Mode = Mode::Multiplexed;
    const MAX_ID: u64 = u32::MAX as u64;
    type Settings = bool;

    fn new(loud: &bool, _: Role, _: FrameLimits) -> Self {
        Self(*loud)
    }

    fn statuses() -> &'static [(&'static str, u32)] {
        &[("FAILED", FAILURE as u32)]
    }

    fn sniff(prefix: &[u8]) -> Sniff {
        sniff_pattern(&[|byte| byte == b'~', |byte| byte == REQUEST], prefix)
    }

    fn encode(&mut self, out: Outbound<'_>, dst: &mut WriteBuf) -> Result<(), ConnError> {
        let (kind, id, body) = match out {
            Outbound::Request(id, request) => (REQUEST, id, request.body.whole()),
            Outbound::Response(id, response) => (
                response.head.outcome.native as u8,
                id,
                response.body.whole(),
            ),
            Outbound::Ping(_) | Outbound::Pong(..) | Outbound::GoAway => return Ok(()),
        };
        let mut body = body.unwrap_or_default().to_vec();
        if self.0 && kind == REQUEST {
            body.make_ascii_uppercase();
        }
        dst.put_slice(&frame(kind, id.0 as u32, &body));
        Ok(())
    }

    fn error_reply(&self, _: &Origin, error: &LocalError) -> Response {
        let head = ResponseHead {
            outcome: Outcome::new(error.kind.class(), FAILURE.into()),
            ..ResponseHead::default()
        };
        Message::new(head, Body::Whole(error.to_string().into()))
    }
}

async fn read(stream: &mut TcpStream) -> (u8, u32, String) {
    let mut head = [0; 8];
    stream.read_exact(&mut head).await.unwrap();
    let id = u32::from_be_bytes([head[2], head[3], head[4], head[5]]);
    let mut body = vec![0; usize::from(u16::from_be_bytes([head[6], head[7]]))];
    stream.read_exact(&mut body).await.unwrap();
    (head[1], id, String::from_utf8(body).unwrap())
}

/// Answers every request with its body, backwards in pairs.
async fn server(listener: TcpListener) {
    let (mut stream, _) = listener.accept().await.unwrap();
    loop {
        let first = read(&mut stream).await;
        let second = read(&mut stream).await;
        for (_, id, body) in [second, first] {
            let answer = frame(ANSWER, id, body.as_bytes());
            stream.write_all(&answer).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_registered_codec_is_sniffed_routed_multiplexed_and_answered_for() {
    let upstream = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let yaml = format!(
        "workers: 1
listeners: [{{address: 127.0.0.1:0, routes: main}}]
routes: {{main: [{{match: {{protocol: tilde, service: shop}}, to: shop}}]}}
clusters: {{shop: {{endpoints: ['{}']}}}}",
        upstream.local_addr().unwrap()
    );
    tokio::spawn(server(upstream));
    let names = ["bolt", "dubbo", "tilde"];
    let config = config::parse("own.yaml".as_ref(), &yaml, &names).unwrap();
    let protocols = wireloom::run::builtin(&config).codec::<Tilde>(false);
    let metrics = Arc::new(Metrics::new("0").unwrap());
    let proxy = wireloom::Proxy::start(config, protocols, metrics).unwrap();
    let address = proxy.addresses()[0];

    // The same id on two connections that share one upstream connection.
    let mut clients = Vec::new();
    for text in ["shop/buy tea", "shop/buy cups"] {
        let mut client = TcpStream::connect(address).await.unwrap();
        client
            .write_all(&frame(REQUEST, 7, text.as_bytes()))
            .await
            .unwrap();
        clients.push((client, text));
    }
    for (client, text) in &mut clients {
        assert_eq!(read(client).await, (ANSWER, 7, (*text).to_owned()));
    }
    let (client, _) = &mut clients[0];
    client
        .write_all(&frame(REQUEST, 8, b"bank/rob"))
        .await
        .unwrap();
    let (kind, id, text) = read(client).await;
    assert_eq!((kind, id), (FAILURE, 8));
    assert!(
        text.starts_with("wireloom: no route: tilde service \"bank\""),
        "{text}"
    );
    let counted = proxy.encode_metrics();
    let line = counted
        .lines()
        .find(|line| line.contains("requests_total") && line.contains("success"))
        .unwrap();
    assert!(
        line.contains("protocol=\"tilde\"") && line.ends_with(" 2"),
        "{line}"
    );
}

#[tokio::test]
async fn a_registered_codec_has_names_for_statuses_and_connectors_of_its_clusters() {
    let upstream = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let yaml = format!(
        "workers: 1
listeners: [{{address: 127.0.0.1:0, routes: main}}]
routes: {{main: [{{to: shop, retry: {{on: [], statuses: [FAILED]}}}}]}}
clusters: {{shop: {{protocol: tilde, multiplexed: true, endpoints: ['{}']}}}}",
        upstream.local_addr().unwrap()
    );
    tokio::spawn(async move {
        let (mut stream, _) = upstream.accept().await.unwrap();
        for kind in [FAILURE, ANSWER] {
            let (_, id, body) = read(&mut stream).await;
            let answer = frame(kind, id, body.as_bytes());
            stream.write_all(&answer).await.unwrap();
        }
    });
    let config = config::parse("own.yaml".as_ref(), &yaml, &["tilde"]).unwrap();
    let protocols = Protocols::new()
        .codec::<Tilde>(false)
        .per_cluster(Tilde::ID, |cluster| {
            let loud = cluster.own.multiplexed;
            Some(Arc::new(Framed::<Tilde>::new(loud)))
        });
    let metrics = || Arc::new(Metrics::new("0").unwrap());
    let proxy = wireloom::Proxy::start(config.clone(), protocols, metrics()).unwrap();
    let mut client = TcpStream::connect(proxy.addresses()[0]).await.unwrap();
    let request = frame(REQUEST, 7, b"shop/buy tea");
    client.write_all(&request).await.unwrap();
    let answer = (ANSWER, 7, "SHOP/BUY TEA".to_owned());
    assert_eq!(read(&mut client).await, answer);

    // Where the protocol is not registered nobody knows the name.
    let Err(error) = wireloom::Proxy::start(config, Protocols::new(), metrics()) else {
        panic!("the name is known")
    };
    assert!(
        error.to_string().contains("there is no status `FAILED`"),
        "{error}"
    );
}

/// Answers each request, some milliseconds later and in no order, with this name and what was asked.
async fn named(name: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, to) = stream.into_split();
                let to = Arc::new(tokio::sync::Mutex::new(to));
                loop {
                    let mut head = [0; 8];
                    if from.read_exact(&mut head).await.is_err() {
                        return;
                    }
                    let mut body = vec![0; usize::from(u16::from_be_bytes([head[6], head[7]]))];
                    from.read_exact(&mut body).await.unwrap();
                    let to = to.clone();
                    tokio::spawn(async move {
                        let id = u32::from_be_bytes([head[2], head[3], head[4], head[5]]);
                        let pause = Duration::from_millis(u64::from(id * 7 % 30));
                        tokio::time::sleep(pause).await;
                        let answer = [name.as_bytes(), b" ", &body].concat();
                        let answer = frame(ANSWER, id, &answer);
                        to.lock().await.write_all(&answer).await.unwrap();
                    });
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn no_call_fails_while_a_reload_changes_the_route_and_the_codecs_setting() {
    let (first, second) = (named("first").await, named("second").await);
    let config = |to: &str, loud: bool| {
        let yaml = format!(
            "workers: 1
listeners: [{{address: 127.0.0.1:0, routes: main}}]
routes: {{main: [{{to: {to}}}]}}
clusters:
  first: {{protocol: tilde, multiplexed: {loud}, endpoints: ['{first}']}}
  second: {{protocol: tilde, multiplexed: {loud}, endpoints: ['{second}']}}"
        );
        config::parse("own.yaml".as_ref(), &yaml, &["tilde"]).unwrap()
    };
    let protocols = Protocols::new()
        .codec::<Tilde>(false)
        .per_cluster(Tilde::ID, |cluster| {
            let loud = cluster.own.multiplexed;
            Some(Arc::new(Framed::<Tilde>::new(loud)))
        });
    let metrics = Arc::new(Metrics::new("0").unwrap());
    let proxy = wireloom::Proxy::start(config("first", false), protocols, metrics).unwrap();
    let mut client = TcpStream::connect(proxy.addresses()[0]).await.unwrap();
    let kinds = [
        ("first", false),
        ("second", true),
        ("second", false),
        ("first", true),
    ];
    let mut seen = HashSet::new();
    for turn in 0..20_usize {
        // Calls are under way when the configuration changes, and more come right behind it.
        let ids = (turn as u32 * 100)..(turn as u32 * 100 + 40);
        for id in ids.clone() {
            let request = frame(REQUEST, id, b"shop/buy tea");
            client.write_all(&request).await.unwrap();
            if id == ids.start + 20 {
                let (to, loud) = kinds[turn % kinds.len()];
                proxy.apply_warm(config(to, loud)).await.unwrap();
            }
        }
        let mut waiting: HashSet<u32> = ids.collect();
        while !waiting.is_empty() {
            let answer = timeout(Duration::from_secs(20), read(&mut client)).await;
            let (kind, id, body) = answer.unwrap();
            assert_eq!(kind, ANSWER, "{body}");
            assert!(waiting.remove(&id), "an answer to {id}");
            let (_, asked) = body.split_once(' ').unwrap();
            assert_eq!(asked.to_lowercase(), "shop/buy tea");
            seen.insert(body);
        }
    }
    // Each server was asked with either setting.
    assert_eq!(seen.len(), kinds.len(), "{seen:?}");
}
