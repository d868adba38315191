//! HTTP/1.1 clients and servers, which see the bytes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::mesh::soon;

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// What a server does about a request.
#[derive(Clone, Copy)]
pub(crate) enum Act {
    Say(&'static str),
    /// The same after this time.
    Late(Duration, &'static str),
    /// No answer; the connection stays.
    Hang,
    Close,
}

#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    calls: Arc<AtomicUsize>,
    given_up: Arc<AtomicUsize>,
}

impl Server {
    /// One that does with each request what `act` says, by the number of requests before it.
    pub(crate) async fn start(act: impl Fn(usize) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            calls: Arc::default(),
            given_up: Arc::default(),
        };
        let (own, act) = (server.clone(), Arc::new(act));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (own, act) = (own.clone(), act.clone());
                tokio::spawn(async move { own.serve(stream, &*act).await });
            }
        });
        server
    }

    async fn serve(&self, mut stream: TcpStream, act: &(impl Fn(usize) -> Act + Sync)) {
        while head(&mut stream).await.is_some() {
            let text = match act(self.calls.fetch_add(1, Ordering::SeqCst)) {
                Act::Say(text) => text,
                Act::Late(wait, text) => {
                    tokio::time::sleep(wait).await;
                    text
                }
                Act::Hang => {
                    let ended = stream.read_u8().await.is_err();
                    self.given_up
                        .fetch_add(usize::from(ended), Ordering::SeqCst);
                    return;
                }
                Act::Close => return,
            };
            if stream.write_all(text.as_bytes()).await.is_err() {
                return;
            }
        }
    }

    /// Requests so far.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// Waits until the proxy has closed so many connections on which it waited for an answer.
    pub(crate) async fn given_up(&self, count: usize) {
        soon(async {
            while self.given_up.load(Ordering::SeqCst) < count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }
}

/// The next head of a message; None at the end.
async fn head(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8(bytes).unwrap())
}

/// The status of the answer to a request without a body.
pub(crate) async fn ask(address: SocketAddr, method: &str) -> u16 {
    Client::connect(address).await.ask(method).await
}

/// One connection.
pub(crate) struct Client(TcpStream);

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.unwrap())
    }

    pub(crate) async fn ask(&mut self, method: &str) -> u16 {
        let request = format!("{method} / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
        self.0.write_all(request.as_bytes()).await.unwrap();
        let head = soon(head(&mut self.0)).await.expect("an answer");
        let lower = head.to_ascii_lowercase();
        if let Some((_, rest)) = lower.split_once("content-length:") {
            let length = rest.split("\r\n").next().unwrap().trim();
            let mut body = vec![0; length.parse().unwrap()];
            soon(self.0.read_exact(&mut body)).await.unwrap();
        }
        head.split(' ').nth(1).unwrap().parse().unwrap()
    }
}
