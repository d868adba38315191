//! Requests under way on an upstream connection, by the id that they were sent with.
//!
//! An id is a slot's index and its generation. The generation moves on each time a slot is used, and a slot whose
//! request timed out is quarantined until its late reply comes, so a reply reaches the request it answers or nobody.

use crate::StreamId;

/// What a reply's id stands for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken<T> {
    /// A request under way; its slot is free again.
    Live(T),
    /// A request that nobody waits for any more; its slot is free again.
    Late,
    /// Nothing.
    Unknown,
}

#[derive(Debug)]
enum State<T> {
    Free,
    Busy(T),
    Quarantined,
}

#[derive(Debug)]
struct Slot<T> {
    generation: u64,
    state: State<T>,
}

/// A slab of at most `capacity` slots; grows as it is used.
#[derive(Debug)]
pub(crate) struct Slots<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
    capacity: usize,
    index_bits: u32,
    generations: u64,
    quarantined: usize,
}

impl<T> Slots<T> {
    /// `capacity` is a power of two; ids stay within `0..=max_id`.
    pub(crate) fn new(capacity: usize, max_id: u64) -> Self {
        debug_assert!(capacity.is_power_of_two());
        let index_bits = capacity.trailing_zeros();
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            capacity,
            index_bits,
            generations: (max_id >> index_bits).max(1),
            quarantined: 0,
        }
    }

    /// Requests under way.
    pub(crate) fn live(&self) -> usize {
        self.slots.len() - self.free.len() - self.quarantined
    }

    /// Slots that wait for a late reply.
    pub(crate) fn quarantined(&self) -> usize {
        self.quarantined
    }

    /// Takes a slot; gives the value back if there is none.
    pub(crate) fn insert(&mut self, value: T) -> Result<StreamId, T> {
        let Some((index, slot)) = self.next() else {
            return Err(value);
        };
        slot.state = State::Busy(value);
        let generation = slot.generation;
        Ok(self.id(index, generation))
    }

    /// An id that no request under way has, and that none will have soon: for what gets no answer, or one that nobody
    /// needs to find. None if every slot is taken.
    pub(crate) fn spare_id(&mut self) -> Option<StreamId> {
        let (index, slot) = self.next()?;
        let generation = slot.generation;
        self.free.push(index);
        Some(self.id(index, generation))
    }

    /// A free slot, in its next generation.
    fn next(&mut self) -> Option<(u32, &mut Slot<T>)> {
        let index = match self.free.pop() {
            Some(index) => index,
            None if self.slots.len() < self.capacity => {
                self.slots.push(Slot {
                    generation: 0,
                    state: State::Free,
                });
                u32::try_from(self.slots.len() - 1).ok()?
            }
            None => return None,
        };
        let slot = self.slots.get_mut(index as usize)?;
        slot.generation += 1;
        if slot.generation >= self.generations {
            // Generation 0 is left out, and the id 0 with it: servers push under that where a protocol has push.
            slot.generation = u64::from(self.generations > 2);
        }
        Some((index, slot))
    }

    fn id(&self, index: u32, generation: u64) -> StreamId {
        StreamId((generation << self.index_bits) | u64::from(index))
    }

    /// Frees the slot of the request that was sent with `id`.
    pub(crate) fn take(&mut self, id: StreamId) -> Taken<T> {
        let index = (id.0 & ((1 << self.index_bits) - 1)) as usize;
        let generation = id.0 >> self.index_bits;
        let Some(slot) = self.slots.get_mut(index) else {
            return Taken::Unknown;
        };
        if slot.generation != generation {
            return Taken::Unknown;
        }
        let taken = match std::mem::replace(&mut slot.state, State::Free) {
            State::Free => return Taken::Unknown,
            State::Busy(value) => Taken::Live(value),
            State::Quarantined => {
                self.quarantined -= 1;
                Taken::Late
            }
        };
        self.free.push(index as u32);
        taken
    }

    /// Takes every value that is `due` out and quarantines its slot.
    pub(crate) fn quarantine_if(
        &mut self,
        mut due: impl FnMut(&T) -> bool,
        mut out: impl FnMut(T),
    ) {
        for slot in &mut self.slots {
            if matches!(&slot.state, State::Busy(value) if due(value))
                && let State::Busy(value) = std::mem::replace(&mut slot.state, State::Quarantined)
            {
                self.quarantined += 1;
                out(value);
            }
        }
    }

    /// Every value under way, for the end of the connection.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = T> {
        self.free.clear();
        self.quarantined = 0;
        std::mem::take(&mut self.slots)
            .into_iter()
            .filter_map(|slot| match slot.state {
                State::Busy(value) => Some(value),
                State::Free | State::Quarantined => None,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_finds_its_own_request_or_nobody() {
        let mut slots = Slots::new(4, i32::MAX as u64);
        let a = slots.insert("a").unwrap();
        let b = slots.insert("b").unwrap();
        assert_eq!(slots.take(b), Taken::Live("b"));
        assert_eq!(slots.take(b), Taken::Unknown, "a second reply");
        let c = slots.insert("c").unwrap();
        assert_eq!(c.0 & 3, b.0 & 3, "the slot is used again");
        assert_ne!(c, b);
        assert_eq!(slots.take(b), Taken::Unknown, "a reply to the old request");
        assert_eq!(slots.take(a), Taken::Live("a"));
        assert_eq!(slots.take(c), Taken::Live("c"));
        assert_eq!(slots.take(StreamId(u64::MAX)), Taken::Unknown);
        assert_eq!(slots.live(), 0);
    }

    #[test]
    fn a_quarantined_slot_waits_for_its_late_reply() {
        let mut slots = Slots::new(2, i32::MAX as u64);
        let a = slots.insert("a").unwrap();
        let mut out = Vec::new();
        slots.quarantine_if(|_| true, |value| out.push(value));
        assert_eq!((out.as_slice(), slots.quarantined()), (&["a"][..], 1));
        let b = slots.insert("b").unwrap();
        assert_ne!(a.0 & 1, b.0 & 1);
        assert_eq!(slots.insert("c"), Err("c"), "both slots are taken");
        assert_eq!(slots.take(a), Taken::Late);
        assert_eq!(slots.take(a), Taken::Unknown);
        assert!(slots.insert("c").is_ok());
        assert_eq!(slots.live(), 2);
        assert_eq!(slots.drain().count(), 2);
    }

    #[test]
    fn a_spare_id_is_nobody_elses_and_takes_no_slot() {
        let mut slots = Slots::new(2, i32::MAX as u64);
        let a = slots.insert("a").unwrap();
        let spare = slots.spare_id().unwrap();
        assert_eq!(slots.live(), 1);
        assert_eq!(slots.take(spare), Taken::Unknown);
        let b = slots.insert("b").unwrap();
        assert!(spare != a && spare != b);
        assert_eq!(slots.take(spare), Taken::Unknown);
        assert_eq!(slots.spare_id(), None);
        assert_eq!(slots.take(a), Taken::Live("a"));
    }

    #[test]
    fn ids_stay_in_range_as_generations_wrap() {
        let max = 31;
        let mut slots = Slots::new(4, max);
        for _ in 0..100 {
            let id = slots.insert(()).unwrap();
            assert!((1..=max).contains(&id.0), "{id:?}");
            assert_eq!(slots.take(id), Taken::Live(()));
        }
    }
}
