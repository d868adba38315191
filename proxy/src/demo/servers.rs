//! The servers that the echo services run in.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use wireloom_codecs::{Drain, DrainWatch, drain};

use super::exhibit::Exhibit;

/// How long a client of an echo service over HTTP may take for a request's head.
pub(super) const HEADER: Duration = Duration::from_secs(10);

/// Where an echo service runs.
pub(super) struct Site {
    listener: TcpListener,
    /// What the service is called.
    pub(super) name: Arc<str>,
    /// Counts requests that nobody waits for.
    pub(super) one_way: Arc<AtomicUsize>,
    /// Tells when it is over.
    pub(super) stopped: DrainWatch,
}

impl Site {
    /// The next client.
    pub(super) async fn accept(&self) -> TcpStream {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) if stream.set_nodelay(true).is_ok() => return stream,
                // Out of descriptors, or a client that has gone already.
                _ => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }
}

/// Echo servers on a thread of their own, until dropped.
pub(super) struct EchoServers {
    /// Their names, which are the clusters' too, and where they listen.
    pub(super) endpoints: Vec<(String, SocketAddr)>,
    /// One-way requests that came.
    one_way: Arc<AtomicUsize>,
    stop: Drain,
}

impl EchoServers {
    /// Starts two for each protocol, the second one as the canary.
    pub(super) fn start(exhibits: &[Exhibit]) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let one_way = Arc::new(AtomicUsize::new(0));
        let (stop, mut stopped) = drain();
        let mut endpoints = Vec::new();
        for exhibit in exhibits {
            for suffix in ["", "-canary"] {
                let name = format!("{}{suffix}", exhibit.name);
                let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
                let socket = wireloom_net::bind(&any.into())?;
                endpoints.push((name.clone(), socket.local_addr()?));
                let _guard = runtime.enter();
                runtime.spawn((exhibit.serve)(Site {
                    listener: TcpListener::from_std(socket)?,
                    name: name.into(),
                    one_way: one_way.clone(),
                    stopped: stopped.clone(),
                }));
            }
        }
        let thread = thread::Builder::new().name("echo".to_owned());
        thread.spawn(move || runtime.block_on(stopped.wait()))?;
        Ok(Self {
            endpoints,
            one_way,
            stop,
        })
    }

    /// How many one-way requests came so far.
    pub(super) fn one_way(&self) -> usize {
        self.one_way.load(Ordering::Relaxed)
    }
}

impl Drop for EchoServers {
    fn drop(&mut self) {
        self.stop.start();
    }
}
