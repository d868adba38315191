//! The downstream side of HTTP/1 as a listener's registry holds it.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use wireloom_codecs::clock::Turn;
use wireloom_codecs::http::{GRPC, HTTP1};
use wireloom_codecs::{
    Accepted, Argument, ArgumentPath, BoxFuture, ConnError, Protocol, ProtocolId, Request, Service,
    Sniff,
};

use crate::config::H1Config;
use crate::h1::server::Server;
use crate::h1::sniff::sniff;

/// A connection whose client asked to go on in HTTP/2 (`Upgrade: h2c`).
pub struct Switched {
    /// The connection, with what the client has sent behind the request. Nothing was answered yet, not even the 101.
    pub connection: Accepted,
    /// The request, to be answered as stream 1.
    pub request: Box<Request>,
    /// The value of `HTTP2-Settings`: a SETTINGS payload in base64url.
    pub settings: Bytes,
}

/// Who takes connections over that go on in HTTP/2.
pub trait Handover: Clone + Send + Sync + 'static {
    /// Whether it does. Else the wish is ignored, which RFC 9110 §7.8 allows.
    const TAKES: bool;

    /// Serves the connection to its end.
    fn take<S: Service>(&self, switched: Switched, service: S) -> BoxFuture<Result<(), ConnError>>;
}

/// Nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHandover;

impl Handover for NoHandover {
    const TAKES: bool = false;

    fn take<S: Service>(&self, _: Switched, _: S) -> BoxFuture<Result<(), ConnError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// The downstream side of HTTP/1.
#[derive(Clone, Debug, Default)]
pub struct Http1<H = NoHandover> {
    config: Arc<H1Config>,
    handover: H,
}

impl Http1 {
    /// With these settings, and without `Upgrade: h2c`.
    pub fn new(config: H1Config) -> Self {
        Self::with_handover(config, NoHandover)
    }
}

impl<H: Handover> Http1<H> {
    /// With these settings; `handover` serves what goes on in HTTP/2.
    pub fn with_handover(config: H1Config, handover: H) -> Self {
        Self {
            config: Arc::new(config),
            handover,
        }
    }
}

impl<S: Service, H: Handover> Protocol<S> for Http1<H> {
    fn id(&self) -> ProtocolId {
        HTTP1
    }

    fn carries(&self) -> &'static [ProtocolId] {
        &[GRPC]
    }

    fn sniff(&self, prefix: &[u8]) -> Sniff {
        sniff(prefix)
    }

    fn argument<'a>(
        &self,
        request: &'a Request,
        path: &ArgumentPath,
        budget: usize,
    ) -> Option<Argument<'a>> {
        crate::json::find(request, path, budget)
    }

    fn serve(&self, connection: Accepted, service: S) -> BoxFuture<Result<(), ConnError>> {
        let mut server = Box::new(Server::new(self.config.clone(), connection, service));
        let handover = self.handover.clone();
        Box::pin(async move {
            let switched = {
                let mut serving = pin!(server.run::<H>());
                poll_fn(|cx| {
                    let _turn = Turn::begin();
                    serving.as_mut().poll(cx)
                })
                .await?
            };
            match switched {
                None => Ok(()),
                Some(incoming) => Box::pin(server.hand_over(*incoming, handover)).await,
            }
        })
    }
}
