//! Endpoints that fail, through a running proxy: outlier detection, health checks and limits, in one protocol of each kind.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use tokio::net::{TcpListener, TcpStream};
use wireloom::{PROTOCOLS, Proxy, config, run};
use wireloom_bolt::sofa_value::{
    Answer, CallOptions, SofaCall, decode_request, encode_request, encode_response,
};
use wireloom_bolt::{BoltCodec, BoltConfig};
use wireloom_codecs::http::{GRPC, HTTP1};
use wireloom_codecs::probe::ask;
use wireloom_codecs::{
    Accepted, Body, ByteBudget, ChannelLimits, Class, Connector, ErrorKind, Fields, Framed,
    Headers, HttpRequest, HttpResponse, Kind, LocalError, Needs, Part, Protocol, ProtocolId,
    Request, RequestHead, Response, ResponseHead, ServeLimits, Service, Str, Wire, drain, stream,
};
use wireloom_dubbo::call::{Arguments, DubboCall, ok_response};
use wireloom_dubbo::{DubboCodec, DubboConfig};
use wireloom_hessian::{Dialect, Value};
use wireloom_http::h1::{Http1, Http1Connector};
use wireloom_http::h2::{Http2, Http2Connector};
use wireloom_telemetry::Metrics;
use wireloom_thrift::call::{Answer as ThriftAnswer, ThriftCall, response as thrift_response};
use wireloom_thrift::{ThriftCodec, ThriftSettings};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a server does.
const WELL: u8 = 0;
/// It answers that it cannot.
const FAILS: u8 = 1;
/// It takes requests and never answers.
const SILENT: u8 = 2;
/// It serves the connections that there are, and hangs up on new ones.
const HANGS_UP: u8 = 3;

/// One protocol: both its ends, a call and the answer to it.
#[derive(Clone, Copy)]
struct Kit {
    name: &'static str,
    protocol: fn() -> Arc<dyn Protocol<Script>>,
    connector: fn() -> Arc<dyn Connector>,
    call: fn() -> Request,
    answer: fn(&Request) -> Response,
}

const DUBBO: Kit = Kit {
    name: "dubbo",
    protocol: || Arc::new(Framed::<DubboCodec>::new(DubboConfig::default())),
    connector: || Arc::new(Framed::<DubboCodec>::new(DubboConfig::default())),
    call: || {
        let call = DubboCall {
            service: "com.acme.Orders".to_owned(),
            version: None,
            group: None,
            method: "find".to_owned(),
            arguments: Arguments::Typed {
                descriptor: String::new(),
                values: Vec::new(),
            },
            timeout: None,
            attachments: Vec::new(),
        };
        call.request(false).unwrap()
    },
    answer: |_| ok_response(&Value::Null, &[]).unwrap(),
};

const BOLT: Kit = Kit {
    name: "bolt",
    protocol: || Arc::new(Framed::<BoltCodec>::new(BoltConfig::default())),
    connector: || Arc::new(Framed::<BoltCodec>::new(BoltConfig::default())),
    call: || {
        let call = SofaCall {
            service: "com.acme.Orders:1.0".to_owned(),
            method: "find".to_owned(),
            arg_types: Vec::new(),
            args: Vec::new(),
            target_app: None,
            props: Vec::new(),
        };
        encode_request(&call, &CallOptions::default()).unwrap()
    },
    answer: |request| {
        let asked = decode_request(request.body.whole().unwrap());
        let dialect = asked.map_or(Dialect::Draft, |(_, dialect)| dialect);
        encode_response(&request.head, dialect, Answer::Value(&Value::Null)).unwrap()
    },
};

const THRIFT: Kit = Kit {
    name: "thrift",
    protocol: || {
        Arc::new(Framed::<ThriftCodec>::new(Arc::new(
            ThriftSettings::default(),
        )))
    },
    connector: || {
        Arc::new(Framed::<ThriftCodec>::new(Arc::new(
            ThriftSettings::default(),
        )))
    },
    call: || {
        let call = ThriftCall {
            method: "find".to_owned(),
            ..ThriftCall::default()
        };
        call.request().unwrap()
    },
    answer: |request| {
        thrift_response(&request.head, &ThriftAnswer::Reply(Vec::new()), &[]).unwrap()
    },
};

