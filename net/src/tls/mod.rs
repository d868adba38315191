//! TLS on accepted connections.
//!
//! A [`TlsAcceptor`] is built from the files that a [`TlsConfig`] names; building it reads and judges all of them, so
//! that whoever has one needs no files any more. TLS 1.2 and 1.3, without early data: it can be replayed. Sessions are
//! resumed out of the acceptor's own memory only, so that none outlives the certificates that it was made under.
//!
//! | file | holds |
//! |---|---|
//! | `config` | the keys of a listener's `tls` |
//! | `files` | reading PEM |
//! | `acceptor` | the files put together, and handshakes |
//! | `alpn` | what is agreed on in one |
//! | `stream` | a connection after it |
//! | `error` | what is wrong with the files, and what went wrong in a handshake |

mod acceptor;
mod alpn;
mod config;
mod error;
mod files;
mod stream;

pub use acceptor::TlsAcceptor;
pub use alpn::Alpn;
pub use config::TlsConfig;
pub use error::{HandshakeError, TlsError, TlsFile};
pub use stream::TlsStream;

#[cfg(test)]
mod tests;
