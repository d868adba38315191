//! What the proxy need not change leaves as it came: frames of real encoders, both ways.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use wireloom_conformance::scripted::{Conn, Upstream, Wire};

use crate::setup::{END, Setup};

#[derive(Deserialize)]
struct File {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    hex: String,
}

/// Captured and generated frames, by name. `of` is a file beside a protocol's crate.
fn vectors(of: &str) -> Result<Vec<(String, Vec<u8>)>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(of);
    let text = std::fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
    let file: File = serde_json::from_str(&text)?;
    file.vectors
        .into_iter()
        .map(|vector| Ok((vector.name, hex::decode(vector.hex)?)))
        .collect()
}

/// What is left of a frame when the parts that a proxy must change are taken away.
fn essence(wire: Wire, frame: &[u8]) -> Vec<u8> {
    wire.with_id(frame, 0)
}

/// What must be the same for a response to answer a request.
type Version = Vec<u8>;

fn version(wire: Wire, frame: &[u8]) -> Version {
    match (wire, frame.first()) {
        // By protocol, ver1 and switch, so that a checksum goes with a checksum.
        (Wire::BoltV1, Some(2)) => vec![2, frame[1], frame[11]],
        (Wire::BoltV1, _) => vec![1],
        _ => Vec::new(),
    }
}

fn is_request(wire: Wire, frame: &[u8]) -> bool {
    match wire {
        // Two-way and no event.
        Wire::Dubbo => frame[2] & 0xe0 == 0xc0,
        _ => {
            let shift = usize::from(frame[0] == 2);
            frame[1 + shift..4 + shift] == [1, 0, 1]
        }
    }
}

fn is_answer(wire: Wire, frame: &[u8]) -> bool {
    match wire {
        Wire::Dubbo => frame[2] & 0xa0 == 0,
        _ => {
            let shift = usize::from(frame[0] == 2);
            frame[1 + shift..4 + shift] == [0, 0, 2]
        }
    }
}

async fn pass_through(wire: Wire, frames: Vec<(String, Vec<u8>)>) -> Result<()> {
    let whole =
        |frame: &[u8]| matches!(wire.length(frame), Ok(Some(length)) if length == frame.len());
    let frames: Vec<_> = frames
        .into_iter()
        .filter(|(_, frame)| whole(frame))
        .collect();
    let of = |wanted: fn(Wire, &[u8]) -> bool| {
        let chosen = frames.iter().filter(move |(_, frame)| wanted(wire, frame));
        chosen.cloned().collect::<Vec<_>>()
    };
    let (requests, answers) = (of(is_request), of(is_answer));
    ensure!(
        requests.len() >= 5 && answers.len() >= 5,
        "{} requests, {} answers",
        requests.len(),
        answers.len()
    );

    let mut fitting: HashMap<Version, Vec<(String, Vec<u8>)>> = HashMap::new();
    for (name, answer) in answers {
        fitting
            .entry(version(wire, &answer))
            .or_default()
            .push((name, answer));
    }
    // The upstream compares what comes with what the script says, and answers with what it says.
    let mut script = Vec::new();
    for (name, request) in &requests {
        for (answer_name, answer) in fitting.get(&version(wire, request)).into_iter().flatten() {
            script.push((
                format!("{name} / {answer_name}"),
                request.clone(),
                answer.clone(),
            ));
        }
    }
    let script = Arc::new(script);
    let plays = script.clone();
    let upstream = Upstream::start(wire, move |mut conn, _| {
        let plays = plays.clone();
        async move {
            for (name, request, answer) in plays.iter() {
                let came = conn.image().await?.context("closed")?;
                if essence(wire, &came) != essence(wire, request) {
                    eprintln!(
                        "{name}: the request came as\n{}\ninstead of\n{}",
                        hex::encode(&came),
                        hex::encode(request)
                    );
                    return Ok(());
                }
                let id = wire.id(&came).context("no id")?;
                conn.send(&wire.with_id(answer, id)).await?;
            }
            conn.image().await.map(drop)
        }
    })
    .await?;
    let proxy = Setup::to(upstream.address())
        .also("g1")
        .catch_all()
        .start()
        .await?;
    let mut client = Conn::connect(wire, proxy.address()).await?;
    for (place, (name, request, answer)) in script.iter().enumerate() {
        let id = 0x0100_0000 + place as u64;
        client.send(&wire.with_id(request, id)).await?;
        let came = tokio::time::timeout(std::time::Duration::from_secs(5), client.image()).await;
        let came = came
            .with_context(|| format!("{name}: no answer"))??
            .context("closed")?;
        ensure!(
            came == wire.with_id(answer, id),
            "{name}: the answer came as\n{}\ninstead of\n{}",
            hex::encode(&came),
            hex::encode(wire.with_id(answer, id))
        );
    }
    eprintln!("{wire:?}: {} pairs of frames", script.len());
    ensure!(upstream.seen().connections() == 1);
    drop(client);
    proxy.stop(END).await
}

#[tokio::test]
async fn dubbo_frames_pass_unchanged() -> Result<()> {
    pass_through(Wire::Dubbo, vectors("dubbo/vectors/dubbo.json")?).await?;
    pass_through(Wire::Dubbo, vectors("dubbo/vectors/dubbo-3.3.json")?).await
}

#[tokio::test]
async fn bolt_frames_pass_unchanged() -> Result<()> {
    // Both versions on one connection, as both sides may have it. The vectors include some of the proxy's own replies.
    pass_through(Wire::BoltV1, vectors("bolt/vectors/bolt.json")?).await
}
