//! A child process: what it prints is kept, and it never outlives its handle.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

/// Lines kept for explanations; the log file has all.
const TAIL: usize = 200;
/// A line is cut here: not every program that runs wild writes line ends.
const LONGEST_LINE: u64 = 64 << 10;
/// How much of a program's output goes to its log file.
const LOG_MAX: u64 = 16 << 20;

/// A running program in a process group of its own. Dropping it kills the group.
pub struct Process {
    name: String,
    child: Child,
    group: Option<Pid>,
    stdout: mpsc::Receiver<String>,
    log: Arc<Mutex<Log>>,
}

/// What to run.
pub struct Spec<'a> {
    /// For messages.
    pub name: String,
    /// The program and its first arguments.
    pub command: &'a [String],
    /// More arguments.
    pub args: Vec<String>,
    /// Where it runs.
    pub dir: &'a Path,
    /// Variables added to this process's own.
    pub env: Vec<(&'a str, &'a OsStr)>,
    /// Where all that it prints is written. Replaced if it is there.
    pub log: PathBuf,
}

impl Process {
    /// Starts it, with nothing to read on its standard input.
    pub fn spawn(spec: Spec<'_>) -> Result<Self> {
        let (program, first) = spec
            .command
            .split_first()
            .with_context(|| format!("{}: the command is empty", spec.name))?;
        let log = Arc::new(Mutex::new(Log::create(&spec.log)?));
        let mut child = Command::new(program)
            .args(first)
            .args(&spec.args)
            .current_dir(spec.dir)
            .envs(spec.env)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{}: cannot run {program}", spec.name))?;
        // The group has the leader's number.
        let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        // Bounded, but never waited for: a program must not hang because nobody looks at what it prints.
        let (lines, stdout) = mpsc::channel(10_000);
        if let Some(pipe) = child.stdout.take() {
            tokio::spawn(follow(pipe, log.clone(), Some(lines)));
        }
        if let Some(pipe) = child.stderr.take() {
            tokio::spawn(follow(pipe, log.clone(), None));
        }
        Ok(Self {
            name: spec.name,
            child,
            group,
            stdout,
            log,
        })
    }

    /// The next line of its standard output, or None if it ended or closed it, or `deadline` passed.
    pub async fn line(&mut self, deadline: Instant) -> Option<String> {
        timeout_at(deadline, self.stdout.recv())
            .await
            .ok()
            .flatten()
    }

    /// Waits for a line on standard output that is `wanted`, and gives those before it.
    pub async fn expect_line(&mut self, wanted: &str, within: Duration) -> Result<Vec<String>> {
        let deadline = Instant::now() + within;
        let mut before = Vec::new();
        while let Some(line) = self.line(deadline).await {
            if line.trim() == wanted {
                return Ok(before);
            }
            before.push(line);
        }
        // Its output ends a moment before it does, and its last words may be on their way here still.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let why = match self.child.try_wait() {
            Ok(Some(status)) => format!("it ended with {status}"),
            _ => format!("not within {} s", within.as_secs()),
        };
        bail!(
            "{} did not print {wanted}: {why}{}",
            self.name,
            self.explain()
        )
    }

    /// Its process id; None once it has ended and was waited for.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Whether it has not ended.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends a signal to the program itself. Nothing happens if it has ended.
    pub fn signal(&self, signal: Signal) {
        if let Some(id) = self
            .child
            .id()
            .and_then(|id| Pid::from_raw(id.cast_signed()))
        {
            let _ = kill_process(id, signal);
        }
    }

    /// Sends a signal to it and to all that it started.
    pub fn signal_group(&self, signal: Signal) {
        if let Some(group) = self.group.filter(|_| self.child.id().is_some()) {
            let _ = kill_process_group(group, signal);
        }
    }

    /// Waits for its end.
    pub async fn wait(&mut self, within: Duration) -> Result<ExitStatus> {
        match timeout(within, self.child.wait()).await {
            Ok(status) => Ok(status?),
            Err(_) => Err(anyhow!(
                "{} did not end within {} s{}",
                self.name,
                within.as_secs(),
                self.explain()
            )),
        }
    }

    /// Bytes of memory that it and its children use (the sum of their resident sets).
    pub fn group_memory(&self) -> Result<u64> {
        let mut left = vec![self.child.id().context("it has ended")?];
        let mut kib = 0;
        while let Some(id) = left.pop() {
            let own = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
            let own = own.unwrap_or_default();
            left.extend(
                own.split(' ')
                    .filter_map(|id| id.trim().parse::<u32>().ok()),
            );
            let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
            let own = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
            kib += own.unwrap_or_default();
        }
        Ok(kib * 1024)
    }

    /// Asks it to stop and waits for that; kills it if it does not. Errors unless it exited with 0.
    pub async fn stop(mut self, within: Duration) -> Result<()> {
        if !self.is_running() {
            let status = self.child.wait().await?;
            bail!(
                "{} had ended by itself with {status}{}",
                self.name,
                self.explain()
            );
        }
        self.signal(Signal::TERM);
        let status = self.wait(within).await?;
        if !status.success() {
            bail!(
                "{} ended on SIGTERM with {status}{}",
                self.name,
                self.explain()
            );
        }
        Ok(())
    }

    /// The last lines that it printed, on either output.
    pub fn tail(&self, lines: usize) -> Vec<String> {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let skip = log.tail.len().saturating_sub(lines);
        log.tail.iter().skip(skip).cloned().collect()
    }

    /// The last lines that it printed, ready to be put behind a message.
    pub fn explain(&self) -> String {
        let tail = self.tail(8);
        if tail.is_empty() {
            return "; it printed nothing".to_owned();
        }
        format!("; its last lines:\n    {}", tail.join("\n    "))
    }

    /// Whether any line that it printed holds `text`, among the last two hundred.
    pub fn printed(&self, text: &str) -> bool {
        self.tail(TAIL).iter().any(|line| line.contains(text))
    }

    /// How many of the last two hundred lines hold all of `texts`.
    pub fn count(&self, texts: &[&str]) -> usize {
        let lines = self.tail(TAIL).into_iter();
        lines
            .filter(|line| texts.iter().all(|text| line.contains(text)))
            .count()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // What the program started itself (a shell's java) is in the group too, and may outlive the program.
        if let Some(group) = self.group {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// What a program printed.
struct Log {
    tail: VecDeque<String>,
    file: File,
    written: u64,
}

impl Log {
    fn create(path: &Path) -> Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
        }
        Ok(Self {
            tail: VecDeque::new(),
            file: File::create(path).with_context(|| format!("cannot write {}", path.display()))?,
            written: 0,
        })
    }

    fn add(&mut self, line: &str) {
        if self.tail.len() == TAIL {
            self.tail.pop_front();
        }
        self.tail.push_back(line.to_owned());
        if self.written < LOG_MAX {
            self.written += line.len() as u64 + 1;
            // A full disk is no reason to fail a test.
            let _ = writeln!(self.file, "{line}");
        }
    }
}

