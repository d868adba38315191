//! Shares of requests.

/// A share of all requests, as exact as 32 bits are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    /// Out of 2^32.
    parts: u64,
    /// Sets it apart from the shares of other routes.
    salt: u64,
}

impl Share {
    /// So many percent; None for what is no percentage. Shares of different `salt` are drawn apart.
    pub(crate) fn new(percent: f64, salt: u64) -> Option<Self> {
        if !(0.0..=100.0).contains(&percent) {
            return None;
        }
        // Within 0 and 2^32.
        let parts = (percent / 100.0 * f64::from(u32::MAX) + percent / 100.0).round() as u64;
        Some(Self { parts, salt })
    }

    /// True for the share of the numbers that belongs to it.
    pub(crate) fn takes(self, random: u64) -> bool {
        mix(random ^ mix(self.salt)) >> 32 < self.parts
    }
}

/// The finalizer of SplitMix64: numbers that differ in any bit come out unrelated.
const fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of the first so many numbers it takes.
    fn taken(share: Share, of: u64) -> u64 {
        (0..of).map(|random| u64::from(share.takes(random))).sum()
    }

    #[test]
    fn a_share_is_as_large_as_it_says() {
        let share = |percent| Share::new(percent, 7).unwrap();
        assert_eq!(taken(share(0.0), 10_000), 0);
        assert_eq!(taken(share(100.0), 10_000), 10_000);
        // Six standard deviations around the mean; the numbers are always the same.
        let fifth = taken(share(20.0), 100_000);
        assert!((19_240..=20_760).contains(&fifth), "{fifth}");
        let few = taken(share(0.1), 100_000);
        assert!((40..=160).contains(&few), "{few}");
    }

    #[test]
    fn shares_of_different_routes_are_drawn_apart() {
        let (one, other) = (Share::new(50.0, 1).unwrap(), Share::new(50.0, 2).unwrap());
        let both = (0..100_000).filter(|n| one.takes(*n) && other.takes(*n));
        let both = both.count();
        assert!((24_000..=26_000).contains(&both), "{both}");
    }

    #[test]
    fn what_is_no_percentage() {
        for percent in [-0.1, 100.1, f64::NAN, f64::INFINITY] {
            assert_eq!(Share::new(percent, 0), None);
        }
    }
}
