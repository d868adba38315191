//! Endpoints that are Unix sockets.

use std::net::SocketAddr;
use std::path::Path;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpStream, UnixListener};

use crate::mesh::Mesh;
use crate::users::{PROTOCOLS, Servers, Users, routes};

/// A socket behind which that server is.
fn socket(path: &Path, server: SocketAddr) {
    let listener = UnixListener::bind(path).unwrap();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut far = TcpStream::connect(server).await.unwrap();
                let _ = copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
}

#[tokio::test]
async fn every_protocol_takes_them_and_so_do_health_checks() {
    let folder = tempfile::tempdir().unwrap();
    let servers = Servers::named("one").await;
    let mut clusters = Vec::new();
    for (protocol, address) in PROTOCOLS.iter().zip(servers.addresses) {
        let path = folder.path().join(protocol);
        socket(&path, address);
        clusters.push(format!(
            "  c-{protocol}: {{endpoints: [{{address: 'unix:{}', weight: 2}}], health: {{tcp: {{}}, interval: 50ms}}}}",
            path.display()
        ));
    }
    let mesh = Mesh::start(&routes(), &clusters.join("\n"));
    let mut users = Users::of(&mesh).await;
    assert_eq!(users.ask().await, ["one"; 3]);
    let states = &["state=\"healthy\""];
    mesh.counts("wireloom_cluster_endpoints", states, 3.0).await;

    let gone = PROTOCOLS.map(|p| format!("  c-{p}: {{endpoints: ['unix:/nowhere/{p}.sock']}}"));
    let mesh = Mesh::start(&routes(), &gone.join("\n"));
    let (grpc, http, dubbo) = Users::of(&mesh).await.refused().await;
    assert_eq!((grpc, http), (14, 503));
    assert!(
        dubbo.contains("cannot connect to unix:/nowhere/dubbo.sock: No such file"),
        "{dubbo}"
    );
}
