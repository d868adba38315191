//! A proxy that runs.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use crate::ports;
use crate::process::{Process, Spec};

/// How long a proxy may take to be ready.
const START: Duration = Duration::from_secs(20);
/// How long an answer of its admin server may take.
const ADMIN: Duration = Duration::from_secs(5);

/// A proxy process with its configuration in a folder of its own. Killed when dropped.
pub struct Proxy {
    process: Process,
    address: SocketAddr,
    admin: SocketAddr,
    folder: TempDir,
}

impl Proxy {
    /// Starts `program` with the configuration `yaml`, in which `$LISTEN` and `$ADMIN` stand for its addresses, and
    /// waits until it is ready. All that it prints goes to `log`.
    pub async fn start(program: &Path, yaml: &str, log: PathBuf) -> Result<Self> {
        Self::start_at(program, yaml, ports::free(), log).await
    }

    /// The same, listening on `address`.
    pub async fn start_at(
        program: &Path,
        yaml: &str,
        address: SocketAddr,
        log: PathBuf,
    ) -> Result<Self> {
        let folder = TempDir::with_prefix("wireloom-")?;
        let admin = ports::free();
        let file = folder.path().join("wireloom.yaml");
        std::fs::write(&file, fill(yaml, address, admin))?;
        let command = [
            program.display().to_string(),
            "run".to_owned(),
            "-c".to_owned(),
        ];
        let process = Process::spawn(Spec {
            name: "the proxy".to_owned(),
            command: &command,
            args: vec![file.display().to_string()],
            dir: folder.path(),
            env: Vec::new(),
            log,
        })?;
        let mut proxy = Self {
            process,
            address,
            admin,
            folder,
        };
        proxy.wait_until_ready().await?;
        Ok(proxy)
    }

    async fn wait_until_ready(&mut self) -> Result<()> {
        let end = Instant::now() + START;
        loop {
            if !self.process.is_running() {
                // What it printed last may be on its way here still.
                sleep(Duration::from_millis(50)).await;
                bail!("the proxy did not start{}", self.process.explain());
            }
            if matches!(self.get("/ready").await, Ok((200, _))) {
                return Ok(());
            }
            let late = Instant::now() >= end;
            ensure!(
                !late,
                "the proxy is not ready within {} s{}",
                START.as_secs(),
                self.process.explain()
            );
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Where it takes traffic.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Status and body of its admin server's answer to a GET.
    pub async fn get(&self, path: &str) -> Result<(u16, String)> {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.admin
        );
        let answer = timeout(ADMIN, exchange(self.admin, &request)).await;
        let answer =
            answer.with_context(|| format!("the admin server does not answer GET {path}"))??;
        let (head, body) = answer
            .split_once("\r\n\r\n")
            .context("the admin server's answer has no end of head")?;
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        Ok((
            status.context("the admin server's answer has no status")?,
            body.to_owned(),
        ))
    }

    /// The sum of a metric's series whose labels contain all of `labels` (`protocol="bolt"`). 0 if there is none.
    pub async fn metric(&self, name: &str, labels: &[&str]) -> Result<f64> {
        let (_, text) = self.get("/metrics").await?;
        let series = text
            .lines()
            .filter_map(|line| line.rsplit_once(' '))
            .filter(|(series, _)| {
                let (found, rest) = series.split_once('{').unwrap_or((series, ""));
                found == name && labels.iter().all(|label| rest.contains(label))
            });
        Ok(series
            .filter_map(|(_, value)| value.parse::<f64>().ok())
            .sum())
    }

    /// Puts another configuration into its file and tells it so (SIGHUP). Does not wait for the effect.
    pub fn reload(&self, yaml: &str) -> Result<()> {
        let file = self.folder.path().join("wireloom.yaml");
        // Replaced at once, as deployments do it.
        let new = self.folder.path().join("wireloom.yaml.new");
        std::fs::write(&new, fill(yaml, self.address, self.admin))?;
        std::fs::rename(new, file)?;
        self.process.signal(Signal::HUP);
        Ok(())
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Bytes of memory that it uses (resident set).
    pub fn memory(&self) -> Result<u64> {
        let id = self.process.id().context("the proxy has ended")?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        Ok(kib.context("the system tells no VmRSS")? * 1024)
    }

    /// Processor time that it has used.
    pub fn processor_time(&self) -> Result<Duration> {
        let id = self.process.id().context("the proxy has ended")?;
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
        // Behind the name, which may hold anything: user and system time are the 14th and 15th field of all.
        let fields = stat
            .rsplit_once(") ")
            .map(|(_, fields)| fields.split(' ').skip(11).take(2));
        let ticks = fields
            .into_iter()
            .flatten()
            .map(str::parse::<u64>)
            .sum::<Result<u64, _>>()?;
        // Linux counts in hundredths of a second here, whatever its own clock does.
        Ok(Duration::from_millis(10 * ticks))
    }

    /// File descriptors that it has open.
    pub fn descriptors(&self) -> Result<usize> {
        let id = self.process.id().context("the proxy has ended")?;
        Ok(std::fs::read_dir(format!("/proc/{id}/fd"))?.count())
    }

    /// Whether its log holds `text`, among the last lines.
    pub fn printed(&self, text: &str) -> bool {
        self.process.printed(text)
    }

    /// How many lines of its log, among the last ones, hold all of `texts`.
    pub fn lines(&self, texts: &[&str]) -> usize {
        self.process.count(texts)
    }

    /// That it runs and has not caught a panic of its own.
    pub fn check(&mut self) -> Result<()> {
        let end = if self.process.is_running() {
            ""
        } else {
            ", and it has ended"
        };
        if self.process.printed("panicked at") || !end.is_empty() {
            bail!("the proxy is broken{end}{}", self.process.explain());
        }
        Ok(())
    }

    /// Waits for its end, which something else brought about, and for exit code 0.
    pub async fn ended(mut self, within: Duration) -> Result<()> {
        let status = self.process.wait(within).await?;
        ensure!(
            status.success(),
            "the proxy ended with {status}{}",
            self.process.explain()
        );
        ensure!(
            !self.process.printed("panicked at"),
            "the proxy panicked{}",
            self.process.explain()
        );
        Ok(())
    }

    /// Drains it with SIGTERM and waits for its end with exit code 0.
    pub async fn stop(mut self, within: Duration) -> Result<()> {
        self.check()?;
        self.process.signal(Signal::TERM);
        self.ended(within).await
    }
}

fn fill(yaml: &str, address: SocketAddr, admin: SocketAddr) -> String {
    yaml.replace("$LISTEN", &address.to_string())
        .replace("$ADMIN", &admin.to_string())
}

async fn exchange(address: SocketAddr, request: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
