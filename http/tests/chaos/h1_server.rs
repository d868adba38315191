//! A server of HTTP/1.1: answers right, early, late, twice, in part, or not at all.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use tokio::io::{AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::time::sleep;
use wireloom_codecs::suite::chaos::{Cut, Dice, End};

use crate::World;
use crate::ask::Ask;
use crate::h1_client::chunks;
use crate::parse::{Head, Reader};

/// An answer, and whether its end is the connection's.
fn answer(ask: &Ask, tag: usize, dice: &mut Dice) -> (Vec<u8>, bool) {
    let status = ["200 OK", "200 OK", "404 Not Found", "500 Oh", "204 Nothing"];
    let status = status[dice.roll(5) as usize];
    let mut head = format!("HTTP/1.1 {status}\r\nX-Tag: {tag}\r\n");
    let body = ask.body(tag, true);
    let mut out = Vec::new();
    let mut closes = false;
    if status.starts_with("204") {
    } else if ask.method == Method::HEAD {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    } else {
        match dice.roll(5) {
            0 | 1 => {
                head.push_str("Transfer-Encoding: chunked\r\n");
                out = chunks(&body, dice, &format!("X-Tag: {tag}\r\n"));
            }
            2 if body.len() < 5_000 => {
                closes = true;
                out = body;
            }
            _ => {
                head.push_str(&format!("Content-Length: {}\r\n", body.len()));
                out = body;
            }
        }
    }
    if !closes && dice.one_in(12) {
        head.push_str("Connection: close\r\n");
        closes = true;
    }
    head.push_str("\r\n");
    let mut whole = head.into_bytes();
    whole.extend_from_slice(&out);
    if dice.one_in(8) {
        let hints = b"HTTP/1.1 103 Early Hints\r\nX-Hint: a\r\n\r\n";
        whole.splice(0..0, hints.iter().copied());
    }
    (whole, closes)
}

struct Server {
    world: Arc<World>,
    from: Reader<ReadHalf<End>>,
    to: WriteHalf<End>,
    cut: Cut,
    dice: Dice,
    kindly: bool,
}

/// Serves a connection to its end.
pub(crate) async fn run(world: Arc<World>, io: End, cut: Cut, mut dice: Dice) {
    let (from, to) = split(io);
    let kindly = world.calm || dice.one_in(2);
    let mut server = Server {
        world,
        from: Reader::new(from),
        to,
        cut,
        dice,
        kindly,
    };
    while server.one().await.is_some() {}
    let _ = server.to.shutdown().await;
}

impl Server {
    async fn send(&mut self, bytes: &[u8]) -> Option<()> {
        self.to.write_all(bytes).await.ok()
    }

    async fn pause(&mut self, most: u64) {
        sleep(Duration::from_millis(self.dice.roll(most))).await;
    }

    /// The request's body: whole, it is what was asked.
    async fn body(&mut self, head: &Head, tag: usize) -> Option<()> {
        let body = self.from.body(head, false, false).await?;
        let asked = self.world.asks[tag].body(tag, false);
        assert_eq!(body.data, asked, "request {tag}: another body");
        Some(())
    }

    /// One request; None if the connection is to end.
    async fn one(&mut self) -> Option<()> {
        let head = self.from.head().await?;
        let path = head.line.split(' ').nth(1).expect("a path");
        let tag = Ask::tag(path.as_bytes()).expect("a request that somebody asked");
        self.world.ledger.entry(tag, |entry| entry.arrived += 1);
        self.world.trace.note(&[tag as u64, 77]);
        let ask = self.world.asks[tag].clone();
        let (reply, closes) = answer(&ask, tag, &mut self.dice);
        if head.get("expect").is_some() && !self.dice.one_in(4) {
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        let early = !self.kindly && self.dice.one_in(10);
        if !early {
            self.body(&head, tag).await?;
        }
        let sides = if self.kindly { 12 } else { 19 };
        match self.dice.roll(sides) {
            0..=9 => self.send(&reply).await?,
            10 | 11 => {
                self.pause(60).await;
                self.send(&reply).await?;
            }
            12 => {
                self.pause(6_000).await;
                self.send(&reply).await?;
            }
            13 => {
                // No answer, until the proxy has had enough.
                self.from.rest().await;
                return None;
            }
            14 => {
                self.cut.reset();
                return None;
            }
            15 => {
                // Cut short; where only the end would tell, a reset does.
                let part = self.dice.roll(reply.len() as u64) as usize;
                self.send(&reply[..part]).await?;
                self.pause(30).await;
                if closes {
                    self.cut.reset();
                }
                return None;
            }
            16 => {
                self.send(&reply).await?;
                self.pause(3).await;
                return None;
            }
            17 if !closes && !early => {
                // Once more, in one piece with the end of the first.
                let keep = 1 + self.dice.roll(reply.len() as u64 - 1) as usize;
                let (first, last) = reply.split_at(reply.len() - keep);
                self.send(first).await?;
                let twice = [last, &reply].concat();
                self.inject(&twice, false).await?;
            }
            _ => {
                self.send(&reply).await?;
                self.pause(5).await;
                if !closes && !early {
                    // Once more, while nothing is asked.
                    self.cut.inject(1, &reply, true);
                }
            }
        }
        if early {
            self.body(&head, tag).await?;
        }
        match closes {
            true => None,
            false => Some(()),
        }
    }

    /// Waits until the proxy has read what was written.
    async fn inject(&mut self, bytes: &[u8], both: bool) -> Option<()> {
        for _ in 0..1_000 {
            if self.cut.inject(1, bytes, both) {
                return Some(());
            }
            sleep(Duration::from_millis(10)).await;
        }
        None
    }
}
