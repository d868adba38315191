use std::time::{Duration, Instant};

use crate::site::Site;

#[tokio::test]
async fn an_abort_is_an_answer_of_each_protocol() {
    let mut site = Site::each("[{fault: {abort: {error: overloaded}}}]").await;
    let text = "overloaded: a fault that the configuration asks for";
    site.refuses(&[], text, (14, 503, 100, 6)).await;
    site.rejected_each("fault", "abort", 1).await;
    let mut site =
        Site::each("[{fault: {abort: {error: no_route, http: 451, grpc: DATA_LOSS}}}]").await;
    site.refuses(&[], "no route: a fault", (15, 451, 60, 1))
        .await;
    assert_eq!(site.server.calls(), 0);
    let mut site = Site::each("[{fault: {abort: {error: no_route, percentage: 0}}}]").await;
    site.passes(&[]).await;
}

#[tokio::test]
async fn only_those_that_match_or_ask_fail() {
    let fault =
        "[{fault: {match: {headers: {x-chaos: 'on'}}, abort: {http: 500, header: x-fail}}}]";
    let site = &mut Site::each(fault).await;
    site.passes(&[]).await;
    site.passes(&[("x-fail", "no_route")]).await;
    for (fields, grpc, http, dubbo) in [
        (&[("x-chaos", "on")][..], 13, "500", "status 70 "),
        (
            &[("x-chaos", "on"), ("x-fail", "timeout")],
            4,
            "504",
            "status 31 ",
        ),
        (
            &[("x-chaos", "on"), ("x-fail", "403")],
            7,
            "403",
            "status 80 ",
        ),
    ] {
        let reply = site.grpc.call("/acme.Orders/get", fields).await;
        assert_eq!(reply.grpc(), (grpc, true), "{reply:?}");
        let (head, _) = site.get(fields).await;
        assert_eq!(head.split(' ').nth(1).unwrap(), http);
        let error = site.dubbo.get(fields).await.unwrap_err();
        assert!(error.starts_with(dubbo), "{error}");
    }
    for route in ["grpc", "http1", "dubbo"] {
        site.rejected("fault", "abort", route, 3).await;
    }
}

#[tokio::test]
async fn a_delay_is_as_long_as_it_says_or_as_the_request_asks() {
    const LATE: Duration = Duration::from_millis(300);
    let mut site =
        Site::each("[{fault: {delay: {duration: 300ms, header: x-late, max: 400ms}}}]").await;
    let start = Instant::now();
    site.passes(&[]).await;
    assert!(start.elapsed() >= 4 * LATE, "{:?}", start.elapsed());
    // More than it may ask for, and less than is usual.
    let start = Instant::now();
    assert_eq!(site.dubbo.get(&[("x-late", "1h")]).await.unwrap(), "a");
    assert!(start.elapsed() >= Duration::from_millis(400));
    let start = Instant::now();
    let calls = std::iter::repeat_with(|| async {
        site.dubbo.get(&[("x-late", "100")]).await.unwrap();
    });
    for call in calls.take(3) {
        call.await;
    }
    assert!(start.elapsed() >= LATE);
}

#[tokio::test]
async fn who_waits_too_long_times_out_and_who_finds_no_room_does_not_wait() {
    let mut site = Site::each("[{fault: {delay: {duration: 1h}}}], timeout: 100ms").await;
    site.refuses(&[], "timed out: after ", (4, 504, 31, 6))
        .await;
    site.rejected_each("fault", "timeout", 1).await;

    let site = Site::each("[{fault: {delay: {duration: 1h, concurrent: 1}}}], timeout: 0s").await;
    let open = site.grpc.open("/acme.Orders/get", &[]).await;
    site.waits().await;
    for _ in 0..3 {
        assert_eq!(
            site.grpc.call("/acme.Orders/get", &[]).await.grpc(),
            (0, false)
        );
    }
    drop(open);
}
