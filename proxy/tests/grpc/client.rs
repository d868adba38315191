//! A client that sees every end as it is.

use std::net::SocketAddr;

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, Request};
use tokio::net::TcpStream;

use crate::mesh::soon;

/// A gRPC message of five bytes.
pub(crate) const MESSAGE: &[u8] = b"\0\0\0\0\x05hello";

/// What came of a call.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) data: Vec<u8>,
    /// None for a response that ended with its head, or without trailers.
    pub(crate) trailers: Option<HeaderMap>,
}

impl Reply {
    /// The status of gRPC, and whether it came with the head.
    pub(crate) fn grpc(&self) -> (u32, bool) {
        let own = self.trailers.as_ref().unwrap_or(&self.headers);
        let status = own.get("grpc-status").expect("a status");
        (
            status.to_str().unwrap().parse().unwrap(),
            self.trailers.is_none(),
        )
    }
}

#[derive(Clone)]
pub(crate) struct Client(SendRequest<Bytes>);

/// A call whose request is open.
pub(crate) struct Open {
    pub(crate) send: SendStream<Bytes>,
    pub(crate) response: ResponseFuture,
}

impl Client {
    pub(crate) async fn connect(to: SocketAddr) -> Self {
        let stream = TcpStream::connect(to).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self::over(stream).await
    }

    #[allow(dead_code, reason = "tests elsewhere use it")]
    pub(crate) async fn over<I>(stream: I) -> Self
    where
        I: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    {
        let (client, connection) = h2::client::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        Self(client)
    }

    /// Begins a call.
    pub(crate) async fn open(&self, path: &str, fields: &[(&str, &str)]) -> Open {
        let mut ready = soon(self.0.clone().ready()).await.unwrap();
        let mut head = Request::post(format!("http://orders.test{path}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        for (name, value) in fields {
            head = head.header(*name, *value);
        }
        let (response, send) = ready.send_request(head.body(()).unwrap(), false).unwrap();
        Open { send, response }
    }

    /// A unary call.
    pub(crate) async fn call(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let mut open = self.open(path, fields).await;
        let message = Bytes::from_static(MESSAGE);
        open.send.send_data(message, true).unwrap();
        rest(soon(open.response).await.unwrap()).await.unwrap()
    }
}

/// A response to its end.
pub(crate) async fn rest(response: http::Response<RecvStream>) -> Result<Reply, Option<Reason>> {
    let (parts, mut body) = response.into_parts();
    let mut data = Vec::new();
    while let Some(part) = soon(body.data()).await {
        let part = part.map_err(|error| error.reason())?;
        let _ = body.flow_control().release_capacity(part.len());
        data.extend_from_slice(&part);
    }
    let trailers = soon(body.trailers())
        .await
        .map_err(|error| error.reason())?;
    Ok(Reply {
        status: parts.status.as_u16(),
        headers: parts.headers,
        data,
        trailers,
    })
}
