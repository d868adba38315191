//! Runs seeds, each on a thread and a runtime of its own, with a clock that only moves when everybody waits.

use std::future::Future;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::time::timeout;

/// Seeds that a test run takes where the environment names no number.
const SEEDS: u64 = 50;
/// A seed that takes longer than this, by the wall clock, turns in circles.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a seed came to.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    /// All that happened, in order, as one number.
    pub trace: u64,
    /// Requests.
    pub asked: usize,
    /// Those that were answered with what a server said.
    pub well: usize,
}

/// Runs seeds: 50 of them, or as many as `WIRELOOM_SEEDS` says, or the one that `WIRELOOM_SEED` names. The first is run
/// twice, and must be the same both times.
pub fn seeds<P, F>(play: P)
where
    P: Fn(u64) -> F + Clone + Send + 'static,
    F: Future<Output = Told>,
{
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let seeds = match number("WIRELOOM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("WIRELOOM_SEEDS").unwrap_or(SEEDS),
    };
    let (mut asked, mut well) = (0, 0);
    for seed in seeds.clone() {
        let told = one(&play, seed);
        asked += told.asked;
        well += told.well;
        if seed == seeds.start {
            let again = one(&play, seed);
            assert_eq!(again.trace, told.trace, "seed {seed} runs as it likes");
        }
    }
    println!(
        "{} seeds: {well} answers to {asked} requests",
        seeds.end - seeds.start
    );
    // Where all fails, nothing is shown.
    let few = seeds.end - seeds.start >= 10 && well * 5 < asked;
    assert!(!few, "{well} answers to {asked} requests");
}

/// Runs a seed on a thread of its own, where it finds what every other finds.
pub(super) fn one<P, F>(play: &P, seed: u64) -> Told
where
    P: Fn(u64) -> F + Clone + Send + 'static,
    F: Future<Output = Told>,
{
    let (tell, hear) = channel();
    let play = play.clone();
    let thread = std::thread::spawn(move || {
        let _ = tell.send(played(play(seed), seed));
    });
    let told = match hear.recv_timeout(PATIENCE) {
        Ok(told) => Some(told),
        Err(RecvTimeoutError::Timeout) => None,
        Err(RecvTimeoutError::Disconnected) => {
            let _ = thread.join();
            None
        }
    };
    told.unwrap_or_else(|| {
        let package = std::env::var("CARGO_PKG_NAME").unwrap_or_default();
        let test = std::thread::current().name().unwrap_or("chaos").to_owned();
        panic!("failed, or hangs; again with: WIRELOOM_SEED={seed} cargo test -p {package} {test}")
    })
}

fn played(play: impl Future<Output = Told>, seed: u64) -> Told {
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        // A day by the stopped clock: more than any time limit.
        let work = timeout(Duration::from_secs(24 * 3600), play);
        work.await.unwrap_or_else(|_| panic!("seed {seed} hangs"))
    })
}

/// A panic of a task is the seed's.
pub fn joined<T>(ended: Result<T, tokio::task::JoinError>) -> T {
    ended.unwrap_or_else(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(error) => panic!("{error}"),
    })
}
