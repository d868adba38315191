//! Another configuration while calls go on.

use wireloom::Proxy;

use crate::mesh::{Client, config, echo, start, until};
use crate::wire::Dialect::{Binary, Compact};

fn mesh(keys: &str) -> String {
    format!(
        "
listeners: [{{address: 127.0.0.1:0, routes: main}}]
routes: {{main: [{{match: {{method: b}}, to: b}}, {{to: a}}]}}
clusters:
  a: {{endpoints: [@A], {keys}}}
  b: {{endpoints: [@B], thrift: {{protocol: compact}}}}
"
    )
}

fn requests(proxy: &Proxy) -> Vec<u64> {
    let clusters = serde_json::to_value(proxy.clusters()).unwrap();
    let clusters = clusters.as_array().unwrap().iter();
    clusters
        .map(|cluster| cluster["endpoints"][0]["requests"].as_u64().unwrap())
        .collect()
}

#[tokio::test]
async fn a_changed_dialect_takes_new_connections_and_keeps_the_counts() {
    let ((a, seen), (b, other)) = (echo("a").await, echo("b").await);
    let servers = [("@A", a), ("@B", b)];
    let plain = mesh("balance: random");
    let (proxy, at) = start(&plain, &servers);
    let mut client = Client::connect(at[0]).await;
    let calls = [Binary.call("a", 1, "x"), Binary.call("b", 1, "x")];
    let mut go = async || {
        for call in &calls {
            assert_eq!(client.call(call).await, call.reply(&call.name));
        }
    };
    go().await;
    assert_eq!(
        seen.last_of(1),
        (0, Binary.call("a", seen.last_of(1).1.seqid, "x"))
    );

    // What does not change the way of speaking changes no connection.
    proxy
        .apply(config(
            &mesh("idle_timeout: 200s, balance: round_robin"),
            &servers,
        ))
        .unwrap();
    proxy
        .apply(config(
            &mesh("idle_timeout: 300s, balance: random"),
            &servers,
        ))
        .unwrap();
    go().await;

    for (count, (keys, dialect)) in [
        ("thrift: {protocol: compact}", Compact),
        ("multiplexed: true", Binary),
        ("balance: random", Binary),
    ]
    .into_iter()
    .enumerate()
    {
        let before = seen.last_of(2 + count).0;
        proxy.apply(config(&mesh(keys), &servers)).unwrap();
        go().await;
        let (connection, call) = seen.last_of(3 + count);
        assert_eq!((connection, call.dialect), (before + 1, dialect), "{keys}");
        until(|| seen.closed().contains(&before)).await;
    }
    // The other cluster has not changed.
    assert_eq!(other.last_of(5).0, 0);
    assert!(other.closed().is_empty());
    assert_eq!(requests(&proxy), [5, 5]);
    // The file's own keys are shown.
    let shown = serde_json::to_value(&*proxy.config().0).unwrap();
    assert_eq!(shown["clusters"]["b"]["thrift"]["protocol"], "compact");
}
