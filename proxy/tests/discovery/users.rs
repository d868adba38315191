//! Clients of each protocol, and servers that say their names.

use std::net::SocketAddr;

use crate::client::Client;
use crate::dubbo::{Consumer, provider};
use crate::http1;
use crate::mesh::{Mesh, soon};
use crate::server::Server;

/// The three protocols, in the order in which everything here has them.
pub(crate) const PROTOCOLS: [&str; 3] = ["grpc", "http1", "dubbo"];

/// One server of each protocol.
pub(crate) struct Servers {
    pub(crate) addresses: [SocketAddr; 3],
    _grpc: Server,
}

impl Servers {
    pub(crate) async fn named(name: &'static str) -> Self {
        let grpc = Server::named(name).await;
        Self {
            addresses: [
                grpc.address,
                http1::server(name).await,
                provider(name).await,
            ],
            _grpc: grpc,
        }
    }
}

/// A client of each protocol.
pub(crate) struct Users {
    grpc: Client,
    http: http1::Client,
    dubbo: Consumer,
}

impl Users {
    pub(crate) async fn of(mesh: &Mesh) -> Self {
        Self {
            grpc: Client::connect(mesh.address).await,
            http: http1::Client::connect(mesh.address).await,
            dubbo: Consumer::connect(mesh.address).await,
        }
    }

    /// Who answers each of them; `fields` are each one's.
    pub(crate) async fn ask_with(&mut self, fields: [&[(&str, &str)]; 3]) -> [String; 3] {
        let [grpc, http, dubbo] = fields;
        let reply = self.grpc.call("/acme.Orders/get", grpc).await;
        assert_eq!(reply.grpc(), (0, false), "{reply:?}");
        let lines: Vec<_> = http.iter().map(|(n, v)| format!("{n}: {v}")).collect();
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        [
            reply.headers["x-server"].to_str().unwrap().to_owned(),
            self.http.get("/", &lines).await,
            self.dubbo.get(dubbo).await.unwrap(),
        ]
    }

    pub(crate) async fn ask(&mut self) -> [String; 3] {
        self.ask_with([&[]; 3]).await
    }

    /// Each one's refusal: gRPC's status, HTTP's, and what Dubbo was told.
    pub(crate) async fn refused(&mut self) -> (u32, u16, String) {
        let reply = self.grpc.call("/acme.Orders/get", &[]).await;
        let (status, at_once) = reply.grpc();
        assert!(at_once, "trailers only");
        let request = b"GET / HTTP/1.1\r\nHost: orders.test\r\n\r\n";
        self.http.write(request).await;
        let (http, _) = self.http.read().await;
        (status, http, self.dubbo.get(&[]).await.unwrap_err())
    }

    /// Asks until all three are answered by that server.
    pub(crate) async fn until(&mut self, name: &str) {
        let settled = async {
            while self.ask().await != [name; 3] {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        soon(settled).await;
    }
}

/// A route for each protocol to a cluster `c-PROTOCOL`.
pub(crate) fn routes() -> String {
    let routes = PROTOCOLS.map(|p| format!("    - {{match: {{protocol: {p}}}, to: c-{p}}}"));
    routes.join("\n")
}
