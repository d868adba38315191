//! Both drivers over pipes, with a scripted peer on either end.

mod broken;
mod differential;
mod down;
mod expects;
mod heads;
mod proxied;
mod switched;
mod up;
mod waits;

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use wireloom_codecs::{
    Accepted, ByteBudget, Call, Channel, ChannelLimits, ConnError, Connector, Drain, LocalError,
    Needs, Protocol, Request, Response, ServeLimits, Service, drain,
};

use crate::config::H1Config;
use crate::h1::{Http1, Http1Connector};

/// What any wait in a test may take on a busy machine.
pub(crate) const LONG: Duration = Duration::from_secs(20);

type Answering = Arc<
    dyn Fn(
            Box<Request>,
        ) -> std::pin::Pin<Box<dyn Future<Output = Result<Response, LocalError>> + Send>>
        + Send
        + Sync,
>;

/// A service made of a function.
#[derive(Clone)]
pub(crate) struct Served(Answering);

impl Served {
    pub(crate) fn new<F>(answer: impl Fn(Box<Request>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Response, LocalError>> + Send + 'static,
    {
        Self(Arc::new(move |request| Box::pin(answer(request))))
    }
}

impl Service for Served {
    fn call(
        &self,
        request: Box<Request>,
    ) -> impl Future<Output = Result<Response, LocalError>> + Send + use<> {
        (self.0)(request)
    }

    fn needs(&self) -> Arc<Needs> {
        Arc::new(Needs::NOTHING)
    }
}

/// A client's end of a connection that the driver serves.
pub(crate) struct Client {
    pub(crate) io: DuplexStream,
    pub(crate) drain: Drain,
    pub(crate) serving: JoinHandle<Result<(), ConnError>>,
}

pub(crate) fn limits() -> ServeLimits {
    ServeLimits::default()
}

pub(crate) fn serve(service: Served) -> Client {
    serve_with(service, H1Config::default(), limits(), 64 << 10)
}

pub(crate) fn serve_with(
    service: Served,
    config: H1Config,
    limits: ServeLimits,
    pipe: usize,
) -> Client {
    let (near, far) = duplex(pipe);
    let (drain, watch) = drain();
    let connection = Accepted {
        io: Box::new(near),
        prefix: Bytes::new(),
        limits,
        budget: ByteBudget::new(1 << 20),
        drain: watch,
        tls: false,
    };
    let serving = tokio::spawn(Http1::new(config).serve(connection, service));
    Client {
        io: far,
        drain,
        serving,
    }
}

impl Client {
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.io.write_all(bytes.as_ref()).await.unwrap();
    }

    pub(crate) async fn expect(&mut self, bytes: impl AsRef<[u8]>) {
        expect(&mut self.io, bytes.as_ref()).await;
    }

    /// Everything until the connection closes.
    pub(crate) async fn rest(&mut self) -> String {
        rest(&mut self.io).await
    }
}

/// Reads exactly this.
pub(crate) async fn expect(io: &mut DuplexStream, bytes: &[u8]) {
    let mut got = Vec::new();
    while got.len() < bytes.len() {
        let mut part = vec![0; bytes.len() - got.len()];
        let read = timeout(LONG, io.read(&mut part)).await;
        let read = read.unwrap_or_else(|_| {
            panic!("waits after {:?}", String::from_utf8_lossy(&got));
        });
        let read = read.unwrap();
        assert!(read > 0, "closed after {:?}", String::from_utf8_lossy(&got));
        got.extend_from_slice(&part[..read]);
        assert!(
            bytes.starts_with(&got),
            "\n got {:?}\nwant {:?}",
            String::from_utf8_lossy(&got),
            String::from_utf8_lossy(bytes)
        );
    }
}

pub(crate) async fn rest(io: &mut DuplexStream) -> String {
    let mut all = Vec::new();
    let read = timeout(LONG, io.read_to_end(&mut all)).await;
    assert!(
        read.is_ok(),
        "not closed after {:?}",
        String::from_utf8_lossy(&all)
    );
    String::from_utf8(all).unwrap()
}

/// A channel and the server's end of its connection.
pub(crate) async fn connect() -> (Arc<dyn Channel>, DuplexStream) {
    let (near, far) = duplex(64 << 10);
    let opened = Http1Connector.open(
        Box::new(near),
        ChannelLimits::default(),
        ByteBudget::new(1 << 20),
        Arc::new(()),
    );
    (opened.await.unwrap(), far)
}

/// A service that sends everything over one channel, or whatever channel is in its place by then.
pub(crate) fn proxy(channel: Arc<Mutex<Arc<dyn Channel>>>) -> Served {
    Served::new(move |request| {
        let channel = channel.lock().clone();
        async move {
            let call = Call {
                request,
                deadline: Instant::now() + LONG,
            };
            match channel.send(call) {
                Ok(answer) => answer.await.map_err(|failed| failed.error),
                Err(_) => Err(wireloom_codecs::ErrorKind::NoEndpoint.into()),
            }
        }
    })
}

/// A client, and the server behind the proxy.
pub(crate) async fn both() -> (Client, DuplexStream, Arc<dyn Channel>) {
    let (channel, server) = connect().await;
    let client = serve(proxy(Arc::new(Mutex::new(channel.clone()))));
    (client, server, channel)
}
