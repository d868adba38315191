//! A client meets a server: directly, and through proxies made for the occasion.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Result;
use rustix::process::Signal;
use tokio::time::sleep;

use super::client::{Client, Mode, Ran, Task};
use super::dialect::{Dialect, Ports, target};
use super::matrix::Pair;
use super::protocol::Protocol;
use super::report::Row;
use crate::cli::Suite;
use crate::ports;
use crate::process::{Process, Spec};
use crate::proxy::Proxy;
use crate::proxy::config::{self, Faulty, Picked, Port};
use crate::scripted::Upstream;

/// How long a server may take to start. Java on a busy machine is slow.
const READY: Duration = Duration::from_secs(90);
/// How long a proxy without clients may take to end.
const END: Duration = Duration::from_secs(15);
/// How long calls go on in the restart suite.
const RESTART_SECONDS: u64 = 12;

/// What all pairs share.
#[derive(Clone)]
pub(crate) struct Grounds {
    /// The proxy, unless all runs are direct.
    pub(crate) wireloom: Option<PathBuf>,
    /// The proxies that manifests name.
    pub(crate) others: HashMap<String, PathBuf>,
    /// Where peers are installed.
    pub(crate) installed: PathBuf,
    /// Where programs' output goes.
    pub(crate) logs: PathBuf,
}

impl Grounds {
    /// Runs these suites of the pair and tells what came of it.
    pub(crate) async fn meet(&self, pair: &Pair, suites: &[Suite]) -> Vec<Row> {
        let names = pair.names();
        let address = ports::free();
        let label = suites.first().map_or("", |suite| suite.as_str());
        let (mut server, ports) = match self.serve(pair, address, label).await {
            Ok(server) => server,
            Err(error) => {
                let row = |suite: &Suite| names.failed(*suite, format!("{error:#}"));
                return suites.iter().map(row).collect();
            }
        };
        let meeting = Meeting {
            grounds: self,
            pair,
            server: address,
            ports,
        };
        let mut rows = Vec::new();
        let mut suites = suites.iter();
        while let Some(suite) = suites.next() {
            rows.extend(meeting.run(*suite).await);
            if !server.is_running() {
                let reason = format!("the server ended meanwhile{}", server.explain());
                rows.push(names.failed(*suite, reason));
                let missed = |suite: &Suite| {
                    names.failed(*suite, "not run: the server had ended before".to_owned())
                };
                rows.extend(suites.by_ref().map(missed));
            }
        }
        rows
    }

    /// Starts the server on that port or, with Thrift, on those that it chooses.
    async fn serve(
        &self,
        pair: &Pair,
        address: SocketAddr,
        label: &str,
    ) -> Result<(Process, Ports)> {
        let peer = &pair.server;
        let is_thrift = pair.link.server == Protocol::Thrift;
        let port = if is_thrift { 0 } else { address.port() };
        let out = self.installed.join(&peer.name);
        let mut server = Process::spawn(Spec {
            name: format!("the server {}", peer.name),
            command: peer.server.as_deref().unwrap_or_default(),
            args: vec!["--port".to_owned(), port.to_string()],
            dir: &peer.folder,
            env: vec![("PEER_OUT", out.as_os_str())],
            log: self
                .logs
                .join(pair.folder())
                .join(format!("{label}-server.log")),
        })?;
        let lines = server.expect_line("READY", READY).await?;
        let ports = if is_thrift {
            Ports::read(&lines, &peer.thrift)?
        } else {
            Ports::default()
        };
        Ok((server, ports))
    }
}

/// A pair whose server is there.
struct Meeting<'a> {
    grounds: &'a Grounds,
    pair: &'a Pair,
    server: SocketAddr,
    /// In Thrift's place.
    ports: Ports,
}

/// A proxy's configuration, and what a client is told. None is the proxy's address.
struct Way {
    yaml: String,
    target: Option<String>,
}

