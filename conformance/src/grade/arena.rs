//! Where a case meets a target: started for it alone, and ended with it.

use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, ensure};
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::time::{Instant, sleep, timeout};

use super::case::{NotApplicable, Protocol};
use super::listening::listens;
use super::targets::{Drain, Driver, Level, Setup};
use crate::grade::tongue::Tongue;
use crate::ports;
use crate::process::{Process, Spec};
use crate::scripted::{Dialect, Http1};

/// How long a target may take to listen.
const START: Duration = Duration::from_secs(30);

/// The request timeout in cases about time, of every target that has one.
pub const TIMEOUT: Duration = Duration::from_secs(2);

/// The time for a head in cases about time.
const HEAD: Duration = Duration::from_secs(5);

/// Both in all other cases: longer than any machine stalls.
const LONG: Duration = Duration::from_secs(30);

/// A case's view of the target.
#[derive(Clone)]
pub struct Arena {
    shared: Arc<Shared>,
    setup: Setup,
}

struct Shared {
    driver: Arc<dyn Driver>,
    log: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    process: Option<Process>,
    folder: Option<TempDir>,
    /// It was asked to end, so its end is no crash.
    ending: bool,
    not_started: Option<String>,
    admin: Option<SocketAddr>,
}

impl Arena {
    /// For a case about `protocol`. All that the target prints goes to `log`.
    pub fn new(driver: Arc<dyn Driver>, protocol: Protocol, log: PathBuf) -> Self {
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            shared: Arc::new(Shared {
                driver,
                log,
                state: Mutex::default(),
            }),
            setup: Setup {
                listen: nowhere,
                backend: nowhere,
                admin: nowhere,
                protocol,
                sniffed: Vec::new(),
                timeout: LONG,
                head: LONG,
                limit: None,
                proxy_header: false,
            },
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The same, with this longest message.
    pub fn limit(mut self, bytes: usize) -> Self {
        self.setup.limit = Some(bytes);
        self
    }

    /// The same, with [`TIMEOUT`] for a request and as little for a head.
    pub fn hasty(mut self) -> Self {
        self.setup.timeout = TIMEOUT;
        self.short_head()
    }

    /// The same, with a short time for a head.
    pub fn short_head(mut self) -> Self {
        self.setup.head = HEAD;
        self
    }

    /// The same, for which a PROXY header comes before the protocol.
    pub fn proxy_header(mut self) -> Self {
        self.setup.proxy_header = true;
        self
    }

    /// The same, with all these protocols on one port.
    ///
    /// # Errors
    /// [`NotApplicable`] if the target cannot tell them apart.
    pub fn sniffing(mut self, protocols: &[Protocol]) -> Result<Self> {
        let driver = &self.shared.driver;
        if !driver.sniffs(protocols) {
            let why = "it cannot tell these protocols apart on one port".to_owned();
            return Err(NotApplicable(why).into());
        }
        self.setup.sniffed = protocols.to_vec();
        Ok(self)
    }

    /// Goes on if the target takes this dialect of Thrift.
    ///
    /// # Errors
    /// [`NotApplicable`] if not.
    pub fn dialect(&self, dialect: Dialect) -> Result<()> {
        let driver = &self.shared.driver;
        if driver.level(Protocol::Thrift) == Level::Messages && !driver.dialect(dialect) {
            return Err(NotApplicable(format!("it has no {dialect:?}")).into());
        }
        Ok(())
    }

    /// Whether it reads messages of the case's protocol.
    pub fn reads_messages(&self) -> bool {
        self.shared.driver.level(self.setup.protocol) == Level::Messages
    }

    /// What its server is to speak for clients of this tongue.
    pub fn upstream(&self, tongue: Tongue) -> Tongue {
        self.shared.driver.upstream(tongue)
    }

    /// Whether nothing is between the two.
    pub fn is_direct(&self) -> bool {
        self.shared.driver.is_direct()
    }

    /// Starts the target before this server, and tells where it listens.
    ///
    /// # Errors
    /// If it does not start, which is the case's verdict then.
    pub async fn front(&self, backend: SocketAddr) -> Result<SocketAddr> {
        if self.is_direct() {
            return Ok(backend);
        }
        match self.start(backend).await {
            Ok(address) => Ok(address),
            Err(error) => {
                self.state().not_started = Some(format!("{error:#}"));
                Err(error)
            }
        }
    }

    async fn start(&self, backend: SocketAddr) -> Result<SocketAddr> {
        let driver = &self.shared.driver;
        let folder = TempDir::with_prefix("grade-")?;
        let setup = Setup {
            listen: ports::free(),
            admin: ports::free(),
            backend,
            ..self.setup.clone()
        };
        let command = driver.command(&setup, folder.path())?;
        let mut process = Process::spawn(Spec {
            name: driver.name().to_owned(),
            command: &command.program,
            args: Vec::new(),
            dir: folder.path(),
            env: command
                .env
                .iter()
                .map(|(key, value)| (key.as_str(), value.as_os_str()))
                .collect(),
            log: self.shared.log.clone(),
        })?;
        let end = Instant::now() + START;
        while !listens(setup.listen.port()) {
            if !process.is_running() {
                // What it printed last may be on its way here still.
                sleep(Duration::from_millis(100)).await;
                let status = process.wait(Duration::from_secs(1)).await?;
                anyhow::bail!("it ended with {status}{}", process.explain());
            }
            ensure!(
                Instant::now() < end,
                "it does not listen within {} s{}",
                START.as_secs(),
                process.explain()
            );
            sleep(Duration::from_millis(10)).await;
        }
        let mut state = self.state();
        ensure!(state.process.is_none(), "a case starts one target");
        state.admin = Some(setup.admin);
        state.process = Some(process);
        state.folder = Some(folder);
        Ok(setup.listen)
    }

    /// Bytes of memory that the target's processes use (resident sets).
    pub fn memory(&self) -> Result<u64> {
        match &self.state().process {
            Some(process) => process.group_memory(),
            None => Err(NotApplicable("nothing is between".to_owned()).into()),
        }
    }

    /// Asks the target to end in an orderly way. Does not wait for the effect.
    pub async fn drain(&self) -> Result<()> {
        let (path, admin) = {
            let mut state = self.state();
            state.ending = true;
            match (self.shared.driver.drain(), &state.process, state.admin) {
                (Drain::Signal(signal), Some(process), _) => {
                    process.signal_group(signal);
                    return Ok(());
                }
                (Drain::Post(path), Some(_), Some(admin)) => (path, admin),
                _ => return Err(NotApplicable("nothing is between".to_owned()).into()),
            }
        };
        let mut conn = Http1::connect(admin).await?;
        conn.send(format!(
            "POST {path} HTTP/1.1\r\nHost: admin\r\nContent-Length: 0\r\n\r\n"
        ))
        .await?;
        let answer = conn.response_to("POST").await?;
        ensure!(answer.status() == 200, "the drain was refused: {answer:?}");
        Ok(())
    }

    /// What came of the target: why it was not started, or why it counts as crashed. It is ended if it runs.
    pub async fn finish(&self) -> Ended {
        let (process, ending, not_started) = {
            let mut state = self.state();
            (state.process.take(), state.ending, state.not_started.take())
        };
        if let Some(why) = not_started {
            return Ended::NotStarted(why);
        }
        let Some(mut process) = process else {
            return Ended::Fine;
        };
        let running = process.is_running();
        let marks = self.shared.driver.crash_marks();
        if running && !marks.is_empty() {
            // Its last words may be on their way here still.
            sleep(Duration::from_millis(10)).await;
        }
        let broken = |line: &String| marks.iter().any(|mark| line.contains(mark));
        if let Some(line) = process.tail(200).into_iter().find(broken) {
            return Ended::Crashed(format!("it printed {:?}{}", line.trim(), process.explain()));
        }
        if running {
            process.signal(Signal::KILL);
            let _ = timeout(Duration::from_secs(5), process.wait(Duration::from_secs(5))).await;
            return Ended::Fine;
        }
        sleep(Duration::from_millis(100)).await;
        let status = process.wait(Duration::from_secs(5)).await;
        match status {
            // A shell around it may die of the signal.
            Ok(status)
                if ending
                    && (status.success()
                        || status.code() == Some(143)
                        || status.signal() == Some(15)) =>
            {
                Ended::Fine
            }
            Ok(status) => Ended::Crashed(format!("it ended with {status}{}", process.explain())),
            Err(error) => Ended::Crashed(format!("{error:#}")),
        }
    }
}

/// What came of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It ran to the end.
    Fine,
    /// It could not be started.
    NotStarted(String),
    /// It ended by itself, or said that it broke.
    Crashed(String),
}
