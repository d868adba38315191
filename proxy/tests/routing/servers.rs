//! A proxy in front of servers of each protocol that say their names.

use crate::client::Client;
use crate::dubbo::{Consumer, provider};
use crate::http1;
use crate::mesh::Mesh;
use crate::server::Server;

/// Routes to servers that have their names, in the order of the routes, and clients of the proxy.
pub(crate) struct Site {
    pub(crate) mesh: Mesh,
    pub(crate) grpc: Client,
    pub(crate) http: http1::Client,
    pub(crate) dubbo: Consumer,
    _servers: Vec<Server>,
}

impl Site {
    /// `routes` are entries of a route table. Where one goes to `a`, requests of each protocol reach that protocol's server
    /// of the name.
    pub(crate) async fn start(routes: &str, names: &[&'static str]) -> Self {
        let (mut clusters, mut servers, mut own) = (String::new(), Vec::new(), String::new());
        for name in names {
            let grpc = Server::named(name).await;
            let (http, dubbo) = (http1::server(name).await, provider(name).await);
            for (protocol, address) in [("grpc", grpc.address), ("http1", http), ("dubbo", dubbo)] {
                clusters += &format!("  {name}-{protocol}: {{endpoints: ['{address}']}}\n");
            }
            servers.push(grpc);
        }
        for line in routes.lines() {
            own += &format!("    {line}\n");
        }
        let mesh = Mesh::start(&own, &clusters);
        Self {
            grpc: Client::connect(mesh.address).await,
            http: http1::Client::connect(mesh.address).await,
            dubbo: Consumer::connect(mesh.address).await,
            mesh,
            _servers: servers,
        }
    }

    /// With routes of these conditions, in their order, each for every protocol.
    pub(crate) async fn matching(routes: &[(&str, &'static str)]) -> Self {
        let mut yaml = String::new();
        for (condition, name) in routes {
            for protocol in ["grpc", "http1", "dubbo"] {
                let and = if condition.is_empty() { "" } else { ", " };
                yaml += &format!(
                    "- {{match: {{protocol: {protocol}{and}{condition}}}, to: {name}-{protocol}}}\n"
                );
            }
        }
        let names: Vec<_> = routes.iter().map(|(_, name)| *name).collect();
        Self::start(&yaml, &names).await
    }

    /// Calls with these fields over gRPC: the name of the server that answered.
    pub(crate) async fn by_grpc(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let reply = self.grpc.call(path, fields).await;
        assert_eq!(reply.grpc(), (0, false), "{reply:?}");
        reply.headers["x-server"].to_str().unwrap().to_owned()
    }

    /// Calls with these fields over every protocol: the names of the servers that answered, which are the same.
    pub(crate) async fn by_all(&mut self, fields: &[(&str, &str)]) -> String {
        let grpc = self.by_grpc("/acme.Orders/get", fields).await;
        let lines: Vec<_> = fields.iter().map(|(n, v)| format!("{n}: {v}")).collect();
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        let http = self.http.get("/", &lines).await;
        let dubbo = self.dubbo.get(fields).await.unwrap();
        assert_eq!((&grpc, &grpc), (&http, &dubbo), "{fields:?}");
        grpc
    }
}
