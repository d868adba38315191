//! What filters count, over reloads.

use crate::site::Site;

#[tokio::test]
async fn a_filter_that_stays_as_it_is_keeps_what_it_counts() {
    let two = ", filters: [probe: {mark: two, do: two}]";
    let site = Site::start("", two).await;
    let dubbo = site.dubbo().await;
    assert!(dubbo.get(&[]).await.is_ok());
    // With another before it.
    site.reload(", filters: [probe/other: {mark: other}]", two);
    assert!(dubbo.get(&[]).await.is_ok());
    assert!(dubbo.get(&[]).await.is_err());
    // Each place has one of its own.
    assert_eq!(site.thrift().await.find("gold", 5).await, "a");
    // Another configuration is another filter.
    site.reload("", ", filters: [probe: {mark: two, do: two, body: 100000}]");
    assert!(dubbo.get(&[]).await.is_ok());
    site.reload("", "");
    for _ in 0..3 {
        assert!(dubbo.get(&[]).await.is_ok());
    }
}
