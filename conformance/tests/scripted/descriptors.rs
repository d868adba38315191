//! Connections and file descriptors: given back, bounded, and survived when there are none left.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use wireloom_conformance::proxy::for_tests;
use wireloom_conformance::scripted::{Call, Conn, Kind, Upstream, Wire};

use crate::setup::{END, Setup, start_program};

#[tokio::test]
async fn descriptors_are_given_back() -> Result<()> {
    let wire = Wire::Dubbo;
    let echo = Upstream::echo(wire).await?;
    let mut proxy = Setup::to(echo.address()).workers(2).start().await?;
    Conn::connect(wire, proxy.address())
        .await?
        .echo(0, b"warm")
        .await?;
    let before = proxy.descriptors()?;
    for _ in 0..3 {
        let mut open = Vec::new();
        for id in 0..100 {
            let mut client = Conn::connect(wire, proxy.address()).await?;
            match id % 4 {
                0 => client.echo(id, b"x").await?,
                1 => client.send(b"garbage").await?,
                2 => {
                    client
                        .send(&wire.request(1, &Call::echo("half"))[..20])
                        .await?
                }
                _ => {}
            }
            open.push(client);
        }
        drop(open);
    }
    let end = Instant::now() + Duration::from_secs(5);
    while proxy.descriptors()? > before + 8 {
        ensure!(
            Instant::now() < end,
            "{} descriptors, {before} before",
            proxy.descriptors()?
        );
        sleep(Duration::from_millis(50)).await;
    }
    proxy.check()?;
    proxy.stop(END).await
}

#[tokio::test]
async fn connections_beyond_the_limit_are_closed_at_once() -> Result<()> {
    let wire = Wire::Dubbo;
    let echo = Upstream::echo(wire).await?;
    let mut proxy = Setup::to(echo.address())
        .listener("limits: {connections: 10}")
        .start()
        .await?;
    let mut open = Vec::new();
    for id in 0..10 {
        let mut client = Conn::connect(wire, proxy.address()).await?;
        client.echo(id, b"x").await?;
        open.push(client);
    }
    for _ in 0..20 {
        let stream = TcpStream::connect(proxy.address()).await?;
        Conn::of(wire, stream)
            .closes(Duration::from_secs(2))
            .await?;
    }
    for (id, client) in open.iter_mut().enumerate() {
        client.echo(id as u64, b"those within it go on").await?;
    }
    open.truncate(5);
    // Room is there again as soon as the proxy has seen their end.
    let end = Instant::now() + Duration::from_secs(2);
    loop {
        let mut client = Conn::connect(wire, proxy.address()).await?;
        client.request(1, &Call::echo("x")).await.ok();
        if matches!(client.next().await, Ok(Some(frame)) if frame.kind == Kind::Response) {
            break;
        }
        ensure!(
            Instant::now() < end,
            "no room again after connections ended"
        );
    }
    proxy.check()?;
    drop(open);
    proxy.stop(END).await
}

/// A program that runs the proxy with so few descriptors.
fn with_few_descriptors(folder: &std::path::Path, most: usize) -> Result<std::path::PathBuf> {
    let script = folder.join("wireloom");
    let text = format!(
        "#!/bin/sh\nulimit -n {most}\nexec '{}' \"$@\"\n",
        for_tests().display()
    );
    std::fs::write(&script, text)?;
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700))?;
    Ok(script)
}

#[tokio::test]
async fn without_descriptors_it_waits_and_recovers() -> Result<()> {
    let wire = Wire::Dubbo;
    let echo = Upstream::echo(wire).await?;
    let folder = tempfile::tempdir()?;
    let program = with_few_descriptors(folder.path(), 128)?;
    let yaml = Setup::to(echo.address()).workers(2).yaml();
    let mut proxy = start_program(&program, &yaml).await?;
    let mut before = Conn::connect(wire, proxy.address()).await?;
    before.echo(1, b"before").await?;

    // The system completes these connections whether or not the proxy can take them.
    let mut open = Vec::new();
    for _ in 0..300 {
        open.push(TcpStream::connect(proxy.address()).await?);
    }
    sleep(Duration::from_millis(500)).await;
    let used = proxy.processor_time()?;
    let time = Duration::from_secs(2);
    sleep(time).await;
    let used = proxy.processor_time()?.saturating_sub(used);
    ensure!(
        used < time / 5,
        "{used:?} of processor time in {time:?}: it spins"
    );
    before.echo(2, b"those that are served go on").await?;
    proxy.check()?;

    drop(open);
    let released = Instant::now();
    let mut after = Conn::connect(wire, proxy.address()).await?;
    let served = timeout(Duration::from_secs(4), after.echo(3, b"after")).await;
    served.context("it does not recover")??;
    ensure!(
        released.elapsed() < Duration::from_secs(2),
        "it took {:?} to recover",
        released.elapsed()
    );
    proxy.check()?;
    drop((before, after));
    proxy.stop(END).await
}
