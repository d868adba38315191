//! What both sides announce and hold h2 to. Everything that has a bound gets it here, on purpose.

use std::time::Duration;

use crate::config::H2Config;

/// Streams that a peer reset before they were looked at. A client that opens and cancels a batch in one packet is
/// within its rights; h2 ends a connection that goes on like that with ENHANCE_YOUR_CALM.
const UNSEEN_RESETS: usize = 100;
/// Streams that were reset here, remembered so that what is still on its way to them is no error: requests that are
/// answered before their bodies have come.
const REMEMBERED_DOWN: usize = 512;
/// The same where clients cancel and the server's answers are on their way. Many clients share the connection.
const REMEMBERED_UP: usize = 4096;
/// For how long.
const REMEMBERED: Duration = Duration::from_secs(1);
/// Streams that a client made us reset by breaking the rules, over the life of a connection.
const PROVOKED_DOWN: usize = 1024;
/// The same of a server, which loses the calls of many clients by it.
const PROVOKED_UP: usize = 65_536;
/// What waits in h2 for one stream's peer to read. Bodies are cut to this, so it bounds memory, not their size.
const SEND_BUFFER: usize = 128 << 10;

/// What small DATA frames that nobody has taken yet may cost a connection in bookkeeping: h2 counts 256 bytes for each,
/// less its payload, and ends the connection with ENHANCE_YOUR_CALM beyond that. A window full of gRPC messages of 20
/// bytes that wait for a slow peer is no attack, and upstream they wait for many clients.
const SMALL_FRAMES_DOWN: usize = 8 << 20;
const SMALL_FRAMES_UP: usize = 16 << 20;

/// A size as SETTINGS carry it.
fn small(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX).min((1 << 31) - 1)
}

pub(super) fn server(config: &H2Config, header: usize, in_flight: usize) -> h2::server::Builder {
    let mut builder = h2::server::Builder::new();
    let streams = small(in_flight).min(config.max_streams).max(1);
    builder
        .max_concurrent_streams(streams)
        .initial_window_size(small(config.stream_window.0))
        .initial_connection_window_size(small(config.connection_window.0))
        .max_header_list_size(small(header))
        .max_concurrent_reset_streams(REMEMBERED_DOWN)
        .reset_stream_duration(REMEMBERED)
        .max_pending_accept_reset_streams(UNSEEN_RESETS)
        .max_local_error_reset_streams(Some(PROVOKED_DOWN))
        .max_send_buffer_size(SEND_BUFFER)
        .data_frame_budget(SMALL_FRAMES_DOWN)
        .enable_connect_protocol();
    builder
}

/// Until the server's SETTINGS are there, h2 believes that this many streams may be opened; no server announces it.
pub(super) const UNSETTLED: usize = usize::MAX - 1;

pub(super) fn client(config: &H2Config, header: usize) -> h2::client::Builder {
    let mut builder = h2::client::Builder::new();
    builder
        .enable_push(false)
        .initial_max_send_streams(UNSETTLED)
        .initial_window_size(small(config.stream_window.0))
        .initial_connection_window_size(small(config.upstream_connection_window.0))
        .max_header_list_size(small(header))
        .max_concurrent_reset_streams(REMEMBERED_UP)
        .reset_stream_duration(REMEMBERED)
        .max_local_error_reset_streams(Some(PROVOKED_UP))
        .max_send_buffer_size(SEND_BUFFER)
        .data_frame_budget(SMALL_FRAMES_UP);
    builder
}
