//! Keep-alive PINGs (RFC 9113 §6.7).

use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use h2::{Ping, PingPong};

use crate::config::H2Config;
use wireloom_codecs::clock;

/// Pings a peer from which nothing came for an interval, and tells when it does not answer.
pub(super) struct Pings {
    pings: PingPong,
    interval: Duration,
    timeout: Duration,
    /// What had come when it was last looked.
    heard: u64,
    since: Instant,
    sent: bool,
}

/// What a look at the time came to.
pub(super) enum Looked {
    /// Look again then.
    Again(Instant),
    /// The peer is gone.
    Missed,
}

impl Pings {
    /// None if they are off, or have gone to someone else.
    pub(super) fn new(config: &H2Config, pings: Option<PingPong>) -> Option<Self> {
        Self::every(config.keep_alive.0, config.keep_alive_timeout.0, pings)
    }

    pub(super) fn every(
        interval: Duration,
        timeout: Duration,
        pings: Option<PingPong>,
    ) -> Option<Self> {
        Some(Self {
            pings: pings.filter(|_| !interval.is_zero())?,
            interval,
            timeout,
            heard: 0,
            since: clock::read(),
            sent: false,
        })
    }

    /// Looks at the time. `heard` is how much has come so far: whatever comes is the answer.
    pub(super) fn look(&mut self, heard: u64, now: Instant, cx: &mut Context<'_>) -> Looked {
        if self.sent && matches!(self.pings.poll_pong(cx), Poll::Ready(_)) {
            self.sent = false;
        }
        if heard != self.heard {
            self.heard = heard;
            self.since = now;
        }
        let due = self.since + self.interval;
        if now < due {
            return Looked::Again(due);
        }
        let missed = due + self.timeout;
        if now >= missed {
            return Looked::Missed;
        }
        if !self.sent {
            // One that is still under way will do.
            self.sent = self.pings.send_ping(Ping::opaque()).is_ok();
        }
        Looked::Again(missed)
    }
}