async fn follow(
    pipe: impl AsyncRead + Unpin,
    log: Arc<Mutex<Log>>,
    lines: Option<mpsc::Sender<String>>,
) {
    let mut pipe = BufReader::new(pipe);
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match (&mut pipe)
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut buffer)
            .await
        {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&buffer);
        let text = text.trim_end_matches(['\n', '\r']);
        log.lock().unwrap_or_else(PoisonError::into_inner).add(text);
        if let Some(lines) = &lines {
            let _ = lines.try_send(text.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> (Process, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let command = ["sh", "-c", script].map(str::to_owned);
        let process = Process::spawn(Spec {
            name: "a shell".to_owned(),
            command: &command,
            args: Vec::new(),
            dir: dir.path(),
            env: Vec::new(),
            log: dir.path().join("log"),
        });
        (process.unwrap(), dir)
    }

    const SOON: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn waits_for_a_line_and_stops() {
        let (mut process, dir) = shell(
            "trap 'exit 0' TERM; echo one; echo oops >&2; echo READY; while :; do sleep 0.05; done",
        );
        process.expect_line("READY", SOON).await.unwrap();
        assert!(process.is_running());
        process.stop(SOON).await.unwrap();
        let log = std::fs::read_to_string(dir.path().join("log")).unwrap();
        assert!(log.contains("one") && log.contains("oops"), "{log}");
    }

    #[tokio::test]
    async fn tells_why_a_line_did_not_come() {
        let (mut process, _dir) = shell("echo broken >&2; exit 3");
        let error = process
            .expect_line("READY", SOON)
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains("exit status: 3"), "{error}");
        let (mut process, _dir) = shell("sleep 20");
        let error = process
            .expect_line("READY", Duration::from_millis(50))
            .await
            .unwrap_err();
        assert!(error.to_string().contains("not within"), "{error}");
    }

    #[tokio::test]
    async fn an_exit_code_is_an_error() {
        let (process, _dir) = shell("trap 'exit 7' TERM; while :; do sleep 0.05; done");
        tokio::time::sleep(Duration::from_millis(200)).await;
        let error = process.stop(SOON).await.unwrap_err().to_string();
        assert!(error.contains("exit status: 7"), "{error}");
    }

    #[tokio::test]
    async fn nothing_outlives_the_handle() {
        let (mut process, _dir) = shell("sleep 300 & echo $!; wait");
        let id = process.line(Instant::now() + SOON).await.unwrap();
        let alive = || {
            std::fs::read_to_string(format!("/proc/{id}/stat"))
                .is_ok_and(|stat| !stat.contains(") Z "))
        };
        assert!(alive());
        drop(process);
        let end = Instant::now() + SOON;
        while alive() {
            assert!(Instant::now() < end, "the shell's child lives on");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
