//! One protocol of each kind with both its ends: servers that do as a test says, and clients.

#![allow(dead_code, reason = "every test file uses a part of it")]

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use tokio::net::{TcpListener, TcpStream};
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
use wireloom_thrift::call::{Answer as ThriftAnswer, ThriftCall, response as thrift_response};
use wireloom_thrift::{ThriftCodec, ThriftSettings};

/// Longer than anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What a server does.
pub(crate) const WELL: u8 = 0;
/// It answers that it cannot.
pub(crate) const FAILS: u8 = 1;
/// It takes requests and never answers.
pub(crate) const SILENT: u8 = 2;
/// It serves the connections that there are, and hangs up on new ones.
pub(crate) const HANGS_UP: u8 = 3;

/// One protocol: both its ends, a call and the answer to it.
#[derive(Clone, Copy)]
pub(crate) struct Kit {
    pub(crate) name: &'static str,
    protocol: fn() -> Arc<dyn Protocol<Script>>,
    pub(crate) connector: fn() -> Arc<dyn Connector>,
    pub(crate) call: fn() -> Request,
    answer: fn(&Request) -> Response,
}

pub(crate) const DUBBO: Kit = Kit {
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

pub(crate) const BOLT: Kit = Kit {
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

pub(crate) const THRIFT: Kit = Kit {
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

pub(crate) const WEB: Kit = Kit {
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

pub(crate) const RPC: Kit = Kit {
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
pub(crate) struct Script {
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

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    script: Script,
    /// Connections accepted, and those of them that are open.
    accepted: Arc<AtomicUsize>,
    open: Arc<AtomicUsize>,
    /// Where they came from.
    peers: Arc<Mutex<Vec<IpAddr>>>,
}

impl Server {
    pub(crate) async fn start(kit: &Kit) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let script = Script {
            state: Arc::default(),
            calls: Arc::default(),
            answer: kit.answer,
        };
        let (protocol, service) = ((kit.protocol)(), script.clone());
        let (accepted, open) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let counts = (accepted.clone(), open.clone());
        let peers = Arc::<Mutex<Vec<IpAddr>>>::default();
        let from = peers.clone();
        tokio::spawn(async move {
            let (_drain, watch) = drain();
            while let Ok((stream, peer)) = listener.accept().await {
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
                from.lock().unwrap().push(peer.ip());
                counts.0.fetch_add(1, SeqCst);
                counts.1.fetch_add(1, SeqCst);
                let (served, open) = (
                    protocol.serve(connection, service.clone()),
                    counts.1.clone(),
                );
                tokio::spawn(async move {
                    let _ = served.await;
                    open.fetch_sub(1, SeqCst);
                });
            }
        });
        Self {
            address,
            script,
            accepted,
            open,
            peers,
        }
    }

    pub(crate) fn is(&self, state: u8) {
        self.script.state.store(state, SeqCst);
    }

    /// Connections accepted so far.
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(SeqCst)
    }

    /// Where connections came from.
    pub(crate) fn peers(&self) -> Vec<IpAddr> {
        self.peers.lock().unwrap().clone()
    }

    /// Connections that are open.
    pub(crate) fn open(&self) -> usize {
        self.open.load(SeqCst)
    }

    pub(crate) fn calls(&self) -> usize {
        self.script.calls.load(SeqCst)
    }
}

pub(crate) async fn call(kit: Kit, address: SocketAddr) -> Class {
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
