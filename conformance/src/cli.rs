//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Runs real RPC clients against real servers, directly and through Wireloom, and prints what worked.
///
/// Exits with 0 only if everything that was asked for ran and passed.
#[derive(Debug, Parser)]
#[command(name = "wireloom-conformance")]
pub struct Cli {
    /// Whose clients to run: `all`, or names of folders under conformance/peers. Each runs against those of its
    /// partners that are named too, or against its first partner if none is.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "all",
        value_name = "NAME"
    )]
    pub peers: Vec<String>,
    /// What to run. Default: all but idle.
    #[arg(long, value_delimiter = ',', value_enum, value_name = "SUITE")]
    pub suite: Vec<Suite>,
    /// Run the idle suite too: connections that see nothing but heartbeats for five minutes.
    #[arg(long)]
    pub long: bool,
    /// List the peers and what would run, and stop.
    #[arg(long)]
    pub list: bool,
    /// Write the results to a file; `.json` and `.md` are known. May be given twice.
    #[arg(long, value_name = "FILE")]
    pub report: Vec<PathBuf>,
    /// Pairs of client and server that run at the same time. Default: one per core, at most 4.
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
        assert_eq!(cli.peers, ["all"]);
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
        assert_eq!(cli.peers, ["a", "b"]);
        assert_eq!(cli.suites(), [Suite::Calls, Suite::Errors]);
        assert_eq!(cli.jobs(), 3);
        assert!(Cli::try_parse_from(["x", "--suite", "cals"]).is_err());
        assert!(Cli::try_parse_from(["x", "--jobs", "0"]).is_err());
    }
}
