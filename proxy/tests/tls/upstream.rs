//! A Bolt server that answers every request with its content.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Heads of Bolt version 1: a request's has a timeout of 4 bytes where a response's has a status of 2, and then the
/// lengths of class, header (2 bytes each) and content (4) stand in both.
const REQUEST_HEAD: usize = 22;
const RESPONSE_HEAD: usize = 20;

pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    requests: Arc<AtomicUsize>,
}

impl Upstream {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let count = requests.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, count.clone()));
            }
        });
        Self { address, requests }
    }

    /// Requests that reached it.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

async fn serve(mut stream: TcpStream, requests: Arc<AtomicUsize>) -> std::io::Result<()> {
    loop {
        let mut head = [0; REQUEST_HEAD];
        stream.read_exact(&mut head).await?;
        let body = read_body(&mut stream, &head).await?;
        let mut answer = vec![1, 0, 0, 2, 1];
        answer.extend(&head[5..9]);
        answer.extend([1, 0, 0, 0, 0, 0, 0]);
        answer.extend((body.len() as u32).to_be_bytes());
        answer.extend(body);
        requests.fetch_add(1, Ordering::Relaxed);
        stream.write_all(&answer).await?;
    }
}

/// The request `id` with this content, and no class or header.
pub(crate) fn request(id: u32, content: &[u8]) -> Vec<u8> {
    let mut frame = vec![1, 1, 0, 1, 1];
    frame.extend(id.to_be_bytes());
    frame.push(1);
    frame.extend(5000_u32.to_be_bytes());
    frame.extend([0; 4]);
    frame.extend((content.len() as u32).to_be_bytes());
    frame.extend(content);
    frame
}

/// The next response: its id, status and content.
pub(crate) async fn response(
    stream: &mut (impl AsyncReadExt + Unpin),
) -> std::io::Result<(u32, u16, Vec<u8>)> {
    let mut head = [0; RESPONSE_HEAD];
    stream.read_exact(&mut head).await?;
    let id = u32::from_be_bytes(head[5..9].try_into().unwrap());
    let status = u16::from_be_bytes(head[10..12].try_into().unwrap());
    Ok((id, status, read_body(stream, &head).await?))
}

/// What follows a head, whose last bytes are its lengths: the content without class and header.
async fn read_body(
    stream: &mut (impl AsyncReadExt + Unpin),
    head: &[u8],
) -> std::io::Result<Vec<u8>> {
    let lengths = &head[head.len() - 8..];
    let short = |at: usize| usize::from(u16::from_be_bytes([lengths[at], lengths[at + 1]]));
    let before = short(0) + short(2);
    let content = u32::from_be_bytes(lengths[4..].try_into().unwrap()) as usize;
    let mut body = vec![0; before + content];
    stream.read_exact(&mut body).await?;
    Ok(body.split_off(before))
}
