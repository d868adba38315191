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

/// The groups that pick a failure, and the cluster and timeout of each. Calls without a group, and those of group
/// `blue`, go to `server`; calls of any other group match no route.
pub fn failures(server: SocketAddr, faulty: &Faulty) -> String {
    let mut text = HEAD.to_owned();
    text.push_str("    limits: {frame: 8MiB}\nroutes:\n  main:\n");
    text.push_str("    - {match: {group: {present: false}}, to: server}\n");
    text.push_str("    - {match: {group: blue}, to: server}\n");
    for group in ["no-endpoint", "refused", "overloaded", "reset", "too-large"] {
        let cluster = if group == "too-large" {
            "server"
        } else {
            group
        };
        let _ = writeln!(text, "    - {{match: {{group: {group}}}, to: {cluster}}}");
    }
    text.push_str("    - {match: {group: timeout}, to: silent, timeout: 300ms}\n");
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
