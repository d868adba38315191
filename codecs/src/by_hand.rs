//! A protocol without a codec, whose bodies come in parts: what [`Protocol`] and [`Connector`] ask of one that is
//! written by hand, and that what they offer is enough for it.
//!
//! A connection starts with `STRM` and carries one exchange at a time. Either side sends `HEAD`, any number of `DATA`,
//! and `END` with the trailers, as `kind u8 | len u32 | payload`. Whoever closes before `END` has given up.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Bytes, BytesMut};
use futures_util::future::{self, Either};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::sync::{mpsc, oneshot};

use crate::{
    Accepted, Answer, Body, BoxFuture, ByteBudget, Call, CallError, Channel, ChannelEvents,
    ChannelLimits, ChannelState, ConnError, Connector, ErrorKind, Fields, HeaderList, Headers, Io,
    Kind, LocalError, Message, Part, Protocol, ProtocolId, RequestHead, Response, ResponseHead,
    Service, Sniff, Str, StreamSender, sniff_pattern, stream,
};

const ID: ProtocolId = ProtocolId("stream");
pub(crate) const HELLO: &[u8] = b"STRM";
pub(crate) const HEAD: u8 = 1;
pub(crate) const DATA: u8 = 2;
pub(crate) const END: u8 = 3;
/// Bytes of a body that wait untaken.
pub(crate) const WINDOW: usize = 4 << 10;

pub(crate) struct ByHand;

pub(crate) async fn write(
    to: &mut (impl AsyncWrite + Unpin),
    kind: u8,
    payload: &[u8],
) -> std::io::Result<()> {
    to.write_u8(kind).await?;
    to.write_u32(payload.len() as u32).await?;
    to.write_all(payload).await
}

pub(crate) async fn read(from: &mut (impl AsyncRead + Unpin)) -> std::io::Result<(u8, Bytes)> {
    let kind = from.read_u8().await?;
    let length = from.read_u32().await?;
    let mut payload = BytesMut::zeroed(length as usize);
    from.read_exact(&mut payload).await?;
    Ok((kind, payload.freeze()))
}

/// Sends a body to its end. A body that breaks off breaks the connection off: it must not look complete.
async fn send_body(to: &mut (impl AsyncWrite + Unpin), body: Body) -> Result<(), LocalError> {
    let broken = |error: std::io::Error| LocalError::new(ErrorKind::Reset, error.to_string());
    let mut trailers = Headers::new();
    match body {
        Body::Empty => {}
        Body::Whole(bytes) => write(to, DATA, &bytes).await.map_err(broken)?,
        Body::Stream(mut parts) => {
            while let Some(part) = parts.next().await {
                match part? {
                    Part::Data(data) => write(to, DATA, &data).await.map_err(broken)?,
                    Part::Trailers(fields) => trailers = fields,
                }
            }
        }
    }
    let lossy = String::from_utf8_lossy;
    let fields = trailers.iter();
    let text: Vec<_> = fields
        .map(|(n, v)| format!("{}={}", lossy(n), lossy(v)))
        .collect();
    write(to, END, text.join(";").as_bytes())
        .await
        .map_err(broken)
}

/// Feeds a body from the connection, reading no faster than credit comes back. False if nobody wants more of it; `Err`
/// if the peer gave up.
async fn receive_body(
    from: &mut (impl AsyncRead + Unpin),
    mut body: StreamSender,
) -> Result<bool, ConnError> {
    loop {
        if poll_fn(|cx| body.poll_ready(cx)).await.is_err() {
            return Ok(false);
        }
        // While the peer is silent, the body may be given up.
        let next = {
            let reading = pin!(read(from));
            let abandoned = pin!(poll_fn(|cx| body.poll_abandoned(cx)));
            match future::select(reading, abandoned).await {
                Either::Left((next, _)) => next?,
                Either::Right(_) => return Ok(false),
            }
        };
        let pushed = match next {
            (DATA, data) => body.push(Part::Data(data)),
            (END, text) => {
                let text = String::from_utf8_lossy(&text).into_owned();
                let fields = text.split(';').filter_map(|field| field.split_once('='));
                let fields = fields.map(|(n, v)| (n.to_owned().into(), v.to_owned().into()));
                let fields = Headers::from(HeaderList::from_iter(fields));
                let pushed = match fields.is_empty() {
                    true => Ok(()),
                    false => body.push(Part::Trailers(fields)),
                };
                body.finish();
                return Ok(pushed.is_ok());
            }
            _ => return Err(ConnError::protocol(ID.as_str(), "no such frame")),
        };
        if pushed.is_err() {
            return Ok(false);
        }
    }
}

impl<S: Service> Protocol<S> for ByHand {
    fn id(&self) -> ProtocolId {
        ID
    }

    fn sniff(&self, prefix: &[u8]) -> Sniff {
        sniff_pattern(
            &[|b| b == b'S', |b| b == b'T', |b| b == b'R', |b| b == b'M'],
            prefix,
        )
    }

