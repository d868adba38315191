//! Clients behind a load balancer, which begins their connections with a PROXY header.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::authority::Authority;
use crate::client::Client;
use crate::dubbo::{Consumer, provider};
use crate::http1;
use crate::mesh::{Mesh, soon};
use crate::server::Server;

const FAR: &[u8] = b"PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\n";
const FAR_V2: &[u8] =
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0f\xc0\0\x02\x01\xc0\0\x02\x02\x12\x67\0\x50\x04\0\0";
const FAR_V6: &[u8] = b"PROXY TCP6 2001:db8::1 2001:db8::2 4711 80\r\n";
/// Health checks of the balancer's own.
const OWN: &[u8] = b"PROXY UNKNOWN\r\n";
const OWN_V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

/// Headers, and the servers that clients behind them reach.
const HEADERS: [(&[u8], &str); 5] = [
    (FAR, "far"),
    (FAR_V2, "far"),
    (FAR_V6, "far"),
    (OWN, "near"),
    (OWN_V2, "near"),
];

/// Two listeners, of which the second has TLS. Clients from afar and those from here reach servers of their own.
struct Relayed {
    mesh: Mesh,
    authority: Authority,
    _servers: Vec<Server>,
    _folder: TempDir,
}

impl Relayed {
    /// Headers are taken `from` there.
    async fn start(from: &str) -> Self {
        let (authority, folder) = (Authority::new("one"), TempDir::new().unwrap());
        authority.write(folder.path());
        let path = folder.path().display();
        let (mut routes, mut clusters, mut servers) = (String::new(), String::new(), Vec::new());
        for (name, source) in [
            ("far", "['192.0.2.0/24', '2001:db8::/32']"),
            ("near", "127.0.0.0/8"),
        ] {
            let grpc = Server::named(name).await;
            let (http, dubbo) = (http1::server(name).await, provider(name).await);
            for (protocol, address) in [("grpc", grpc.address), ("http1", http), ("dubbo", dubbo)] {
                routes += &format!(
                    "    - {{match: {{protocol: {protocol}, source: {source}}}, to: {name}-{protocol}}}\n"
                );
                clusters += &format!("  {name}-{protocol}: {{endpoints: ['{address}']}}\n");
            }
            servers.push(grpc);
        }
        let listener =
            format!("routes: main, proxy_protocol: {{from: {from}}}, timeouts: {{header: 2s}}");
        let mesh = Mesh::of(&format!(
            "workers: 1
listeners:
  - {{name: plain, address: '127.0.0.1:0', {listener}}}
  - {{name: secure, address: '127.0.0.2:0', {listener}, tls: {{certificate: '{path}/cert.pem', key: '{path}/key.pem'}}}}
routes:
  main:
{routes}clusters:
{clusters}"
        ));
        Self {
            mesh,
            authority,
            _servers: servers,
            _folder: folder,
        }
    }

    /// Where the listener of this name is.
    fn address(&self, name: &str) -> SocketAddr {
        let listeners = self.mesh.proxy.listeners();
        let mut listeners = listeners.as_array().unwrap().iter();
        let listener = listeners.find(|listener| listener["name"] == name);
        listener.unwrap()["address"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap()
    }

    /// A connection that begins with these bytes, cut after so many of them.
    async fn connect(&self, to: SocketAddr, header: &[u8], cut: usize) -> TcpStream {
        let mut stream = TcpStream::connect(to).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (one, two) = header.split_at(cut.min(header.len()));
        stream.write_all(one).await.unwrap();
        if !two.is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            stream.write_all(two).await.unwrap();
        }
        stream
    }

