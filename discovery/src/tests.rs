//! Lookups against a DNS server that answers what it is told to.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use futures_util::StreamExt;
use hickory_resolver::proto::op::{Message, OpCode, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, AAAA, SOA, SRV};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout};
use wireloom_cluster::config::{ClusterConfig, DiscoveryConfig};
use wireloom_cluster::{BoxSource, EndpointConfig, SourceError, Update};

use crate::dns;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the server says of a name.
#[derive(Clone)]
enum Says {
    /// These, for so many seconds.
    Records(u32, Vec<RData>),
    /// Nothing of the kind, for so many seconds.
    Empty(u32),
    /// No such name, and not for how long.
    NoName,
    /// That it cannot tell.
    Fails,
    /// Nothing at all.
    Silence,
}

#[derive(Default)]
struct Zone {
    says: parking_lot::Mutex<HashMap<(String, RecordType), Says>>,
    questions: AtomicUsize,
}

impl Zone {
    fn set(&self, name: &str, kind: RecordType, says: Says) {
        self.says.lock().insert((format!("{name}."), kind), says);
    }

    fn addresses(&self, name: &str, ttl: u32, ips: &[&str]) {
        for kind in [RecordType::A, RecordType::AAAA] {
            let data = ips.iter().map(|ip| match ip.parse().unwrap() {
                IpAddr::V4(ip) => RData::A(A(ip)),
                IpAddr::V6(ip) => RData::AAAA(AAAA(ip)),
            });
            let data: Vec<_> = data.filter(|data| data.record_type() == kind).collect();
            let says = match data.is_empty() {
                true => Says::Empty(ttl),
                false => Says::Records(ttl, data),
            };
            self.set(name, kind, says);
        }
    }

    fn answer(&self, question: &Message) -> Option<Message> {
        self.questions.fetch_add(1, Relaxed);
        let query = question.queries.first()?;
        let name = query.name().to_lowercase();
        let key = (name.to_ascii(), query.query_type());
        let says = self.says.lock().get(&key).cloned();
        let mut answer = Message::response(question.metadata.id, OpCode::Query);
        answer.add_query(query.clone());
        let soa = |seconds| {
            let soa = SOA::new(name.clone(), name.clone(), 1, 1, 1, 1, seconds);
            Record::from_rdata(name.clone(), seconds, RData::SOA(soa))
        };
        match says.unwrap_or(Says::NoName) {
            Says::Records(ttl, data) => {
                let records = data.into_iter();
                answer.add_answers(records.map(|data| Record::from_rdata(name.clone(), ttl, data)));
            }
            Says::Empty(seconds) => {
                answer.add_authority(soa(seconds));
            }
            Says::NoName => answer.metadata.response_code = ResponseCode::NXDomain,
            Says::Fails => answer.metadata.response_code = ResponseCode::ServFail,
            Says::Silence => return None,
        }
        Some(answer)
    }
}

async fn server() -> (Arc<Zone>, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let at = socket.local_addr().unwrap();
    let zone = Arc::new(Zone::default());
    let serving = zone.clone();
    tokio::spawn(async move {
        let mut buffer = [0; 4096];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            let question = Message::from_vec(&buffer[..length]).unwrap();
            if let Some(answer) = serving.answer(&question) {
                let bytes = answer.to_vec().unwrap();
                socket.send_to(&bytes, from).await.unwrap();
            }
        }
    });
    (zone, at)
}

