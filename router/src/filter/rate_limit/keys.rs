//! A bucket for each key, in bounded memory.
//!
//! A key is kept as its hash under a secret, so a long one costs no more than a short one, and nobody can make two that
//! meet. A bucket that is full again is as good as none: only such are given up for new keys, so no key ever
//! gets more than its rate by being forgotten. If there is none to give up, the new key gets what is left in
//! one bucket that all such keys share. Then an attacker with any number of keys gets no more than the kept keys' rates
//! and one more; and a client whose key was there before does not notice.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use parking_lot::Mutex;

use super::bucket::{Bucket, Limit, Ticks, Wait};

/// The most shards, each with a lock of its own.
const SHARDS: usize = 16;

/// A shard holds at least so many keys, or the table has fewer shards.
const LEAST: usize = 64;

/// How many buckets are looked at for one to give up. The next new key goes on behind them.
const LOOKS: usize = 8;

/// Why a request does not pass.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Its key has no token.
    Rate(Wait),
    /// Its key has no bucket of its own, and the shared one no token.
    Keys(Wait),
}

#[derive(Debug)]
pub(super) struct Keys {
    /// A power of two.
    shards: Box<[Mutex<Shard>]>,
    /// Of each shard.
    most: usize,
    shared: Bucket,
}

#[derive(Debug, Default)]
struct Shard {
    places: HashMap<u64, usize, FixedState>,
    slots: Vec<Slot>,
    /// Where to look for one to give up.
    hand: usize,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    key: u64,
    full: Ticks,
}

impl Keys {
    /// So many, rounded up to full shards.
    pub(super) fn new(most: usize) -> Self {
        let most = most.max(1);
        let shards = (most / LEAST).clamp(1, SHARDS);
        // Rounded down to a power of two.
        let shards = 1 << shards.ilog2();
        Self {
            most: most.div_ceil(shards),
            shards: (0..shards).map(|_| Mutex::default()).collect(),
            shared: Bucket::default(),
        }
    }

    /// Takes a token of a key. `key` is uniform over all `u64`.
    pub(super) fn take(&self, key: u64, limit: &Limit, now: Ticks) -> Result<(), Refused> {
        // The map within a shard uses the lower bits.
        let at = (key >> 32) as usize & (self.shards.len() - 1);
        let own = self.shards.get(at).and_then(|shard| {
            let mut shard = shard.lock();
            let slot = shard.slot(key, self.most, now)?;
            Some(limit.take(slot.full, now).map(|full| slot.full = full))
        });
        match own {
            Some(taken) => taken.map_err(Refused::Rate),
            None => self.shared.take(limit, now).map_err(Refused::Keys),
        }
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        let kept = |shard: &Mutex<Shard>| {
            let shard = shard.lock();
            assert_eq!(shard.slots.len(), shard.places.len());
            shard.slots.len()
        };
        self.shards.iter().map(kept).sum()
    }
}

impl Shard {
    /// The key's own, perhaps a new one.
    fn slot(&mut self, key: u64, most: usize, now: Ticks) -> Option<&mut Slot> {
        let place = match self.places.get(&key) {
            Some(place) => *place,
            None => {
                let new = Slot {
                    key,
                    full: Ticks(0),
                };
                let place = self.make_room(new, most, now)?;
                self.places.insert(key, place);
                place
            }
        };
        self.slots.get_mut(place)
    }

    /// Puts a new one in the place of one that is full again, or behind all others.
    fn make_room(&mut self, new: Slot, most: usize, now: Ticks) -> Option<usize> {
        if self.slots.len() < most {
            self.slots.push(new);
            return Some(self.slots.len() - 1);
        }
        for _ in 0..LOOKS.min(most) {
            let place = self.hand;
            self.hand = (place + 1) % most;
            if let Some(slot) = self.slots.get_mut(place)
                && slot.full <= now
            {
                let old = std::mem::replace(slot, new);
                self.places.remove(&old.key);
                return Some(place);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasher;
    use std::time::Duration;

    use super::*;

    fn limit(rate: &str, burst: u32) -> Limit {
        Limit::new(rate.parse().unwrap(), burst).unwrap()
    }

    fn at(millis: u64) -> Ticks {
        Duration::from_millis(millis).into()
    }

    /// Spreads numbers as a filter does keys.
    fn key(number: u64) -> u64 {
        FixedState::with_seed(7).hash_one(number)
    }

    #[test]
    fn each_key_has_a_bucket_of_its_own() {
        let (keys, limit) = (Keys::new(1000), limit("10/s", 3));
        for number in 0..500 {
            let passed = (0..9).filter(|_| keys.take(key(number), &limit, at(0)).is_ok());
            assert_eq!(passed.count(), 3);
        }
        assert!(keys.take(key(5), &limit, at(100)).is_ok());
        assert_eq!(keys.len(), 500);
    }

    #[test]
    fn any_number_of_keys_is_kept_in_bounded_memory() {
        let (keys, limit) = (Keys::new(1000), limit("1/m", 1));
        let mut shared = 0;
        for number in 0..100_000 {
            shared += u32::from(keys.take(key(number), &limit, at(0)).is_ok());
        }
        // 1000 of their own, rounded up to 8 shards of 125, and one for all others.
        assert_eq!(keys.len(), 1000);
        assert_eq!(shared, 1001);
        assert!(matches!(
            keys.take(1 << 40, &limit, at(1)),
            Err(Refused::Keys(_))
        ));
    }

    #[test]
    fn only_a_bucket_that_is_full_again_is_given_up() {
        let (keys, limit) = (Keys::new(2), limit("1/s", 2));
        // One token of two taken, and two.
        for number in [1, 2, 2] {
            assert!(keys.take(number, &limit, at(0)).is_ok());
        }
        // Both are in use: the third key gets the two tokens of the shared bucket.
        for _ in 0..2 {
            assert!(keys.take(3, &limit, at(500)).is_ok());
        }
        assert!(matches!(
            keys.take(3, &limit, at(500)),
            Err(Refused::Keys(_))
        ));
        // The first is full after a second, and makes room; the second remembers that it is not.
        assert!(keys.take(3, &limit, at(1000)).is_ok());
        assert!(keys.take(2, &limit, at(1000)).is_ok());
        assert!(matches!(
            keys.take(2, &limit, at(1000)),
            Err(Refused::Rate(_))
        ));
        assert_eq!(keys.len(), 2);
    }

    #[test]
    fn a_client_under_a_flood_of_keys_keeps_its_own() {
        let (keys, limit) = (Keys::new(100), limit("10/s", 5));
        let mut passed = 0;
        for milli in 0..10_000 {
            for flood in 0..20 {
                let _ = keys.take(key(milli * 20 + flood), &limit, at(milli));
            }
            passed += u32::from(keys.take(key(u64::MAX), &limit, at(milli)).is_ok());
        }
        // Its own burst and rate at least; not more than its own and what the shared bucket has.
        assert!((104..=210).contains(&passed), "{passed}");
        assert!(keys.len() <= 128);
    }

    #[test]
    fn threads_take_exactly_what_each_key_has() {
        let (keys, limit) = (Keys::new(1000), limit("1/s", 40));
        let taken: usize = std::thread::scope(|scope| {
            let take = || {
                let each = (0..50).flat_map(|_| 0..10);
                each.filter(|number| keys.take(key(*number), &limit, at(0)).is_ok())
                    .count()
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(take)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .sum()
        });
        assert_eq!(taken, 10 * 40);
    }
}