    fn serve(&self, connection: Accepted, service: S) -> BoxFuture<Result<(), ConnError>> {
        Box::pin(async move {
            let (mut from, mut to) = split(connection.into_io());
            from.read_exact(&mut [0; 4]).await?;
            loop {
                let service_name = match read(&mut from).await {
                    Ok((HEAD, name)) => name,
                    Ok(_) => return Err(ConnError::protocol(ID.as_str(), "no head")),
                    Err(_) => return Ok(()),
                };
                let (sender, body) = stream(WINDOW);
                let head = RequestHead {
                    protocol: ID,
                    kind: Kind::Streaming,
                    service: Str::from(&*String::from_utf8_lossy(&service_name)),
                    method: Str::default(),
                    fields: Fields::new(),
                    timeout: None,
                    wire: Default::default(),
                    http: None,
                };
                let answer = service.call(Box::new(Message::new(head, Body::Stream(body))));
                let down = async {
                    match answer.await {
                        Ok(response) => {
                            write(&mut to, HEAD, b"").await?;
                            let sent = send_body(&mut to, response.body).await;
                            sent.map_err(|e| ConnError::protocol(ID.as_str(), e.to_string()))
                        }
                        Err(error) => {
                            write(&mut to, HEAD, error.to_string().as_bytes()).await?;
                            Ok(write(&mut to, END, b"").await?)
                        }
                    }
                };
                let (up, down) = (pin!(receive_body(&mut from, sender)), pin!(down));
                match future::select(up, down).await {
                    // The request is whole, or as much of it as is wanted; the answer takes its time.
                    Either::Left((Ok(_), down)) => down.await?,
                    // The client is gone: dropping the exchange cancels it.
                    Either::Left((Err(error), _)) => return Err(error),
                    // Answered before the request was whole; the rest of it has no use.
                    Either::Right((down, _)) => return down,
                }
            }
        })
    }
}

/// What callers and the task share.
#[derive(Default)]
struct State {
    in_flight: AtomicUsize,
    gone: std::sync::atomic::AtomicBool,
}

type Reply = oneshot::Sender<Result<Response, CallError>>;

struct Handle {
    calls: mpsc::UnboundedSender<(Call, Reply)>,
    state: Arc<State>,
}

impl Channel for Handle {
    fn send(&self, call: Call) -> Result<Answer, Box<Call>> {
        if self.state() != ChannelState::Open || self.in_flight() > 0 {
            return Err(Box::new(call));
        }
        self.state.in_flight.fetch_add(1, Ordering::Relaxed);
        let (reply, answer) = oneshot::channel();
        match self.calls.send((call, reply)) {
            Ok(()) => Ok(Answer::Waiting(answer)),
            Err(refused) => {
                self.state.in_flight.fetch_sub(1, Ordering::Relaxed);
                Err(Box::new(refused.0.0))
            }
        }
    }

    fn state(&self) -> ChannelState {
        match self.state.gone.load(Ordering::Relaxed) {
            false => ChannelState::Open,
            true => ChannelState::Closed,
        }
    }

    fn in_flight(&self) -> usize {
        self.state.in_flight.load(Ordering::Relaxed)
    }

    fn drain(&self) {}
}

impl Connector for ByHand {
    fn id(&self) -> ProtocolId {
        ID
    }

    fn open(
        &self,
        mut io: Box<dyn Io>,
        _: ChannelLimits,
        _: ByteBudget,
        events: Arc<dyn ChannelEvents>,
    ) -> BoxFuture<Result<Arc<dyn Channel>, ConnError>> {
        Box::pin(async move {
            // A handshake: the reason why `open` is a future.
            io.write_all(HELLO).await?;
            let (calls, mut waiting) = mpsc::unbounded_channel();
            let state = Arc::new(State::default());
            let shared = state.clone();
            tokio::spawn(async move {
                while let Some((call, reply)) = waiting.recv().await {
                    let carried = carry(&mut io, call, reply).await;
                    if carried.is_err() {
                        shared.gone.store(true, Ordering::Relaxed);
                    }
                    shared.in_flight.fetch_sub(1, Ordering::Relaxed);
                    if carried.is_err() {
                        return events.closed(None);
                    }
                }
            });
            let handle: Arc<dyn Channel> = Arc::new(Handle { calls, state });
            Ok(handle)
        })
    }
}

/// One exchange. `Err` if the connection cannot be used again.
async fn carry(io: &mut Box<dyn Io>, call: Call, mut reply: Reply) -> Result<(), ConnError> {
    let (mut from, mut to) = split(io);
    let request = *call.request;
    write(&mut to, HEAD, request.head.service.as_bytes()).await?;
    let up = send_body(&mut to, request.body);
    let down = async {
        let head = {
            let reading = pin!(read(&mut from));
            let abandoned = pin!(poll_fn(|cx| reply.poll_closed(cx)));
            match future::select(reading, abandoned).await {
                Either::Left((head, _)) => head,
                Either::Right(_) => return Err(ConnError::Timeout("abandoned")),
            }
        };
        let head = match head {
            Ok((HEAD, head)) if head.is_empty() => Ok(()),
            Ok((_, text)) => Err(String::from_utf8_lossy(&text).into_owned()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(text) = head {
            let error = LocalError::new(ErrorKind::Reset, text);
            let _ = reply.send(Err(CallError::new(error, true)));
            return Err(ConnError::Timeout("reset"));
        }
        let (sender, body) = stream(WINDOW);
        let response = Message::new(ResponseHead::default(), Body::Stream(body));
        let _ = reply.send(Ok(response));
        match receive_body(&mut from, sender).await? {
            true => Ok(()),
            false => Err(ConnError::Timeout("abandoned")),
        }
    };
    let (up, down) = (pin!(up), pin!(down));
    match future::select(up, down).await {
        Either::Left((Ok(()), down)) => down.await,
        // The request broke off: closing is how the server learns.
        Either::Left((Err(error), _)) => Err(ConnError::protocol(ID.as_str(), error.to_string())),
        Either::Right((down, up)) => {
            // An answer that is whole before the request is: the rest of the request still has to go.
            down?;
            up.await
                .map_err(|e| ConnError::protocol(ID.as_str(), e.to_string()))
        }
    }
}

mod tests;
