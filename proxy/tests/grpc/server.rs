//! A server that does to each request what the test says.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::future::poll_fn;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, Response};
use tokio::net::TcpListener;

use crate::client::MESSAGE;
use crate::mesh::soon;

/// A server on a port of its own, for as long as the test runs.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    calls: Arc<AtomicUsize>,
}

/// One request to it.
pub(crate) struct Asked {
    /// 0 for the first request that this server got.
    pub(crate) number: usize,
    pub(crate) head: http::request::Parts,
    pub(crate) body: RecvStream,
    pub(crate) respond: SendResponse<Bytes>,
}

impl Server {
    pub(crate) async fn start<F>(script: impl Fn(Asked) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (script, calls) = (Arc::new(script), Arc::new(AtomicUsize::new(0)));
        let counted = calls.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (script, calls) = (script.clone(), counted.clone());
                tokio::spawn(async move {
                    let Ok(mut connection) = h2::server::handshake(stream).await else {
                        return;
                    };
                    while let Some(Ok((request, respond))) = connection.accept().await {
                        let (head, body) = request.into_parts();
                        tokio::spawn(script(Asked {
                            number: calls.fetch_add(1, Ordering::SeqCst),
                            head,
                            body,
                            respond,
                        }));
                    }
                });
            }
        });
        Self { address, calls }
    }

    /// One that answers every call with its name.
    pub(crate) async fn named(name: &'static str) -> Self {
        Self::start(move |mut asked| async move {
            asked.take().await;
            let mut send = asked.head_of(&[("x-server", name)], false);
            send.send_data(Bytes::from_static(MESSAGE), false).unwrap();
            send.send_trailers(status(0)).unwrap();
        })
        .await
    }

    /// Requests so far.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

/// Trailers with a status.
pub(crate) fn status(code: u32) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", code.into());
    trailers
}

impl Asked {
    /// Takes the whole request.
    pub(crate) async fn take(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        while let Some(Ok(data)) = soon(self.body.data()).await {
            let _ = self.body.flow_control().release_capacity(data.len());
            all.extend_from_slice(&data);
        }
        all
    }

    /// Sends the head of an answer.
    pub(crate) fn head_of(
        &mut self,
        fields: &[(&'static str, &str)],
        end: bool,
    ) -> SendStream<Bytes> {
        let mut head = Response::builder().header("content-type", "application/grpc");
        for (name, value) in fields {
            head = head.header(*name, *value);
        }
        self.respond
            .send_response(head.body(()).unwrap(), end)
            .unwrap()
    }

    /// Answers with a status and nothing else.
    pub(crate) fn trailers_only(&mut self, code: u32) {
        self.head_of(&[("grpc-status", &code.to_string())], true);
    }

    /// Answers with a message and success.
    pub(crate) fn succeed(&mut self) {
        let mut send = self.head_of(&[], false);
        send.send_data(Bytes::from_static(MESSAGE), false).unwrap();
        send.send_trailers(status(0)).unwrap();
    }
}

/// Waits until the proxy gives up on an answer: why.
pub(crate) async fn given_up(send: &mut SendStream<Bytes>) -> Reason {
    soon(poll_fn(|cx| send.poll_reset(cx))).await.unwrap()
}
