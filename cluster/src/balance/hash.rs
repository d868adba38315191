//! The same member for the same hash.

use rand::RngExt;
use rand::rngs::SmallRng;

use super::draw::Scope;
use super::maglev::{Maglev, SIZE};
use super::ring::Ring;
use crate::Member;
use crate::config::{Balance, Ratio};

/// Members that are asked for after the first, because that one was tried or has too much to do.
const PROBES: u64 = 16;

/// Members whose requests are counted to estimate the load of a group that is not the whole cluster.
const SAMPLE: usize = 32;

/// What a hash is looked up in.
#[derive(Debug)]
pub(super) enum Table {
    Ring(Ring),
    Maglev(Maglev),
}

impl Table {
    /// Of members by address and weight over 0; None if the balancer needs none, or there is no choice: a cluster may have
    /// a subset for each of its endpoints.
    pub(super) fn build(balance: Balance, members: &[(String, f64)]) -> Option<Self> {
        if members.len() < 2 {
            return None;
        }
        match balance {
            Balance::RingHash(ring) => Some(Self::Ring(Ring::build(members, ring.min, ring.max))),
            Balance::Maglev(_) => Some(Self::Maglev(Maglev::build(members, SIZE))),
            _ => None,
        }
    }

    fn lookup(&self, hash: u64) -> Option<usize> {
        match self {
            Self::Ring(ring) => ring.lookup(hash),
            Self::Maglev(maglev) => maglev.lookup(hash),
        }
    }
}

impl Scope<'_> {
    /// The member that has the hash. If the exchange has been there, or it has more than `bound` times its fair share,
    /// the same other members are asked in the same order for the same hash; if all of these have, the one with the least.
    ///
    /// The others follow from hashing again rather than from the neighbourhood, so that what one member cannot take is
    /// shared by all (Chen and others, "Revisiting Consistent Hashing with Bounded Loads", 2021).
    pub(super) fn hashed(
        &self,
        hash: u64,
        bound: Option<Ratio>,
        in_flight: u32,
        rng: &mut SmallRng,
    ) -> Option<usize> {
        let Some(table) = &self.group.table else {
            return self.scan(None, rng);
        };
        let slots = bound.map(|bound| bound.get() * self.expected(in_flight, rng));
        let mut least: Option<(f64, usize)> = None;
        for probe in 0..=PROBES {
            let position = table.lookup(again(hash, probe))?;
            if !self.is_open(position) {
                continue;
            }
            let Some(slots) = slots else {
                return Some(position);
            };
            let load = self.load(position, slots);
            if load < 1.0 {
                return Some(position);
            }
            if least.is_none_or(|(least, _)| load < least) {
                least = Some((load, position));
            }
        }
        match least {
            Some((_, position)) => Some(position),
            None => self.scan(None, rng),
        }
    }

    /// What of its slots the member uses, of so many that the group has.
    fn load(&self, position: usize, slots: f64) -> f64 {
        let share = float(self.group.weight(position)) / float(self.group.total());
        let own = (slots * share).ceil().max(1.0);
        self.member(position).map_or(0.0, active) / own
    }

    /// The group's requests under way, with the one that is to come.
    fn expected(&self, in_flight: u32, rng: &mut SmallRng) -> f64 {
        let count = self.group.len();
        if count == self.members.len() {
            // Its own request is among them already.
            return f64::from(in_flight.max(1));
        }
        let sample = count.min(SAMPLE);
        let first = if count > sample {
            rng.random_range(0..count)
        } else {
            0
        };
        let sum: f64 = (0..sample)
            .filter_map(|at| self.member((first + at * count / sample) % count))
            .map(active)
            .sum();
        sum * float(count as u64) / float(sample.max(1) as u64) + 1.0
    }
}

fn active(member: &Member) -> f64 {
    f64::from(member.endpoint.active())
}

/// The hash for the `probe`th try: another one with all bits mixed (the finalizer of MurmurHash3), but the hash itself
/// for the first.
const fn again(hash: u64, probe: u64) -> u64 {
    if probe == 0 {
        return hash;
    }
    let mut mixed = hash ^ probe.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^= mixed >> 33;
    mixed = mixed.wrapping_mul(0xff51_afd7_ed55_8ccd);
    mixed ^= mixed >> 33;
    mixed = mixed.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    mixed ^ (mixed >> 33)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "weights and counts are far below 2^52"
)]
fn float(number: u64) -> f64 {
    number as f64
}
