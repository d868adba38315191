//! Clients and servers whose every byte is decided by a test.
//!
//! `Wire` makes and reads frames of each protocol and version, `Conn` sends and receives them as either side,
//! `Upstream` is a server with a script.

#[expect(
    clippy::indexing_slicing,
    reason = "behind checked lengths; and a panic here fails a test, as it should"
)]
mod bolt;
mod conn;
#[expect(
    clippy::indexing_slicing,
    reason = "behind checked lengths; and a panic here fails a test, as it should"
)]
mod dubbo;
mod http2;
mod upstream;
mod wire;

pub use conn::Conn;
pub use upstream::{Seen, Upstream};
pub use wire::{Call, Failure, Frame, Kind, Wire};
