//! Requests that name their cluster, over each protocol.

use crate::client::Client;
use crate::dubbo::Consumer;
use crate::fleet::{Speaks, by_grpc, by_http, named, reload};
use crate::http1;
use crate::mesh::{Mesh, soon};

const ALL: [(Speaks, &str); 3] = [
    (Speaks::Grpc, "grpc"),
    (Speaks::Http, "http1"),
    (Speaks::Dubbo, "dubbo"),
];

/// Clusters `a`, `b` and `c` of servers of these names; `a-…` for requests in that protocol.
async fn clusters() -> String {
    let mut clusters = String::new();
    for (speaks, protocol) in ALL {
        for name in ["a", "b", "c"] {
            let address = named(speaks, name).await;
            clusters += &format!("  {name}-{protocol}: {{endpoints: ['{address}']}}\n");
        }
    }
    clusters
}

/// One route for each protocol, of this target, in which `@` is the protocol.
fn routes(to: &str) -> String {
    let route = |(_, protocol): &(Speaks, &str)| {
        let to = to.replace('@', protocol);
        format!("    - {{name: {protocol}, match: {{protocol: {protocol}}}, to: {to}}}\n")
    };
    ALL.iter().map(route).collect()
}

struct Clients {
    grpc: Client,
    http: http1::Client,
    dubbo: Consumer,
}

impl Clients {
    async fn of(mesh: &Mesh) -> Self {
        Self {
            grpc: Client::connect(mesh.address).await,
            http: http1::Client::connect(mesh.address).await,
            dubbo: Consumer::connect(mesh.address).await,
        }
    }

    /// The server that requests reach which name this cluster, over every protocol.
    async fn reach(&mut self, name: Option<&str>) -> String {
        let fields = |protocol: &str| name.map(|name| format!("{name}-{protocol}"));
        let (grpc, http, dubbo) = (fields("grpc"), fields("http1"), fields("dubbo"));
        let grpc: Vec<_> = grpc.iter().map(|name| ("x-cluster", &**name)).collect();
        let http: Vec<_> = http.iter().map(|name| ("x-cluster", &**name)).collect();
        let dubbo: Vec<_> = dubbo.iter().map(|name| ("x-cluster", &**name)).collect();
        let by_grpc = by_grpc(&self.grpc, &grpc).await;
        assert_eq!(by_grpc, by_http(&mut self.http, &http).await);
        assert_eq!(by_grpc, self.dubbo.get(&dubbo).await.unwrap());
        by_grpc
    }

    /// Asserts that requests which name this cluster have no route, in the words of each protocol.
    async fn nowhere(&mut self, name: Option<&str>, says: &str) {
        let fields: Vec<_> = name.iter().map(|name| ("x-cluster", *name)).collect();
        let reply = self.grpc.call("/acme.Orders/get", &fields).await;
        assert_eq!(reply.grpc(), (12, true), "{reply:?}");
        let line = name
            .map(|name| format!("X-Cluster: {name}\r\n"))
            .unwrap_or_default();
        let request = format!("GET / HTTP/1.1\r\nHost: a\r\n{line}\r\n");
        self.http.write(request.as_bytes()).await;
        let (status, body) = soon(self.http.read()).await;
        assert_eq!(status, 404, "{body}");
        assert!(body.contains(says), "{body}");
        let error = self.dubbo.get(&fields).await.unwrap_err();
        assert!(
            error.contains("no route") && error.contains(says),
            "{error}"
        );
    }
}

#[tokio::test]
async fn any_cluster_can_be_named() {
    let mesh = Mesh::start(&routes("{header: X-Cluster}"), &clusters().await);
    let mut clients = Clients::of(&mesh).await;
    for name in ["a", "b", "c", "a"] {
        assert_eq!(clients.reach(Some(name)).await, name);
    }
    clients.nowhere(Some("d"), "\"d\"").await;
    clients.nowhere(None, "missing").await;
    let errors = "wireloom_local_errors_total";
    for (_, protocol) in ALL {
        let protocol = format!("protocol=\"{protocol}\"");
        let labels = [&*protocol, "error=\"no_route\""];
        // gRPC is recognised as HTTP/2.
        if !protocol.contains("grpc") {
            mesh.counts(errors, &labels, 2.0).await;
        }
        let labels = [&*protocol, "cluster=\"\"", "outcome=\"client_error\""];
        mesh.counts("wireloom_requests_total", &labels, 2.0).await;
        let labels = [&*protocol, "cluster=\"a-", "outcome=\"success\""];
        mesh.counts("wireloom_requests_total", &labels, 2.0).await;
    }
}

#[tokio::test]
async fn some_clusters_can_be_named() {
    let to = "{header: x-cluster, clusters: [b-@, c-@], otherwise: a-@}";
    let mesh = Mesh::start(&routes(to), &clusters().await);
    let mut clients = Clients::of(&mesh).await;
    for (named, reached) in [
        (Some("b"), "b"),
        (Some("c"), "c"),
        (Some("d"), "a"),
        (None, "a"),
    ] {
        assert_eq!(clients.reach(named).await, reached);
    }
    let to = "{header: x-cluster, clusters: [b-@]}";
    let mesh = Mesh::start(&routes(to), &clusters().await);
    let mut clients = Clients::of(&mesh).await;
    assert_eq!(clients.reach(Some("b")).await, "b");
    clients.nowhere(Some("c-http1"), "may be named").await;
}

#[tokio::test]
async fn a_reload_changes_what_can_be_named() {
    let clusters = clusters().await;
    let to = routes("{header: x-cluster}");
    let mesh = Mesh::start(&to, &clusters);
    let mut clients = Clients::of(&mesh).await;
    clients.nowhere(Some("late-http1"), "late-http1").await;
    let server = named(Speaks::Http, "late").await;
    let more = format!("{clusters}  late-http1: {{endpoints: ['{server}']}}\n");
    reload(&mesh, &to, &more);
    let seen = by_http(&mut clients.http, &[("x-cluster", "late-http1")]).await;
    assert_eq!(seen, "late");
    reload(&mesh, &to, &clusters);
    clients.nowhere(Some("late-http1"), "late-http1").await;
    assert_eq!(clients.reach(Some("c")).await, "c");
}
