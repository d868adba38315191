//! Thrift in every dialect beside the other protocols on one port, however its bytes are cut.

use std::time::Duration;

use anyhow::{Context, Result};
use tokio::task::JoinSet;
use tokio::time::sleep;
use wireloom_conformance::scripted::http1::Http1;
use wireloom_conformance::scripted::{Backend, Conn, Dialect, Http2, Thrift, Upstream, Wire};

use crate::setup::{END, Setup};

/// Long enough for the first part to have been read by itself.
const BETWEEN: Duration = Duration::from_millis(30);

#[tokio::test]
async fn every_dialect_shares_the_port_with_the_other_protocols() -> Result<()> {
    let thrift = Backend::thrift_echo().await?;
    let (dubbo, bolt) = (
        Upstream::echo(Wire::Dubbo).await?,
        Upstream::echo(Wire::BoltV1).await?,
    );
    let (http1, http2) = (Backend::targets().await?, Backend::ok2().await?);
    let mut setup = Setup::to(thrift.address()).workers(2);
    for (protocol, address) in [
        ("dubbo", dubbo.address()),
        ("bolt", bolt.address()),
        ("http1", http1.address()),
        ("http2", http2.address()),
    ] {
        setup = setup
            .first(&format!(
                "{{match: {{protocol: {protocol}}}, to: {protocol}}}"
            ))
            .beside(protocol, &format!("endpoints: [\"{address}\"]"));
    }
    let mut proxy = setup.start().await?;
    let address = proxy.address();
    let mut clients = Vec::new();
    for dialect in Dialect::ALL {
        clients.push((dialect, Thrift::connect(dialect, address).await?));
    }
    let mut dubbo = Conn::connect(Wire::Dubbo, address).await?;
    let mut bolt = Conn::connect(Wire::BoltV1, address).await?;
    let mut http1 = Http1::connect(address).await?;
    let mut http2 = Http2::connect(address).await?;
    for round in 0..3 {
        for (dialect, client) in &mut clients {
            client
                .echo(round, b"thrift")
                .await
                .with_context(|| format!("{dialect:?}, round {round}"))?;
        }
        dubbo.echo(1, b"dubbo").await?;
        bolt.echo(1, b"bolt").await?;
        anyhow::ensure!(http1.get("/a").await?.text() == "/a");
        anyhow::ensure!(http2.get("/a").await?.body == b"ok");
    }
    proxy.check()?;
    drop((clients, dubbo, bolt, http1, http2));
    proxy.stop(END).await
}

#[tokio::test]
async fn bytes_may_come_one_by_one() -> Result<()> {
    let upstream = Backend::thrift_echo().await?;
    let proxy = Setup::to(upstream.address()).start().await?;
    let mut clients = JoinSet::new();
    for dialect in Dialect::ALL {
        let address = proxy.address();
        clients.spawn(async move {
            let mut client = Thrift::connect(dialect, address).await?;
            for seqid in 0..3 {
                for byte in dialect.call("echo", seqid, b"drop by drop") {
                    client.send([byte]).await?;
                    sleep(Duration::from_millis(1)).await;
                }
                client
                    .expect("echo", seqid, b"drop by drop")
                    .await
                    .with_context(|| format!("{dialect:?}"))?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }
    proxy.stop(END).await
}

#[tokio::test]
async fn a_call_may_be_cut_at_every_byte() -> Result<()> {
    let upstream = Backend::thrift_echo().await?;
    let proxy = Setup::to(upstream.address()).workers(2).start().await?;
    let mut clients = JoinSet::new();
    for dialect in Dialect::ALL {
        let call = dialect.call("Echo:echo", -7, b"cut me");
        for cut in 1..call.len() {
            let (address, call) = (proxy.address(), call.clone());
            clients.spawn(async move {
                let mut client = Thrift::connect(dialect, address).await?;
                let (first, rest) = call.split_at(cut);
                client.send(first).await?;
                sleep(BETWEEN).await;
                client.send(rest).await?;
                client
                    .expect("Echo:echo", -7, b"cut me")
                    .await
                    .with_context(|| format!("{dialect:?} cut at {cut}"))
            });
        }
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }
    proxy.stop(END).await
}

/// The argument of a call says where its answer is cut; all calls go over one connection of each dialect.
#[tokio::test]
async fn an_answer_may_be_cut_at_every_byte() -> Result<()> {
    let upstream = Upstream::raw(|stream, _| async move {
        let mut conn = Thrift::of(stream);
        while let Some(call) = conn.next_ever().await? {
            let cut = std::str::from_utf8(call.payload())?.parse()?;
            let answer = call.echo();
            let (first, rest) = answer.split_at(cut);
            conn.send(first).await?;
            sleep(BETWEEN).await;
            conn.send(rest).await?;
        }
        Ok(())
    })
    .await?;
    let proxy = Setup::to(upstream.address()).start().await?;
    let mut clients = JoinSet::new();
    for dialect in Dialect::ALL {
        let address = proxy.address();
        clients.spawn(async move {
            let mut client = Thrift::connect(dialect, address).await?;
            for cut in 1..dialect.reply("echo", 1, b"00000").len() {
                client
                    .echo(1, format!("{cut:05}").as_bytes())
                    .await
                    .with_context(|| format!("{dialect:?} cut at {cut}"))?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }
    proxy.stop(END).await
}

/// One entry means that nothing is recognised: what is no Thrift ends the connection.
#[tokio::test]
async fn a_port_of_its_own_takes_nothing_else() -> Result<()> {
    let upstream = Backend::thrift_echo().await?;
    let setup = Setup::to(upstream.address()).listener("protocols: [thrift]");
    let mut proxy = setup.start().await?;
    for dialect in Dialect::ALL {
        let mut client = Thrift::connect(dialect, proxy.address()).await?;
        client
            .echo(1, b"x")
            .await
            .with_context(|| format!("{dialect:?}"))?;
    }
    let mut http = Http1::connect(proxy.address()).await?;
    http.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n").await?;
    let rest = http.raw.rest(END).await?;
    anyhow::ensure!(rest.is_empty(), "{rest:02x?}");
    let mut dubbo = Conn::connect(Wire::Dubbo, proxy.address()).await?;
    dubbo.send(&Wire::Dubbo.ping(1)).await?;
    dubbo.closes(END).await?;
    proxy.check()?;
    drop((http, dubbo));
    proxy.stop(END).await
}
