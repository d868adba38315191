//! Servers of each protocol that say their names, in clusters of several.

use std::net::SocketAddr;

use wireloom::{PROTOCOLS, config};

use crate::client::Client;
use crate::dubbo::{Consumer, provider};
use crate::mesh::{Mesh, yaml};
use crate::server::Server;
use crate::{http1, thrift};

/// A server's protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaks {
    Grpc,
    Http,
    Dubbo,
    Thrift,
}

/// Puts these routes and clusters in the place of those that a mesh has.
pub(crate) fn reload(mesh: &Mesh, routes: &str, clusters: &str) {
    let config = config::parse("mesh.yaml".as_ref(), &yaml(routes, clusters), PROTOCOLS);
    let config = config.unwrap_or_else(|errors| panic!("{errors}"));
    mesh.proxy.apply(config).unwrap();
}

/// Starts a server that says its name.
pub(crate) async fn named(speaks: Speaks, name: &'static str) -> SocketAddr {
    match speaks {
        // It goes on without the handle.
        Speaks::Grpc => Server::named(name).await.address,
        Speaks::Http => http1::server(name).await,
        Speaks::Dubbo => provider(name).await,
        Speaks::Thrift => thrift::server(name).await,
    }
}

/// The entries of `endpoints` for servers of these names, each with metadata (`zone: a`).
pub(crate) async fn endpoints(speaks: Speaks, servers: &[(&'static str, &str)]) -> String {
    let mut entries = Vec::new();
    for (name, metadata) in servers {
        let address = named(speaks, name).await;
        entries.push(format!(
            "{{address: '{address}', metadata: {{{metadata}}}}}"
        ));
    }
    format!("[{}]", entries.join(", "))
}

/// The server that a gRPC call reaches.
pub(crate) async fn by_grpc(client: &Client, fields: &[(&str, &str)]) -> String {
    let reply = client.call("/acme.Orders/get", fields).await;
    assert_eq!(reply.grpc(), (0, false), "{reply:?}");
    reply.headers["x-server"].to_str().unwrap().to_owned()
}

/// The server that an HTTP request reaches.
pub(crate) async fn by_http(client: &mut http1::Client, fields: &[(&str, &str)]) -> String {
    let lines: Vec<_> = fields.iter().map(|(n, v)| format!("{n}: {v}")).collect();
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    client.get("/", &lines).await
}

/// The server that a Dubbo call reaches, or why none does.
pub(crate) async fn by_dubbo(
    consumer: &Consumer,
    fields: &[(&str, &str)],
) -> Result<String, String> {
    consumer.get(fields).await
}
