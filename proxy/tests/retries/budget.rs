//! How many tries a cluster gets of which every answer is a failure.

use std::time::Duration;

use wireloom_codecs::ErrorKind;

use crate::client::Client;
use crate::dubbo::{Act as Dubbo, Consumer, Provider};
use crate::http1::{self, Act, Server};
use crate::mesh::Mesh;
use crate::server;

const CLIENTS: usize = 100;
const REQUESTS: usize = 40;
/// Long enough for all clients' requests to be under way at once.
const WORK: Duration = Duration::from_millis(30);
const POLICY: &str = ", retry: {attempts: 5, on: [unavailable, overloaded], backoff: {base: 1ms}}";

/// Without the budget it would be six times as many.
#[track_caller]
fn check(calls: usize) {
    let requests = CLIENTS * REQUESTS;
    assert!(calls > requests, "retries must happen: {calls}");
    assert!(calls * 10 <= requests * 12, "{calls} of {requests}");
}

async fn all(clients: Vec<tokio::task::JoinHandle<()>>) {
    for client in clients {
        client.await.unwrap();
    }
}

#[tokio::test]
async fn a_failing_dubbo_cluster_gets_at_most_a_fifth_more() {
    let provider = Provider::start(|_| Dubbo::FailLate(WORK, ErrorKind::Overloaded)).await;
    let mesh = Mesh::to(provider.address, POLICY);
    let consumer = Consumer::connect(mesh.address).await;
    let client = |_| {
        let consumer = consumer.clone();
        tokio::spawn(async move {
            for _ in 0..REQUESTS {
                assert!(consumer.call("get").await.is_err());
            }
        })
    };
    all((0..CLIENTS).map(client).collect()).await;
    check(provider.calls());
}

#[tokio::test]
async fn a_failing_http1_cluster_gets_at_most_a_fifth_more() {
    const BUSY: &str = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";
    let server = Server::start(|_| Act::Late(WORK, BUSY)).await;
    let mesh = Mesh::to(server.address, POLICY);
    let address = mesh.address;
    let client = |_| {
        tokio::spawn(async move {
            let mut client = http1::Client::connect(address).await;
            for _ in 0..REQUESTS {
                assert_eq!(client.ask("GET").await, 503);
            }
        })
    };
    all((0..CLIENTS).map(client).collect()).await;
    check(server.calls());
}

#[tokio::test]
async fn a_failing_grpc_cluster_gets_at_most_a_fifth_more() {
    let server = server::Server::start(|mut asked| async move {
        asked.take().await;
        tokio::time::sleep(WORK).await;
        asked.trailers_only(14);
    })
    .await;
    let mesh = Mesh::to(server.address, POLICY);
    let one = Client::connect(mesh.address).await;
    let client = |_| {
        let client = one.clone();
        tokio::spawn(async move {
            for _ in 0..REQUESTS {
                let reply = client.call("/acme.Orders/get", &[]).await;
                assert_eq!(reply.grpc().0, 14);
            }
        })
    };
    all((0..CLIENTS).map(client).collect()).await;
    check(server.calls());
}