const WEB: Kit = Kit {
    name: "http1",
    protocol: || Arc::new(Http1::new(Default::default())),
    connector: || Arc::new(Http1Connector),
    call: || http(HTTP1, Method::GET, "/orders", Headers::new(), Body::Empty),
    answer: |_| {
        let head = ResponseHead {
            http: Some(Box::new(HttpResponse::new(StatusCode::OK))),
            ..ResponseHead::default()
        };
        Response::new(head, Body::Whole(Bytes::from_static(b"well")))
    },
};

const RPC: Kit = Kit {
    name: "grpc",
    protocol: || Arc::new(Http2::new(Default::default())),
    connector: || Arc::new(Http2Connector::default()),
    call: || {
        let mut headers = Headers::new();
        headers.set(&CONTENT_TYPE, &HeaderValue::from_static("application/grpc"));
        let body = Body::Whole(Bytes::from_static(&[0; 5]));
        http(GRPC, Method::POST, "/com.acme.Orders/Find", headers, body)
    },
    // SERVING, which is as good an answer to a call as any.
    answer: |_| {
        let mut http = HttpResponse::new(StatusCode::OK);
        http.headers
            .set(&CONTENT_TYPE, &HeaderValue::from_static("application/grpc"));
        let (mut sender, body) = stream(1024);
        let mut trailers = Headers::new();
        let status = HeaderName::from_static("grpc-status");
        trailers.set(&status, &HeaderValue::from_static("0"));
        let message = Bytes::from_static(&[0, 0, 0, 0, 2, 8, 1]);
        sender.push(Part::Data(message)).unwrap();
        sender.push(Part::Trailers(trailers)).unwrap();
        sender.finish();
        let head = ResponseHead {
            http: Some(Box::new(http)),
            ..ResponseHead::default()
        };
        Response::new(head, Body::Stream(body))
    },
};

fn http(id: ProtocolId, method: Method, target: &str, headers: Headers, body: Body) -> Request {
    let mut http = HttpRequest::new(method, "orders.test".into(), target.into());
    http.headers = headers;
    let head = RequestHead {
        protocol: id,
        kind: Kind::Unary,
        service: Str::default(),
        method: Str::default(),
        fields: Fields::new(),
        timeout: None,
        wire: Wire::default(),
        http: Some(Box::new(http)),
    };
    Request::new(head, body)
}

/// Health checks are not what is counted.
fn is_probe(request: &Request) -> bool {
    let path = request.head.http.as_ref().map(|http| http.path().to_vec());
    let path = path.unwrap_or_default();
    ["$echo", "ping"].contains(&request.head.method.as_str())
        || path == b"/healthz"
        || path.starts_with(b"/grpc.health")
}

/// A server's side of each connection.
#[derive(Clone)]
struct Script {
    state: Arc<AtomicU8>,
    calls: Arc<AtomicUsize>,
    answer: fn(&Request) -> Response,
}

impl Service for Script {
    fn call(
        &self,
        request: Box<Request>,
    ) -> impl Future<Output = Result<Response, LocalError>> + Send + use<> {
        let this = self.clone();
        async move {
            if !is_probe(&request) {
                this.calls.fetch_add(1, SeqCst);
            }
            match this.state.load(SeqCst) {
                FAILS => Err(ErrorKind::Overloaded.into()),
                SILENT => std::future::pending().await,
                _ => Ok((this.answer)(&request)),
            }
        }
    }

    fn needs(&self) -> Arc<Needs> {
        Arc::new(Needs::NOTHING)
    }
}

struct Server {
    address: SocketAddr,
    script: Script,
}

