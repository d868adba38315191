//! What h2's errors mean for a call.

use std::io;
use std::time::{Duration, Instant};

use h2::Reason;
use wireloom_codecs::clock;
use wireloom_codecs::http::HTTP2;
use wireloom_codecs::{CallError, ConnError, ErrorKind, LocalError};

/// The end of a connection.
pub(super) fn connection(error: &h2::Error) -> ConnError {
    match error.get_io() {
        Some(io) => ConnError::Io(io::Error::new(io.kind(), io.to_string())),
        None => ConnError::protocol(HTTP2.as_str(), error.to_string()),
    }
}

/// The end of a stream. Not sent is what the server says that it did not look at: a refused stream, and one above the
/// last that its GOAWAY names (RFC 9113 §8.7).
pub(super) fn call(error: &h2::Error, deadline: Instant) -> CallError {
    let refused = error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM);
    // h2 gives a peer's GOAWAY to those streams only that are above its last.
    let unseen = error.is_go_away();
    let sent = !(error.is_remote() && (refused || unseen));
    CallError::new(stream(error, deadline), sent)
}

/// How long before our own a server may find the deadline to be there, for it has its own clock and rounds.
const EARLY: Duration = Duration::from_millis(10);

/// Why a stream broke off. A server that was told the deadline may cancel at it, and be heard just before our own timer.
pub(super) fn stream(error: &h2::Error, deadline: Instant) -> LocalError {
    let cancelled = error.is_reset() && error.is_remote() && error.reason() == Some(Reason::CANCEL);
    if cancelled && clock::read() + EARLY >= deadline {
        return LocalError::new(ErrorKind::Timeout, "the server gave up at the deadline");
    }
    let what = match error.reason() {
        Some(reason) if error.is_reset() && error.is_remote() => {
            format!("the server reset the stream: {}", name(reason))
        }
        Some(reason) if error.is_remote() => {
            format!("the server ended the connection: {}", name(reason))
        }
        Some(reason) => format!("the server broke the protocol: {}", name(reason)),
        None => match error.get_io() {
            Some(io) => format!("the connection failed: {}", io.kind()),
            None => format!("the stream failed: {error}"),
        },
    };
    LocalError::new(ErrorKind::Reset, what)
}

/// The error code as RFC 9113 §7 writes it.
pub(super) fn name(reason: Reason) -> String {
    match reason {
        Reason::NO_ERROR => "NO_ERROR",
        Reason::PROTOCOL_ERROR => "PROTOCOL_ERROR",
        Reason::INTERNAL_ERROR => "INTERNAL_ERROR",
        Reason::FLOW_CONTROL_ERROR => "FLOW_CONTROL_ERROR",
        Reason::SETTINGS_TIMEOUT => "SETTINGS_TIMEOUT",
        Reason::STREAM_CLOSED => "STREAM_CLOSED",
        Reason::FRAME_SIZE_ERROR => "FRAME_SIZE_ERROR",
        Reason::REFUSED_STREAM => "REFUSED_STREAM",
        Reason::CANCEL => "CANCEL",
        Reason::COMPRESSION_ERROR => "COMPRESSION_ERROR",
        Reason::CONNECT_ERROR => "CONNECT_ERROR",
        Reason::ENHANCE_YOUR_CALM => "ENHANCE_YOUR_CALM",
        Reason::INADEQUATE_SECURITY => "INADEQUATE_SECURITY",
        Reason::HTTP_1_1_REQUIRED => "HTTP_1_1_REQUIRED",
        other => return format!("code {}", u32::from(other)),
    }
    .to_owned()
}
