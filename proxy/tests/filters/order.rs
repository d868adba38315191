//! Which filters run, and in what order.

use crate::probe::notes;
use crate::site::Site;

#[tokio::test]
async fn requests_pass_in_order_and_answers_the_other_way() {
    let listener =
        ", filters: [probe: {mark: way-a}, probe/b: {mark: way-b}, probe/off: {mark: way-off}]";
    let route = ", filters: [probe/c: {mark: way-c}, probe/off: off, probe: {mark: way-A}]";
    let site = Site::start(listener, route).await;
    assert_eq!(site.dubbo().await.get(&[]).await.unwrap(), "a");
    let seen: Vec<_> = notes("way-")
        .iter()
        .map(|note| note[..2].to_owned())
        .collect();
    assert_eq!(seen, ["A>", "b>", "c>", "c<", "b<", "A<"]);
}

#[tokio::test]
async fn what_a_filter_stops_comes_back_through_those_before_it() {
    let filters = ", filters: [probe: {mark: stop-a}, probe/b: {mark: stop-b, do: guard}, probe/c: {mark: stop-c}]";
    let site = Site::start(filters, "").await;
    site.dubbo()
        .await
        .get(&[("user", "mallory")])
        .await
        .unwrap_err();
    let seen = notes("stop-");
    assert_eq!((seen.len(), &seen[2][..]), (3, "a<denied"), "{seen:?}");
}

#[tokio::test]
async fn failures_of_the_proxy_pass_too() {
    let route = ", timeout: 100ms, filters: [probe: {mark: fails}, probe/never: {mark: fails-not, do: never}]";
    let site = Site::start("", route).await;
    site.dubbo().await.get(&[]).await.unwrap_err();
    assert!(notes("fails").contains(&"<timeout".to_owned()));
}
