//! SIGHUP under load: a good configuration is put to work, a bad one changes nothing, and no call fails of either.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use wireloom_conformance::proxy::Proxy;
use wireloom_conformance::scripted::{Conn, Upstream, Wire};

use crate::setup::{END, Setup};

/// Clients that call without a pause on connections of their own.
struct Load {
    stop: Arc<AtomicBool>,
    calls: Arc<AtomicUsize>,
    clients: JoinSet<Result<()>>,
}

impl Load {
    fn start(wire: Wire, proxy: &Proxy, clients: usize) -> Self {
        let mut load = Self {
            stop: Arc::default(),
            calls: Arc::default(),
            clients: JoinSet::new(),
        };
        for number in 0..clients {
            let (stop, calls, address) = (load.stop.clone(), load.calls.clone(), proxy.address());
            load.clients.spawn(async move {
                let mut client = Conn::connect(wire, address).await?;
                for id in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let call = client.echo(id, format!("{number}/{id}").as_bytes()).await;
                    call.with_context(|| format!("call {id} of client {number}"))?;
                    calls.fetch_add(1, Ordering::Relaxed);
                    sleep(Duration::from_millis(2)).await;
                }
                Ok(())
            });
        }
        load
    }

    async fn finish(mut self) -> Result<usize> {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(client) = self.clients.join_next().await {
            client??;
        }
        Ok(self.calls.load(Ordering::Relaxed))
    }
}

/// Waits until a counter has this value.
async fn reaches(proxy: &Proxy, name: &str, labels: &[&str], value: f64) -> Result<()> {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        let now = proxy.metric(name, labels).await?;
        if now >= value {
            return Ok(());
        }
        ensure!(Instant::now() < end, "{name} is {now} and not {value}");
        sleep(Duration::from_millis(10)).await;
    }
}

const RELOADS: &str = "wireloom_config_reloads_total";

fn bad_configurations(good: &str) -> Vec<String> {
    vec![
        String::new(),
        "listeners: [".to_owned(),
        format!("{good}\nunknown_key: 1\n"),
        good.replace("to: main", "to: nowhere"),
        good.replace("routes: main", "routes: elsewhere"),
        good.replace("workers: 1", "workers: 0"),
        good[..good.len() / 2].to_owned(),
        "a: &a [*a, *a, *a, *a]\n".to_owned(),
    ]
}

#[tokio::test]
async fn good_and_bad_configurations_under_load_fail_no_call() -> Result<()> {
    for wire in Wire::PROTOCOLS {
        let (one, two) = (Upstream::echo(wire).await?, Upstream::echo(wire).await?);
        let good = [
            Setup::to(one.address()).yaml(),
            Setup::to(two.address()).route("timeout: 3s").yaml(),
        ];
        let mut proxy = crate::setup::start(&good[0]).await?;
        let load = Load::start(wire, &proxy, 8);
        let (mut loaded, mut refused) = (0.0, 0.0);
        for round in 0..20 {
            let before = one.seen().count() + two.seen().count();
            if round % 2 == 0 {
                loaded += 1.0;
                proxy.reload(&good[(round / 2 + 1) % 2])?;
                reaches(&proxy, RELOADS, &["success"], loaded).await?;
            } else {
                let bad = bad_configurations(&good[0]);
                refused += 1.0;
                proxy.reload(&bad[round / 2 % bad.len()])?;
                let seen = reaches(&proxy, RELOADS, &["failure"], refused).await;
                seen.with_context(|| format!("bad configuration {}", round / 2 % bad.len()))?;
            }
            sleep(Duration::from_millis(50)).await;
            let after = one.seen().count() + two.seen().count();
            ensure!(
                after > before,
                "{wire:?}: no call gets through after reload {round}"
            );
        }
        let calls = load.finish().await.with_context(|| format!("{wire:?}"))?;
        ensure!(calls > 200, "{calls} calls are no load");
        let served = one.seen().count() + two.seen().count();
        ensure!(
            served == calls,
            "{calls} calls were answered, {served} reached a server"
        );
        ensure!(
            one.seen().count() > 0 && two.seen().count() > 0,
            "only one server was used"
        );
        proxy.check()?;
        proxy.stop(END).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_reload_takes_effect_on_connections_that_are_open() -> Result<()> {
    for wire in Wire::PROTOCOLS {
        let (one, two) = (Upstream::echo(wire).await?, Upstream::echo(wire).await?);
        let proxy = Setup::to(one.address()).start().await?;
        let mut client = Conn::connect(wire, proxy.address()).await?;
        client.echo(1, b"to one").await?;
        proxy.reload(&Setup::to(two.address()).yaml())?;
        reaches(&proxy, RELOADS, &["success"], 1.0).await?;
        client.echo(2, b"to two").await?;
        ensure!(
            (one.seen().count(), two.seen().count()) == (1, 1),
            "{wire:?}: the old configuration is used"
        );
        // The server that is used no more is let go.
        let end = Instant::now() + Duration::from_secs(5);
        while one.seen().open() > 0 {
            ensure!(
                Instant::now() < end,
                "{wire:?}: the connection to the old server stays open"
            );
            sleep(Duration::from_millis(20)).await;
        }
        drop(client);
        proxy.stop(END).await?;
    }
    Ok(())
}

#[tokio::test]
async fn many_reloads_leak_nothing() -> Result<()> {
    let wire = Wire::BoltV1;
    let (one, two) = (Upstream::echo(wire).await?, Upstream::echo(wire).await?);
    let good = [
        Setup::to(one.address()).yaml(),
        Setup::to(two.address()).yaml(),
    ];
    let mut proxy = crate::setup::start(&good[0]).await?;
    let load = Load::start(wire, &proxy, 4);
    let mut after_ten = (0, 0);
    for round in 0..100 {
        proxy.reload(&good[(round + 1) % 2])?;
        reaches(&proxy, RELOADS, &["success"], (round + 1) as f64).await?;
        if round == 10 {
            after_ten = (proxy.descriptors()?, proxy.memory()?);
        }
    }
    load.finish().await?;
    sleep(Duration::from_millis(500)).await;
    let (descriptors, memory) = (proxy.descriptors()?, proxy.memory()?);
    ensure!(
        descriptors <= after_ten.0 + 8,
        "{} descriptors became {descriptors}",
        after_ten.0
    );
    ensure!(
        memory <= after_ten.1 + (16 << 20),
        "{} bytes became {memory}",
        after_ten.1
    );
    proxy.check()?;
    proxy.stop(END).await
}
