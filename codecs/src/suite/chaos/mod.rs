//! Both drivers between clients and servers that do everything wrong, over connections that do the same.
//!
//! All is drawn from a seed, on one thread and with a clock that only moves when everybody waits, so what fails once fails
//! again. Whatever happens, a request ends once for its client, with its own answer or an error of its protocol; a one-way
//! request is never answered; a request of which nothing was sent has reached nobody; and in the end nothing is left: no call
//! under way, no byte of the budgets, no task.

mod client;
mod pipe;
mod server;
mod service;
mod tags;

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::runtime::{Builder, Handle};
use tokio::time::{sleep, timeout};

use self::client::Manners;
use self::pipe::{Dice, Trace, pipe};
use self::service::Carrier;
use self::tags::{TAGS, Templates};
use super::Sample;
use crate::{Accepted, ByteBudget, ChannelState, Codec, ServeLimits, drain};

/// Seeds that a test run takes where the environment names no number.
const SEEDS: u64 = 50;
/// Memory for either direction.
const MEMORY: usize = 1 << 20;
/// A seed that takes longer than this, by the wall clock, turns in circles.
const PATIENCE: Duration = Duration::from_secs(120);

/// What became of one request.
#[derive(Clone, Debug, Default)]
struct Entry {
    one_way: bool,
    /// The service got it.
    served: usize,
    /// Answers that its client got.
    answered: usize,
    /// Times that it was handed to a connection and is said to be sent, or perhaps.
    sent: usize,
    /// Times that a server got it.
    arrived: usize,
}

/// What everybody in one seed knows.
struct World<C: Codec> {
    settings: C::Settings,
    templates: Arc<Templates>,
    ledger: Mutex<Vec<Entry>>,
    trace: Trace,
}

impl<C: Codec> World<C> {
    fn entry(&self, tag: usize, change: impl FnOnce(&mut Entry)) {
        let mut ledger = self.ledger.lock();
        change(&mut ledger[tag]);
    }
}

/// Runs seeds: 50 of them, or as many as `WIRELOOM_SEEDS` says, or the one that `WIRELOOM_SEED` names.
pub fn chaos<C: Codec>(settings: &C::Settings, samples: &[Sample]) {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let templates = Arc::new(Templates::of::<C>(settings, samples));
    let seeds = match number("WIRELOOM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("WIRELOOM_SEEDS").unwrap_or(SEEDS),
    };
    let (mut asked, mut well) = (0, 0);
    for seed in seeds.clone() {
        let told = told::<C>(settings, &templates, seed);
        asked += told.asked;
        well += told.well;
        if seed == seeds.start {
            let again = self::told::<C>(settings, &templates, seed);
            assert_eq!(again.trace, told.trace, "seed {seed} runs as it likes");
        }
    }
    println!(
        "{} seeds: {well} answers to {asked} requests",
        seeds.end - seeds.start
    );
    // Where all fails, nothing is shown.
    let few = seeds.end - seeds.start >= 10 && well * 5 < asked;
    assert!(!few, "{well} answers to {asked} requests");
}

/// What a seed came to.
struct Told {
    trace: u64,
    asked: usize,
    well: usize,
}

/// Runs a seed on a thread of its own, where it finds what every other finds.
fn told<C: Codec>(settings: &C::Settings, templates: &Arc<Templates>, seed: u64) -> Told {
    let (tell, hear) = channel();
    let (settings, templates) = (settings.clone(), templates.clone());
    let thread = std::thread::spawn(move || {
        let _ = tell.send(one::<C>(settings, templates, seed));
    });
    let told = match hear.recv_timeout(PATIENCE) {
        Ok(told) => Some(told),
        Err(RecvTimeoutError::Timeout) => None,
        Err(RecvTimeoutError::Disconnected) => {
            let _ = thread.join();
            None
        }
    };
    told.unwrap_or_else(|| {
        let package = std::env::var("CARGO_PKG_NAME").unwrap_or_default();
        let test = std::thread::current().name().unwrap_or("chaos").to_owned();
        panic!("failed, or hangs; again with: WIRELOOM_SEED={seed} cargo test -p {package} {test}")
    })
}

fn one<C: Codec>(settings: C::Settings, templates: Arc<Templates>, seed: u64) -> Told {
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        // A day by the stopped clock: more than any time limit.
        let work = timeout(
            Duration::from_secs(24 * 3600),
            play::<C>(settings, templates, seed),
        );
        work.await.unwrap_or_else(|_| panic!("seed {seed} hangs"))
    })
}