    /// How many connections of the first listener ended for a reason.
    async fn refused(&self, reason: &str, expected: f64) {
        let name = "wireloom_downstream_connection_errors_total";
        let labels = ["listener=\"plain\"", &format!("reason=\"{reason}\"")];
        soon(async {
            while self.mesh.metric(name, &labels) < expected {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        })
        .await;
        assert_eq!(self.mesh.metric(name, &labels), expected, "{reason}");
    }
}

#[tokio::test]
async fn the_address_in_the_header_is_the_client_s() {
    let relayed = Relayed::start("[127.0.0.1, 127.0.0.2]").await;
    let (plain, secure) = (relayed.address("plain"), relayed.address("secure"));
    for (header, name) in HEADERS {
        for cut in [usize::MAX, 1, header.len() - 1] {
            let stream = relayed.connect(plain, header, cut).await;
            let consumer = Consumer::over(Box::new(stream)).await;
            assert_eq!(soon(consumer.get(&[])).await.unwrap(), name);

            let stream = relayed.connect(plain, header, cut).await;
            let mut client = http1::Client::over(stream);
            assert_eq!(client.get("/", &[]).await, name);
            assert_eq!(client.get("/", &[]).await, name);

            let tls = relayed.authority.client(&["h2"]);
            let stream = relayed.connect(secure, header, cut).await;
            let connector = TlsConnector::from(Arc::new(tls));
            let shaken = connector.connect("localhost".try_into().unwrap(), stream);
            let client = Client::over(soon(shaken).await.unwrap()).await;
            let reply = client.call("/acme.Orders/get", &[]).await;
            assert_eq!(reply.grpc(), (0, false), "{reply:?}");
            assert_eq!(reply.headers["x-server"], name);
        }
    }
}

#[tokio::test]
async fn what_is_no_header_ends_the_connection() {
    let relayed = Relayed::start("127.0.0.0/8").await;
    let address = relayed.address("plain");
    let request = b"GET / HTTP/1.1\r\nHost: orders.test\r\n\r\n";
    for header in [
        &b""[..],
        b"PROXY TCP4 999.0.2.1 192.0.2.2 4711 80\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x31\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02\x12\x67\0\x50",
    ] {
        let bytes = [header, request].concat();
        let mut stream = relayed.connect(address, &bytes, usize::MAX).await;
        let mut answer = Vec::new();
        let _ = soon(stream.read_to_end(&mut answer)).await;
        assert_eq!(String::from_utf8_lossy(&answer), "");
    }
    relayed.refused("proxy_header", 3.0).await;
    // One that does not end, or does not come, is waited for as long as a head is.
    let mut half = relayed.connect(address, &FAR[..20], usize::MAX).await;
    let mut none = relayed.connect(address, b"", usize::MAX).await;
    for stream in [&mut half, &mut none] {
        let _ = soon(stream.read(&mut [0; 1])).await;
    }
    relayed.refused("proxy_header_timeout", 2.0).await;
}

#[tokio::test]
async fn from_elsewhere_it_is_no_header() {
    let relayed = Relayed::start("[10.0.0.0/8, '::1']").await;
    let address = relayed.address("plain");
    let mut client = http1::Client::connect(address).await;
    assert_eq!(client.get("/", &[]).await, "near");
    for header in [FAR, FAR_V2] {
        let request = b"GET / HTTP/1.1\r\nHost: orders.test\r\n\r\n";
        let bytes = [header, request].concat();
        let mut stream = relayed.connect(address, &bytes, usize::MAX).await;
        let mut answer = Vec::new();
        let _ = soon(stream.read_to_end(&mut answer)).await;
        let answer = String::from_utf8_lossy(&answer);
        assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

#[tokio::test]
async fn clients_behind_a_balancer_go_where_the_example_says() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/behind-a-balancer.yaml");
    let mut yaml = std::fs::read_to_string(file).unwrap();
    let (preview, orders) = (provider("preview").await, provider("orders").await);
    for (text, instead) in [
        ("0.0.0.0:2045", "127.0.0.1:0"),
        ("10.0.5.10", "127.0.0.1"),
        ("100/s", "1/h"),
        ("10.0.1.1:20880", &preview.to_string()),
        ("10.0.0.1:20880", &orders.to_string()),
    ] {
        assert!(yaml.contains(text), "{text}");
        yaml = yaml.replace(text, instead);
    }
    let mesh = Mesh::of(&yaml);
    let client = |header: &'static [u8]| async move {
        let mut stream = TcpStream::connect(mesh.address).await.unwrap();
        stream.write_all(header).await.unwrap();
        Consumer::over(Box::new(stream)).await
    };
    assert_eq!(client(FAR).await.get(&[]).await.unwrap(), "preview");
    // Each of these has its own rate, though all come from one balancer.
    for header in [
        &b"PROXY TCP4 198.51.100.1 198.51.100.9 4711 80\r\n"[..],
        b"PROXY TCP4 198.51.100.2 198.51.100.9 4711 80\r\n",
        FAR_V6,
    ] {
        let consumer = client(header).await;
        assert_eq!(soon(consumer.get(&[])).await.unwrap(), "orders");
        soon(consumer.get(&[])).await.unwrap_err();
        soon(client(header).await.get(&[])).await.unwrap_err();
    }
}
