//! Connections that are used for a limited time, or for a limited number of calls.
//!
//! A connection at its end takes no more calls and closes with the last answer. Its successor comes before that where it can:
//! for the last calls of a limited number it is made in the background, and one that has grown old goes on until the
//! successor is there. Clusters without such limits have none of this on the way of a call.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::time::Duration;

use rand::RngExt;
use tokio::time::sleep;
use wireloom_codecs::{Answer, Call, Channel, ChannelState};

use crate::ClusterConfig;
use crate::channels::ChannelSet;
use crate::config::Connections;
use crate::counters::{Counters, count};
use crate::local::with_rng;

/// Between attempts to make the successor of a connection that is too old.
const AGAIN: Duration = Duration::from_secs(1);

/// Why a connection was not used on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Retired {
    /// It had taken its number of calls.
    Requests = 0,
    /// It had grown old.
    Age = 1,
}

impl Retired {
    /// How many there are.
    pub const COUNT: usize = 2;
    /// All of them, in the order of their discriminants.
    pub const ALL: [Self; Self::COUNT] = [Self::Requests, Self::Age];

    /// The name that metrics use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "max_requests",
            Self::Age => "max_age",
        }
    }
}

/// A connection with an end of its own.
struct Limited {
    channel: Arc<dyn Channel>,
    taken: AtomicU32,
    most: u32,
    /// The call with which a successor is made.
    last: u32,
    retired: AtomicBool,
    counters: Arc<Counters>,
    config: Arc<ClusterConfig>,
    /// Who makes the successor; nobody where connections carry one call each and rest in a pool.
    set: Weak<ChannelSet>,
}

/// The connection with the limits that the configuration has for it; itself if there are none.
pub(crate) fn limited(
    channel: Arc<dyn Channel>,
    config: &Arc<ClusterConfig>,
    counters: &Arc<Counters>,
    set: Weak<ChannelSet>,
) -> Arc<dyn Channel> {
    let Connections {
        max_requests,
        max_age,
        jitter,
        ..
    } = config.connections;
    if max_requests.is_none() && max_age.is_none() {
        return channel;
    }
    let part = || with_rng(|rng| shortened(jitter, rng.random()));
    let most = max_requests.map_or(u32::MAX, |most| calls(most, part()));
    let limited = Arc::new(Limited {
        channel,
        taken: AtomicU32::new(0),
        most,
        last: most - (most / 8).max(1),
        retired: AtomicBool::new(false),
        counters: counters.clone(),
        config: config.clone(),
        set,
    });
    if let Some(age) = max_age {
        tokio::spawn(grow_old(Arc::downgrade(&limited), age.0.mul_f64(part())));
    }
    limited
}

/// What part of a limit holds, with a number drawn from 0 to 1.
fn shortened(jitter: u32, drawn: f64) -> f64 {
    1.0 - f64::from(jitter.min(100)) / 100.0 * drawn
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and `most`"
)]
fn calls(most: u32, part: f64) -> u32 {
    ((f64::from(most) * part).round() as u32).clamp(1, most.max(1))
}

impl Limited {
    fn retire(&self, why: Retired) {
        if self.retired.swap(true, Relaxed) {
            return;
        }
        if let Some(counter) = self.counters.retired.get(why as usize) {
            count(counter);
        }
        self.channel.drain();
        if let Some(set) = self.set.upgrade() {
            set.sweep();
        }
    }

    /// Has a connection made in addition to as many as there may be.
    fn succeed(&self) {
        if let Some(set) = self.set.upgrade() {
            // If it cannot be now, the next call that needs it sees to it.
            let _ = set.connect_beside(&self.config, 1);
        }
    }
}

/// Ends a connection when its time has come: at once if it rests, else as soon as another can take its place.
async fn grow_old(connection: Weak<Limited>, age: Duration) {
    sleep(age).await;
    loop {
        let Some(limited) = connection.upgrade() else {
            return;
        };
        if limited.state() != ChannelState::Open {
            return;
        }
        let set = limited.set.upgrade().filter(|_| limited.in_flight() > 0);
        let Some(set) = set else {
            return limited.retire(Retired::Age);
        };
        let flight = set.connect_beside(&limited.config, 1);
        drop((limited, set));
        if let Ok(mut flight) = flight {
            let landed = flight.wait_for(Option::is_some).await;
            let made = landed.is_ok_and(|landed| matches!(*landed, Some(Ok(()))));
            if made {
                if let Some(limited) = connection.upgrade() {
                    limited.retire(Retired::Age);
                }
                return;
            }
        }
        sleep(AGAIN).await;
    }
}

impl Channel for Limited {
    fn send(&self, call: Call) -> Result<Answer, Box<Call>> {
        if self.state() != ChannelState::Open {
            return Err(Box::new(call));
        }
        // One worker's alone: nobody counts between.
        let before = self.taken.load(Relaxed);
        if before >= self.most {
            return Err(Box::new(call));
        }
        let answer = self.channel.send(call)?;
        let now = before.saturating_add(1);
        self.taken.store(now, Relaxed);
        if now == self.most {
            self.retire(Retired::Requests);
        } else if now == self.last {
            self.succeed();
        }
        Ok(answer)
    }

    fn state(&self) -> ChannelState {
        match self.channel.state() {
            ChannelState::Open if self.retired.load(Relaxed) => ChannelState::Draining,
            state => state,
        }
    }

    fn in_flight(&self) -> usize {
        self.channel.in_flight()
    }

    fn drain(&self) {
        self.retired.store(true, Relaxed);
        self.channel.drain();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_makes_limits_smaller_and_never_larger() {
        assert!((shortened(10, 0.0) - 1.0).abs() < 1e-9);
        assert!((shortened(10, 1.0) - 0.9).abs() < 1e-9);
        assert_eq!(calls(100, shortened(10, 0.5)), 95);
        assert_eq!((calls(1, shortened(90, 1.0)), calls(1, 1.0)), (1, 1));
        assert_eq!(calls(u32::MAX, 1.0), u32::MAX);
    }
}
