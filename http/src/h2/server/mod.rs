//! The downstream side: one task per connection polls h2 and every exchange on it; nothing is spawned.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use h2::RecvStream;
use h2::server::{Connection, SendResponse};
use http::Method;
use tokio::time::timeout;
use wireloom_codecs::http::{GRPC, HTTP2, TRIPLE};
use wireloom_codecs::{
    Accepted, Argument, ArgumentPath, Body, BoxFuture, ConnError, Early, Kind, Message, Protocol,
    ProtocolId, Request, Scheme, ServeLimits, Service, Sniff, Stream,
};

use super::idle::Moved;
use super::incoming::{Incoming, Taken};
use super::pings::Pings;
use super::settings;
use super::turn::Turns;
use super::wire::{Client, Hold, Wire, wire};
use crate::config::H2Config;
use crate::semantics::{self, Asker};
use body::RequestBody;
use exchange::{End, Origin};
use request::{Reading, Refusal};
use timers::Timers;

mod body;
mod exchange;
mod request;
mod timers;

/// HTTP/2 downstream, by prior knowledge or ALPN, with gRPC and Triple on it.
#[derive(Clone, Debug, Default)]
pub struct Http2 {
    config: Arc<H2Config>,
}

/// What a client's connection starts with (RFC 9113 §3.4).
pub(super) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

impl Http2 {
    /// With these settings.
    pub fn new(config: H2Config) -> Self {
        Self {
            config: Arc::new(config),
        }
    }

    pub(super) fn config(&self) -> Arc<H2Config> {
        self.config.clone()
    }
}

impl<S: Service> Protocol<S> for Http2 {
    fn id(&self) -> ProtocolId {
        HTTP2
    }

    fn carries(&self) -> &'static [ProtocolId] {
        &[GRPC, TRIPLE]
    }

    fn sniff(&self, prefix: &[u8]) -> Sniff {
        let length = prefix.len().min(PREFACE.len());
        if prefix.get(..length) != PREFACE.get(..length) {
            Sniff::Never
        } else if length == PREFACE.len() {
            Sniff::Match
        } else {
            Sniff::More
        }
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
        Box::pin(serve(self.config.clone(), connection, service))
    }
}

/// Rounds of reading and answering before other connections of the worker get their turn.
const ROUNDS: usize = 8;

pub(super) async fn serve<S: Service>(
    config: Arc<H2Config>,
    accepted: Accepted,
    service: S,
) -> Result<(), ConnError> {
    // Boxed, so that a connection does not hold on to the room that its handshake took.
    let (mut driver, timers) = Box::pin(begin(config, accepted, service)).await?;
    let result = driver.run(timers).await;
    if matches!(result, Err(ConnError::Protocol { .. })) {
        // The GOAWAY that says why is on its way.
        let linger = poll_fn(|cx| driver.hold.poll_linger(cx));
        let _ = timeout(LINGER, linger).await;
    }
    result
}

async fn begin<S: Service>(
    config: Arc<H2Config>,
    accepted: Accepted,
    service: S,
) -> Result<(Box<Driver<S>>, Box<Timers>), ConnError> {
    let limits = accepted.limits.clone();
    let scheme = match accepted.tls {
        true => Scheme::Https,
        false => Scheme::Http,
    };
    let reading = Reading {
        limits: limits.frame,
        scheme,
        connect: config.connect,
    };
    let drain = accepted.drain.clone();
    let (wire, hold) = wire(accepted.into_io(), Client::Peer, config.resets);
    let handshake = settings::server(&config, limits.frame.header, limits.in_flight)
        .handshake::<_, Bytes>(wire);
    let mut handshake = pin!(handshake);
    let begin = poll_fn(|cx| {
        let polled = handshake.as_mut().poll(cx);
        hold.flush(cx);
        polled
    });
    let mut connection = match timeout(limits.header_timeout, begin).await {
        Ok(connection) => connection.map_err(|error| broken(&error))?,
        Err(_) => return Err(ConnError::Timeout("preface")),
    };
    let pings = Pings::new(&config, connection.ping_pong());
    let timers = Timers::new(&limits, drain, pings);
    let driver = Box::new(Driver {
        connection,
        hold,
        service,
        reading,
        limits,
    });
    Ok((driver, Box::new(timers)))
}

/// How long a client that broke the rules has to read what it is told.
const LINGER: Duration = Duration::from_secs(1);
/// A stream that is reset before it is this old was not given a chance.
const YOUNG: Duration = Duration::from_millis(100);

struct Driver<S> {
    connection: Connection<Wire, Bytes>,
    hold: Hold,
    service: S,
    reading: Reading,
    limits: ServeLimits,
}

