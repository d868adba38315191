//! The command line.

use std::path::PathBuf;

use std::time::Duration;

use clap::{Parser, ValueEnum};

use crate::grade::{Options, Protocol};

/// Grades proxies with scripted clients and servers (--target), or runs real RPC clients against real servers,
/// directly and through Wireloom (--peers), and prints what worked.
///
/// Exits with 0 only if everything that was asked for ran and passed, with 1 if something failed, with 2 if it could
/// not begin.
#[derive(Debug, Parser)]
#[command(name = "wireloom-conformance")]
pub struct Cli {
    /// Whose clients to run: `all`, or names of folders under conformance/peers. Each runs against those of its
    /// partners that are named too, or against its first partner if none is.
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "NAME",
        conflicts_with = "target"
    )]
    pub peers: Vec<String>,
    /// Grade this proxy: wireloom, envoy, envoy-generic, haproxy, nginx, direct (none at all), or
    /// cmd:'PROGRAM … {listen} … {backend} …' and tcp:'…' for one that only relays TCP, with NAME= before it if it is to
    /// have another name. Several with commas between, or by more than one --target.
    #[arg(long, value_name = "TARGET")]
    pub target: Vec<String>,
    /// Cases about these alone.
    #[arg(long, value_delimiter = ',', value_enum, value_name = "PROTOCOL")]
    pub protocols: Vec<Protocol>,
    /// Cases whose name matches: * stands for anything. May be given twice.
    #[arg(long, value_delimiter = ',', value_name = "GLOB")]
    pub cases: Vec<String>,
    /// Run each case so often; one failure is a failure.
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u16).range(1..))]
    pub repeat: u16,
    /// Do not try once more what failed, as is done where each case runs once.
    #[arg(long)]
    pub one_try: bool,
    /// How many seconds a case waits for what must come.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = clap::value_parser!(u16).range(1..))]
    pub patience: u16,
    /// What to run. Default: all but idle.
    #[arg(long, value_delimiter = ',', value_enum, value_name = "SUITE")]
    pub suite: Vec<Suite>,
    /// Run the idle suite too: connections that see nothing but heartbeats for five minutes.
    #[arg(long)]
    pub long: bool,
    /// List the cases with what each asks and why, or with --peers the peers and what would run, and stop.
    #[arg(long)]
    pub list: bool,
    /// Write the results to a file; `.json` and `.md` are known, and with --target `.xml` and `.junit` for JUnit's.
    /// May be given twice.
    #[arg(long, value_name = "FILE")]
    pub report: Vec<PathBuf>,
    /// Pairs of client and server, or cases, that run at the same time. Default: one per core, at most 4.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub jobs: Option<u16>,
    /// The proxy to judge. Default: the one of this checkout, built with `cargo build --release -p wireloom`.
    #[arg(long, value_name = "PATH")]
    pub wireloom: Option<PathBuf>,
    /// Run the clients directly only, without any proxy: checks the peers themselves.
    #[arg(long, conflicts_with = "wireloom")]
    pub direct_only: bool,
    /// Install the peers, and stop.
    #[arg(long)]
    pub install_only: bool,
}

/// A set of scenarios.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum)]
pub enum Suite {
    /// Calls of every kind, with the same expectations directly and through the proxy.
    Calls,
    /// Failures that the proxy makes, as the application sees them.
    Errors,
    /// Steady calls over two proxies of which one is restarted.
    Restart,
    /// Five minutes of heartbeats alone.
    Idle,
    /// Apache Thrift's own ThriftTest service.
    Thrifttest,
    /// Every dialect of Thrift on one listener.
    Sniff,
    /// Every dialect of Thrift into every other.
    Translate,
}

impl Suite {
    /// The name that clients know it by.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::Errors => "errors",
            Self::Restart => "restart",
            Self::Idle => "idle",
            Self::Thrifttest => "thrifttest",
            Self::Sniff => "sniff",
            Self::Translate => "translate",
        }
    }
}

