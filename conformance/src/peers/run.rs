//! The program: everything installed, every pair run, everything reported.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::install::install;
use super::manifest::{Peer, discover};
use super::matrix::{Pair, involved, pairs};
use super::pair::Grounds;
use super::report::Report;
use super::second::{self, Set};
use crate::cli::{Cli, Suite};
use crate::proxy::{build_example, build_release};

/// Pairs that may be idle at the same time: once they have started they cost memory only.
const IDLE_JOBS: usize = 6;

/// Does what the command line asks for. True if all that ran passed.
///
/// # Errors
/// If it cannot even begin: a peer that does not exist, a manifest that is wrong, a proxy that does not compile.
pub async fn run(cli: &Cli) -> Result<bool> {
    let start = Instant::now();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = here
        .parent()
        .context("this crate is in no workspace")?
        .join("target");
    let peers = discover(&here.join("peers"))?;
    let mut pairs = pairs(&peers, &cli.peers(), &cli.suites())?;
    if cli.direct_only {
        // Nobody would be in between to translate.
        pairs.retain(|pair| !pair.link.is_translated());
    }
    if cli.list {
        list(&peers, &pairs);
        return Ok(true);
    }

    // The ones wait for the network, the other for the processor.
    let installed = target.join("peers");
    let involved = involved(&peers, &pairs);
    let (mut missing, wireloom) =
        tokio::join!(install_all(&involved, &installed), proxy(cli, &pairs));
    let wireloom = wireloom?;
    if cli.install_only {
        return Ok(missing.is_empty());
    }
    let others = others(cli, &involved, &mut missing).await;
    let version = match wireloom.as_ref().or(others.values().next()) {
        Some(program) => Some(version(program).await?),
        None => None,
    };

    let grounds = Arc::new(Grounds {
        wireloom,
        others,
        installed,
        logs: target.join("conformance"),
    });
    let once_more = Grounds {
        logs: grounds.logs.join("second-try"),
        ..(*grounds).clone()
    };
    eprintln!(
        "running {} pairs, {} at a time, with {}; their output is in {}",
        pairs.len(),
        cli.jobs(),
        version.as_deref().unwrap_or("no proxy"),
        grounds.logs.display()
    );
    let mut sets = run_all(grounds, pairs, missing, cli.jobs()).await?;
    // Nothing else runs any more.
    second::again(&mut sets, async |pair, suite| {
        once_more.meet(pair, &[suite]).await
    })
    .await;
    let rows = sets.into_iter().flat_map(|set| set.rows).collect();
    let report = Report::new(version, start.elapsed().as_secs(), rows);
    print!("\n{}", report.text());
    for path in &cli.report {
        report.write(path)?;
    }
    Ok(report.is_good())
}

fn list(peers: &[Peer], pairs: &[Pair]) {
    for peer in peers {
        let parts = [
            ("server", peer.server.is_some()),
            ("client", peer.client.is_some()),
        ];
        let parts: Vec<_> = parts
            .into_iter()
            .filter(|(_, has)| *has)
            .map(|(part, _)| part)
            .collect();
        let mut speaks = peer.protocol.clone();
        speaks.extend(
            peer.serves()
                .iter()
                .filter(|it| !peer.protocol.contains(it)),
        );
        let speaks: Vec<_> = speaks.iter().map(|protocol| protocol.as_str()).collect();
        println!(
            "{} ({}): {}",
            peer.name,
            speaks.join(", "),
            parts.join(", ")
        );
    }
    for pair in pairs {
        let suites: Vec<_> = pair.suites.iter().map(|suite| suite.as_str()).collect();
        println!("{}: {}", pair.name(), suites.join(", "));
    }
}

