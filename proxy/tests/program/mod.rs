//! The program, started and talked to as a shell would.

#![allow(dead_code, reason = "every test file uses a part of it")]

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_wireloom");

/// Runs it to its end: exit code, standard output, standard error.
pub(crate) fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    ended(Command::new(PROGRAM).args(arguments))
}

/// Runs a line in a shell.
pub(crate) fn shell(line: &str) -> (Option<i32>, String, String) {
    ended(Command::new("sh").args(["-c", line]))
}

fn ended(command: &mut Command) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.env_remove("WIRELOOM_LOG").output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

/// One that keeps running, killed when dropped.
pub(crate) struct Running {
    child: Child,
    /// Lines of both outputs, as they come.
    lines: Receiver<String>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Running {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).env_remove("WIRELOOM_LOG");
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let outputs: [Box<dyn std::io::Read + Send>; 2] = [
            Box::new(child.stdout.take().unwrap()),
            Box::new(child.stderr.take().unwrap()),
        ];
        for output in outputs {
            let sender = sender.clone();
            thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    let _ = sender.send(line);
                }
            });
        }
        Self {
            child,
            lines,
            seen: Arc::default(),
        }
    }

    /// Waits for the next line that has `text` in it.
    pub(crate) fn line_with(&self, text: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!(
                    "no line with {text:?}; there were {:#?}",
                    self.seen.lock().unwrap()
                );
            };
            self.seen.lock().unwrap().push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Sends a signal: `TERM`, `HUP`.
    pub(crate) fn signal(&self, name: &str) {
        let (code, _, error) = shell(&format!("kill -{name} {}", self.child.id()));
        assert_eq!(code, Some(0), "{error}");
    }

    /// Waits for its end: the exit code.
    pub(crate) fn end(&mut self) -> Option<i32> {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("it did not end");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The address in `text` behind `before`.
pub(crate) fn address_behind(text: &str, before: &str) -> SocketAddr {
    let (_, behind) = text.split_once(before).unwrap();
    let end = behind.find([',', ' ', '/']).unwrap_or(behind.len());
    behind[..end].parse().unwrap()
}

/// A demo on ports of its own, and its address.
pub(crate) fn demo() -> (Running, SocketAddr) {
    let demo = Running::start(&["demo", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
    let address = address_behind(&demo.line_with("Ctrl-C"), "on ");
    (demo, address)
}

/// A file that is deleted when the test ends.
pub(crate) struct Temporary(PathBuf);

impl Temporary {
    pub(crate) fn new(name: &str, text: &str) -> Self {
        let name = format!("wireloom-{}-{name}", std::process::id());
        let file = Self(std::env::temp_dir().join(name));
        file.write(text);
        file
    }

    pub(crate) fn write(&self, text: &str) {
        std::fs::write(&self.0, text).unwrap();
    }

    pub(crate) fn path(&self) -> &str {
        Path::to_str(&self.0).unwrap()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
