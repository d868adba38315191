use crate::client::Client;
use crate::dubbo::Consumer;
use crate::http1;
use crate::mesh::soon;
use crate::site::Site;

#[tokio::test]
async fn what_is_over_the_rate_is_refused_by_each_protocol() {
    let mut site = Site::each("[{rate_limit: {rate: 3/h}}]").await;
    for _ in 0..3 {
        site.passes(&[]).await;
    }
    let text = "rate limited: more requests than may pass";
    site.refuses(&[], text, (8, 429, 100, 6)).await;
    site.rejected_each("rate_limit", "rate", 1).await;
    // None of the refused got to the server.
    assert_eq!(site.server.calls(), 3);

    let after = |value: &str| value.parse::<u32>().unwrap();
    let (head, _) = site.get(&[]).await;
    let head = head.to_ascii_lowercase();
    let (_, value) = head.split_once("retry-after: ").unwrap();
    // A token of 1200 s, of which a little has passed.
    let seconds = after(value.split_once("\r\n").unwrap().0);
    assert!((1000..=1200).contains(&seconds), "{head}");
    let reply = site.grpc.call("/acme.Orders/get", &[]).await;
    let millis = after(reply.headers["grpc-retry-pushback-ms"].to_str().unwrap());
    assert!((1_000_000..=1_200_000).contains(&millis), "{reply:?}");
}

#[tokio::test]
async fn a_listeners_limit_is_one_for_all_that_comes_to_it_and_a_route_may_have_its_own() {
    let listener = "[{rate_limit: {rate: 4/h}}]";
    let mut site = Site::all(listener).await;
    site.passes(&[]).await;
    site.refuses(&[], "rate limited", (8, 429, 100, 6)).await;
    site.rejected_each("rate_limit", "rate", 1).await;
    let mut site = Site::start(listener, "[{rate_limit: {rate: 2/h}}]").await;
    for _ in 0..2 {
        site.passes(&[]).await;
    }
    site.refuses(&[], "rate limited", (8, 429, 100, 6)).await;
    let mut site = Site::start(listener, "[{rate_limit: off}]").await;
    for _ in 0..3 {
        site.passes(&[]).await;
    }
}

#[tokio::test]
async fn each_key_has_its_own() {
    let mut site = Site::each("[{rate_limit: {rate: 1/h, key: [method, {header: x-user}]}}]").await;
    let mut by = async |user: &'static str| {
        let fields = [("x-user", user)];
        let grpc = site.grpc.call("/acme.Orders/get", &fields).await.grpc().0;
        let dubbo = site.dubbo.get(&fields).await.is_ok();
        let (http, _) = site.get(&fields).await;
        let status = http.split(' ').nth(1).unwrap().to_owned();
        (grpc, dubbo, status)
    };
    let (passed, refused) = ((0, true, "200".to_owned()), (8, false, "429".to_owned()));
    assert_eq!(by("ann").await, passed);
    assert_eq!(by("bob").await, passed);
    assert_eq!(by("ann").await, refused);
    assert_eq!(by("bob").await, refused);
    // Another method is another key.
    let reply = site
        .grpc
        .call("/acme.Orders/put", &[("x-user", "ann")])
        .await;
    assert_eq!(reply.grpc().0, 0);
    // Thrift's calls have no such field, and share one.
    site.thrift.find("gold", 1).await;
    site.thrift.fails("gold", 1).await;
}

#[tokio::test]
async fn over_all_workers_exactly_as_many_pass_as_may() {
    let site = Site::all("[{rate_limit: {rate: 50/h}}]").await;
    let address = site.mesh.address;
    // Connections are spread over the two workers.
    let mut asking = Vec::new();
    for number in 0..12 {
        asking.push(tokio::spawn(async move {
            let (mut passed, each) = (0, 20);
            match number % 3 {
                0 => {
                    let client = Client::connect(address).await;
                    for _ in 0..each {
                        let reply = client.call("/acme.Orders/get", &[]).await;
                        passed += u32::from(reply.grpc().0 == 0);
                    }
                }
                1 => {
                    let consumer = Consumer::connect(address).await;
                    for _ in 0..each {
                        passed += u32::from(consumer.get(&[]).await.is_ok());
                    }
                }
                _ => {
                    let mut client = http1::Client::connect(address).await;
                    for _ in 0..each {
                        client.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
                        passed += u32::from(client.read().await.0 == 200);
                    }
                }
            }
            passed
        }));
    }
    let mut passed = 0;
    for asking in asking {
        passed += soon(asking).await.unwrap();
    }
    assert_eq!(passed, 50);
    let name = "wireloom_filter_rejections_total";
    site.mesh.counts(name, &["rate_limit"], 190.0).await;
}

#[tokio::test]
async fn a_reload_that_leaves_it_as_it_is_gives_nothing_back() {
    let mut site = Site::each("[{rate_limit: {rate: 1/h}}]").await;
    site.passes(&[]).await;
    site.reload();
    site.refuses(&[], "rate limited", (8, 429, 100, 6)).await;
}
