//! What becomes of requests that a filter decides on, in every protocol.

use crate::client::MESSAGE;
use crate::probe::notes;
use crate::site::{Site, until};

const REJECTIONS: &str = "wireloom_filter_rejections_total";

/// Those of mallory are refused in each protocol's own words, at once or after a wait, and counted.
async fn guarded(does: &str, mark: &str) {
    let filters = format!(", filters: [probe: {{mark: {mark}, do: {does}}}]");
    let site = Site::start(&filters, "").await;
    let (good, bad) = ([("user", "alice")], [("user", "mallory")]);

    let dubbo = site.dubbo().await;
    assert_eq!(dubbo.get(&good).await.unwrap(), "a");
    let refused = dubbo.get(&bad).await.unwrap_err();
    assert!(refused.contains("wireloom: denied: not you"), "{refused}");

    let mut http = site.http().await;
    assert_eq!(http.get("/", &["user: alice"]).await, "a");
    http.write(b"GET / HTTP/1.1\r\nHost: a\r\nuser: mallory\r\n\r\n")
        .await;
    assert_eq!(http.read().await.0, 403);

    let grpc = site.grpc().await;
    assert_eq!(
        grpc.call("/acme.Orders/get", &good).await.grpc(),
        (0, false)
    );
    assert_eq!(grpc.call("/acme.Orders/get", &bad).await.grpc(), (7, true));

    assert_eq!(site.thrift().await.find("gold", 5).await, "a");

    for route in ["dubbo", "http1", "grpc"] {
        let labels = [
            "filter=\"probe\"",
            "reason=\"mallory\"",
            &format!("route=\"{route}\""),
        ];
        assert_eq!(site.metric(REJECTIONS, &labels), 1, "{route}");
        let refused = [
            "outcome=\"client_error\"",
            &format!("route=\"{route}\""),
            "cluster=\"\"",
        ];
        assert_eq!(
            site.metric("wireloom_requests_total", &refused),
            1,
            "{route}"
        );
    }
    assert_eq!(site.server.calls(), 1);
}

#[tokio::test]
async fn a_request_is_refused_at_once() {
    guarded("guard", "at-once").await;
}

#[tokio::test]
async fn a_request_is_refused_after_a_wait() {
    guarded("guard-later", "later").await;
}

#[tokio::test]
async fn a_request_is_answered_by_the_filter() {
    let site = Site::start(", filters: [probe: {mark: answers, do: answer}]", "").await;
    let mut http = site.http().await;
    http.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(http.read().await, (202, "from the filter".to_owned()));
}

#[tokio::test]
async fn a_filter_that_does_not_decide_ends_in_a_timeout() {
    let filters = ", timeout: 100ms, filters: [probe: {mark: never, do: never}]";
    let site = Site::start("", filters).await;
    let refused = site.dubbo().await.get(&[]).await.unwrap_err();
    assert!(
        refused.contains("the filter `probe` waited for too long"),
        "{refused}"
    );
    let reply = site.grpc().await.call("/acme.Orders/get", &[]).await;
    assert_eq!(reply.grpc(), (4, true));
    for route in ["dubbo", "grpc"] {
        let labels = ["reason=\"timeout\"", &format!("route=\"{route}\"")];
        assert_eq!(site.metric(REJECTIONS, &labels), 1, "{route}");
    }
}

#[tokio::test]
async fn a_client_that_goes_away_meanwhile_is_counted() {
    let site = Site::start(", filters: [probe: {mark: left, do: never}]", "").await;
    let mut open = site.grpc().await.open("/acme.Orders/get", &[]).await;
    open.send.send_data(MESSAGE.into(), true).unwrap();
    until(|| notes("left").contains(&"waits".to_owned())).await;
    drop(open);
    let cancelled = ["outcome=\"cancelled\"", "route=\"grpc\"", "cluster=\"\""];
    until(|| site.metric("wireloom_requests_total", &cancelled) == 1).await;
}

#[tokio::test]
async fn an_answer_is_refused_after_a_wait() {
    let site = Site::start(", filters: [probe: {mark: answer, do: refuse-answer}]", "").await;
    assert!(site.dubbo().await.get(&[]).await.is_err());
    let mut http = site.http().await;
    http.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(http.read().await.0, 503);
    let reply = site.grpc().await.call("/acme.Orders/get", &[]).await;
    assert_ne!(reply.grpc().0, 0);
    for route in ["dubbo", "http1", "grpc"] {
        let labels = ["reason=\"answer\"", &format!("route=\"{route}\"")];
        assert_eq!(site.metric(REJECTIONS, &labels), 1, "{route}");
    }
}
