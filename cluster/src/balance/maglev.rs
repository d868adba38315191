//! A Maglev table (Eisenbud and others, "Maglev: A Fast and Reliable Software Network Load Balancer", 2016, §3.4).

use xxhash_rust::xxh64::xxh64;

/// The size of the paper's §5.3: prime, and large against the number of members.
pub(super) const SIZE: u32 = 65_537;

/// A table that has each member as often as its weight says. Every member has its own order of preference over the
/// entries; in turn each takes the first of its that is free.
///
/// Orders, weights and the hash are Envoy's (`maglev`), so that proxies of both kinds find the same endpoint for the same
/// hash.
#[derive(Debug)]
pub(super) struct Maglev(Box<[u32]>);

struct Builder {
    position: u32,
    weight: f64,
    /// It has a turn when the sum of its weights over the rounds has come this far.
    due: f64,
    /// The next entry of its order.
    at: u64,
    skip: u64,
}

impl Maglev {
    /// Of names and weights over 0; at most as many as the table has entries get any. `size` is prime.
    pub(super) fn build(members: &[(String, f64)], size: u32) -> Self {
        const FREE: u32 = u32::MAX;
        let entries = u64::from(size);
        let heaviest = members
            .iter()
            .map(|(_, weight)| *weight)
            .fold(0.0, f64::max);
        let mut builders: Vec<(&str, Builder)> = (0..)
            .zip(members)
            .map(|(position, (name, weight))| {
                let builder = Builder {
                    position,
                    weight: *weight,
                    due: 0.0,
                    at: xxh64(name.as_bytes(), 0) % entries,
                    skip: xxh64(name.as_bytes(), 1) % (entries - 1) + 1,
                };
                (name.as_str(), builder)
            })
            .collect();
        // In the order of their names, so that the order of the configuration does not matter.
        builders.sort_unstable_by_key(|(name, _)| *name);
        let mut table = vec![FREE; if members.is_empty() { 0 } else { size as usize }];
        let (mut filled, mut round) = (0, 0.0);
        while filled < table.len() {
            round += 1.0;
            for (_, builder) in &mut builders {
                if round * builder.weight < builder.due || filled == table.len() {
                    continue;
                }
                builder.due += heaviest;
                // A free entry is always found, for a prime size: the order goes over all of them.
                loop {
                    let entry = usize::try_from(builder.at)
                        .ok()
                        .and_then(|at| table.get_mut(at));
                    builder.at = (builder.at + builder.skip) % entries;
                    if let Some(entry) = entry
                        && *entry == FREE
                    {
                        *entry = builder.position;
                        filled += 1;
                        break;
                    }
                }
            }
        }
        Self(table.into())
    }

    /// The position of the member that has the hash.
    pub(super) fn lookup(&self, hash: u64) -> Option<usize> {
        let entry = hash.checked_rem(self.0.len() as u64)?;
        let position = self.0.get(usize::try_from(entry).ok()?)?;
        usize::try_from(*position).ok()
    }

    #[cfg(test)]
    pub(super) fn entries(&self) -> &[u32] {
        &self.0
    }
}
