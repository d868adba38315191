//! A byte stream to an endpoint, and on it the protocol.

use std::sync::Arc;

use tokio::time::timeout;
use wireloom_codecs::{Channel, ChannelEvents, ChannelLimits, Connector, ErrorKind, LocalError};

use crate::{ClusterConfig, Endpoint, Upstream};

/// Makes a connection, within the cluster's time for it.
///
/// # Errors
/// [`ErrorKind::ConnectFailure`] with a sentence that names the address.
pub(crate) async fn open(
    endpoint: &Endpoint,
    connector: &Arc<dyn Connector>,
    upstream: &Upstream,
    config: &ClusterConfig,
    events: Arc<dyn ChannelEvents>,
) -> Result<Arc<dyn Channel>, LocalError> {
    let address = endpoint.address();
    let within = config.connect_timeout;
    let mut frame = upstream.frame;
    frame.frame = frame.frame.max(connector.max_frame());
    let limits = ChannelLimits {
        frame,
        idle: config.idle_timeout.0,
        keep_alive: config.keep_alive.as_ref().map(|config| config.keep_alive()),
        ..ChannelLimits::default()
    };
    let options = config.tcp.options();
    let opening = async {
        let dialing = upstream.dialer.dial_with(address, within.0, &options);
        let io = dialing.await?;
        let opened = connector.open(io, limits, upstream.budget.clone(), events);
        opened
            .await
            .map_err(|error| failure(format!("cannot connect to {address}: {error}")))
    };
    match timeout(within.0, opening).await {
        Ok(result) => result,
        Err(_) => Err(failure(format!(
            "cannot connect to {address}: not done within {within}"
        ))),
    }
}

/// A server that accepts and closes.
pub(crate) fn closed_at_once(endpoint: &Endpoint) -> LocalError {
    let address = endpoint.address();
    failure(format!(
        "cannot connect to {address}: the connection was closed as soon as it was made"
    ))
}

fn failure(detail: String) -> LocalError {
    LocalError::new(ErrorKind::ConnectFailure, detail)
}
