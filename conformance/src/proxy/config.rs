//! Configurations for real peers. `$LISTEN` and `$ADMIN` stand for addresses that are chosen when a proxy starts.

use std::fmt::Write;
use std::net::SocketAddr;

const HEAD: &str = "\
admin: {address: $ADMIN}
listeners:
  - address: $LISTEN
    routes: main
";

/// Everything goes to one server.
pub fn plain(server: SocketAddr) -> String {
    format!(
        "{HEAD}routes:\n  main:\n    - to: server\nclusters:\n  server:\n    endpoints: [\"{server}\"]\n"
    )
}

/// Everything goes to one server, which is spoken to in `protocol` whatever a client speaks.
pub fn translating(server: SocketAddr, protocol: &str) -> String {
    format!("{}    protocol: {protocol}\n", plain(server))
}

/// Upstreams of the errors suite that fail, each in its own way.
#[derive(Clone, Copy, Debug)]
pub struct Faulty {
    /// Nobody listens here.
    pub refused: SocketAddr,
    /// Takes requests and never answers.
    pub silent: SocketAddr,
    /// Takes some bytes and closes.
    pub resetting: SocketAddr,
}

/// The part of a call that picks a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Picked {
    /// The group of Dubbo, or the uniqueId of Bolt.
    ByGroup,
    /// The metadata key `x-case` of gRPC.
    ByMetadata,
}

impl Picked {
    /// The match of calls for which this part is `value`, in YAML.
    fn by(self, value: &str) -> String {
        match self {
            Self::ByGroup => format!("{{group: {value}}}"),
            Self::ByMetadata => format!("{{headers: {{x-case: {value}}}}}"),
        }
    }
}

/// The failures that calls pick, and the cluster and timeout of each. Calls that pick none, and those that pick
/// `blue`, go to `server`; calls that pick anything else match no route.
pub fn failures(server: SocketAddr, faulty: &Faulty, picked: Picked) -> String {
    let mut text = HEAD.to_owned();
    text.push_str("    limits: {frame: 8MiB}\nroutes:\n  main:\n");
    for (case, to) in [
        ("{present: false}", "server"),
        ("blue", "server"),
        ("no-endpoint", "no-endpoint"),
        ("refused", "refused"),
        ("overloaded", "overloaded"),
        ("reset", "reset"),
        ("too-large", "server"),
        ("timeout", "silent, timeout: 300ms"),
    ] {
        let _ = writeln!(text, "    - {{match: {}, to: {to}}}", picked.by(case));
    }
    let _ = write!(
        text,
        "\
clusters:
  server: {{endpoints: [\"{server}\"]}}
  no-endpoint: {{endpoints: []}}
  refused: {{endpoints: [\"{refused}\"]}}
  silent: {{endpoints: [\"{silent}\"]}}
  overloaded: {{endpoints: [\"{server}\"], limits: {{in_flight: 0}}}}
  reset: {{endpoints: [\"{resetting}\"]}}
",
        refused = faulty.refused,
        silent = faulty.silent,
        resetting = faulty.resetting,
    );
    text
}
