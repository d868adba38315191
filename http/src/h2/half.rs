//! A bound on how long a frame may take, and the frames of a header block together: h2 holds them until they are whole.

use std::time::{Duration, Instant};

use wireloom_codecs::Progress;

use super::wire::Standing;

/// Longer than any transfer takes; keeps sums of instants small.
const FAR: Duration = Duration::from_secs(24 * 3600);

/// Watches what comes. It asks for the time only while something is not whole.
#[derive(Debug)]
pub(super) struct Halves {
    header: Duration,
    idle: Duration,
    under_way: Option<UnderWay>,
}

#[derive(Debug)]
struct UnderWay {
    number: u64,
    heard: u64,
    progress: Progress,
}

impl Halves {
    /// A frame has `header`, and the time that what came of it takes at [`Progress::SLOWEST`]; a piece of a body may take
    /// as long as it likes, if it never stands still for `idle`.
    pub(super) fn new(header: Duration, idle: Duration) -> Self {
        Self {
            header: header.min(FAR),
            idle: idle.min(FAR),
            under_way: None,
        }
    }

    /// When what is under way must be whole, or have got on; None while nothing is.
    pub(super) fn deadline(
        &mut self,
        standing: &Standing,
        now: impl Fn() -> Instant,
    ) -> Option<Instant> {
        let Some(half) = standing.half else {
            self.under_way = None;
            return None;
        };
        let heard = standing.heard;
        let same = self
            .under_way
            .as_mut()
            .filter(|it| it.number == half.number);
        let progress = match same {
            Some(it) => {
                if standing.blocked.is_some() {
                    // What waits for the peer keeps h2 from reading: that has a bound of its own.
                    it.progress.excuse(now());
                } else if heard != it.heard {
                    let came =
                        usize::try_from(heard.saturating_sub(it.heard)).unwrap_or(usize::MAX);
                    it.progress.moved(now(), came);
                }
                it.heard = heard;
                it.progress
            }
            None => {
                let progress = Progress::begun(now(), 0);
                self.under_way = Some(UnderWay {
                    number: half.number,
                    heard,
                    progress,
                });
                progress
            }
        };
        let grace = if half.data { FAR } else { self.header };
        Some(progress.deadline(grace, self.idle, Progress::SLOWEST))
    }
}

#[cfg(test)]
mod tests {
    use super::super::frames::Half;
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_body_may_come_slowly_and_a_head_may_not() {
        let start = Instant::now();
        let mut halves = Halves::new(10 * SECOND, 30 * SECOND);
        let mut at = |number, data, heard, blocked: bool, seconds: u32| {
            let now = start + seconds * SECOND;
            let standing = Standing {
                blocked: blocked.then_some(now),
                half: Some(Half { number, data }),
                heard,
            };
            let due = halves.deadline(&standing, || now).unwrap();
            (due - start).as_secs()
        };
        assert_eq!(at(1, false, 20, false, 0), 10);
        assert_eq!(at(1, false, 21, false, 9), 10, "a byte buys no time");
        assert_eq!(at(2, false, 22, false, 9), 19, "the next frame has its own");
        assert_eq!(at(2, true, 31, false, 10), 40);
        assert_eq!(at(2, true, 32, false, 39), 69, "it gets on");
        assert_eq!(at(2, true, 32, false, 60), 69, "it stands still");
        assert_eq!(at(3, false, 99, false, 70), 80);
        assert_eq!(at(3, false, 99, true, 79), 89, "nothing is read");
        let whole = Standing {
            blocked: None,
            half: None,
            heard: 100,
        };
        assert_eq!(halves.deadline(&whole, || panic!("no need")), None);
    }
}