impl Server {
    async fn start(kit: &Kit) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let script = Script {
            state: Arc::default(),
            calls: Arc::default(),
            answer: kit.answer,
        };
        let (protocol, service) = ((kit.protocol)(), script.clone());
        tokio::spawn(async move {
            let (_drain, watch) = drain();
            while let Ok((stream, _)) = listener.accept().await {
                if service.state.load(SeqCst) == HANGS_UP {
                    continue;
                }
                let connection = Accepted {
                    io: Box::new(stream),
                    prefix: Bytes::new(),
                    limits: ServeLimits::default(),
                    budget: ByteBudget::new(1 << 20),
                    drain: watch.clone(),
                    tls: false,
                };
                tokio::spawn(protocol.serve(connection, service.clone()));
            }
        });
        Self { address, script }
    }

    fn is(&self, state: u8) {
        self.script.state.store(state, SeqCst);
    }

    fn calls(&self) -> usize {
        self.script.calls.load(SeqCst)
    }
}

/// A proxy before two servers of one protocol.
struct Mesh {
    kit: Kit,
    proxy: Proxy,
    address: SocketAddr,
    a: Server,
    b: Server,
}

impl Mesh {
    /// With these keys of the cluster.
    async fn start(kit: Kit, keys: &str) -> Self {
        let (a, b) = (Server::start(&kit).await, Server::start(&kit).await);
        let yaml = format!(
            "workers: 1
listeners: [{{address: '127.0.0.1:0', routes: main}}]
routes: {{main: [{{to: c, timeout: 60s}}]}}
clusters:
  c: {{protocol: {}, endpoints: ['{}', '{}'], balance: round_robin, {keys}}}
",
            kit.name, a.address, b.address
        );
        let config = config::parse("mesh.yaml".as_ref(), &yaml, PROTOCOLS);
        let config = config.unwrap_or_else(|errors| panic!("{errors}"));
        let metrics = Arc::new(Metrics::new("0").unwrap());
        let protocols = run::builtin(&config);
        let proxy = Proxy::start(config, protocols, metrics).unwrap();
        let address = proxy.addresses()[0];
        Self {
            kit,
            proxy,
            address,
            a,
            b,
        }
    }

    /// The class of the answer to a call.
    async fn call(&self) -> Class {
        let (kit, address) = (self.kit, self.address);
        tokio::time::timeout(PATIENCE, call(kit, address))
            .await
            .expect("an answer")
    }

    /// Calls that all succeed and go to B.
    async fn all_to_b(&self) {
        let before = self.b.calls();
        for _ in 0..6 {
            assert_eq!(self.call().await, Class::Success, "{}", self.kit.name);
        }
        assert_eq!(self.b.calls() - before, 6, "{}", self.kit.name);
    }

