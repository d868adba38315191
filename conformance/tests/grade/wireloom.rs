//! Every case passes against Wireloom.

use std::path::Path;

use anyhow::{Result, ensure};
use wireloom_conformance::grade::targets::{TargetSpec, prepare};
use wireloom_conformance::grade::{Options, Protocol, Verdict, grade, select};
use wireloom_conformance::proxy::for_tests;

/// Cases that Wireloom fails, each with what is known of it. They are not run here; who mends one takes it off the list.
const KNOWN: &[(&str, &str)] = &[];

async fn run(protocols: &[Protocol], patterns: &[&str]) -> Result<()> {
    let patterns: Vec<_> = patterns.iter().map(|it| (*it).to_owned()).collect();
    let mut cases = select(protocols, &patterns)?;
    cases.retain(|case| !KNOWN.iter().any(|(name, _)| *name == case.name));
    let target = prepare(&TargetSpec::Wireloom, Some(for_tests())).await;
    let options = Options {
        // Protocols run beside each other already.
        jobs: 3,
        second_try: true,
        repeat: 1,
        ..Options::default()
    };
    let logs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/conformance/graded");
    let report = grade(&cases, &[target], &options, &logs).await?;
    let failed = report.rows.iter().filter(|row| row.verdict.is_failure());
    ensure!(failed.count() == 0, "\n{}", report.text());
    for row in &report.rows {
        let applies = !matches!(row.verdict, Verdict::NotApplicable(_));
        ensure!(applies, "{}: {}", row.case, row.verdict.reason());
    }
    Ok(())
}

#[test]
fn known_failures_are_cases() {
    for (name, why) in KNOWN {
        select(&[], &[(*name).to_owned()]).unwrap();
        assert!(!why.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passes_http1() -> Result<()> {
    run(&[Protocol::Http1], &[]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passes_http2() -> Result<()> {
    run(&[Protocol::Http2], &[]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passes_grpc() -> Result<()> {
    run(&[Protocol::Grpc], &[]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passes_dubbo() -> Result<()> {
    run(&[Protocol::Dubbo], &[]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passes_bolt() -> Result<()> {
    run(&[Protocol::Bolt], &[]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passes_thrift() -> Result<()> {
    run(&[Protocol::Thrift], &[]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passes_port() -> Result<()> {
    run(&[Protocol::Port], &[]).await
}