fn source(server: SocketAddr, settings: &str) -> BoxSource {
    let json = format!(r#"{{"discovery": {{"dns": {{"servers": ["{server}"], {settings}}}}}}}"#);
    let config: ClusterConfig = serde_json::from_str(&json).unwrap();
    assert_eq!(config.problems(), []);
    match config.discovery {
        Some(DiscoveryConfig::Dns(config)) => dns(config),
        other => panic!("{other:?}"),
    }
}

async fn next(source: &mut BoxSource) -> Result<Vec<EndpointConfig>, SourceError> {
    let news = timeout(PATIENCE, source.next()).await.unwrap().unwrap();
    news.map(|update| match update {
        Update::Full(endpoints) => endpoints,
        delta => panic!("{delta:?}"),
    })
}

async fn addresses(source: &mut BoxSource) -> Vec<String> {
    let endpoints = next(source).await.unwrap();
    let mut addresses: Vec<_> = endpoints.iter().map(|e| e.address.to_string()).collect();
    addresses.sort();
    addresses
}

#[tokio::test]
async fn an_answer_is_kept_for_as_long_as_it_holds_and_no_shorter_than_min_ttl() {
    let (zone, at) = server().await;
    zone.addresses("orders.example", 2, &["10.0.0.2", "10.0.0.1"]);
    let mut orders = source(
        at,
        r#""name": "orders.example", "port": 80, "min_ttl": "100ms""#,
    );
    assert_eq!(addresses(&mut orders).await, ["10.0.0.1:80", "10.0.0.2:80"]);
    zone.addresses("orders.example", 0, &["10.0.0.3"]);
    let begun = Instant::now();
    assert_eq!(addresses(&mut orders).await, ["10.0.0.3:80"]);
    assert!(begun.elapsed() >= Duration::from_secs(2), "it held for 2 s");
    let begun = Instant::now();
    addresses(&mut orders).await;
    assert!(begun.elapsed() >= Duration::from_millis(100));
}

#[tokio::test]
async fn no_answer_is_kept_longer_than_max_ttl_or_refresh() {
    let (zone, at) = server().await;
    zone.addresses("orders.example", 86_400, &["10.0.0.1"]);
    for bound in [
        r#""min_ttl": "10ms", "max_ttl": "50ms""#,
        r#""refresh": "50ms""#,
    ] {
        let mut orders = source(
            at,
            &format!(r#""name": "orders.example", "port": 80, {bound}"#),
        );
        for _ in 0..3 {
            addresses(&mut orders).await;
        }
    }
}

#[tokio::test]
async fn the_family_says_which_addresses_are_taken() {
    let (zone, at) = server().await;
    zone.addresses("both.example", 60, &["10.0.0.1", "fd00::1"]);
    zone.addresses("four.example", 60, &["10.0.0.1"]);
    zone.addresses("six.example", 60, &["fd00::1"]);
    let (four, six) = ("10.0.0.1:80", "[fd00::1]:80");
    for (name, family, expected) in [
        ("both", "prefer_v4", &[four][..]),
        ("both", "prefer_v6", &[six]),
        ("both", "any", &[four, six]),
        ("both", "v6", &[six]),
        ("six", "prefer_v4", &[six]),
        ("four", "prefer_v6", &[four]),
        ("four", "any", &[four]),
    ] {
        let settings = format!(r#""name": "{name}.example", "port": 80, "family": "{family}""#);
        assert_eq!(
            addresses(&mut source(at, &settings)).await,
            expected,
            "{name} {family}"
        );
    }
    let mut none = source(at, r#""name": "four.example", "port": 80, "family": "v6""#);
    let error = next(&mut none).await.unwrap_err().to_string();
    assert!(
        error.contains("cannot look up four.example: the name has no AAAA record"),
        "{error}"
    );
}

#[tokio::test]
async fn what_is_not_there_is_an_error_that_is_kept_like_an_answer() {
    let (zone, at) = server().await;
    zone.addresses("empty.example", 60, &[]);
    let settings = r#""name": "empty.example", "port": 80, "family": "v4", "min_ttl": "10ms", "max_ttl": "300ms""#;
    let mut empty = source(at, settings);
    next(&mut empty).await.unwrap_err();
    let begun = Instant::now();
    next(&mut empty).await.unwrap_err();
    assert!(
        begun.elapsed() >= Duration::from_millis(300),
        "negative answers are kept too"
    );
    assert_eq!(zone.questions.load(Relaxed), 2);

    let mut none = source(at, r#""name": "none.example", "port": 80, "max_ttl": "1s""#);
    let error = next(&mut none).await.unwrap_err().to_string();
    assert!(
        error.contains("cannot look up none.example: the name does not exist"),
        "{error}"
    );
    zone.addresses("none.example", 60, &["10.0.0.1"]);
    assert_eq!(
        addresses(&mut none).await,
        ["10.0.0.1:80"],
        "and looked for again"
    );
}

#[tokio::test]
async fn failures_and_silence_are_errors_and_tried_again() {
    let (zone, at) = server().await;
    for says in [Says::Fails, Says::Silence] {
        for kind in [RecordType::A, RecordType::AAAA] {
            zone.set("orders.example", kind, says.clone());
        }
        let settings =
            r#""name": "orders.example", "port": 80, "timeout": "400ms", "max_ttl": "1s""#;
        let mut orders = source(at, settings);
        next(&mut orders).await.unwrap_err();
        zone.addresses("orders.example", 60, &["10.0.0.1"]);
        let begun = Instant::now();
        // On a busy machine a lookup may well take longer than that.
        while next(&mut orders).await.is_err() {
            assert!(begun.elapsed() < PATIENCE);
        }
    }
}

#[tokio::test]
async fn where_one_family_fails_its_last_addresses_stand_in() {
    let (zone, at) = server().await;
    zone.addresses("both.example", 0, &["10.0.0.1", "fd00::1"]);
    let settings = r#""name": "both.example", "port": 80, "family": "any", "min_ttl": "20ms""#;
    let mut both = source(at, settings);
    addresses(&mut both).await;
    zone.set("both.example", RecordType::AAAA, Says::Fails);
    let four = RData::A(A([10, 0, 0, 2].into()));
    zone.set("both.example", RecordType::A, Says::Records(0, vec![four]));
    assert_eq!(addresses(&mut both).await, ["10.0.0.2:80", "[fd00::1]:80"]);
    zone.set("both.example", RecordType::AAAA, Says::Empty(0));
    assert_eq!(
        addresses(&mut both).await,
        ["10.0.0.2:80"],
        "gone is not failed"
    );
}

fn srv(priority: u16, weight: u16, port: u16, target: &str) -> RData {
    RData::SRV(SRV::new(
        priority,
        weight,
        port,
        Name::from_ascii(target).unwrap(),
    ))
}

#[tokio::test]
async fn srv_records_bring_ports_priorities_and_weights() {
    let (zone, at) = server().await;
    zone.addresses("a.example", 60, &["10.0.0.1"]);
    zone.addresses("b.example", 0, &["fd00::2"]);
    let records = vec![
        srv(10, 3, 8001, "a.example."),
        srv(10, 1, 8002, "b.example."),
        srv(70, 0, 8003, "a.example."),
        srv(70, 0, 8004, "gone.example."),
    ];
    let name = "_orders._tcp.example";
    zone.set(name, RecordType::SRV, Says::Records(60, records));
    let settings = format!(r#""name": "{name}", "type": "srv", "min_ttl": "20ms""#);
    let mut orders = source(at, &settings);
    let mut told: Vec<_> = next(&mut orders)
        .await
        .unwrap()
        .into_iter()
        .map(|one| (one.address.to_string(), one.priority, one.weight))
        .collect();
    told.sort();
    let one = |at: &str, priority, weight| (at.to_owned(), priority, weight);
    let expected = [
        one("10.0.0.1:8001", 0, 3),
        one("10.0.0.1:8003", 1, 1),
        one("[fd00::2]:8002", 0, 1),
    ];
    assert_eq!(told, expected);

    // A target that cannot be looked up keeps the address that it had.
    for kind in [RecordType::A, RecordType::AAAA] {
        zone.set("b.example", kind, Says::Fails);
    }
    assert!(
        addresses(&mut orders)
            .await
            .contains(&"[fd00::2]:8002".to_owned())
    );

    zone.set(
        name,
        RecordType::SRV,
        Says::Records(60, vec![srv(0, 0, 0, ".")]),
    );
    let error = next(&mut orders).await.unwrap_err().to_string();
    assert!(error.contains("no such service"), "{error}");
}