/// The proxies that the manifests of `peers` name. What does not compile makes its peers missing.
async fn others(
    cli: &Cli,
    peers: &[&Peer],
    missing: &mut HashMap<String, String>,
) -> HashMap<String, PathBuf> {
    let mut built = HashMap::new();
    if cli.direct_only {
        return built;
    }
    for peer in peers {
        let Some(name) = peer.proxy.as_ref() else {
            continue;
        };
        if built.contains_key(name) {
            continue;
        }
        match build_example(name).await {
            Ok(program) => drop(built.insert(name.clone(), program)),
            Err(error) => {
                eprintln!("FAILED to build {name}: {error:#}");
                missing.insert(peer.name.clone(), format!("no proxy {name}: {error:#}"));
            }
        }
    }
    built
}

async fn proxy(cli: &Cli, pairs: &[Pair]) -> Result<Option<PathBuf>> {
    let is_needed = pairs.iter().any(|pair| pair.client.proxy.is_none());
    if cli.direct_only || cli.install_only || !is_needed {
        return Ok(None);
    }
    match &cli.wireloom {
        Some(program) => {
            // Programs are started in folders of their own.
            let program = program.canonicalize();
            Ok(Some(program.with_context(|| {
                format!("no proxy at {:?}", cli.wireloom)
            })?))
        }
        None => build_release().await.map(Some),
    }
}

async fn version(program: &Path) -> Result<String> {
    let output = tokio::process::Command::new(program)
        .arg("--version")
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(Duration::from_secs(10), output).await;
    let output = output
        .context("`wireloom --version` hangs")?
        .context("cannot run the proxy")?;
    ensure!(
        output.status.success(),
        "`wireloom --version` ended with {}",
        output.status
    );
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Installs one after the other, for package managers lock or break what they share. Tells what could not be.
async fn install_all(peers: &[&Peer], installed: &Path) -> HashMap<String, String> {
    let mut missing = HashMap::new();
    for peer in peers {
        match install(peer, &installed.join(&peer.name)).await {
            Ok(took) => eprintln!("installed {} in {:.1} s", peer.name, took.as_secs_f32()),
            Err(error) => {
                eprintln!("FAILED to install {}: {error:#}", peer.name);
                missing.insert(peer.name.clone(), format!("{error:#}"));
            }
        }
    }
    missing
}

/// Runs every pair, and tells in their order what came of each suite.
async fn run_all(
    grounds: Arc<Grounds>,
    pairs: Vec<Pair>,
    missing: HashMap<String, String>,
    jobs: usize,
) -> Result<Vec<Set>> {
    let (busy, idle) = (
        Arc::new(Semaphore::new(jobs)),
        Arc::new(Semaphore::new(IDLE_JOBS)),
    );
    let mut running = JoinSet::new();
    let mut done: Vec<(usize, Vec<Set>)> = Vec::new();
    for (place, pair) in pairs.into_iter().enumerate() {
        let pair = Arc::new(pair);
        let absent = [&pair.client.name, &pair.server.name];
        if let Some(why) = absent.into_iter().find_map(|name| missing.get(name)) {
            let row = |suite: &Suite| pair.names().failed(*suite, why.clone());
            let rows = pair.suites.iter().map(row).collect();
            done.push((place, Set::split(&pair, &pair.suites, rows, false)));
            continue;
        }
        for (is_idle, gate) in [(false, &busy), (true, &idle)] {
            let mut suites = pair.suites.clone();
            suites.retain(|suite| (*suite == Suite::Idle) == is_idle);
            if suites.is_empty() {
                continue;
            }
            let (grounds, pair, gate) = (grounds.clone(), pair.clone(), gate.clone());
            running.spawn(async move {
                let _turn = gate.acquire_owned().await;
                let rows = grounds.meet(&pair, &suites).await;
                (place, Set::split(&pair, &suites, rows, true))
            });
        }
    }
    while let Some(finished) = running.join_next().await {
        done.push(finished.context("a run broke down")?);
    }
    let mut sets: Vec<_> = done
        .into_iter()
        .flat_map(|(place, sets)| sets.into_iter().map(move |set| (place, set)))
        .collect();
    sets.sort_by_key(|(place, set)| (*place, set.suite));
    Ok(sets.into_iter().map(|(_, set)| set).collect())
}
