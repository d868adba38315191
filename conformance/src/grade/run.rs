//! Going through the cases.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::arena::{Arena, Ended};
use super::case::{Case, Need, NotApplicable, Protocol, Verdict};
use super::registry::select;
use super::report::{Report, Row};
use super::targets::{Driver, Prepared, TargetSpec, inapplicable, prepare};
use super::{list, report};
use crate::scripted::raw::set_patience;

/// No case takes longer.
const LONGEST: Duration = Duration::from_secs(120);

/// After so many failures to start in a row a target is not tried any more.
const STARTS: usize = 3;

/// What a run is to do.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// As on the command line.
    pub targets: Vec<String>,
    /// Only cases about these; all if empty.
    pub protocols: Vec<Protocol>,
    /// Only cases that match one of these; all if empty.
    pub cases: Vec<String>,
    /// Show the cases and stop.
    pub list: bool,
    /// How often each case runs; one failure is a failure.
    pub repeat: usize,
    /// Cases that run at the same time.
    pub jobs: usize,
    /// How long a case waits for what must come.
    pub patience: Option<Duration>,
    /// Files to write.
    pub reports: Vec<PathBuf>,
    /// What failed is tried once more, when nothing else of its target is left.
    pub second_try: bool,
    /// Instead of this checkout's program.
    pub wireloom: Option<PathBuf>,
}

/// Does what the command line asks for. True if nothing failed.
///
/// # Errors
/// If it cannot even begin: a target or a case that does not exist, a report of an unknown kind.
pub async fn main(options: &Options) -> Result<bool> {
    let cases = select(&options.protocols, &options.cases)?;
    if options.list {
        print!("{}", list(&cases));
        return Ok(true);
    }
    let specs = match options.targets.as_slice() {
        [] => vec![TargetSpec::Wireloom],
        named => TargetSpec::parse(named)?,
    };
    report::check(&options.reports)?;
    if let Some(patience) = options.patience {
        set_patience(patience);
    }
    let mut targets = Vec::new();
    for spec in &specs {
        let target = prepare(spec, options.wireloom.as_deref()).await;
        match &target.driver {
            Ok(_) => eprintln!("{}: {}", target.name, target.version),
            Err(why) => eprintln!("{}: FAILED: {why}", target.name),
        }
        targets.push(target);
    }
    let logs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/conformance/grade");
    eprintln!(
        "{} cases, {} at a time; what the targets print is in {}",
        cases.len(),
        options.jobs.max(1),
        logs.display()
    );
    let report = grade(&cases, &targets, options, &logs).await?;
    print!("\n{}", report.text());
    for path in &options.reports {
        report.write(path)?;
    }
    Ok(report.is_good())
}

/// Puts every case to every target, one target after the other.
///
/// # Errors
/// If a case breaks the harness.
pub async fn grade(
    cases: &[Arc<Case>],
    targets: &[Prepared],
    options: &Options,
    logs: &Path,
) -> Result<Report> {
    let start = Instant::now();
    let done = Arc::new(AtomicUsize::new(0));
    let total = cases.len() * targets.len();
    let mut rows = Vec::new();
    for target in targets {
        let driver = match &target.driver {
            Ok(driver) => driver.clone(),
            Err(why) => {
                let failed =
                    |case: &Arc<Case>| row(&target.name, case, Verdict::NotStarted(why.clone()));
                rows.extend(cases.iter().map(failed));
                done.fetch_add(cases.len(), Ordering::Relaxed);
                continue;
            }
        };
        let mut of_target =
            all(cases, target, &driver, options, logs, (done.clone(), total)).await?;
        if options.second_try {
            again(cases, &mut of_target, target, &driver, options, logs).await?;
        }
        rows.extend(of_target);
    }
    let versions = targets
        .iter()
        .map(|target| (target.name.clone(), target.version.clone()));
    Ok(Report::new(versions.collect(), start.elapsed(), rows))
}