impl Cli {
    /// What proxies are to be graded by, if that is what was asked for.
    pub fn grading(&self) -> Option<Options> {
        let cases = !self.target.is_empty() || !self.protocols.is_empty() || !self.cases.is_empty();
        let bare_list = self.list && self.peers.is_empty() && self.suite.is_empty();
        (cases || bare_list).then(|| Options {
            targets: self.target.clone(),
            protocols: self.protocols.clone(),
            cases: self.cases.clone(),
            list: self.list,
            repeat: self.repeat.into(),
            jobs: self.jobs(),
            patience: Some(Duration::from_secs(self.patience.into())),
            reports: self.report.clone(),
            second_try: self.repeat == 1 && !self.one_try,
            wireloom: self.wireloom.clone(),
        })
    }

    /// The peers that were asked for: all, if none was.
    pub fn peers(&self) -> Vec<String> {
        match self.peers.as_slice() {
            [] => vec!["all".to_owned()],
            named => named.to_vec(),
        }
    }

    /// The suites that are to run, each once.
    pub fn suites(&self) -> Vec<Suite> {
        let mut suites = match self.suite.as_slice() {
            [] => vec![
                Suite::Calls,
                Suite::Errors,
                Suite::Restart,
                Suite::Thrifttest,
                Suite::Sniff,
                Suite::Translate,
            ],
            named => named.to_vec(),
        };
        if self.long {
            suites.push(Suite::Idle);
        }
        suites.sort_unstable();
        suites.dedup();
        suites
    }

    /// How many pairs run at the same time.
    pub fn jobs(&self) -> usize {
        match self.jobs {
            Some(jobs) => jobs.into(),
            None => std::thread::available_parallelism().map_or(1, |cores| cores.get().min(4)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Cli {
        Cli::try_parse_from([&["wireloom-conformance"], args].concat()).unwrap()
    }

    #[test]
    fn the_default_is_everything_but_idle() {
        let cli = parse(&[]);
        assert_eq!(cli.peers(), ["all"]);
        assert!(cli.grading().is_none());
        assert_eq!(cli.suites().len(), 6);
        assert!(!cli.suites().contains(&Suite::Idle));
        assert!(parse(&["--long"]).suites().contains(&Suite::Idle));
    }

    #[test]
    fn lists_are_written_with_commas() {
        let cli = parse(&[
            "--peers",
            "a,b",
            "--suite",
            "errors,calls,errors",
            "--jobs",
            "3",
        ]);
        assert_eq!(cli.peers(), ["a", "b"]);
        assert!(cli.grading().is_none());
        assert_eq!(cli.suites(), [Suite::Calls, Suite::Errors]);
        assert_eq!(cli.jobs(), 3);
        assert!(Cli::try_parse_from(["x", "--suite", "cals"]).is_err());
        assert!(Cli::try_parse_from(["x", "--jobs", "0"]).is_err());
    }

    #[test]
    fn a_target_or_a_case_is_grading() {
        let options = parse(&[
            "--target",
            "wireloom,envoy",
            "--target",
            "cmd:p {listen} {backend}, x",
            "--protocols",
            "dubbo,http1",
            "--cases",
            "*/wire/*",
            "--repeat",
            "3",
            "--patience",
            "5",
            "--report",
            "a.xml",
        ])
        .grading()
        .unwrap();
        assert_eq!(
            options.targets,
            ["wireloom,envoy", "cmd:p {listen} {backend}, x"]
        );
        assert_eq!(options.protocols, [Protocol::Dubbo, Protocol::Http1]);
        assert_eq!(
            (options.repeat, options.patience),
            (3, Some(Duration::from_secs(5)))
        );
        assert!(
            parse(&["--cases", "dubbo/*"])
                .grading()
                .unwrap()
                .targets
                .is_empty()
        );
        assert!(parse(&["--list"]).grading().unwrap().list);
        assert!(parse(&["--list", "--peers", "all"]).grading().is_none());
        assert!(Cli::try_parse_from(["x", "--peers", "all", "--target", "envoy"]).is_err());
        assert!(Cli::try_parse_from(["x", "--protocols", "smtp"]).is_err());
    }
}