    /// What `/clusters` says of A's health.
    fn health(&self) -> String {
        let clusters = serde_json::to_value(self.proxy.clusters()).unwrap();
        clusters[0]["endpoints"][0]["health"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    async fn a_is(&self, health: &str) {
        let waited = tokio::time::timeout(PATIENCE, async {
            while self.health() != health {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        if waited.await.is_err() {
            let clusters = serde_json::to_value(self.proxy.clusters()).unwrap();
            panic!("{} is not {health}: {clusters:#}", self.kit.name);
        }
    }

    #[track_caller]
    fn counted(&self, series: &str) {
        let text = self.proxy.encode_metrics();
        let found = text.lines().find(|line| line.starts_with(series));
        let value = found.and_then(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok());
        assert!(
            value.is_some_and(|value| value >= 1.0),
            "{series} in {text}"
        );
    }
}

async fn call(kit: Kit, address: SocketAddr) -> Class {
    let io = Box::new(TcpStream::connect(address).await.unwrap());
    let budget = ByteBudget::new(1 << 20);
    let opening = (kit.connector)().open(io, ChannelLimits::default(), budget, Arc::new(()));
    let response = ask(opening, (kit.call)(), PATIENCE).await.unwrap();
    let class = response.head.outcome.class;
    let trailers = response.body.collect(1 << 20).await.unwrap().1;
    match wireloom_http::grpc::status_of(&trailers) {
        None | Some(0) => class,
        Some(_) => Class::ServerError,
    }
}

#[tokio::test]
async fn an_endpoint_that_answers_with_errors_is_taken_out() {
    for kit in [DUBBO, BOLT, THRIFT, WEB, RPC] {
        let mesh = Mesh::start(
            kit,
            "outlier: {consecutive: {failures: 3}, base_ejection: 10m}",
        )
        .await;
        mesh.a.is(FAILS);
        let mut failed = 0;
        while mesh.health() != "ejected" && failed < 20 {
            failed += usize::from(mesh.call().await != Class::Success);
        }
        // The detector may need a moment longer than the third failure.
        mesh.a_is("ejected").await;
        assert!(failed >= 3, "{}: {failed}", kit.name);
        mesh.all_to_b().await;
        mesh.counted(
            "wireloom_outlier_ejections_total{cluster=\"c\",reason=\"consecutive_failures\"}",
        );
        mesh.counted("wireloom_cluster_endpoints{cluster=\"c\",state=\"ejected\"}");
    }
}

#[tokio::test]
async fn health_checks_take_an_endpoint_out_and_bring_it_back() {
    for (kit, question, broken) in [
        (DUBBO, "heartbeat: {}", HANGS_UP),
        (DUBBO, "echo: {service: com.acme.Orders}", FAILS),
        (BOLT, "heartbeat: {}", HANGS_UP),
        (THRIFT, "thrift: {method: ping}", FAILS),
        (WEB, "http: {path: /healthz}", FAILS),
        (WEB, "http: {path: /healthz}", SILENT),
        (RPC, "grpc: {}", FAILS),
        (RPC, "http: {path: /healthz}", HANGS_UP),
    ] {
        let keys = format!(
            "health: {{{question}, interval: 20ms, timeout: 2s, healthy: 1, unhealthy: 2}}, panic: {{threshold: 0}}"
        );
        let mesh = Mesh::start(kit, &keys).await;
        mesh.a_is("healthy").await;
        mesh.all_to_both().await;
        mesh.a.is(broken);
        mesh.a_is("unhealthy").await;
        mesh.all_to_b().await;
        mesh.counted("wireloom_health_checks_total{cluster=\"c\",result=\"failure\"}");
        mesh.counted("wireloom_cluster_endpoints{cluster=\"c\",state=\"unhealthy\"}");
        mesh.a.is(WELL);
        mesh.a_is("healthy").await;
        mesh.all_to_both().await;
    }
}

impl Mesh {
    /// Calls that succeed, until both servers had some.
    async fn all_to_both(&self) {
        let before = (self.a.calls(), self.b.calls());
        for _ in 0..4 {
            assert_eq!(self.call().await, Class::Success, "{}", self.kit.name);
        }
        assert!(self.a.calls() > before.0 && self.b.calls() > before.1);
    }
}

#[tokio::test]
async fn the_request_beyond_a_limit_is_refused_at_once() {
    for (kit, limits, limit) in [
        (BOLT, "in_flight: 2", "in_flight"),
        (DUBBO, "per_endpoint: {in_flight: 1}", "endpoint_in_flight"),
        (THRIFT, "per_endpoint: {in_flight: 1}", "endpoint_in_flight"),
        (WEB, "in_flight: 2", "in_flight"),
        (RPC, "per_endpoint: {in_flight: 1}", "endpoint_in_flight"),
    ] {
        let mesh = Mesh::start(kit, &format!("limits: {{{limits}}}")).await;
        mesh.a.is(SILENT);
        mesh.b.is(SILENT);
        let address = mesh.address;
        let held: Vec<_> = (0..2).map(|_| tokio::spawn(call(kit, address))).collect();
        let waited = tokio::time::timeout(PATIENCE, async {
            while mesh.a.calls() + mesh.b.calls() < 2 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        waited.await.expect("both are under way");
        assert_ne!(mesh.call().await, Class::Success, "{}", kit.name);
        assert_eq!(mesh.a.calls() + mesh.b.calls(), 2, "{}", kit.name);
        mesh.counted(&format!(
            "wireloom_upstream_overflow_total{{cluster=\"c\",limit=\"{limit}\"}}"
        ));
        for call in held {
            call.abort();
        }
    }
}