async fn play<C: Codec>(settings: C::Settings, templates: Arc<Templates>, seed: u64) -> Told {
    let mut dice = Dice::new(seed);
    let asked = 5 + dice.roll(TAGS.len() as u64 - 5) as usize;
    let world = Arc::new(World::<C> {
        settings,
        templates,
        ledger: Mutex::new(vec![Entry::default(); asked]),
        trace: Trace::begin(),
    });
    let budgets = [ByteBudget::new(MEMORY), ByteBudget::new(MEMORY)];
    let (drain, watch) = drain();
    drop(watch);
    let carrier = Carrier::new(world.clone(), dice.fork(), budgets[1].clone());
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
    for (number, tags) in split(asked, clients).into_iter().enumerate() {
        let (near, far, cut) = pipe(&mut dice, number as u64, &world.trace);
        let connection = Accepted {
            io: Box::new(near),
            prefix: Bytes::new(),
            limits: ServeLimits {
                in_flight: 1 << dice.roll(6),
                // What is under way when it is over gets what fits into one write.
                drain: Duration::from_secs(600),
                ..ServeLimits::default()
            },
            budget: budgets[0].clone(),
            drain: drain.watch(),
            tls: false,
        };
        let serving =
            crate::server::serve::<C, _>(world.settings.clone(), connection, carrier.clone());
        let served = tokio::spawn(serving);
        let manners = Manners::new(&mut dice);
        let client = client::run(
            world.clone(),
            far,
            cut.clone(),
            manners,
            dice.fork(),
            tags.clone(),
        );
        tasks.push((tags, cut, served, tokio::spawn(client)));
    }
    let mut well = 0;
    for (tags, cut, served, client) in tasks {
        well += joined(client.await);
        let fair = joined(served.await).is_ok() && !cut.was_reset();
        let ledger = world.ledger.lock();
        for tag in tags {
            let entry = &ledger[tag];
            let owed = fair && !entry.one_way && (entry.served > 0 || !drained);
            assert!(
                !owed || entry.answered == 1,
                "request {tag} has no answer: {entry:?}"
            );
        }
    }
    drain.start();
    drain.finished().await;
    carrier.finish().await;
    drop(carrier);
    // Late replies and stalled connections have an end too.
    sleep(Duration::from_secs(600)).await;
    for budget in &budgets {
        assert_eq!(
            budget.free(),
            MEMORY as isize,
            "memory that nobody gave back"
        );
    }
    let tasks = Handle::current().metrics().num_alive_tasks();
    assert_eq!(tasks, 0, "tasks that did not end");
    for (tag, entry) in world.ledger.lock().iter().enumerate() {
        assert!(entry.served <= 1, "request {tag} was read twice: {entry:?}");
        assert!(
            entry.arrived <= entry.sent,
            "request {tag} was said not to be sent: {entry:?}"
        );
    }
    Told {
        trace: world.trace.hash(),
        asked,
        well,
    }
}

/// The tags of each client.
fn split(asked: usize, clients: usize) -> Vec<Vec<usize>> {
    let of = |client| (0..asked).filter(move |tag| tag % clients == client);
    (0..clients).map(|client| of(client).collect()).collect()
}

/// A panic of a task is the seed's.
fn joined<T>(ended: Result<T, tokio::task::JoinError>) -> T {
    ended.unwrap_or_else(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(error) => panic!("{error}"),
    })
}

/// Waits until a connection is gone.
async fn gone(channel: &dyn crate::Channel) {
    while channel.state() != ChannelState::Closed {
        sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(
        channel.in_flight(),
        0,
        "calls under way on a connection that is gone"
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Role;
    use crate::toy::{Multiplexed, REQUEST, RESPONSE, frame};

    #[test]
    fn a_seed_runs_alike_every_time_and_as_no_other() {
        let samples = [
            Sample::new("request", Role::Downstream, frame(REQUEST, 7, 0, b"ask")),
            Sample::new("response", Role::Upstream, frame(RESPONSE, 7, 0, b"say")),
        ];
        let templates = Arc::new(Templates::of::<Multiplexed>(&None, &samples));
        let trace = |seed| told::<Multiplexed>(&None, &templates, seed).trace;
        for seed in 0..8 {
            let first = trace(seed);
            assert_eq!(first, trace(seed), "seed {seed}");
            assert_ne!(first, trace(seed + 1), "seed {seed}");
        }
    }
}
