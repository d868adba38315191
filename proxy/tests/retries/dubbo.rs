//! Dubbo consumers and providers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::net::{TcpListener, TcpStream};
use wireloom_codecs::{
    Accepted, ByteBudget, Call, Channel, ChannelLimits, Connector, ErrorKind, Framed, Kind,
    LocalError, Needs, Protocol, Request, Response, ServeLimits, Service, drain,
};
use wireloom_dubbo::call::{Arguments, CallFailure, DubboCall, ok_response, read_response};
use wireloom_dubbo::{DubboCodec, DubboConfig};
use wireloom_hessian::Value;

use crate::mesh::soon;

/// The status SERVICE_ERROR.
pub(crate) const SERVICE_ERROR: u8 = 70;

/// What a provider does about a call.
#[derive(Clone, Copy)]
pub(crate) enum Act {
    Answer,
    Fail(ErrorKind),
    /// The same after this time.
    FailLate(Duration, ErrorKind),
    AnswerLate(Duration),
    Hang,
}

type Script = dyn Fn(usize) -> Act + Send + Sync;

/// A provider on a port of its own, for as long as the test runs.
#[derive(Clone)]
pub(crate) struct Provider {
    pub(crate) address: SocketAddr,
    calls: Arc<AtomicUsize>,
    script: Arc<Script>,
}

impl Provider {
    /// One that does with each call what `act` says, by the number of calls before it.
    pub(crate) async fn start(act: impl Fn(usize) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let provider = Self {
            address: listener.local_addr().unwrap(),
            calls: Arc::default(),
            script: Arc::new(act),
        };
        let own = provider.clone();
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
                tokio::spawn(framed().serve(connection, own.clone()));
            }
        });
        provider
    }

    /// Calls so far.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

impl Service for Provider {
    fn call(
        &self,
        request: Box<Request>,
    ) -> impl Future<Output = Result<Response, LocalError>> + Send + use<> {
        let act = (self.script)(self.calls.fetch_add(1, Ordering::SeqCst));
        async move {
            let wait = match act {
                Act::AnswerLate(wait) | Act::FailLate(wait, _) => wait,
                Act::Hang => Duration::from_secs(3600),
                Act::Answer | Act::Fail(_) => Duration::ZERO,
            };
            if !wait.is_zero() {
                tokio::time::sleep(wait).await;
            }
            match act {
                Act::Fail(kind) | Act::FailLate(_, kind) => Err(kind.into()),
                _ if request.head.kind == Kind::OneWay => {
                    Ok(ok_response(&Value::Null, &[]).unwrap())
                }
                _ => Ok(ok_response(&Value::from("fine"), &[]).unwrap()),
            }
        }
    }

    fn needs(&self) -> Arc<Needs> {
        Arc::new(Needs::NOTHING)
    }
}

fn framed() -> Framed<DubboCodec> {
    Framed::new(DubboConfig::default())
}

/// A consumer, whose calls share one connection.
#[derive(Clone)]
pub(crate) struct Consumer(Arc<dyn Channel>);

impl Consumer {
    pub(crate) async fn connect(to: SocketAddr) -> Self {
        let stream = TcpStream::connect(to).await.unwrap();
        let budget = ByteBudget::new(1 << 24);
        let opened = framed().open(
            Box::new(stream),
            ChannelLimits::default(),
            budget,
            Arc::new(()),
        );
        Self(opened.await.unwrap())
    }

    async fn send(&self, method: &str, one_way: bool) -> Response {
        let call = DubboCall {
            service: "acme.Orders".to_owned(),
            version: None,
            group: None,
            method: method.to_owned(),
            arguments: Arguments::Typed {
                descriptor: String::new(),
                values: Vec::new(),
            },
            timeout: None,
            attachments: Vec::new(),
        };
        let call = Call {
            request: Box::new(call.request(one_way).unwrap()),
            deadline: Instant::now() + Duration::from_secs(60),
        };
        let answer = self.0.send(call);
        let answer = answer.unwrap_or_else(|_| panic!("the channel is closed"));
        soon(answer).await.unwrap()
    }

    /// Calls the method: the status if that is not OK.
    pub(crate) async fn call(&self, method: &str) -> Result<(), u8> {
        match read_response(&self.send(method, false).await) {
            Ok(_) => Ok(()),
            Err(CallFailure::Status { status, .. }) => Err(status),
            Err(other) => panic!("{other}"),
        }
    }

    pub(crate) async fn one_way(&self, method: &str) {
        self.send(method, true).await;
    }
}
