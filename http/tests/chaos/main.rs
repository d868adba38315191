//! The drivers of HTTP/1.1 and HTTP/2, gRPC among it, between clients and servers that do everything wrong, over
//! connections that do the same: the network, the seeds and the ledger are those of the codecs' suite.
//!
//! Each request ends once, with its own answer, whole or seen to be cut, or with an error of its own protocol. A request of
//! which nothing was sent has reached nobody. In the end no call, no byte of a budget and no task is left. One seed in four
//! is calm: nothing but the cutting of bytes happens in it, and every request must be answered well.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod ask;
mod carrier;
mod h1_client;
mod h1_server;
mod h2_client;
mod h2_server;
mod parse;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use wireloom_codecs::suite::chaos::{
    Cut, Dice, End, Ledger, Told, Trace, calm, joined, nothing_left, pipe, seeds,
};
use wireloom_codecs::units::Size;
use wireloom_codecs::{Accepted, ByteBudget, Protocol, ServeLimits, drain};
use wireloom_http::config::{H1Config, H2Config};
use wireloom_http::h1::Http1;
use wireloom_http::h2::Http2;

use crate::ask::Ask;
use crate::carrier::Carrier;

/// Memory for either direction.
const MEMORY: usize = 1 << 20;

/// Which version a side speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// What everybody in one seed knows.
struct World {
    asks: Vec<Ask>,
    ledger: Ledger,
    trace: Trace,
    /// Servers, and what they do.
    servers: Mutex<Vec<JoinHandle<()>>>,
    /// Nothing goes wrong.
    calm: bool,
}

impl World {
    fn spawn(&self, server: impl Future<Output = ()> + Send + 'static) {
        self.servers.lock().push(tokio::spawn(server));
    }

    fn pipe(&self, dice: &mut Dice, number: u64) -> (End, End, Cut) {
        match self.calm {
            true => calm(dice, number, &self.trace),
            false => pipe(dice, number, &self.trace),
        }
    }
}

/// What a client did to its connection by itself.
struct Asked {
    well: usize,
    /// Requests that it still wanted answers to.
    wanted: Vec<usize>,
}

fn h2_config(dice: &mut Dice) -> H2Config {
    let small = dice.one_in(3);
    H2Config {
        // A smaller one than every stream begins with would reach a client that has filled that one already.
        stream_window: Size(if small { 65_535 } else { 256 << 10 }),
        connection_window: Size(if dice.one_in(4) { 70_000 } else { 1 << 20 }),
        ..H2Config::default()
    }
}

async fn play(down: Version, up: Version, seed: u64) -> Told {
    let mut dice = Dice::new(seed);
    let asked = 5 + dice.roll(50) as usize;
    let quiet = dice.one_in(4);
    let asks = (0..asked).map(|_| Ask::new(&mut dice, down, up, quiet));
    let world = Arc::new(World {
        asks: asks.collect(),
        ledger: Ledger::of(asked),
        trace: Trace::begin(),
        servers: Mutex::default(),
        calm: quiet,
    });
    let budgets = [ByteBudget::new(MEMORY), ByteBudget::new(MEMORY)];
    let (drain, watch) = drain();
    drop(watch);
    let carrier = Carrier::new(world.clone(), up, dice.fork(), budgets[1].clone());
    let drained = dice.one_in(4);
    if drained {
        let drain = drain.clone();
        let after = Duration::from_millis(dice.roll(400));
        tokio::spawn(async move {
            sleep(after).await;
            drain.start();
        });
    }
    let clients = 1 + dice.roll(4) as usize;
    let mut tasks = Vec::new();
    for client in 0..clients {
        let tags: Vec<_> = (client..asked).step_by(clients).collect();
        let (near, far, cut) = world.pipe(&mut dice, client as u64);
        let connection = Accepted {
            io: Box::new(near),
            prefix: Bytes::new(),
            limits: ServeLimits {
                in_flight: if quiet { 1_000 } else { 1 << dice.roll(6) },
                // A client that reads slowly is one that reads.
                body_idle: Duration::from_secs(3_600),
                drain: Duration::from_secs(600),
                ..ServeLimits::default()
            },
            budget: budgets[0].clone(),
            drain: drain.watch(),
            tls: false,
        };
        let half_close = dice.one_in(2);
        let config = H1Config {
            half_close,
            ..H1Config::default()
        };
        let serving = match down {
            Version::One => Http1::new(config).serve(connection, carrier.clone()),
            Version::Two => Http2::new(h2_config(&mut dice)).serve(connection, carrier.clone()),
        };
        let served = tokio::spawn(serving);
        if !quiet && dice.one_in(6) {
            cut.after(dice.roll(8_000) as usize);
        }
        let (world, dice) = (world.clone(), dice.fork());
        let client = match down {
            Version::One => tokio::spawn(h1_client::run(world, far, dice, tags, half_close)),
            Version::Two => tokio::spawn(h2_client::run(world, far, dice, tags)),
        };
        tasks.push((cut, served, client));
    }
    let mut well = 0;
    for (cut, served, client) in tasks {
        let told = joined(client.await);
        well += told.well;
        let served = joined(served.await);
        let fair = served.is_ok() && !cut.was_reset();
        for tag in told.wanted {
            let entry = world.ledger.entry(tag, |entry| entry.clone());
            let owed = fair && entry.served > 0;
            assert!(
                !owed || entry.answered == 1,
                "request {tag} has no answer: {entry:?}"
            );
        }
    }
    if quiet && !drained {
        assert_eq!(well, asked, "answers where nothing went wrong");
    }
    drain.start();
    drain.finished().await;
    carrier.finish().await;
    drop(carrier);
    // Late answers have an end too.
    sleep(Duration::from_secs(6_000)).await;
    let servers = std::mem::take(&mut *world.servers.lock());
    for server in servers {
        assert!(
            server.is_finished(),
            "a server of the test's is still there"
        );
        joined(server.await);
    }
    nothing_left(&budgets, MEMORY).await;
    world.ledger.check();
    Told {
        trace: world.trace.hash(),
        asked,
        well,
    }
}

#[test]
fn h1_to_h1() {
    seeds(|seed| play(Version::One, Version::One, seed));
}

#[test]
fn h2_to_h2() {
    seeds(|seed| play(Version::Two, Version::Two, seed));
}

#[test]
fn h1_to_h2() {
    seeds(|seed| play(Version::One, Version::Two, seed));
}

#[test]
fn h2_to_h1() {
    seeds(|seed| play(Version::Two, Version::One, seed));
}
