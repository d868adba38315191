//! Accepting, without spinning when descriptors run out.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, sleep_until};

use crate::tune::tune;
use crate::{ConnectionLimit, ConnectionPermit};

/// The first pause after the process ran out of descriptors or the kernel of memory.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause; it doubles up to here. New connections wait in the backlog meanwhile.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// What an [`Acceptor`] reports, for metrics and logs. All methods are cheap and never block.
pub trait AcceptEvents {
    /// A connection over the limit was closed at once.
    fn over_limit(&self, peer: SocketAddr) {
        let _ = peer;
    }
    /// Nothing is accepted for `pause`, because of `error`: out of descriptors, mostly.
    fn paused(&self, error: &io::Error, pause: Duration) {
        let _ = (error, pause);
    }
    /// One connection was lost before it was accepted; the next is not affected.
    fn lost(&self, error: &io::Error) {
        let _ = error;
    }
}

/// No interest in any of it.
impl AcceptEvents for () {}

/// A connection that was accepted.
#[derive(Debug)]
pub struct Incoming {
    /// The socket: non-blocking, without Nagle's algorithm, with keep-alive, and of no runtime yet.
    pub stream: TcpStream,
    /// Who connected.
    pub peer: SocketAddr,
    /// Its share of the limit, to be kept as long as the connection.
    pub permit: ConnectionPermit,
}

/// Takes connections off a listener.
#[derive(Debug)]
pub struct Acceptor<E> {
    listener: AsyncFd<TcpListener>,
    limit: ConnectionLimit,
    events: E,
    pause: Duration,
    resume: Option<Instant>,
}

impl<E: AcceptEvents> Acceptor<E> {
    /// Reads a non-blocking `listener` on the current runtime.
    ///
    /// # Errors
    /// If the runtime's poller cannot take the socket.
    pub fn new(listener: TcpListener, limit: ConnectionLimit, events: E) -> io::Result<Self> {
        // Deprecated because a type may name a descriptor that it does not own; `TcpListener` owns its own. The
        // successor is an unsafe function.
        #[expect(deprecated)]
        let listener = AsyncFd::with_interest(listener, Interest::READABLE)?;
        Ok(Self {
            listener,
            limit,
            events,
            pause: FIRST_PAUSE,
            resume: None,
        })
    }

    /// The address that it listens on.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.get_ref().local_addr()
    }

    /// Waits for the next connection. Nothing is lost if the future is dropped.
    pub async fn next(&mut self) -> Incoming {
        loop {
            if let Some(resume) = self.resume {
                sleep_until(resume).await;
                self.resume = None;
            }
            let accepted = self
                .listener
                .async_io(Interest::READABLE, |listener| listener.accept())
                .await;
            match accepted {
                Ok((stream, peer)) => {
                    self.pause = FIRST_PAUSE;
                    if let Some(incoming) = self.admit(stream, peer) {
                        return incoming;
                    }
                }
                Err(error) if concerns_one_connection(&error) => self.events.lost(&error),
                Err(error) => {
                    self.events.paused(&error, self.pause);
                    self.resume = Some(Instant::now() + self.pause);
                    self.pause = (self.pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    fn admit(&self, stream: TcpStream, peer: SocketAddr) -> Option<Incoming> {
        let Some(permit) = self.limit.acquire() else {
            self.events.over_limit(peer);
            return None;
        };
        if let Err(error) = stream.set_nonblocking(true).and_then(|()| tune(&stream)) {
            // The client has gone already.
            self.events.lost(&error);
            return None;
        }
        Some(Incoming {
            stream,
            peer,
            permit,
        })
    }
}

/// accept(2) hands on the network errors of the connection that it would have returned. Everything else (EMFILE,
/// ENFILE, ENOBUFS, ENOMEM) would come again at once.
fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::ConnectionAborted
            | Kind::ConnectionReset
            | Kind::Interrupted
            | Kind::NetworkDown
            | Kind::NetworkUnreachable
            | Kind::HostUnreachable
            | Kind::TimedOut
            | Kind::PermissionDenied // Linux: a firewall rule forbids the connection
    )
}

#[cfg(test)]
mod tests;