impl Meeting<'_> {
    async fn run(&self, suite: Suite) -> Vec<Row> {
        let names = self.pair.names();
        let Some(wireloom) = self.proxy() else {
            return match suite {
                Suite::Calls | Suite::Idle | Suite::Thrifttest => {
                    names.rows(suite, Some(&self.direct(suite).await), None)
                }
                // These are about the proxy.
                Suite::Errors | Suite::Restart | Suite::Sniff | Suite::Translate => Vec::new(),
            };
        };
        match suite {
            Suite::Calls | Suite::Idle if self.pair.link.is_translated() => {
                let proxied = self.through(wireloom, suite, &self.way(suite)).await;
                names.rows(suite, None, Some(&proxied))
            }
            Suite::Sniff | Suite::Translate => {
                let proxied = self.through(wireloom, suite, &self.way(suite)).await;
                names.rows(suite, None, Some(&proxied))
            }
            Suite::Calls | Suite::Thrifttest => {
                let direct = self.direct(suite).await;
                let proxied = self.through(wireloom, suite, &self.way(suite)).await;
                names.rows(suite, Some(&direct), Some(&proxied))
            }
            Suite::Idle => {
                let way = self.way(suite);
                let (direct, proxied) =
                    tokio::join!(self.direct(suite), self.through(wireloom, suite, &way));
                names.rows(suite, Some(&direct), Some(&proxied))
            }
            Suite::Errors => {
                let proxied = self
                    .failures(wireloom)
                    .await
                    .unwrap_or_else(|error| Client::never_ran(&error));
                names.rows(suite, None, Some(&proxied))
            }
            Suite::Restart => {
                let proxied = self
                    .restart(wireloom)
                    .await
                    .unwrap_or_else(|error| Client::never_ran(&error));
                self.told(suite, Mode::Proxied, &proxied, None);
                names.rows(suite, None, Some(&proxied))
            }
        }
    }

    /// The proxy of this pair; None if all runs are direct.
    fn proxy(&self) -> Option<&Path> {
        match &self.pair.client.proxy {
            Some(name) => self.grounds.others.get(name).map(PathBuf::as_path),
            None => self.grounds.wireloom.as_deref(),
        }
    }

    /// One route to the server.
    fn config(&self) -> String {
        let link = self.pair.link;
        if link.is_translated() {
            config::translating(self.server, link.server.as_str())
        } else {
            config::plain(self.server)
        }
    }

    /// From a client to the server, as the suite wants it.
    fn way(&self, suite: Suite) -> Way {
        if self.pair.link.client != Protocol::Thrift {
            return Way {
                yaml: self.config(),
                target: None,
            };
        }
        let (dialects, ports): (Vec<_>, Vec<_>) = self.thrift_ports(suite).into_iter().unzip();
        if suite == Suite::Sniff {
            return Way {
                yaml: config::by_service(&ports),
                target: None,
            };
        }
        let listens = ports.iter().map(|port| port.listen);
        Way {
            yaml: config::ports(&ports),
            target: Some(target(dialects.into_iter().zip(listens))),
        }
    }

    /// What the suite is about of the server's ports, and where a proxy might listen for each.
    fn thrift_ports(&self, suite: Suite) -> Vec<(Dialect, Port)> {
        let Pair { client, server, .. } = self.pair;
        let ports = self.ports.of(suite, &client.thrift, &server.thrift);
        let port = |(dialect, server): (Dialect, SocketAddr)| {
            let port = Port {
                name: dialect.as_str(),
                listen: ports::free(),
                server,
                into: (suite == Suite::Translate).then(|| dialect.parts()),
            };
            (dialect, port)
        };
        ports.into_iter().map(port).collect()
    }

    fn client(
        &self,
        suite: Suite,
        mode: Mode,
        target: String,
        more: Vec<String>,
    ) -> Result<Client> {
        let peer = &self.pair.client;
        Client::start(Task {
            peer,
            out: &self.grounds.installed.join(&peer.name),
            with: &self.pair.server.name,
            link: self.pair.link,
            target,
            suite,
            mode,
            more,
            log: self.log(suite, mode, "client"),
        })
    }

    fn log(&self, suite: Suite, mode: Mode, who: &str) -> PathBuf {
        let name = format!("{}-{}-{who}.log", suite.as_str(), mode.as_str());
        self.grounds.logs.join(self.pair.folder()).join(name)
    }

    /// The line that says that a run is over.
    fn told(&self, suite: Suite, mode: Mode, ran: &Ran, since: Option<Instant>) {
        let seconds = since
            .map(|since| format!(", {:.1} s", since.elapsed().as_secs_f32()))
            .unwrap_or_default();
        let (passed, failed) = (ran.passed(), ran.failed());
        let run = format!("{} {}", suite.as_str(), mode.as_str());
        // How smooth it was, which a verdict does not say.
        let details = ran.scenarios.values().filter(|_| suite == Suite::Restart);
        let details: String = details
            .map(|outcome| format!(": {}", outcome.detail))
            .collect();
        eprintln!(
            "{:<32} {run:<16} {passed} ok, {failed} failed{seconds}{details}",
            self.pair.name()
        );
    }

    async fn direct(&self, suite: Suite) -> Ran {
        let start = Instant::now();
        let target = self.target(suite, self.server, |port| port.server);
        let mut ran = match self.client(suite, Mode::Direct, target, Vec::new()) {
            Ok(client) => client.finish().await,
            Err(error) => Client::never_ran(&error),
        };
        self.check(suite, &mut ran);
        self.told(suite, Mode::Direct, &ran, Some(start));
        ran
    }

    /// A run through a proxy with this configuration, which must outlive it and end in order.
    async fn through(&self, wireloom: &Path, suite: Suite, way: &Way) -> Ran {
        let start = Instant::now();
        let log = self.log(suite, Mode::Proxied, "proxy");
        let run = async {
            let proxy = Proxy::start(wireloom, &way.yaml, log).await?;
            let target = way.target.clone();
            let target =
                target.unwrap_or_else(|| self.target(suite, proxy.address(), |_| proxy.address()));
            let client = self.client(suite, Mode::Proxied, target, Vec::new())?;
            let mut ran = client.finish().await;
            self.check(suite, &mut ran);
            if let Err(error) = proxy.stop(END).await {
                ran.blame(&error);
            }
            anyhow::Ok(ran)
        };
        let ran = run.await.unwrap_or_else(|error| Client::never_ran(&error));
        self.told(suite, Mode::Proxied, &ran, Some(start));
        ran
    }

    /// What a client is told: the address or, with Thrift, one for each dialect.
    fn target(
        &self,
        suite: Suite,
        address: SocketAddr,
        of: impl Fn(&Port) -> SocketAddr,
    ) -> String {
        if self.pair.link.client != Protocol::Thrift {
            return address.to_string();
        }
        let ports = self.thrift_ports(suite);
        target(ports.iter().map(|(dialect, port)| (*dialect, of(port))))
    }

    /// Blames a run that left something out.
    fn check(&self, suite: Suite, ran: &mut Ran) {
        if self.pair.link.client == Protocol::Thrift {
            let Pair { client, server, .. } = self.pair;
            client.thrift.check(suite, &server.thrift, ran);
        }
    }

    async fn failures(&self, wireloom: &Path) -> Result<Ran> {
        // Failures of requests: a connection that cannot even be made is a failure of its own.
        let (silent, resetting) = match self.pair.link.server {
            Protocol::Dubbo
            | Protocol::Bolt
            | Protocol::Http1
            | Protocol::Thrift
            | Protocol::Tars => (Upstream::silent().await?, Upstream::resetting().await?),
            Protocol::Http2 | Protocol::Grpc | Protocol::Triple => (
                Upstream::silent_http2().await?,
                Upstream::resetting_http2().await?,
            ),
        };
        let faulty = Faulty {
            refused: ports::free(),
            silent: silent.address(),
            resetting: resetting.address(),
        };
        let yaml = match self.pair.link.client {
            Protocol::Thrift => {
                let ports = self.thrift_ports(Suite::Errors);
                let ports: Vec<_> = ports.into_iter().map(|(_, port)| port).collect();
                config::failures_by_service(&ports, &faulty)
            }
            Protocol::Grpc => config::failures(self.server, &faulty, Picked::ByMetadata),
            Protocol::Tars => config::failures(self.server, &faulty, Picked::ByService),
            _ => config::failures(self.server, &faulty, Picked::ByGroup),
        };
        let way = Way { yaml, target: None };
        Ok(self.through(wireloom, Suite::Errors, &way).await)
    }

    /// Steady calls over two proxies, of which the first is replaced.
    async fn restart(&self, wireloom: &Path) -> Result<Ran> {
        let suite = Suite::Restart;
        let yaml = self.config();
        let log = |who| self.log(suite, Mode::Proxied, who);
        let first = Proxy::start(wireloom, &yaml, log("proxy-1")).await?;
        let second = Proxy::start(wireloom, &yaml, log("proxy-2")).await?;
        let address = first.address();
        let target = format!("{address},{}", second.address());
        let more = ["--seconds".to_owned(), RESTART_SECONDS.to_string()];
        let mut client = self.client(suite, Mode::Proxied, target, more.into())?;
        let mut problems = Vec::new();
        if client.reached("RUNNING", Duration::from_secs(60)).await {
            // Some seconds of calls before, while and after it is gone.
            sleep(Duration::from_secs(2)).await;
            first.signal(Signal::TERM);
            problems.extend(first.ended(Duration::from_secs(45)).await.err());
        } else {
            problems.push(anyhow::anyhow!("the client did not get to RUNNING"));
            drop(first);
        }
        let replacement = Proxy::start_at(wireloom, &yaml, address, log("proxy-3")).await?;
        let mut ran = client.finish().await;
        problems.extend(replacement.stop(END).await.err());
        problems.extend(second.stop(END).await.err());
        for problem in &problems {
            ran.blame(problem);
        }
        Ok(ran)
    }
}

impl Ran {
    /// Adds a problem of the proxy to what is wrong with the run.
    fn blame(&mut self, problem: &anyhow::Error) {
        let before = self
            .fault
            .take()
            .map(|fault| fault + "\n")
            .unwrap_or_default();
        self.fault = Some(format!("{before}{problem:#}"));
    }
}
