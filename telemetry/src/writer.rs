//! The thread that owns standard error.
//!
//! A pipe that nobody reads blocks whoever writes to it; a worker with a thousand connections must not be that one.
//! Lines wait in a bounded queue and are dropped, and counted, when it is full.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// Lines that may wait. At 200 bytes each this is 800 KiB.
const QUEUE: usize = 4096;

/// Lines that were not written, of the whole process.
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// How many log lines were lost.
pub(crate) fn dropped() -> u64 {
    DROPPED.load(Relaxed)
}

enum Job {
    Line(Vec<u8>),
    Flush(SyncSender<()>),
}

/// The end to write to.
#[derive(Clone, Debug)]
pub(crate) struct Lines(SyncSender<Job>);

impl Lines {
    /// Starts the thread. It ends with the last clone of what is given back.
    pub(crate) fn spawn(out: impl Write + Send + 'static) -> io::Result<Self> {
        let (send, receive) = sync_channel(QUEUE);
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write_all(receive, out))?;
        Ok(Self(send))
    }

    /// Waits until what was logged before is written, but no longer than `limit`.
    pub(crate) fn flush(&self, limit: Duration) {
        let (done, wait) = sync_channel(1);
        if self.0.try_send(Job::Flush(done)).is_ok() {
            // Nothing to do about a pipe that is stuck, nor about a thread that is gone.
            let (Ok(()) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected)) =
                wait.recv_timeout(limit);
        }
    }
}

fn write_all(jobs: Receiver<Job>, mut out: impl Write) {
    for job in jobs {
        match job {
            Job::Line(line) => {
                if out.write_all(&line).is_err() {
                    DROPPED.fetch_add(1, Relaxed);
                }
            }
            Job::Flush(done) => {
                let _ = out.flush();
                let _ = done.try_send(());
            }
        }
    }
}

/// One line on its way. The formatter writes each event at once, newline included.
pub(crate) struct Line<'a>(&'a SyncSender<Job>);

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) =
            self.0.try_send(Job::Line(line.to_vec()))
        {
            DROPPED.fetch_add(1, Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::Instant;

    /// A pipe whose reader has gone to sleep, until told otherwise.
    struct Stuck(mpsc::Receiver<()>);

    impl Write for Stuck {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            Ok(line.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_stuck_pipe_stalls_nobody() {
        let (release, stuck) = mpsc::channel();
        let lines = Lines::spawn(Stuck(stuck)).unwrap();
        let before = dropped();
        let start = Instant::now();
        for _ in 0..QUEUE + 100 {
            lines.make_writer().write_all(b"line\n").unwrap();
        }
        assert!(start.elapsed() < Duration::from_secs(5));
        // One line may have left the queue for the hands of the thread.
        assert!(dropped() - before >= 99);
        lines.flush(Duration::from_millis(10));
        drop(release);
        lines.flush(Duration::from_secs(5));
    }
}
