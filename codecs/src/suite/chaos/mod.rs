//! Both drivers between clients and servers that do everything wrong, over connections that do the same.
//!
//! All is drawn from a seed, on one thread and with a clock that only moves when everybody waits, so what fails once fails
//! again. Whatever happens, a request ends once for its client, with its own answer or an error of its protocol; a one-way
//! request is never answered; a request of which nothing was sent has reached nobody; and in the end nothing is left: no call
//! under way, no byte of the budgets, no task.
//!
//! The network, the seeds and what is checked are there for protocols written by hand too.

mod client;
mod ledger;
mod pipe;
mod seeds;
mod server;
mod service;
mod tags;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::sleep;

use self::client::Manners;
use self::service::Carrier;
use self::tags::{TAGS, Templates};
use super::Sample;
use crate::{Accepted, ByteBudget, Codec, ServeLimits, drain};

pub use self::ledger::{Ends, Entry, Ledger, nothing_left};
pub use self::pipe::{Cut, Dice, End, Trace, calm, pipe};
pub use self::seeds::{Told, joined, seeds};

/// Memory for either direction.
const MEMORY: usize = 1 << 20;
/// What everybody in one seed knows.
struct World<C: Codec> {
    settings: C::Settings,
    templates: Arc<Templates>,
    ledger: Ledger,
    trace: Trace,
}

impl<C: Codec> World<C> {
    fn entry(&self, tag: usize, change: impl FnOnce(&mut Entry)) {
        self.ledger.entry(tag, change);
    }
}

/// Runs [`seeds`] over the codec's samples.
pub fn chaos<C: Codec>(settings: &C::Settings, samples: &[Sample]) {
    let templates = Arc::new(Templates::of::<C>(settings, samples));
    let settings = settings.clone();
    seeds(move |seed| play::<C>(settings.clone(), templates.clone(), seed));
}

async fn play<C: Codec>(settings: C::Settings, templates: Arc<Templates>, seed: u64) -> Told {
    let mut dice = Dice::new(seed);
    let asked = 5 + dice.roll(TAGS.len() as u64 - 5) as usize;
    let world = Arc::new(World::<C> {
        settings,
        templates,
        ledger: Ledger::of(asked),
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
        for tag in tags {
            let entry = world.ledger.entry(tag, |entry| entry.clone());
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
    nothing_left(&budgets, MEMORY).await;
    world.ledger.check();
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
        let play = move |seed| play::<Multiplexed>(None, templates.clone(), seed);
        let trace = |seed| seeds::one(&play, seed).trace;
        for seed in 0..8 {
            let first = trace(seed);
            assert_eq!(first, trace(seed), "seed {seed}");
            assert_ne!(first, trace(seed + 1), "seed {seed}");
        }
    }
}
