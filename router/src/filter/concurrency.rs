//! `concurrency`: no more than so many exchanges at once.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wireloom_codecs::{ErrorKind, LocalError};

use super::permits::Permits;
use super::{Configured, Exchanged, Filter, Flow};
use crate::Problem;

/// No more than so many exchanges at once, counted over all workers, where the filter stands: all of a listener's, or all
/// of a route's. Another one is refused at once, as overload: HTTP 503, gRPC UNAVAILABLE. An exchange lasts until its
/// answer's body has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConcurrencyConfig {
    /// How many exchanges there may be at once.
    #[schemars(range(min = 1))]
    pub max: u32,
}

/// See [`ConcurrencyConfig`].
#[derive(Debug)]
pub(super) struct Concurrency(Arc<Permits>);

impl Configured for Concurrency {
    const NAME: &'static str = "concurrency";
    type Config = ConcurrencyConfig;

    fn new(config: ConcurrencyConfig) -> Result<Self, Vec<Problem>> {
        if config.max == 0 {
            let message =
                "is 0, which refuses every request: write how many exchanges there may be at once";
            return Err(vec![Problem::new("max", message)]);
        }
        Ok(Self(Permits::new(config.max)))
    }
}

impl Filter for Concurrency {
    fn request(&self, _: &mut Exchanged<'_>) -> Flow {
        match self.0.take() {
            Some(permit) => Flow::hold(permit),
            None => {
                let detail = "as many requests as there may be at once are under way";
                Flow::reject(LocalError::new(ErrorKind::Overloaded, detail), "limit")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Given, refused};
    use super::*;

    #[test]
    fn a_permit_is_held_for_as_long_as_the_exchange_is() {
        let filter = Concurrency::new(ConcurrencyConfig { max: 2 }).unwrap();
        let ask = || Given::default().ask(&filter);
        let (one, two) = (ask(), ask());
        assert!(matches!((&one, &two), (Flow::Hold(_), Flow::Hold(_))));
        assert_eq!(refused(&ask()), Some((ErrorKind::Overloaded, "limit")));
        drop(one);
        assert!(matches!(ask(), Flow::Hold(_)));
    }

    #[test]
    fn none_at_all_is_a_mistake() {
        let problems = Concurrency::new(ConcurrencyConfig { max: 0 }).unwrap_err();
        assert_eq!(problems.first().unwrap().path, "max");
    }
}
