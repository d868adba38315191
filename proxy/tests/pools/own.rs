//! Upstream connections that a downstream connection has to itself.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use wireloom_codecs::{ByteBudget, Call, Channel, ChannelLimits, Class};

use crate::kits::{BOLT, DUBBO, Kit, PATIENCE, RPC, SILENT, THRIFT, WEB, WELL};
use crate::mesh::Mesh;

const KITS: [Kit; 5] = [DUBBO, BOLT, THRIFT, WEB, RPC];
const OWN: &str = "connections: {per_downstream: true}";

/// A client that keeps its connection.
struct Client(Kit, Arc<dyn Channel>);

impl Client {
    async fn connect(kit: Kit, to: SocketAddr) -> Self {
        let io = Box::new(TcpStream::connect(to).await.unwrap());
        // It goes with a reset: one that only says it sends no more may still want its answers.
        io.set_zero_linger().unwrap();
        let budget = ByteBudget::new(1 << 20);
        let opened = (kit.connector)().open(io, ChannelLimits::default(), budget, Arc::new(()));
        Self(kit, opened.await.unwrap())
    }

    async fn call(&self) -> Class {
        let call = Call {
            request: Box::new((self.0.call)()),
            deadline: Instant::now() + PATIENCE,
        };
        let answer = self.1.send(call).unwrap_or_else(|_| panic!("closed"));
        let response = tokio::time::timeout(PATIENCE, answer).await;
        let response = response.expect("an answer").unwrap();
        let class = response.head.outcome.class;
        let trailers = response.body.collect(1 << 20).await.unwrap().1;
        match wireloom_http::grpc::status_of(&trailers) {
            None | Some(0) => class,
            Some(_) => Class::ServerError,
        }
    }
}

impl Client {
    /// Calls until there is room for it.
    async fn succeeds(&self) {
        let called = tokio::time::timeout(PATIENCE, async {
            while self.call().await != Class::Success {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        assert!(called.await.is_ok(), "{}: no room", self.0.name);
    }
}

#[tokio::test]
async fn two_downstream_connections_never_share_one() {
    for kit in KITS {
        let mesh = Mesh::start(kit, 1, OWN).await;
        let server = &mesh.servers[0];
        let first = Client::connect(kit, mesh.address).await;
        let second = Client::connect(kit, mesh.address).await;
        for _ in 0..3 {
            assert_eq!(first.call().await, Class::Success, "{}", kit.name);
            assert_eq!(second.call().await, Class::Success, "{}", kit.name);
        }
        assert_eq!((server.accepted(), server.calls()), (2, 6), "{}", kit.name);
        drop(first);
        mesh.until("closed", |mesh| mesh.servers[0].open() == 1)
            .await;
        assert_eq!(second.call().await, Class::Success, "{}", kit.name);
        assert_eq!(
            server.accepted(),
            2,
            "{}: it goes on over its own",
            kit.name
        );
        drop(second);
        mesh.until("closed", |mesh| mesh.servers[0].open() == 0)
            .await;
    }
}

#[tokio::test]
async fn a_downstream_that_goes_in_the_middle_of_a_request_leaves_no_connection() {
    for kit in KITS {
        let keys = format!("{OWN}, limits: {{connections: 1}}");
        let mesh = Mesh::start(kit, 1, &keys).await;
        mesh.servers[0].is(SILENT);
        let client = Client::connect(kit, mesh.address).await;
        let call = tokio::spawn(async move { client.call().await });
        mesh.until("asked", |mesh| mesh.servers[0].calls() == 1)
            .await;
        let next = Client::connect(kit, mesh.address).await;
        assert_ne!(next.call().await, Class::Success, "{}", kit.name);
        call.abort();
        mesh.servers[0].is(WELL);
        // The only connection that there may be is closed long before the request's time is up.
        next.succeeds().await;
        assert_eq!(mesh.servers[0].accepted(), 2, "{}", kit.name);
    }
}

#[tokio::test]
async fn a_limit_of_connections_is_exact() {
    for kit in KITS {
        let keys = format!("{OWN}, limits: {{connections: 2}}");
        let mesh = Mesh::start(kit, 1, &keys).await;
        let mut clients = Vec::new();
        for _ in 0..3 {
            clients.push(Client::connect(kit, mesh.address).await);
        }
        for _ in 0..2 {
            assert_eq!(clients[0].call().await, Class::Success, "{}", kit.name);
            assert_eq!(clients[1].call().await, Class::Success, "{}", kit.name);
            assert_ne!(clients[2].call().await, Class::Success, "{}", kit.name);
        }
        assert_eq!(mesh.servers[0].accepted(), 2, "{}", kit.name);
        let refused = "wireloom_upstream_overflow_total{cluster=\"c\",limit=\"connections\"}";
        assert!(mesh.counted(refused) >= 2.0, "{}", kit.name);
        // With its downstream one goes, and makes room.
        clients.remove(0);
        mesh.until("closed", |mesh| mesh.servers[0].open() == 1)
            .await;
        clients[1].succeeds().await;
        assert_eq!(mesh.servers[0].accepted(), 3, "{}", kit.name);
    }
}
