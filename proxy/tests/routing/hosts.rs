//! Virtual hosts.

use crate::dubbo::call;
use crate::servers::Site;

#[tokio::test]
async fn requests_go_to_the_group_of_their_service_or_host() {
    let mut site = Site::start(
        "- hosts: ['*.test']
  routes:
    - {match: {protocol: http1, http: {path: /special}}, to: special-http1}
    - {match: {protocol: http1}, to: host-http1}
    - {match: {protocol: grpc}, to: host-grpc}
- services: [acme.Orders]
  routes:
    - {match: {protocol: grpc, method: get}, to: exact-grpc}
    - {match: {protocol: dubbo, method: get}, to: exact-dubbo}
- services: acme.*
  routes:
    - {match: {protocol: grpc}, to: all-grpc}
    - {match: {protocol: dubbo}, to: all-dubbo}
- {match: {protocol: dubbo}, to: rest-dubbo}
- {match: {protocol: http1}, to: rest-http1}",
        &["special", "host", "exact", "all", "rest"],
    )
    .await;
    let http = &mut site.http;
    assert_eq!(http.get("/special", &[]).await, "special");
    assert_eq!(http.get("/", &[]).await, "host");
    http.write(b"GET / HTTP/1.1\r\nHost: elsewhere\r\n\r\n")
        .await;
    assert_eq!(http.read().await, (200, "rest 0".to_owned()));
    // Its host is in a group by suffix.
    assert_eq!(site.by_grpc("/acme.Orders/get", &[]).await, "exact");
    assert_eq!(site.by_grpc("/acme.Users/get", &[]).await, "host");
    assert_eq!(site.by_grpc("/other.Users/get", &[]).await, "host");
    let nowhere = site.grpc.call("/acme.Orders/put", &[]).await;
    assert_eq!(nowhere.grpc(), (12, true), "{nowhere:?}");
    for (service, method, name) in [
        ("acme.Orders", "get", "exact"),
        ("acme.Users", "get", "all"),
        ("other.Users", "get", "rest"),
    ] {
        let answer = site.dubbo.send(&call(service, method, &[])).await;
        assert_eq!(answer.unwrap(), name, "{service}");
    }
    let nowhere = site.dubbo.send(&call("acme.Orders", "put", &[])).await;
    let why = nowhere.unwrap_err();
    assert!(why.contains("no route"), "{why}");
}
