//! The cases, by what they ask. What is sent is public, for tests that know more of one proxy.

mod abuse_thrift;
mod abuse_wire;
mod death;
mod drain;
mod fidelity;
mod http1_refusals;
pub mod http1_requests;
mod http2_abuse;
pub mod http2_frames;
pub mod http2_requests;
mod identity;
mod matrix;
mod port;
mod say;
#[expect(
    clippy::indexing_slicing,
    reason = "of messages made here; and a panic here fails a case, as it should"
)]
pub mod thrift_messages;
mod timeouts;

use super::case::Case;

/// All of them.
pub(super) fn register(list: &mut Vec<Case>) {
    for part in [
        matrix::register,
        identity::register,
        death::register,
        timeouts::register,
        drain::register,
        fidelity::register,
        http1_refusals::register,
        http2_abuse::register,
        abuse_wire::register,
        abuse_thrift::register,
        port::register,
    ] {
        part(list);
    }
}
