//! `examples/discovery.yaml`, with servers behind it.

use std::path::Path;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpStream, UnixListener};

use crate::dubbo::{Consumer, provider};
use crate::http1;
use crate::mesh::Mesh;
use crate::names::Names;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_go_where_the_example_says() {
    let names = Names::start().await;
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("app.sock");
    let (orders, web) = (provider("orders").await, http1::server("web").await);
    let (local, far) = (http1::server("local").await, http1::server("far").await);
    names.set("orders.example", &[[127, 0, 0, 1]]);
    names.servers("_http._tcp.web.example", &[(10, 0, web.port())]);
    let listener = UnixListener::bind(&socket).unwrap();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let mut far = TcpStream::connect(local).await.unwrap();
            tokio::spawn(async move { copy_bidirectional(&mut near, &mut far).await });
        }
    });
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/discovery.yaml");
    let mut yaml = std::fs::read_to_string(file).unwrap();
    for (text, instead) in [
        ("0.0.0.0:2045", "127.0.0.1:0"),
        ("[10.0.0.53]", &format!("['{}']", names.address)),
        ("port: 20880", &format!("port: {}", orders.port())),
        ("/run/app.sock", socket.to_str().unwrap()),
    ] {
        assert!(yaml.contains(text), "{text}");
        yaml = yaml.replace(text, instead);
    }
    let mesh = Mesh::of(&yaml);
    let mut client = http1::Client::connect(mesh.address).await;
    assert_eq!(client.get("/", &[]).await, "web");
    assert_eq!(client.get("/local", &[]).await, "local");
    let to = format!("x-to: {far}");
    assert_eq!(client.get("/through", &[&to]).await, "far");
    let consumer = Consumer::connect(mesh.address).await;
    assert_eq!(consumer.get(&[]).await.unwrap(), "orders");
}
