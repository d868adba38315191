//! No proxy, any proxy, a proxy that crashes, and one that does not start.

use anyhow::{Context, Result, ensure};
use wireloom_conformance::grade::targets::{TargetSpec, prepare};
use wireloom_conformance::grade::{Options, Report, Verdict, grade, select};

/// The smallest proxy.
pub(crate) const RELAY: &str = env!("CARGO_BIN_EXE_conformance-relay");

async fn put(target: &str, patterns: &[&str], repeat: usize) -> Result<Report> {
    let patterns: Vec<_> = patterns.iter().map(|it| (*it).to_owned()).collect();
    let cases = select(&[], &patterns)?;
    let mut targets = Vec::new();
    for spec in TargetSpec::parse(&[target.to_owned()])? {
        targets.push(prepare(&spec, None).await);
    }
    let options = Options {
        jobs: 4,
        repeat,
        ..Options::default()
    };
    let logs = tempfile::tempdir()?;
    grade(&cases, &targets, &options, logs.path()).await
}

fn verdict<'a>(report: &'a Report, case: &str) -> Result<&'a Verdict> {
    let row = report.rows.iter().find(|row| row.case == case);
    row.map(|row| &row.verdict)
        .with_context(|| format!("no {case}"))
}

/// The scripts themselves: between a client and a server that both behave there is nothing to fail.
#[tokio::test]
async fn without_a_proxy_everything_that_applies_passes() -> Result<()> {
    let report = put("direct", &["*/wire/*", "*/identity/*", "*/fidelity/*"], 1).await?;
    ensure!(
        report.failed == 0 && report.passed > 50,
        "\n{}",
        report.text()
    );
    ensure!(
        report.not_applicable > 10,
        "what needs a proxy does not apply"
    );
    Ok(())
}

#[tokio::test]
async fn a_relay_carries_bytes_and_the_rest_does_not_apply() -> Result<()> {
    let target = format!("tcp:{} {{listen}} {{backend}}", RELAY);
    let report = put(&target, &["dubbo/wire/*", "http1/wire/*"], 2).await?;
    ensure!(report.is_good(), "\n{}", report.text());
    ensure!(*verdict(&report, "dubbo/wire/success")? == Verdict::Pass);
    let down = verdict(&report, "dubbo/wire/backend-down")?;
    ensure!(matches!(down, Verdict::NotApplicable(_)), "{down:?}");
    let row = report.rows.iter().find(|row| row.verdict == Verdict::Pass);
    ensure!(row.is_some_and(|row| (row.runs, row.passes) == (2, 2)));
    Ok(())
}

/// Said to read messages, it must answer for a server that is down, and cannot.
#[tokio::test]
async fn a_relay_that_is_taken_for_more_fails() -> Result<()> {
    let target = format!("cmd:{} {{listen}} {{backend}}", RELAY);
    let report = put(
        &target,
        &["dubbo/wire/backend-down", "dubbo/wire/maximum-plus-one"],
        1,
    )
    .await?;
    let down = verdict(&report, "dubbo/wire/backend-down")?;
    ensure!(matches!(down, Verdict::Fail(_)), "{down:?}");
    let limit = verdict(&report, "dubbo/wire/maximum-plus-one")?;
    ensure!(limit.reason().contains("{limit}"), "{limit:?}");
    Ok(())
}

#[tokio::test]
async fn a_crash_is_told_for_its_case_and_the_next_has_a_fresh_target() -> Result<()> {
    let target = format!("tcp:exec {} {{listen}} {{backend}} 50000", RELAY);
    let cases = ["dubbo/wire/*", "bolt/wire/*"];
    let report = put(&target, &cases, 1).await?;
    for protocol in ["dubbo", "bolt"] {
        // More bytes than it can bear.
        for case in ["success", "maximum"] {
            let Verdict::Crashed(why) = verdict(&report, &format!("{protocol}/wire/{case}"))?
            else {
                anyhow::bail!("{protocol}: no crash\n{}", report.text());
            };
            ensure!(why.contains("exit status: 3"), "{why}");
            ensure!(why.contains("too much for me"), "its last lines: {why}");
        }
        for case in [
            "two-in-one-segment",
            "byte-at-a-time",
            "truncated",
            "one-way",
            "heartbeat",
        ] {
            let other = verdict(&report, &format!("{protocol}/wire/{case}"))?;
            ensure!(*other == Verdict::Pass, "{protocol} {case}: {other:?}");
        }
    }
    ensure!(!report.is_good());
    Ok(())
}

#[tokio::test]
async fn a_target_that_does_not_start_is_told_with_its_last_lines() -> Result<()> {
    let target = "cmd:echo no licence for {listen} {backend} >&2; exit 9";
    let report = put(target, &["dubbo/wire/*"], 1).await?;
    ensure!(report.passed == 0 && report.failed == report.rows.len());
    let texts: Vec<_> = report.rows.iter().map(|row| row.verdict.reason()).collect();
    let told = texts
        .iter()
        .filter(|text| text.contains("no licence for") && text.contains("exit status: 9"));
    ensure!(told.count() >= 1, "{texts:?}");
    ensure!(
        texts.iter().any(|text| text.contains("not tried")),
        "{texts:?}"
    );
    let all = report
        .rows
        .iter()
        .all(|row| matches!(row.verdict, Verdict::NotStarted(_)));
    ensure!(all, "\n{}", report.text());
    Ok(())
}
