//! Clients and servers whose every byte is decided by a test.
//!
//! For the RPC protocols, `Wire` makes and reads frames of each protocol and version, `Conn` sends and receives them as either side,
//! `Upstream` is a server with a script. HTTP has `Http1` and `Http2`, which keep what comes as it came, over `Raw`, and
//! `Backend`, a server that keeps its requests. Thrift has `Thrift` in each `Dialect`.

pub mod backend;
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
mod faulty_http2;
pub mod hpack;
pub mod http1;
pub mod http2;
mod huffman;
pub mod raw;
pub mod thrift;
mod upstream;
mod wire;

pub use backend::Backend;
pub use conn::Conn;
pub use http1::{Http1, Text};
pub use http2::Http2;
pub use raw::Raw;
pub use thrift::{Dialect, Thrift};
pub use upstream::{Seen, Upstream};
pub use wire::{Call, Failure, Frame, Kind, Wire};
