//! Where a Thrift call goes: by the multiplexed name, header pairs, the method, or the listener's default.

use anyhow::{Context, Result, ensure};
use wireloom_conformance::proxy::Proxy;
use wireloom_conformance::scripted::thrift::{
    HEADER, HEADER_COMPACT, Message, TTHEADER, UNKNOWN_METHOD,
};
use wireloom_conformance::scripted::{Backend, Dialect, Thrift};

use crate::setup::{END, Setup};

/// A server that answers whatever the argument is with its own name.
async fn named(name: &'static str) -> Result<Backend<Message>> {
    Backend::thrift(move |call| {
        call.dialect
            .reply(call.method(), call.start.seqid, name.as_bytes())
    })
    .await
}

/// Sends the call and tells which server answered it.
async fn asked(proxy: &Proxy, dialect: Dialect, call: &[u8]) -> Result<String> {
    let mut client = Thrift::connect(dialect, proxy.address()).await?;
    client.send(call).await?;
    let answer = client.message().await?;
    if let Some((text, code)) = answer.exception() {
        return Ok(format!("{code}: {text}"));
    }
    Ok(String::from_utf8_lossy(answer.payload()).into_owned())
}

#[tokio::test]
async fn the_service_of_a_multiplexed_name_and_the_method_choose() -> Result<()> {
    let (rest, orders, reads) = (
        named("rest").await?,
        named("Orders").await?,
        named("reads").await?,
    );
    let setup = Setup::to(rest.address())
        .first("{match: {service: Orders, method: {prefix: get}}, to: reads}")
        .beside("reads", &format!("endpoints: [\"{}\"]", reads.address()))
        .service_to("Orders", orders.address());
    let proxy = setup.start().await?;
    for dialect in Dialect::ALL {
        for (name, server) in [
            ("Orders:put", "Orders"),
            ("Orders:getOne", "reads"),
            // Only the first colon counts.
            ("Orders:get:One", "reads"),
            ("Others:put", "rest"),
            ("orders:put", "rest"),
            ("put", "rest"),
            ("getOne", "rest"),
            ("", "rest"),
            (":", "rest"),
        ] {
            let by = asked(&proxy, dialect, &dialect.call(name, 1, b"")).await?;
            ensure!(by == server, "{dialect:?} {name:?} went to {by}");
        }
    }
    proxy.stop(END).await
}

#[tokio::test]
async fn pairs_of_a_header_choose() -> Result<()> {
    let (rest, orders, canary) = (
        named("rest").await?,
        named("Orders").await?,
        named("canary").await?,
    );
    let setup = Setup::to(rest.address())
        .first("{match: {headers: {x-canary: \"true\"}}, to: canary}")
        .beside("canary", &format!("endpoints: [\"{}\"]", canary.address()))
        .service_to("Orders", orders.address());
    let proxy = setup.start().await?;
    let named: [(&[(&str, &str)], &str); 6] = [
        (&[("service", "Orders")], "Orders"),
        (&[("caller", "web"), ("service", "Orders")], "Orders"),
        // As in a map: the last one counts.
        (&[("service", "Orders"), ("service", "Others")], "rest"),
        (&[("x-canary", "true"), ("service", "Orders")], "canary"),
        (&[("x-canary", "false")], "rest"),
        (&[("Service", "Orders")], "rest"),
    ];
    for dialect in Dialect::ALL
        .into_iter()
        .filter(|dialect| dialect.has_header())
    {
        for (pairs, server) in named {
            let call = dialect.call_with("put", 1, b"", pairs);
            let by = asked(&proxy, dialect, &call).await?;
            ensure!(by == server, "{dialect:?} {pairs:?} went to {by}");
        }
        // The name beats the pair: it is what the server itself reads.
        let call = dialect.call_with("Orders:put", 1, b"", &[("service", "Others")]);
        let by = asked(&proxy, dialect, &call).await?;
        ensure!(by == "Orders", "{dialect:?} went to {by}");
    }
    proxy.stop(END).await
}

/// Kitex names the service under `isn`, or under the number 6.
#[tokio::test]
async fn the_pairs_of_kitex_choose() -> Result<()> {
    let (rest, orders) = (named("rest").await?, named("Orders").await?);
    let setup = Setup::to(rest.address()).service_to("Orders", orders.address());
    let proxy = setup.start().await?;
    let call = TTHEADER.call_with("put", 1, b"", &[("isn", "Orders")]);
    ensure!(asked(&proxy, TTHEADER, &call).await? == "Orders");
    // Block 0x10: a count, then u16 keys and values with u16 lengths.
    let block = b"\x00\x00\x10\x00\x02\x00\x03\x00\x03web\x00\x06\x00\x06Orders";
    let message = wireloom_conformance::scripted::thrift::BUFFERED.call("put", 1, b"");
    for payload in [
        message.clone(),
        // Kitex's own framing inside.
        wireloom_conformance::scripted::thrift::frame(&message),
    ] {
        let call = TTHEADER.headed(block, 1, &payload);
        let by = asked(&proxy, TTHEADER, &call).await?;
        ensure!(by == "Orders", "went to {by}");
    }
    proxy.stop(END).await
}

#[tokio::test]
async fn the_listener_names_the_service_of_calls_that_name_none() -> Result<()> {
    let (rest, orders, logs) = (
        named("rest").await?,
        named("Orders").await?,
        named("Logs").await?,
    );
    let setup = Setup::to(rest.address())
        .thrift("service: Orders, service_header: x-service")
        .service_to("Orders", orders.address())
        .service_to("Logs", logs.address());
    let proxy = setup.start().await?;
    for dialect in Dialect::ALL {
        let by = asked(&proxy, dialect, &dialect.call("put", 1, b"")).await?;
        ensure!(by == "Orders", "{dialect:?} went to {by}");
        let by = asked(&proxy, dialect, &dialect.call("Logs:put", 1, b"")).await?;
        ensure!(by == "Logs", "{dialect:?} went to {by}");
    }
    for dialect in [HEADER, HEADER_COMPACT] {
        for (key, server) in [("x-service", "Logs"), ("service", "Orders")] {
            let call = dialect.call_with("put", 1, b"", &[(key, "Logs")]);
            let by = asked(&proxy, dialect, &call).await?;
            ensure!(by == server, "{dialect:?} {key} went to {by}");
        }
    }
    proxy.stop(END).await
}

#[tokio::test]
async fn what_no_route_takes_is_an_unknown_method() -> Result<()> {
    let upstream = named("Orders").await?;
    let setup = Setup::to(upstream.address())
        .first("{match: {protocol: thrift, method: known}, to: main}")
        .beside("unused", "endpoints: []");
    // Without the route that takes everything.
    let yaml = setup.yaml().replace(
        "{match: {group: {present: false}}",
        "{match: {group: {present: true}}",
    );
    let proxy = crate::setup::start(&yaml).await?;
    for dialect in Dialect::ALL {
        let mut client = Thrift::connect(dialect, proxy.address()).await?;
        for (name, method) in [("unknown", "unknown"), ("Orders:unknown", "unknown")] {
            client.send(dialect.call(name, 5, b"x")).await?;
            let text = client
                .exception(method, 5, UNKNOWN_METHOD)
                .await
                .with_context(|| format!("{dialect:?}"))?;
            ensure!(
                text.contains("no route") && text.contains("unknown"),
                "{text}"
            );
            client.send(dialect.call("known", 6, b"x")).await?;
            client.expect("known", 6, b"Orders").await?;
        }
    }
    proxy.stop(END).await
}
