//! A hash ring.

use xxhash_rust::xxh64::xxh64;

/// Hashes in order, each with the position of the member that it belongs to. Every member has many places, and takes
/// what lies between each of them and the place before; a member that goes leaves its stretches to others.
///
/// Since the ring has a least size, the others get more places when one goes, and take a little from each other too: on
/// average `(2n - 2) / n²` of the hashes move where `n` members have the same weight.
///
/// Sizes, places and the hash are Envoy's (`ring_hash`: places are the xxHash64 of `address_0`, `address_1`, …), so that
/// proxies of both kinds find the same endpoint for the same hash.
#[derive(Debug)]
pub(super) struct Ring(Box<[(u64, u32)]>);

impl Ring {
    /// Of names and weights over 0. The lightest has as many places as it takes for the whole ring to have `min`, all have
    /// places by weight, and it has `max` at most; then the lightest may have none.
    pub(super) fn build(members: &[(String, f64)], min: u32, max: u32) -> Self {
        let sum: f64 = members.iter().map(|(_, weight)| weight).sum();
        let lightest = members
            .iter()
            .map(|(_, weight)| weight / sum)
            .fold(1.0, f64::min);
        let scale = ((lightest * f64::from(min)).ceil() / lightest).min(f64::from(max));
        let mut places = Vec::new();
        let (mut wanted, mut made) = (0.0, 0.0);
        let mut key = String::new();
        for (position, (name, weight)) in (0..).zip(members) {
            wanted += scale * weight / sum;
            let mut number = 0_u32;
            while made < wanted {
                key.clear();
                key.push_str(name);
                key.push('_');
                key.push_str(&number.to_string());
                places.push((xxh64(key.as_bytes(), 0), position));
                number += 1;
                made += 1.0;
            }
        }
        places.sort_unstable();
        Self(places.into())
    }

    /// The position of the member that has the hash.
    pub(super) fn lookup(&self, hash: u64) -> Option<usize> {
        let at = self.0.partition_point(|(place, _)| *place < hash);
        let (_, position) = self.0.get(at).or(self.0.first())?;
        usize::try_from(*position).ok()
    }

    #[cfg(test)]
    pub(super) fn places(&self) -> &[(u64, u32)] {
        &self.0
    }
}
