//! Measures how Wireloom does while endpoints fail and while configurations are replaced, and prints tables in Markdown.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::{Parser, Subcommand};
use wireloom_conformance::load::resilience::{self, Fault, Times};
use wireloom_conformance::load::{Talk, Tally, reload};
use wireloom_conformance::proxy::build_release;

/// Measures how Wireloom does while endpoints fail and while configurations are replaced.
#[derive(Debug, Parser)]
#[command(name = "scenarios")]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// The proxy to measure. Default: the one of this checkout, built with `cargo build --release -p wireloom`.
    #[arg(long, global = true, value_name = "PATH")]
    wireloom: Option<PathBuf>,
    /// Requests per second; per protocol where several are spoken.
    #[arg(long, global = true, value_name = "N")]
    rate: Option<u32>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// One endpoint of three fails.
    Resilience {
        /// Only with this balancer: round_robin or least_request. Default: both.
        #[arg(long)]
        balance: Option<String>,
    },
    /// A large configuration is replaced again and again.
    Reload {
        #[arg(long, default_value_t = 1000)]
        clusters: usize,
        #[arg(long, default_value_t = 10_000)]
        routes: usize,
        #[arg(long, default_value_t = 10)]
        reloads: usize,
    },
}

/// How the clusters balance, and whether they look for outliers.
const BALANCES: [(&str, bool); 4] = [
    ("round_robin", false),
    ("round_robin", true),
    ("least_request", false),
    ("least_request", true),
];

#[tokio::main]
#[expect(clippy::print_stdout, reason = "tables are what it is for")]
async fn main() -> Result<()> {
    let cli = Cli::parse();
    let program = match cli.wireloom {
        // The proxy runs in a folder of its own.
        Some(program) => program.canonicalize()?,
        None => build_release().await?,
    };
    let logs = std::env::temp_dir().join(format!("wireloom-scenarios-{}", std::process::id()));
    std::fs::create_dir_all(&logs)?;
    match cli.command {
        Command::Resilience { balance: only } => {
            let rate = cli.rate.unwrap_or(2000);
            println!(
                "{rate} requests/s; route `{}`; cluster `{}`; with detection `{}`\n",
                resilience::ROUTE,
                resilience::CLUSTER,
                resilience::OUTLIER
            );
            println!(
                "| endpoint | protocol | balancer | detection | before: errors, p50/p99/max ms | first 2 s of the fault | 4 s after | well again |"
            );
            println!("|---|---|---|---|---|---|---|---|");
            let times = Times {
                before: Duration::from_secs(2),
                failing: Duration::from_secs(6),
                after: Duration::from_secs(3),
            };
            for fault in Fault::ALL {
                for talk in Talk::ALL {
                    for (balance, outlier) in BALANCES {
                        if only.as_ref().is_some_and(|only| only != balance) {
                            continue;
                        }
                        let run = resilience::Run {
                            talk,
                            fault,
                            outlier: outlier.then_some(resilience::OUTLIER),
                            balance,
                            rate,
                            times,
                        };
                        let samples = run.run(&program, logs.join("proxy.log")).await?;
                        let part = |from, to| {
                            let (from, to) = (Duration::from_secs(from), Duration::from_secs(to));
                            let tally = Tally::of(&samples, from, to);
                            format!(
                                "{:.2} %, {}/{}/{}",
                                tally.error_percent(),
                                tally.millis(500),
                                tally.millis(990),
                                tally.millis(1000)
                            )
                        };
                        println!(
                            "| {} | {} | {balance} | {} | {} | {} | {} | {} |",
                            fault.name(),
                            talk.name(),
                            if outlier { "on" } else { "off" },
                            part(0, 2),
                            part(2, 4),
                            part(4, 8),
                            part(8, 11)
                        );
                    }
                }
            }
        }
        Command::Reload {
            clusters,
            routes,
            reloads,
        } => {
            let rate = cli.rate.unwrap_or(300);
            let run = reload::Run {
                clusters,
                routes,
                rate,
                reloads,
                pause: Duration::from_secs(1),
            };
            let outcome = run.run(&program, logs.join("proxy.log")).await?;
            println!(
                "{clusters} clusters, {routes} routes, all of them replaced {reloads} times; {rate} requests/s of each protocol\n"
            );
            let always = (Duration::ZERO, Duration::MAX);
            for (name, samples) in [
                ("without", &outcome.quiet),
                ("with reloads", &outcome.reloading),
            ] {
                let tally = Tally::of(samples, always.0, always.1);
                println!(
                    "{name}: {} requests, {} errors, p50 {} ms, p99 {} ms, p99.9 {} ms, max {} ms",
                    tally.count,
                    tally.errors,
                    tally.millis(500),
                    tally.millis(990),
                    tally.millis(999),
                    tally.millis(1000)
                );
                for (bound, count) in tally.histogram() {
                    println!("  up to {bound:?}: {count}");
                }
            }
        }
    }
    Ok(())
}
