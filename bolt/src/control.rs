//! Frames between the two ends of one connection: heartbeats and goaway.

use std::time::Duration;

use wireloom_codecs::{Control, KeepAlive, StreamId, Wire};

use crate::types::{CODEC_HESSIAN, Head, Type, VER2, command, status};

/// Java clients ping after 15 s and give up after three pings without an answer; servers close after 90 s.
/// Java waits 1 s for each answer, which a collecting peer may miss without being dead.
pub(crate) const KEEP_ALIVE: KeepAlive = KeepAlive {
    interval: Duration::from_secs(15),
    timeout: Duration::from_secs(3),
    misses: 3,
};
/// What the timeout field of a ping says: [`KEEP_ALIVE`]'s.
const PING_TIMEOUT_MS: u32 = 3000;

/// The event of a whole frame with an intact head, if it is one of these. `wire` is asked for only by pings.
pub(crate) fn control(head: &Head, wire: impl FnOnce() -> Wire) -> Option<Control> {
    let id = StreamId(head.id.into());
    Some(match (head.kind, head.command) {
        (Type::Request, command::HEARTBEAT) => Control::Ping(id, wire()),
        (Type::Response, command::HEARTBEAT) => Control::Pong(id),
        // Nobody waits for an answer to it.
        (Type::OneWay, command::HEARTBEAT) => Control::Ignore,
        (Type::Request | Type::OneWay, command::GO_AWAY) => Control::GoAway,
        _ => return None,
    })
}

/// A heartbeat, v1: every Bolt peer reads it, and Java answers in the version of the connection's first frame.
pub(crate) fn ping(id: u32) -> Head {
    Head {
        command: command::HEARTBEAT,
        timeout_or_status: PING_TIMEOUT_MS,
        ..bare(id)
    }
}

/// The answer to a heartbeat.
pub(crate) fn pong(ping: &Head, id: u32) -> Head {
    Head {
        id,
        ..ping.answer(command::HEARTBEAT, status::SUCCESS)
    }
}

/// MOSN's goaway. Its id means nothing.
pub(crate) fn go_away() -> Head {
    Head {
        command: command::GO_AWAY,
        ..bare(0)
    }
}

fn bare(id: u32) -> Head {
    Head {
        kind: Type::Request,
        ver2: VER2,
        id,
        codec: CODEC_HESSIAN,
        ..Head::default()
    }
}
