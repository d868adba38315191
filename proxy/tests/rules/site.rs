//! A proxy with filters in front of a server of each protocol.

use crate::client::Client;
use crate::dubbo::{Consumer, provider};
use crate::mesh::Mesh;
use crate::server::Server;
use crate::{http1, thrift};

/// A proxy, the servers behind it and a client of each protocol.
pub(crate) struct Site {
    pub(crate) mesh: Mesh,
    pub(crate) grpc: Client,
    pub(crate) http: http1::Client,
    pub(crate) dubbo: Consumer,
    pub(crate) thrift: thrift::Client,
    pub(crate) server: Server,
    yaml: String,
}

impl Site {
    /// With these filters on the route of each protocol, so that each has its own: the routes have the protocols' names.
    pub(crate) async fn each(filters: &str) -> Self {
        Self::start("", filters).await
    }

    /// With these filters on the listener.
    pub(crate) async fn all(filters: &str) -> Self {
        Self::start(filters, "").await
    }

    pub(crate) async fn start(listener: &str, route: &str) -> Self {
        Self::in_front_of(Server::named("a").await, listener, route).await
    }

    /// The same with a server of gRPC that does as the test says. `route` are the filters of each route, and more keys of it
    /// behind them.
    pub(crate) async fn in_front_of(server: Server, listener: &str, route: &str) -> Self {
        let filters = |filters: &str| match filters {
            "" => String::new(),
            filters => format!(", filters: {filters}"),
        };
        let (listener, route) = (filters(listener), filters(route));
        let mut yaml = format!(
            "workers: 2
listeners: [{{name: mesh, address: '127.0.0.1:0', routes: main{listener}}}]
routes:
  main:
"
        );
        let (http, dubbo) = (http1::server("a").await, provider("a").await);
        let servers = [
            ("grpc", server.address),
            ("http1", http),
            ("dubbo", dubbo),
            ("thrift", thrift::server("a").await),
        ];
        for (name, _) in servers {
            yaml += &format!(
                "    - {{name: {name}, match: {{protocol: {name}}}, to: {name}{route}}}\n"
            );
        }
        yaml += "clusters:\n";
        for (name, address) in servers {
            yaml += &format!("  {name}: {{endpoints: ['{address}']}}\n");
        }
        let mesh = Mesh::of(&yaml);
        Self {
            grpc: Client::connect(mesh.address).await,
            http: http1::Client::connect(mesh.address).await,
            dubbo: Consumer::connect(mesh.address).await,
            thrift: thrift::Client::connect(mesh.address).await,
            mesh,
            server,
            yaml,
        }
    }

    /// A request of every protocol with these fields passes; Thrift's has none.
    pub(crate) async fn passes(&mut self, fields: &[(&str, &str)]) {
        assert_eq!(
            self.grpc.call("/acme.Orders/get", fields).await.grpc(),
            (0, false)
        );
        let (head, body) = self.get(fields).await;
        assert!(
            head.starts_with("HTTP/1.1 200 ") && body == "a 0",
            "{head}{body}"
        );
        assert_eq!(self.dubbo.get(fields).await.unwrap(), "a");
        assert_eq!(self.thrift.find("gold", 1).await, "a");
    }

    /// A GET: the head of the answer and its body.
    pub(crate) async fn get(&mut self, fields: &[(&str, &str)]) -> (String, String) {
        let lines = fields
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"));
        let lines = lines.collect::<String>();
        let request = format!("GET / HTTP/1.1\r\nHost: orders.test\r\n{lines}\r\n");
        self.http.write(request.as_bytes()).await;
        self.http.whole().await
    }

    /// A request of every protocol with these fields is refused with this text, and these statuses: of gRPC, HTTP, Dubbo and
    /// the exception of Thrift.
    pub(crate) async fn refuses(
        &mut self,
        fields: &[(&str, &str)],
        text: &str,
        (grpc, http, dubbo, thrift): (u32, u16, u8, i32),
    ) {
        let reply = self.grpc.call("/acme.Orders/get", fields).await;
        assert_eq!(reply.grpc(), (grpc, true), "{reply:?}");
        let message = reply.headers["grpc-message"].to_str().unwrap();
        assert!(message.contains(text), "{message}");

        let (head, body) = self.get(fields).await;
        assert!(head.starts_with(&format!("HTTP/1.1 {http} ")), "{head}");
        assert!(body.contains(text), "{body}");

        let error = self.dubbo.get(fields).await.unwrap_err();
        assert!(error.starts_with(&format!("status {dubbo} ")), "{error}");
        assert!(error.contains(text), "{error}");

        let (message, kind) = self.thrift.fails("gold", 1).await;
        assert!(message.contains(text), "{message}");
        assert_eq!(kind, thrift);
    }

    /// Waits until so many requests of this route were refused so.
    pub(crate) async fn rejected(&self, filter: &str, reason: &str, route: &str, count: u32) {
        let labels = [("filter", filter), ("reason", reason), ("route", route)];
        let labels = labels.map(|(name, value)| format!("{name}=\"{value}\""));
        let labels: Vec<_> = labels.iter().map(String::as_str).collect();
        let name = "wireloom_filter_rejections_total";
        self.mesh.counts(name, &labels, count.into()).await;
    }

    /// Waits until a request waits for a filter.
    pub(crate) async fn waits(&self) {
        let of_no_cluster = ["cluster=\"\""];
        let name = "wireloom_requests_in_flight";
        self.mesh.counts(name, &of_no_cluster, 1.0).await;
    }

    /// Loads the configuration that it has once more.
    pub(crate) fn reload(&self) {
        self.mesh.apply(&self.yaml);
    }

    /// The same for the route of every protocol.
    pub(crate) async fn rejected_each(&self, filter: &str, reason: &str, count: u32) {
        for route in ["grpc", "http1", "dubbo", "thrift"] {
            self.rejected(filter, reason, route, count).await;
        }
    }
}
