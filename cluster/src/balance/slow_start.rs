//! Newcomers get their share by and by.

use std::time::Instant;

use rand::RngExt;
use rand::rngs::SmallRng;

use crate::config::SlowStart;
use crate::{Endpoint, Members};

/// How warm endpoints are at one moment.
///
/// A newcomer that is picked stays so only with the probability of the part of its share that it has by now; else the
/// pick is made again. So no weight changes, and nothing is to be worked out anew while time passes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Warmth<'a> {
    pub(super) config: &'a SlowStart,
    pub(super) now: Instant,
}

impl Warmth<'_> {
    pub(super) fn accepts(&self, endpoint: &Endpoint, rng: &mut SmallRng) -> bool {
        let Some(joined) = endpoint.joined() else {
            return true;
        };
        let factor = self
            .config
            .factor(self.now.saturating_duration_since(joined));
        factor >= 1.0 || rng.random_bool(factor)
    }
}

/// When the last newcomer will have its full share; None if there is no newcomer.
pub(super) fn warm_at(config: Option<&SlowStart>, members: &Members) -> Option<Instant> {
    let window = config?.window.0;
    let joined = members.iter().filter_map(|member| member.endpoint.joined());
    joined.max()?.checked_add(window)
}
