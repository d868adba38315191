//! How long to leave an endpoint alone that cannot be connected to.

use std::time::Duration;

use rand::RngExt;
use rand::rngs::SmallRng;

/// The shortest pause.
const FIRST: Duration = Duration::from_millis(100);
/// The longest. It is also how long the last endpoint of a cluster may be refused after it came back, so it is short:
/// one attempt per second and worker costs a server that is down next to nothing.
const LONGEST: Duration = Duration::from_secs(1);

/// The pause after so many failures in a row: at random between the shortest and an end that doubles with each, so that
/// workers and proxies do not come back together.
pub(crate) fn pause(failures: u32, rng: &mut SmallRng) -> Duration {
    let doubled = FIRST.saturating_mul(1 << failures.min(16));
    rng.random_range(FIRST..=doubled.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn pauses_grow_and_stay_in_bounds() {
        let mut rng = SmallRng::seed_from_u64(1);
        let mut longest = |failures| (0..1000).map(|_| pause(failures, &mut rng)).max().unwrap();
        let millis = Duration::from_millis;
        assert!((millis(190)..=millis(200)).contains(&longest(1)));
        assert!((millis(750)..=millis(800)).contains(&longest(3)));
        assert!((millis(980)..=LONGEST).contains(&longest(4)));
        assert!((millis(980)..=LONGEST).contains(&longest(u32::MAX)));
        assert!((0..1000).all(|_| pause(9, &mut rng) >= FIRST));
    }
}
