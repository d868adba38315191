//! `examples/actions.yaml`, with servers behind it.

use std::collections::BTreeSet;
use std::path::Path;

use crate::client::Client;
use crate::dubbo::{Consumer, call};
use crate::fleet::{Speaks, by_grpc, by_http, named};
use crate::http1;
use crate::mesh::Mesh;

/// The example, on a port of its own, in front of servers that say their ports.
async fn example(speaks: Speaks) -> Mesh {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/actions.yaml");
    let mut yaml = std::fs::read_to_string(file).unwrap();
    let mut instead = vec![("127.0.0.1:2045", "127.0.0.1:0".to_owned())];
    for (address, name) in [
        ("127.0.0.1:20881", "cart1"),
        ("127.0.0.1:20882", "cart2"),
        ("127.0.0.1:20883", "cart3"),
        ("127.0.0.1:20884", "green"),
        ("127.0.0.1:20885", "a"),
        ("127.0.0.1:20886", "b"),
    ] {
        instead.push((address, named(speaks, name).await.to_string()));
    }
    // Ports that are put in must not be taken for ports of the example.
    for (at, (text, _)) in instead.iter().enumerate().rev() {
        assert!(yaml.contains(text), "{text}");
        yaml = yaml.replace(text, &format!("@{at}@"));
    }
    for (at, (_, address)) in instead.iter().enumerate() {
        yaml = yaml.replace(&format!("@{at}@"), address);
    }
    Mesh::of(&yaml)
}

#[tokio::test]
async fn dubbo_goes_where_the_example_says() {
    let mesh = example(Speaks::Dubbo).await;
    let consumer = Consumer::connect(mesh.address).await;
    assert_eq!(
        consumer.get(&[("x-cluster", "carts-green")]).await.unwrap(),
        "green"
    );
    let error = consumer.get(&[("x-cluster", "orders")]).await.unwrap_err();
    assert!(error.contains("no route"), "{error}");
    for zone in ["a", "b"] {
        assert_eq!(consumer.get(&[("x-zone", zone)]).await.unwrap(), zone);
    }
    assert!(["a", "b"].contains(&&*consumer.get(&[("x-zone", "c")]).await.unwrap()));
    let mut servers = BTreeSet::new();
    for cart in 0..30 {
        let cart = cart.to_string();
        let call = call("com.acme.Carts", "add", &[("x-cart", &cart)]);
        let first = consumer.send(&call).await.unwrap();
        assert_eq!(first, consumer.send(&call).await.unwrap());
        servers.insert(first);
    }
    assert!(servers.len() > 1, "{servers:?}");
    let labels = ["cluster=\"carts-green\"", "outcome=\"success\""];
    mesh.counts("wireloom_mirror_total", &labels, 60.0).await;
}

#[tokio::test]
async fn http_goes_where_the_example_says() {
    let mesh = example(Speaks::Http).await;
    let mut client = http1::Client::connect(mesh.address).await;
    assert_eq!(
        by_http(&mut client, &[("X-Cluster", "carts-green")]).await,
        "green"
    );
    assert_eq!(by_http(&mut client, &[("X-Zone", "b")]).await, "b");
    let mut servers = BTreeSet::new();
    for cart in 0..30 {
        let cookie = format!("Cookie: cart={cart}");
        let first = client.get("/cart/1", &[&cookie]).await;
        assert_eq!(first, client.get("/cart", &[&cookie]).await);
        servers.insert(first);
    }
    assert!(servers.len() > 1, "{servers:?}");
}

#[tokio::test]
async fn grpc_goes_where_the_example_says() {
    let mesh = example(Speaks::Grpc).await;
    let client = Client::connect(mesh.address).await;
    assert_eq!(
        by_grpc(&client, &[("x-cluster", "carts-green")]).await,
        "green"
    );
    assert_eq!(by_grpc(&client, &[("x-zone", "a")]).await, "a");
    for _ in 0..10 {
        let call = client.call("/com.acme.Carts/Add", &[("x-cart", "7")]).await;
        assert_eq!(call.grpc(), (0, false));
    }
    let labels = ["cluster=\"carts-green\"", "outcome=\"success\""];
    // The call that named the cluster was no copy.
    mesh.counts("wireloom_mirror_total", &labels, 10.0).await;
}
