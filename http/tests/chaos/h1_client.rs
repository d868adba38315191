//! A client of HTTP/1.1: pipelines its requests in whatever rhythm, and looks at everything that comes back.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use parking_lot::Mutex;
use tokio::io::{AsyncWriteExt, split};
use tokio::time::sleep;
use wireloom_codecs::suite::chaos::{Dice, End, joined};

use crate::ask::Ask;
use crate::parse::{Head, Reader};
use crate::{Asked, World};

#[derive(Default)]
struct Waiting {
    order: VecDeque<usize>,
    /// Of these a 100 has come, or the answer itself.
    set_free: Vec<usize>,
    all_asked: bool,
}

/// A request as it goes over the wire: its head, and its body.
fn written(ask: &Ask, tag: usize, dice: &mut Dice) -> (Vec<u8>, Vec<u8>) {
    let mut head = format!(
        "{} {} HTTP/1.1\r\nHost: a.example\r\n",
        ask.method,
        Ask::path(tag)
    );
    let body = ask.body(tag, false);
    if ask.expects {
        head.push_str("Expect: 100-continue\r\n");
    }
    let mut out = Vec::new();
    if ask.chunked {
        head.push_str("Transfer-Encoding: chunked\r\n");
        out = chunks(&body, dice, &format!("X-Tag: {tag}\r\n"));
    } else if ask.method == Method::POST || ask.method == Method::PUT {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        out = body;
    }
    head.push_str("\r\n");
    (head.into_bytes(), out)
}

/// A body in chunks of any length.
pub(crate) fn chunks(mut body: &[u8], dice: &mut Dice, trailers: &str) -> Vec<u8> {
    let mut out = Vec::new();
    while !body.is_empty() {
        let most = body.len().min(1 + dice.roll(9_000) as usize);
        let (chunk, rest) = body.split_at(most);
        out.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        out.extend_from_slice(chunk);
        out.extend_from_slice(b"\r\n");
        body = rest;
    }
    out.extend_from_slice(b"0\r\n");
    if dice.one_in(2) {
        out.extend_from_slice(trailers.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    out
}

/// Asks everything.
pub(crate) async fn run(
    world: Arc<World>,
    io: End,
    mut dice: Dice,
    tags: Vec<usize>,
    shuts: bool,
) -> Asked {
    let (from, mut to) = split(io);
    let waiting = Arc::new(Mutex::new(Waiting::default()));
    let wanted = tags.clone();
    let writer = {
        let (world, waiting) = (world.clone(), waiting.clone());
        let pause = [1, 5, 60, 1_000][dice.roll(4) as usize];
        tokio::spawn(async move {
            for tag in tags {
                let ask = &world.asks[tag];
                let (mut head, body) = written(ask, tag, &mut dice);
                waiting.lock().order.push_back(tag);
                if ask.expects {
                    if to.write_all(&head).await.is_err() {
                        break;
                    }
                    for _ in 0..100 {
                        if waiting.lock().set_free.contains(&tag) {
                            break;
                        }
                        sleep(Duration::from_millis(10)).await;
                    }
                    head.clear();
                }
                head.extend_from_slice(&body);
                let at = dice.roll(head.len() as u64 + 1) as usize;
                if to.write_all(&head[..at]).await.is_err() {
                    break;
                }
                if dice.one_in(4) {
                    sleep(Duration::from_millis(dice.roll(pause))).await;
                }
                if to.write_all(&head[at..]).await.is_err() {
                    break;
                }
                if dice.one_in(3) {
                    sleep(Duration::from_millis(dice.roll(pause))).await;
                }
            }
            waiting.lock().all_asked = true;
            if shuts {
                let _ = to.shutdown().await;
            }
        })
    };
    let mut reader = Reader::new(from);
    let mut well = 0;
    loop {
        {
            let waiting = waiting.lock();
            if waiting.all_asked && waiting.order.is_empty() {
                assert!(reader.buffer.is_empty(), "more answers than requests");
                break;
            }
        }
        let Some(head) = reader.head().await else {
            break;
        };
        let status = head.status();
        let first = waiting.lock().order.front().copied();
        let tag = first.unwrap_or_else(|| panic!("an answer to nothing: {head:?}"));
        waiting.lock().set_free.push(tag);
        if status < 200 {
            continue;
        }
        waiting.lock().order.pop_front();
        world.ledger.entry(tag, |entry| entry.answered += 1);
        world.trace.note(&[tag as u64, status.into()]);
        let ask = &world.asks[tag];
        let bare = ask.method == Method::HEAD || status == 204 || status == 304;
        let body = reader.body(&head, bare, true).await;
        let Some(body) = body else {
            world.trace.note(&[tag as u64, 1]);
            break;
        };
        well += usize::from(judged(ask, tag, &head, body.data, bare));
        if let Some(told) = body.trailers.and_then(|end| end.number("x-tag")) {
            assert_eq!(told, tag, "trailers of another answer");
        }
        if head.get("connection") == Some("close") {
            break;
        }
    }
    drop(reader);
    joined(writer.await);
    Asked { well, wanted }
}

/// An answer that looks whole. True if it is a server's.
fn judged(ask: &Ask, tag: usize, head: &Head, body: Vec<u8>, bare: bool) -> bool {
    let Some(told) = head.number("x-tag") else {
        assert!(
            head.status() >= 400,
            "request {tag} got an answer of nobody's: {head:?}"
        );
        return false;
    };
    assert_eq!(told, tag, "request {tag} got the answer to {told}");
    if !bare {
        let whole = ask.body(tag, true);
        assert_eq!(body.len(), whole.len(), "request {tag}: a body's length");
        assert_eq!(body, whole, "request {tag}: another body");
    }
    true
}
