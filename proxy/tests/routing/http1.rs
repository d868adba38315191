//! HTTP/1.1 clients and servers, which see the bytes.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::mesh::soon;

/// A server that answers every request with its name, and with how long its body was.
pub(crate) async fn server(name: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, name));
        }
    });
    address
}

async fn serve(mut stream: TcpStream, name: &'static str) {
    while let Some((_, body)) = message(&mut stream).await {
        let text = format!("{name} {}", body.len());
        let length = text.len();
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{text}");
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// The next message: its head, and its body, which is of a fixed length or chunked. None at the end.
pub(crate) async fn message(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let head = String::from_utf8(until(stream, b"\r\n\r\n").await?).unwrap();
    let lower = head.to_ascii_lowercase();
    let mut body = Vec::new();
    if lower.contains("transfer-encoding: chunked") {
        loop {
            let line = String::from_utf8(until(stream, b"\r\n").await?).unwrap();
            let size = usize::from_str_radix(line.trim(), 16).unwrap();
            let mut chunk = vec![0; size + 2];
            stream.read_exact(&mut chunk).await.ok()?;
            body.extend_from_slice(&chunk[..size]);
            if size == 0 {
                break;
            }
        }
    } else if let Some((_, rest)) = lower.split_once("content-length:") {
        let length = rest.split("\r\n").next().unwrap().trim();
        body.resize(length.parse().unwrap(), 0);
        stream.read_exact(&mut body).await.ok()?;
    }
    Some((head, body))
}

async fn until(stream: &mut TcpStream, end: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(end) {
        bytes.push(stream.read_u8().await.ok()?);
    }
    Some(bytes)
}

/// A client with one connection.
pub(crate) struct Client(TcpStream);

impl Client {
    pub(crate) async fn connect(to: SocketAddr) -> Self {
        Self(TcpStream::connect(to).await.unwrap())
    }

    pub(crate) fn over(stream: TcpStream) -> Self {
        Self(stream)
    }

    /// Sends bytes.
    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    /// The next answer: its status and its body.
    pub(crate) async fn read(&mut self) -> (u16, String) {
        let (head, body) = self.whole().await;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body)
    }

    /// The next answer: its head as it came, and its body.
    pub(crate) async fn whole(&mut self) -> (String, String) {
        let (head, body) = soon(message(&mut self.0)).await.expect("an answer");
        (head, String::from_utf8(body).unwrap())
    }

    /// Asks for a path with these header lines: the name of the server that answered.
    pub(crate) async fn get(&mut self, path: &str, lines: &[&str]) -> String {
        let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        let request = format!("GET {path} HTTP/1.1\r\nHost: orders.test\r\n{lines}\r\n");
        self.write(request.as_bytes()).await;
        let (status, body) = self.read().await;
        assert_eq!(status, 200, "{body}");
        body.split(' ').next().unwrap().to_owned()
    }
}
