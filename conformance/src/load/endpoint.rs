//! A server that can be made to fail, and to recover.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Result;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use super::{Talk, serve};

/// What a server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It answers at once.
    Well,
    /// Its connections are reset, and new ones refused.
    Down,
    /// It answers after that long.
    Slow(Duration),
    /// It takes connections and requests, and never answers.
    Silent,
    /// Its connections are silent, and new ones get no answer to their SYN.
    Unreachable,
}

/// A server on a loopback port. It ends when it is dropped.
pub struct Endpoint {
    address: SocketAddr,
    mode: watch::Sender<Mode>,
    requests: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Endpoint {
    /// Starts one that is well.
    ///
    /// # Errors
    /// If there is no port.
    pub async fn start(talk: Talk) -> Result<Self> {
        let address = crate::ports::free();
        let listener = listen(address, 1024)?;
        let (mode, modes) = watch::channel(Mode::Well);
        let requests = Arc::<AtomicUsize>::default();
        let task = tokio::spawn(run(talk, address, listener, modes, requests.clone()));
        Ok(Self {
            address,
            mode,
            requests,
            task,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on it does that.
    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// Requests that reached it.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

fn listen(address: SocketAddr, backlog: u32) -> Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket.listen(backlog)?)
}

async fn run(
    talk: Talk,
    address: SocketAddr,
    listener: TcpListener,
    mut modes: watch::Receiver<Mode>,
    requests: Arc<AtomicUsize>,
) {
    let mut listener = Some(listener);
    let mut connections = JoinSet::new();
    // Nobody accepts these: they fill the queue of a server that is not to be reached.
    let mut stuck: Vec<TcpStream> = Vec::new();
    loop {
        let mode = *modes.borrow_and_update();
        match mode {
            Mode::Down => {
                listener = None;
                connections.shutdown().await;
            }
            Mode::Unreachable if stuck.is_empty() => {
                drop(listener.take());
                listener = listen_deaf(address, &mut stuck).await;
            }
            Mode::Unreachable => {}
            _ => {
                if !stuck.is_empty() {
                    stuck.clear();
                    listener = None;
                }
                if listener.is_none() {
                    listener = listen(address, 1024).ok();
                }
            }
        }
        let accepting = listener.as_ref().filter(|_| mode != Mode::Unreachable);
        let accepted = async {
            match accepting {
                Some(listener) => listener.accept().await,
                None => std::future::pending().await,
            }
        };
        let again = listener.is_none() && mode != Mode::Down;
        tokio::select! {
            changed = modes.changed() => if changed.is_err() { return },
            // The port is not free yet.
            () = tokio::time::sleep(Duration::from_millis(50)), if again => {}
            Ok((stream, _)) = accepted => {
                // Whatever ends the connection resets it.
                let _ = stream.set_zero_linger();
                let _ = stream.set_nodelay(true);
                connections.spawn(serve::serve(talk, stream, modes.clone(), requests.clone()));
                while connections.try_join_next().is_some() {}
            }
        }
    }
}

/// A listener whose queue is full, so that the kernel drops further SYNs.
async fn listen_deaf(address: SocketAddr, stuck: &mut Vec<TcpStream>) -> Option<TcpListener> {
    let listener = listen(address, 1).ok();
    for _ in 0..4 {
        let filled = timeout(
            Duration::from_millis(50),
            TcpStream::connect((Ipv4Addr::LOCALHOST, address.port())),
        );
        match filled.await {
            Ok(Ok(stream)) => stuck.push(stream),
            _ => break,
        }
    }
    listener
}
