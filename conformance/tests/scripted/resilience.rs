//! One endpoint of three fails under load, with outlier detection; and a large configuration is replaced under load.
//! Short, with bounds for a busy machine; `--bin scenarios` measures.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use wireloom_conformance::load::resilience::{Fault, Run, Times};
use wireloom_conformance::load::{Talk, Tally, reload};
use wireloom_conformance::proxy::for_tests;

fn log(name: &str) -> std::path::PathBuf {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    target.join(format!("conformance/scripted/{name}.log"))
}

/// Requests that are due later than this after the fault find the endpoint out: five failures of a second each, a stall of
/// the machine, and what was on its way.
const SETTLED: Duration = Duration::from_secs(5);

/// Errors after detection had its time stay below this, in percent. Without it a third of the requests fails.
const MOST: f64 = 12.0;

/// For the rest of a test: an endpoint that comes back gets its share again until its requests have timed out.
const OUTLIER: &str =
    "outlier: {consecutive: {failures: 5}, interval: 500ms, base_ejection: 60s, max_percent: 50}";

async fn settles(fault: Fault) -> Result<()> {
    for talk in Talk::ALL {
        let run = Run {
            talk,
            fault,
            outlier: Some(OUTLIER),
            balance: "round_robin",
            rate: 100,
            times: Times {
                before: Duration::from_secs(1),
                failing: Duration::from_secs(8),
                after: Duration::from_secs(1),
            },
        };
        let name = format!("resilience-{fault:?}-{}", talk.name());
        let samples = run.run(for_tests(), log(&name)).await;
        let samples = samples.with_context(|| name.clone())?;
        let from = run.times.before + SETTLED;
        let settled = Tally::of(&samples, from, run.times.before + run.times.failing);
        ensure!(settled.count > 50, "{name}: {} requests", settled.count);
        ensure!(
            settled.error_percent() < MOST,
            "{name}: {:.1} % of the requests fail still",
            settled.error_percent()
        );
        let all = Tally::of(&samples, Duration::ZERO, Duration::MAX);
        let slowest = all.per_mille(1000).unwrap_or_default();
        // The route allows a second, the rest is the machine's.
        ensure!(
            slowest < Duration::from_secs(8),
            "{name}: a request took {slowest:?}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_endpoint_is_left_out() -> Result<()> {
    settles(Fault::Dies).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flapping_endpoint_is_left_out() -> Result<()> {
    settles(Fault::Flaps).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_endpoint_is_left_out() -> Result<()> {
    settles(Fault::Slows).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_endpoint_is_left_out() -> Result<()> {
    settles(Fault::Silent).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_cannot_be_reached_is_left_out() -> Result<()> {
    settles(Fault::Unreachable).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_configurations_are_replaced_under_load_and_no_request_fails() -> Result<()> {
    let run = reload::Run {
        clusters: 200,
        routes: 2000,
        rate: 50,
        reloads: 4,
        pause: Duration::from_millis(300),
    };
    let outcome = run.run(for_tests(), log("reload-large")).await?;
    let tally = Tally::of(&outcome.reloading, Duration::ZERO, Duration::MAX);
    ensure!(tally.count > 150, "{} requests are no load", tally.count);
    ensure!(tally.errors == 0, "{} requests failed", tally.errors);
    let slow = tally.per_mille(999).unwrap_or_default();
    ensure!(slow < Duration::from_secs(8), "p99.9 is {slow:?}");
    Ok(())
}