impl<S: Service> Driver<S> {
    async fn run(&mut self, mut timers: Box<Timers>) -> Result<(), ConnError> {
        // It has room for an exchange of its own even while it is empty: an idle connection has none.
        let mut exchanges = None;
        let (turns, waker) = Turns::new();
        poll_fn(|task| {
            turns.begin(task.waker());
            let cx = &mut Context::from_waker(&waker);
            let mut ended = None;
            for round in 1..=ROUNDS {
                while let Poll::Ready(next) = self.connection.poll_accept(cx) {
                    match next {
                        Some(Ok((request, respond))) => {
                            let now = timers.stir();
                            if let Some(exchange) = self.start(request, respond, now) {
                                exchanges
                                    .get_or_insert_with(FuturesUnordered::new)
                                    .push(exchange);
                            }
                        }
                        Some(Err(error)) => ended = Some(Err(broken(&error))),
                        None => ended = Some(Ok(())),
                    }
                    if ended.is_some() {
                        break;
                    }
                }
                if ended.is_some() {
                    break;
                }
                while let Some(under_way) = &mut exchanges
                    && let Poll::Ready(Some(end)) = under_way.poll_next_unpin(cx)
                {
                    let now = timers.stir();
                    if let End::Unanswered(began) = end
                        && now < began + YOUNG
                    {
                        self.hold.wasted();
                    }
                }
                if !turns.again() {
                    break;
                }
                if round == ROUNDS {
                    // A client that never pauses leaves the others of the worker their turn.
                    task.waker().wake_by_ref();
                }
            }
            if ended.is_none() && self.hold.flush(cx) {
                // h2 finds out when it is asked again.
                task.waker().wake_by_ref();
            }
            turns.end();
            match ended {
                Some(result) => Poll::Ready(timers.fate(result)),
                None => {
                    let under_way = exchanges.as_ref().map_or(0, FuturesUnordered::len);
                    if under_way == 0 {
                        exchanges = None;
                    }
                    timers.poll(&mut self.connection, &self.hold, under_way, task)
                }
            }
        })
        .await
    }

    /// Hands a request on; None if it is answered already.
    fn start(
        &self,
        request: http::Request<RecvStream>,
        respond: SendResponse<Bytes>,
        now: Instant,
    ) -> Option<impl Future<Output = End> + Send + use<S>> {
        let (parts, recv) = request.into_parts();
        let mut asker = Asker {
            protocol: request::protocol(&parts.headers),
            head: parts.method == Method::HEAD,
        };
        let mut http = match request::read(parts, self.reading) {
            Ok(http) => http,
            Err(refusal) => {
                self.refuse(refusal, respond, asker);
                return None;
            }
        };
        let upgrade = http.upgrade.is_some();
        let tunnel = upgrade || http.method == Method::CONNECT;
        // Whoever polls the rest of the body registers a waker of its own.
        let cx = &mut Context::from_waker(Waker::noop());
        let incoming = Incoming::new(recv);
        let taken = match tunnel {
            false => incoming.take(cx),
            true => Ok(Taken::Part(incoming)),
        };
        let Ok(taken) = taken else {
            // The client has reset it before it was looked at.
            self.hold.wasted();
            return None;
        };
        let kind = match taken {
            Taken::Whole(..) => Kind::Unary,
            Taken::Part(_) => Kind::Streaming,
        };
        // Who has sent some of its body does not wait for a 100.
        http.expect_continue &= matches!(&taken, Taken::Part(body) if !body.begun());
        let expects = http.expect_continue;
        let mut head = semantics::request_head(http, HTTP2, kind);
        asker.protocol = head.protocol;
        // gRPC has no interim responses.
        let early = (expects || head.protocol == HTTP2).then(Early::new);
        if let Some(http) = &mut head.http {
            http.early.clone_from(&early);
        }
        let body_idle = match tunnel {
            false => self.limits.body_idle,
            true => Duration::ZERO,
        };
        // Only where both directions may be streams is there something to share.
        let moved = matches!(taken, Taken::Part(_)).then(Moved::default);
        let message = match taken {
            Taken::Whole(body, trailers) => {
                let mut message = Message::new(head, body);
                message.trailers = trailers;
                message
            }
            Taken::Part(incoming) => {
                let expects = early.clone().filter(|_| expects);
                let body = RequestBody::new(
                    incoming,
                    expects,
                    body_idle,
                    moved.clone().unwrap_or_default(),
                );
                Message::new(head, Body::Stream(Stream::pull(body)))
            }
        };
        let origin = Origin {
            asker,
            began: now,
            upgrade,
            early,
            body_idle,
            moved,
        };
        Some(exchange::run(
            self.service.call(Box::new(message)),
            respond,
            origin,
        ))
    }

    fn refuse(&self, refusal: Refusal, respond: SendResponse<Bytes>, asker: Asker) {
        self.service.refused(&refusal.error);
        let mut reply = semantics::local_reply(asker, &refusal.error);
        if asker.protocol == HTTP2
            && let (Some(status), Some(http)) = (refusal.status, &mut reply.head.http)
        {
            http.status = status;
        }
        exchange::refuse(respond, reply, asker);
    }
}

/// Why h2 gave the connection up. It has told the client with a GOAWAY where there was something to tell.
fn broken(error: &h2::Error) -> ConnError {
    match error.get_io() {
        Some(io) => ConnError::Io(io::Error::new(io.kind(), io.to_string())),
        None => ConnError::protocol(HTTP2.as_str(), error.to_string()),
    }
}
