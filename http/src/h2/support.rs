//! Peers for tests: a client and a server of the h2 crate around the two sides, over in-memory pipes.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request as HttpHead};
use tokio::io::DuplexStream;
use tokio::task::JoinHandle;
use wireloom_codecs::clock;
use wireloom_codecs::{
    Accepted, Body, BoxFuture, ByteBudget, Call, Channel, ChannelLimits, ConnError, Connector,
    Drain, HttpRequest, HttpResponse, Kind, LocalError, Message, Needs, Protocol, Request,
    Response, ResponseHead, ServeLimits, Service, drain,
};

use super::{Http2, Http2Connector};
use crate::config::H2Config;
use crate::semantics;

/// Nothing in these tests takes this long, on however busy a machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

pub(super) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("in time")
}

type Handler = dyn Fn(Box<Request>) -> BoxFuture<Result<Response, LocalError>> + Send + Sync;

/// A service that is a function.
#[derive(Clone)]
pub(super) struct Serves(Arc<Handler>);

impl Serves {
    pub(super) fn new<F>(handler: impl Fn(Box<Request>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Response, LocalError>> + Send + 'static,
    {
        Self(Arc::new(move |request| Box::pin(handler(request))))
    }

    /// Sends everything on.
    pub(super) fn through(channel: Arc<dyn Channel>) -> Self {
        Self::new(move |request| {
            let sent = channel.send(Call {
                request,
                deadline: clock::read() + PATIENCE,
            });
            async move {
                match sent {
                    Ok(answer) => answer.await.map_err(|error| error.error),
                    Err(_) => Err(wireloom_codecs::ErrorKind::Overloaded.into()),
                }
            }
        })
    }
}

impl Service for Serves {
    fn call(
        &self,
        request: Box<Request>,
    ) -> impl Future<Output = Result<Response, LocalError>> + Send + use<> {
        (self.0)(request)
    }

    fn needs(&self) -> Arc<Needs> {
        Arc::default()
    }
}

pub(super) fn response(status: u16, body: Body) -> Response {
    let head = ResponseHead {
        http: Some(Box::new(HttpResponse::new(
            http::StatusCode::from_u16(status).unwrap(),
        ))),
        ..ResponseHead::default()
    };
    Message::new(head, body)
}

/// A request as the proxy would hand it on.
pub(super) fn request(method: Method, body: Body) -> Box<Request> {
    let http = HttpRequest::new(method, "a.example".into(), "/path?q".into());
    let head = semantics::request_head(Box::new(http), wireloom_codecs::http::HTTP2, Kind::Unary);
    Box::new(Message::new(head, body))
}

/// A downstream connection under test.
pub(super) struct Served {
    pub(super) drain: Drain,
    pub(super) done: JoinHandle<Result<(), ConnError>>,
}

pub(super) fn serve(
    io: DuplexStream,
    service: Serves,
    limits: ServeLimits,
    config: H2Config,
) -> Served {
    let (drain, watch) = drain();
    let accepted = Accepted {
        io: Box::new(io),
        prefix: Bytes::new(),
        limits,
        budget: ByteBudget::new(1 << 20),
        drain: watch,
        tls: false,
    };
    let serving = Http2::new(config).serve(accepted, service);
    Served {
        drain,
        done: tokio::spawn(serving),
    }
}

pub(super) type Client = h2::client::SendRequest<Bytes>;

/// A client of a downstream connection that `service` answers.
pub(super) async fn client(service: Serves) -> (Client, Served) {
    client_with(service, ServeLimits::default(), &h2::client::Builder::new()).await
}

pub(super) async fn client_with(
    service: Serves,
    limits: ServeLimits,
    builder: &h2::client::Builder,
) -> (Client, Served) {
    let (near, far) = tokio::io::duplex(64 << 10);
    let served = serve(far, service, limits, H2Config::default());
    let (client, connection) = builder.handshake(near).await.unwrap();
    tokio::spawn(connection);
    (client, served)
}

pub(super) type Server = h2::server::Connection<DuplexStream, Bytes>;

/// An upstream connection to a server that the test plays.
pub(super) async fn upstream() -> (Arc<dyn Channel>, Server) {
    upstream_with(ChannelLimits::default(), &h2::server::Builder::new()).await
}

pub(super) async fn upstream_with(
    limits: ChannelLimits,
    builder: &h2::server::Builder,
) -> (Arc<dyn Channel>, Server) {
    let (near, far) = tokio::io::duplex(64 << 10);
    let connector = Http2Connector::default();
    let opening = connector.open(
        Box::new(near),
        limits,
        ByteBudget::new(1 << 20),
        Arc::new(()),
    );
    let accepting = builder.handshake(far);
    let (channel, server) = tokio::join!(opening, async {
        let mut server = accepting.await.unwrap();
        // The SETTINGS leave only when the connection is polled.
        let _ = futures_util::future::poll_immediate(server.accept()).await;
        server
    });
    (channel.unwrap(), server)
}

/// A head for `path`.
pub(super) fn head(method: Method, path: &str) -> HttpHead<()> {
    HttpHead::builder()
        .method(method)
        .uri(format!("http://a.example{path}"))
        .body(())
        .unwrap()
}

/// Takes a whole body, giving credit back.
pub(super) async fn drain_body(
    body: &mut h2::RecvStream,
) -> Result<(Vec<u8>, Option<HeaderMap>), h2::Error> {
    let mut all = Vec::new();
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        all.extend_from_slice(&data);
    }
    Ok((all, body.trailers().await?))
}
