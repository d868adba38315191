//! What a worker makes connections with.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use wireloom_codecs::{
    BoxFuture, ByteBudget, Connector, ErrorKind, FrameLimits, Io, LocalError, Probe, ProtocolId,
    RequestHead,
};
use wireloom_net::{Address, SocketOptions};

/// How a byte stream to an endpoint is made. [`Tcp`] is one; what wraps it (TLS) is another.
pub trait Dialer: Send + Sync {
    /// Connects within `timeout`.
    ///
    /// # Errors
    /// [`ErrorKind::ConnectFailure`] with a sentence that names the address and the cause.
    fn dial(
        &self,
        address: &Address,
        timeout: Duration,
    ) -> BoxFuture<Result<Box<dyn Io>, LocalError>>;

    /// The same over a socket with these options, as far as it is one.
    ///
    /// # Errors
    /// The same; also if the system does not allow an option.
    fn dial_with(
        &self,
        address: &Address,
        timeout: Duration,
        options: &SocketOptions,
    ) -> BoxFuture<Result<Box<dyn Io>, LocalError>> {
        let _ = options;
        self.dial(address, timeout)
    }
}

/// Plain TCP, or a Unix socket where the address is one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tcp;

impl Dialer for Tcp {
    fn dial(
        &self,
        address: &Address,
        timeout: Duration,
    ) -> BoxFuture<Result<Box<dyn Io>, LocalError>> {
        let address = address.clone();
        Box::pin(async move {
            let connected = match address.unix_path() {
                Some(_) => {
                    let stream = wireloom_net::connect_unix(&address, timeout).await;
                    stream.map(|stream| Box::new(stream) as Box<dyn Io>)
                }
                None => {
                    let stream = wireloom_net::connect(&address, timeout).await;
                    stream.map(|stream| Box::new(stream) as Box<dyn Io>)
                }
            };
            connected.map_err(|error| LocalError::new(ErrorKind::ConnectFailure, error.to_string()))
        })
    }

    fn dial_with(
        &self,
        address: &Address,
        timeout: Duration,
        options: &SocketOptions,
    ) -> BoxFuture<Result<Box<dyn Io>, LocalError>> {
        // What is neither an IP address nor a name is not reached over TCP.
        if address.as_socket_addr().is_some() || address.name().is_some() {
            Self::with(address, timeout, *options)
        } else {
            self.dial(address, timeout)
        }
    }
}

impl Tcp {
    fn with(
        address: &Address,
        timeout: Duration,
        options: SocketOptions,
    ) -> BoxFuture<Result<Box<dyn Io>, LocalError>> {
        let address = address.clone();
        Box::pin(async move {
            match wireloom_net::connect_with(&address, timeout, &options).await {
                Ok(stream) => Ok(Box::new(stream) as Box<dyn Io>),
                Err(error) => Err(LocalError::new(
                    ErrorKind::ConnectFailure,
                    error.to_string(),
                )),
            }
        })
    }
}

/// Which connections carry a request: those of one connector, and of its lanes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Way {
    pub(crate) position: usize,
    pub(crate) lane: usize,
}

/// One worker's means to make connections, shared by those of its clusters that need no connectors of their own.
pub struct Upstream {
    ids: Box<[ProtocolId]>,
    /// At each connector's position whether it has more lanes than one.
    lanes: Box<[bool]>,
    connectors: Arc<[Arc<dyn Connector>]>,
    pub(crate) dialer: Arc<dyn Dialer>,
    pub(crate) budget: ByteBudget,
    pub(crate) frame: FrameLimits,
    runtime: Option<Handle>,
}

impl Upstream {
    /// Speaks the `connectors`' protocols over TCP. `budget` is the worker's memory for response frames, which may be as
    /// large as `frame` says or as their protocol has them by itself, whichever is more.
    pub fn new(
        connectors: Arc<[Arc<dyn Connector>]>,
        budget: ByteBudget,
        frame: FrameLimits,
    ) -> Self {
        Self {
            ids: connectors.iter().map(|connector| connector.id()).collect(),
            lanes: connectors.iter().map(|c| c.lanes() > 1).collect(),
            connectors,
            dialer: Arc::new(Tcp),
            budget,
            frame,
            runtime: None,
        }
    }

    /// Has connections that no request waits for made on the worker's own runtime. Default: the caller's.
    #[must_use]
    pub fn on(mut self, runtime: Handle) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Where the worker's tasks run; None outside of any runtime.
    pub(crate) fn runtime(&self) -> Option<Handle> {
        self.runtime.clone().or_else(|| Handle::try_current().ok())
    }

    /// The same over another kind of byte stream.
    #[must_use]
    pub fn with_dialer(mut self, dialer: Arc<dyn Dialer>) -> Self {
        self.dialer = dialer;
        self
    }

    /// The protocols, in the connectors' order.
    pub fn protocols(&self) -> &[ProtocolId] {
        &self.ids
    }

    /// The way of a request in `protocol` to a cluster that speaks `own`, if that is said.
    pub(crate) fn way(
        &self,
        own: Option<&str>,
        protocol: ProtocolId,
        head: &RequestHead,
    ) -> Option<Way> {
        // A dozen at most: a scan beats a hash.
        let position = self.connectors.iter().position(|connector| match own {
            None => connector.serves(protocol),
            Some(own) => connector.named(own) && connector.takes(protocol),
        })?;
        let lane = match (self.lanes.get(position), self.connectors.get(position)) {
            (Some(true), Some(connector)) => connector.lane(head),
            _ => 0,
        };
        Some(Way { position, lane })
    }

    /// The way of every request to a cluster that speaks `own`; None if there are several.
    pub(crate) fn only_way(&self, own: &str) -> Option<Way> {
        let position = self.connectors.iter().position(|one| one.named(own))?;
        let lanes = self.lanes.get(position).copied().unwrap_or_default();
        (!lanes).then_some(Way { position, lane: 0 })
    }

    /// Who asks a cluster's servers that: of its own protocol if it can, else whoever has the question.
    pub(crate) fn prober(&self, own: Option<&str>, probe: &Probe) -> Option<&Arc<dyn Connector>> {
        let mut able = self.connectors.iter().filter(|one| one.has_probe(probe));
        let named = |one: &&Arc<dyn Connector>| own.is_some_and(|own| one.named(own));
        able.clone().find(named).or_else(|| able.next())
    }

    pub(crate) fn connector(&self, position: usize) -> Option<&Arc<dyn Connector>> {
        self.connectors.get(position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn tcp_dials_and_says_why_it_cannot() {
        let listener = wireloom_net::bind(&"127.0.0.1:0".parse().unwrap()).unwrap();
        let at = Address::from(listener.local_addr().unwrap());
        let second = Duration::from_secs(1);
        assert!(Tcp.dial(&at, second).await.is_ok());
        drop(listener);
        let Err(error) = Tcp.dial(&at, second).await else {
            panic!("nobody listens")
        };
        assert_eq!(error.kind, ErrorKind::ConnectFailure);
        let said = format!("cannot connect to {at}: Connection refused");
        assert!(error.detail.starts_with(&said), "{error}");
    }
}