/// Puts the cases to a target, and tells in their order what came of each.
async fn all(
    cases: &[Arc<Case>],
    target: &Prepared,
    driver: &Arc<dyn Driver>,
    options: &Options,
    logs: &Path,
    (done, total): (Arc<AtomicUsize>, usize),
) -> Result<Vec<Row>> {
    let gate = Arc::new(Semaphore::new(options.jobs.max(1)));
    let failed = Arc::new(AtomicUsize::new(0));
    let mut running = JoinSet::new();
    for (place, case) in cases.iter().enumerate() {
        let (case, driver, gate) = (case.clone(), driver.clone(), gate.clone());
        let (failed, done) = (failed.clone(), done.clone());
        let (name, logs) = (target.name.clone(), logs.to_owned());
        let repeat = options.repeat.max(1);
        running.spawn(async move {
            let _turn = gate.acquire_owned().await;
            let row = match failed.load(Ordering::Relaxed) >= STARTS {
                true => {
                    let why = format!("not tried: it did not start {STARTS} times");
                    row(&name, &case, Verdict::NotStarted(why))
                }
                false => repeated(&name, &case, &driver, repeat, &logs).await,
            };
            match row.verdict {
                Verdict::NotStarted(_) => failed.fetch_add(1, Ordering::Relaxed),
                Verdict::NotApplicable(_) => 0,
                _ => failed.swap(0, Ordering::Relaxed),
            };
            progress(&row, done.fetch_add(1, Ordering::Relaxed) + 1, total);
            (place, row)
        });
    }
    let mut rows = Vec::new();
    while let Some(ended) = running.join_next().await {
        rows.push(ended.context("a case broke the harness")?);
    }
    rows.sort_by_key(|(place, _)| *place);
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

/// Puts those that failed once more, for a machine that stalls makes some of them fail. Who crashed has.
async fn again(
    cases: &[Arc<Case>],
    rows: &mut [Row],
    target: &Prepared,
    driver: &Arc<dyn Driver>,
    options: &Options,
    logs: &Path,
) -> Result<()> {
    let failed = |row: &Row| matches!(row.verdict, Verdict::Fail(_));
    let picked: Vec<_> = cases
        .iter()
        .zip(rows.iter())
        .filter(|(_, row)| failed(row))
        .map(|(case, _)| case.clone())
        .collect();
    if picked.is_empty() {
        return Ok(());
    }
    eprintln!(
        "{}: {} failed, and are tried once more",
        target.name,
        picked.len()
    );
    let done = (Arc::default(), picked.len());
    let second = all(&picked, target, driver, options, logs, done).await?;
    for (row, mut new) in rows.iter_mut().filter(|row| failed(row)).zip(second) {
        new.first_failure = Some(row.verdict.reason().to_owned());
        *row = new;
    }
    Ok(())
}

fn row(target: &str, case: &Case, verdict: Verdict) -> Row {
    Row {
        target: target.to_owned(),
        case: case.name.clone(),
        group: case.group().to_owned(),
        protocol: case.protocol,
        why: case.why.clone(),
        verdict,
        relayed: false,
        runs: 0,
        passes: 0,
        millis: 0,
        first_failure: None,
    }
}

/// Runs it so often, or until it shows that it does not apply.
async fn repeated(
    target: &str,
    case: &Arc<Case>,
    driver: &Arc<dyn Driver>,
    repeat: usize,
    logs: &Path,
) -> Row {
    let mut row = row(target, case, Verdict::Pass);
    let relayed = driver.level(case.protocol) == super::targets::Level::Bytes;
    row.relayed = relayed && case.protocol != Protocol::Port;
    let start = Instant::now();
    let log = logs
        .join(target)
        .join(format!("{}.log", case.name.replace('/', "-")));
    for _ in 0..repeat {
        let verdict = run_case(case, driver, &log).await;
        row.runs += 1;
        match verdict {
            Verdict::Pass => row.passes += 1,
            // The worst of all runs is told.
            other if row.verdict == Verdict::Pass || matches!(other, Verdict::Crashed(_)) => {
                row.verdict = other;
            }
            _ => {}
        }
        if matches!(
            row.verdict,
            Verdict::NotApplicable(_) | Verdict::NotStarted(_)
        ) {
            break;
        }
    }
    row.millis = start.elapsed().as_millis() as u64;
    row
}

/// Puts one case to one target, started for it alone; what the target prints goes to `log`.
pub async fn run_case(case: &Arc<Case>, driver: &Arc<dyn Driver>, log: &Path) -> Verdict {
    if let Some(why) = inapplicable(&**driver, case.protocol, &case.needs) {
        return Verdict::NotApplicable(why);
    }
    let mut arena = Arena::new(driver.clone(), case.protocol, log.to_owned());
    if case.needs.contains(&Need::Timeout) {
        arena = arena.hasty();
    }
    // In a task of its own: a script that breaks is a failure of its case.
    let run = {
        let (case, arena) = (case.clone(), arena.clone());
        tokio::spawn(async move { timeout(LONGEST, case.run(arena)).await })
    };
    let abort = run.abort_handle();
    let guard = Guard(abort);
    let outcome = run.await;
    drop(guard);
    let ended = arena.finish().await;
    let failure = match outcome {
        Ok(Ok(Ok(()))) => None,
        Ok(Ok(Err(error))) => match error.downcast_ref::<NotApplicable>() {
            Some(NotApplicable(why)) => return Verdict::NotApplicable(why.clone()),
            None => Some(format!("{error:#}")),
        },
        Ok(Err(_)) => Some(format!("it hung for {} s", LONGEST.as_secs())),
        Err(error) => Some(format!("the script broke: {error}")),
    };
    match (ended, failure) {
        (Ended::NotStarted(why), _) => Verdict::NotStarted(why),
        (Ended::Crashed(how), Some(why)) => {
            Verdict::Crashed(format!("{how}\nwhat the client saw: {why}"))
        }
        (Ended::Crashed(how), None) => Verdict::Crashed(how),
        (Ended::Fine, Some(why)) => Verdict::Fail(why),
        (Ended::Fine, None) => Verdict::Pass,
    }
}

/// Ends a task with its waiter.
struct Guard(tokio::task::AbortHandle);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn progress(row: &Row, done: usize, total: usize) {
    let Row { target, case, .. } = row;
    let word = row.verdict.word();
    let seconds = row.millis as f64 / 1000.0;
    eprint!("[{done}/{total}] {target} {case}: {word}, {seconds:.1} s");
    match row.verdict.reason().lines().next() {
        Some(reason) if row.verdict.is_failure() => eprintln!(": {reason}"),
        _ => eprintln!(),
    }
}
