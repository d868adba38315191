use crate::site::Site;

/// What each protocol says: gRPC PERMISSION_DENIED, HTTP 403, Dubbo SERVER_ERROR, Thrift INTERNAL_ERROR.
const STATUSES: (u32, u16, u8, i32) = (7, 403, 80, 6);

#[tokio::test]
async fn who_is_not_allowed_is_refused_by_each_protocol() {
    let mut site = Site::each("[{access: {allow: [10.0.0.0/8, '::1']}}]").await;
    site.refuses(
        &[],
        "denied: the client's address is not one of those",
        STATUSES,
    )
    .await;
    site.rejected_each("access", "not_allowed", 1).await;
    let mut site = Site::each("[{access: {allow: 127.0.0.0/8}}]").await;
    site.passes(&[]).await;
    let mut site = Site::each("[{access: {allow: 127.0.0.0/8, deny: [127.0.0.1]}}]").await;
    site.refuses(&[], "denied: the client's address may not", STATUSES)
        .await;
    site.rejected_each("access", "denied", 1).await;
    assert_eq!(site.server.calls(), 0);
}

#[tokio::test]
async fn a_field_is_believed_only_from_a_proxy_that_is_named() {
    let field = |address| [("x-forwarded-for", address)];
    let mut site =
        Site::each("[{access: {deny: 203.0.113.0/24, forwarded: {proxies: 127.0.0.1}}}]").await;
    // Thrift without THeader has no place for the field: a proxy that does not say it is refused.
    let list = field("203.0.113.9, 192.0.2.1");
    assert_eq!(site.dubbo.get(&list).await.unwrap(), "a");
    let reply = site
        .grpc
        .call("/acme.Orders/get", &field("192.0.2.1"))
        .await;
    assert_eq!(reply.grpc().0, 0);
    assert!(
        site.get(&field("192.0.2.1"))
            .await
            .0
            .starts_with("HTTP/1.1 200 ")
    );
    let (text, _) = site.thrift.fails("gold", 1).await;
    assert!(text.contains("not known where"), "{text}");
    site.rejected("access", "unknown_address", "thrift", 1)
        .await;
    site.refuses(&field("192.0.2.1, 203.0.113.9"), "denied: ", STATUSES)
        .await;
    for route in ["grpc", "http1", "dubbo"] {
        site.rejected("access", "denied", route, 1).await;
    }

    let mut site =
        Site::each("[{access: {allow: 192.0.2.1, forwarded: {proxies: 10.0.0.1}}}]").await;
    site.refuses(&field("192.0.2.1"), "denied: ", STATUSES)
        .await;
}
