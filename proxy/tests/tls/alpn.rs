//! The protocol that was agreed on speaks, by the name that it is registered under.

use std::sync::Arc;

use tokio::io::AsyncWriteExt;
use wireloom::exchange::Exchanges;
use wireloom_codecs::{
    Accepted, BoxFuture, ByteBudget, Channel, ChannelEvents, ChannelLimits, ConnError, Connector,
    Io, Protocol, ProtocolId, Sniff,
};

use crate::authority::Authority;
use crate::clients::{connect, echo, rest};
use crate::proxy::{Running, yaml};
use crate::upstream::Upstream;

/// Tells its name and whether it knows of the TLS, and closes.
struct Named(&'static str);

impl Protocol<Exchanges> for Named {
    fn id(&self) -> ProtocolId {
        ProtocolId(self.0)
    }

    fn sniff(&self, _: &[u8]) -> Sniff {
        Sniff::Never
    }

    fn serve(&self, mut connection: Accepted, _: Exchanges) -> BoxFuture<Result<(), ConnError>> {
        let told = format!("{} tls={}", self.0, connection.tls);
        Box::pin(async move {
            connection.io.write_all(told.as_bytes()).await?;
            connection.io.shutdown().await?;
            Ok(())
        })
    }
}

impl Connector for Named {
    fn id(&self) -> ProtocolId {
        ProtocolId(self.0)
    }

    fn open(
        &self,
        _: Box<dyn Io>,
        _: ChannelLimits,
        _: ByteBudget,
        _: Arc<dyn ChannelEvents>,
    ) -> BoxFuture<Result<Arc<dyn Channel>, ConnError>> {
        Box::pin(async { Err(ConnError::protocol("named", "has no servers")) })
    }
}

#[tokio::test]
async fn alpn_decides_and_what_names_nothing_is_recognised() {
    let (authority, upstream) = (Authority::new("one"), Upstream::start().await);
    let listener = "    protocols: [bolt, http1, http2]\n";
    let names = ["bolt", "dubbo", "http1", "http2"];
    let yaml = yaml(upstream.address, listener, "");
    let running = Running::speaking(&authority, &yaml, &names, |mut protocols| {
        for name in ["http1", "http2"] {
            let named = Arc::new(Named(name));
            protocols = protocols.register(named.clone(), named);
        }
        protocols
    });
    for (alpn, expected) in [
        (&["h2"][..], "http2 tls=true"),
        (&["http/1.1"], "http1 tls=true"),
        (&["http/1.1", "h2"], "http2 tls=true"),
    ] {
        let mut client = connect(running.address, authority.client(alpn))
            .await
            .unwrap();
        // The protocol that was agreed on need not wait for the client.
        let told = rest(&mut client).await;
        assert_eq!(String::from_utf8(told).unwrap(), expected, "{alpn:?}");
    }
    let mut client = connect(running.address, authority.client(&[]))
        .await
        .unwrap();
    echo(&mut client, 1, b"bolt").await.unwrap();
    let refused = connect(running.address, authority.client(&["spdy/3"])).await;
    let error = refused.map(drop).unwrap_err().to_string();
    assert!(error.contains("NoApplicationProtocol"), "{error}");
}
