//! Servers that answer as they are told.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, stream};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::net::TcpListener;

/// A request, all of it.
pub(super) type Seen = Request<Bytes>;

/// An answer.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<Bytes>,
    pub(super) trailers: Option<HeaderMap>,
    /// Whether the connection breaks where the end is due.
    pub(super) broken: bool,
}

impl Answer {
    pub(super) fn new(status: u16, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body: vec![body.into()],
            trailers: None,
            broken: false,
        }
    }

    /// Messages of gRPC, and the status that ends them.
    pub(super) fn grpc(messages: &[&dyn Encoded], status: u32) -> Self {
        let framed = messages.iter().map(|message| {
            let message = message.encoded();
            let mut frame = BytesMut::new();
            frame.put_u8(0);
            frame.put_u32(u32::try_from(message.len()).unwrap());
            frame.put_slice(&message);
            frame.freeze()
        });
        let answer = Self {
            body: framed.collect(),
            trailers: Some(fields(&[("grpc-status", &status.to_string())])),
            ..Self::new(200, "")
        };
        answer.with("content-type", "application/grpc")
    }

    /// With a field in its head.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.extend(fields(&[(name, value)]));
        self
    }

    /// With a field in its trailers.
    pub(super) fn trailer(mut self, name: &str, value: &str) -> Self {
        let trailers = self.trailers.get_or_insert_default();
        trailers.extend(fields(&[(name, value)]));
        self
    }
}

/// A message, whatever its type.
pub(super) trait Encoded {
    fn encoded(&self) -> Vec<u8>;
}

impl<M: Message> Encoded for M {
    fn encoded(&self) -> Vec<u8> {
        self.encode_to_vec()
    }
}

pub(super) fn fields(pairs: &[(&str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&str, &str)| {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        (name, HeaderValue::from_str(value).unwrap())
    };
    pairs.iter().map(pair).collect()
}

/// The one message of a gRPC request.
pub(super) fn message<M: Message + Default>(seen: &Seen) -> M {
    M::decode(&seen.body()[5..]).unwrap()
}

/// A server of HTTP/1.1, or of HTTP/2, that ends with the test.
pub(super) async fn start(
    two: bool,
    answer: impl Fn(&Seen) -> Answer + Send + Sync + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        loop {
            let (io, _) = listener.accept().await.unwrap();
            let answer = answer.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let answer = answer.clone();
                async move {
                    let (head, body) = request.into_parts();
                    let body = body.collect().await.unwrap().to_bytes();
                    let answer = answer(&Request::from_parts(head, body));
                    Ok::<_, Infallible>(response(answer))
                }
            });
            tokio::spawn(async move {
                let io = TokioIo::new(io);
                match two {
                    true => {
                        let builder = http2::Builder::new(TokioExecutor::new());
                        builder.serve_connection(io, service).await
                    }
                    false => http1::Builder::new().serve_connection(io, service).await,
                }
            });
        }
    });
    address
}

type Part = Result<Frame<Bytes>, Box<dyn std::error::Error + Send + Sync>>;

fn response(answer: Answer) -> Response<StreamBody<BoxStream<'static, Part>>> {
    let mut frames: Vec<Part> = answer
        .body
        .into_iter()
        .map(|data| Ok(Frame::data(data)))
        .collect();
    frames.extend(
        answer
            .trailers
            .map(|trailers| Ok(Frame::trailers(trailers))),
    );
    let mut frames = stream::iter(frames).boxed();
    if answer.broken {
        // After a pause, so that hyper writes what came before.
        let end = async {
            tokio::time::sleep(Duration::from_millis(10)).await;
            Err("broken on purpose".into())
        };
        frames = frames.chain(stream::once(end)).boxed();
    }
    let mut response = Response::new(StreamBody::new(frames));
    *response.status_mut() = answer.status.try_into().unwrap();
    *response.headers_mut() = answer.headers;
    response
}
