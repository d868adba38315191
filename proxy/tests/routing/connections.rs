//! Routing by who asks.

use crate::servers::Site;

#[tokio::test]
async fn the_source_address_is_the_connection_s() {
    let mut site = Site::matching(&[
        ("source: [10.0.0.0/8, '2001:db8::/32']", "far"),
        ("source: 127.0.0.0/8, headers: {x: '1'}", "near"),
        ("source: '::1'", "six"),
        ("", "rest"),
    ])
    .await;
    assert_eq!(site.by_all(&[("x", "1")]).await, "near");
    assert_eq!(site.by_all(&[]).await, "rest");
}

#[tokio::test]
async fn a_percentage_takes_its_share_of_each_protocol() {
    let mut site = Site::matching(&[
        ("percentage: 0", "none"),
        ("percentage: 50", "half"),
        ("percentage: 100", "rest"),
    ])
    .await;
    let mut halves = [0; 3];
    // That one of them gets none or all of its calls happens once in 2^98.
    for _ in 0..100 {
        let names = [
            site.by_grpc("/acme.Orders/get", &[]).await,
            site.http.get("/", &[]).await,
            site.dubbo.get(&[]).await.unwrap(),
        ];
        for (half, name) in halves.iter_mut().zip(names) {
            assert_ne!(name, "none");
            *half += usize::from(name == "half");
        }
    }
    for half in halves {
        assert!((1..100).contains(&half), "{halves:?}");
    }
}
