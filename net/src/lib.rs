//! Sockets: addresses, listeners, accepting, TLS, and connecting.
//!
//! A listener is bound with [`bind`] (its errors name the address and the remedy) and read with an [`Acceptor`],
//! which survives descriptor exhaustion and closes what is over its [`ConnectionLimit`]. Accepted connections are
//! plain `std` sockets, so that any worker's runtime may take them; [`tls`] turns them into secured ones there.
//! [`connect`] and [`connect_unix`] make the upstream ones.

mod accept;
mod address;
mod connect;
mod eyeballs;
mod limit;
mod listen;
mod original;
mod proxy_protocol;
pub mod tls;
mod tune;
mod unix;

pub use accept::{AcceptEvents, Acceptor, Incoming};
pub use address::{Address, AddressError};
pub use connect::{ConnectError, connect, connect_with};
pub use limit::{ConnectionLimit, ConnectionPermit};
pub use listen::{BACKLOG, ListenError, bind};
pub use original::original_destination;
pub use proxy_protocol::{ProxyHeaderError, read_proxy_header};
pub use tune::{Keepalive, SocketOptions};
pub use unix::connect_unix;
