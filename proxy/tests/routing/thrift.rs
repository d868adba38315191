//! Thrift clients and servers: framed, strict binary.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::mesh::soon;

const CALL: u8 = 1;
const REPLY: u8 = 2;
const EXCEPTION: u8 = 3;

/// A server that answers every call with its name.
pub(crate) async fn server(name: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                while let Some(call) = frame(&mut stream).await {
                    // Type, name and seqid as they came; then field 0, a string.
                    let mut answer = call[..4 + 4 + 4 + 4].to_vec();
                    answer[3] = REPLY;
                    answer.extend([11, 0, 0]);
                    text(&mut answer, name);
                    answer.push(0);
                    if stream.write_all(&framed(&answer)).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

async fn frame(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let length = stream.read_u32().await.ok()?;
    let mut frame = vec![0; length as usize];
    stream.read_exact(&mut frame).await.ok()?;
    Some(frame)
}

fn framed(message: &[u8]) -> Vec<u8> {
    let length = (message.len() as u32).to_be_bytes();
    [&length, message].concat()
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u32).to_be_bytes());
    out.extend(text.as_bytes());
}

/// A client with one connection.
pub(crate) struct Client(TcpStream);

impl Client {
    pub(crate) async fn connect(to: SocketAddr) -> Self {
        Self(TcpStream::connect(to).await.unwrap())
    }

    /// `find(1: {1: true, 2: plan}, 2: i32 limit)`: the name of the server that answered.
    pub(crate) async fn find(&mut self, plan: &str, limit: i32) -> String {
        let answer = self.ask(plan, limit).await;
        assert_eq!(answer[..4], [0x80, 1, 0, REPLY], "{answer:02x?}");
        let value = &answer[16 + 3 + 4..answer.len() - 1];
        String::from_utf8(value.to_vec()).unwrap()
    }

    /// The same for an answer that is an exception of Thrift's own: its text and its type.
    pub(crate) async fn fails(&mut self, plan: &str, limit: i32) -> (String, i32) {
        let answer = self.ask(plan, limit).await;
        assert_eq!(answer[..4], [0x80, 1, 0, EXCEPTION], "{answer:02x?}");
        // Field 1 is the text, field 2 the type; then the end.
        let end = answer.len() - (3 + 4 + 1);
        let text = String::from_utf8(answer[16 + 3 + 4..end].to_vec()).unwrap();
        let kind = answer[end + 3..end + 7].try_into().unwrap();
        (text, i32::from_be_bytes(kind))
    }

    /// Calls `find`: the answer as it came.
    async fn ask(&mut self, plan: &str, limit: i32) -> Vec<u8> {
        let mut call = vec![0x80, 1, 0, CALL];
        text(&mut call, "find");
        call.extend(7_u32.to_be_bytes());
        call.extend([12, 0, 1, 2, 0, 1, 1, 11, 0, 2]);
        text(&mut call, plan);
        call.push(0);
        call.extend([8, 0, 2]);
        call.extend(limit.to_be_bytes());
        call.push(0);
        self.0.write_all(&framed(&call)).await.unwrap();
        soon(frame(&mut self.0)).await.expect("an answer")
    }
}
