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

/// One-way methods of the Thrift peers: Apache Thrift's library for Go writes them as calls.
const ONE_WAY: &str = "protocols: {thrift: {one_way: [note, testOneway]}}\n";

/// One way of Thrift through a proxy.
#[derive(Clone, Copy, Debug)]
pub struct Port {
    /// The dialect's name, which is the cluster's too.
    pub name: &'static str,
    /// Where the proxy listens, if that is of its own.
    pub listen: SocketAddr,
    /// Where everything goes.
    pub server: SocketAddr,
    /// The cluster's transport and protocol, if it is to be translated into.
    pub into: Option<(&'static str, &'static str)>,
}

/// A listener for each, from which everything goes to its server.
pub fn ports(ports: &[Port]) -> String {
    let (mut listeners, mut routes) = (String::new(), String::new());
    for Port { name, listen, .. } in ports {
        let _ = writeln!(listeners, "  - {{address: \"{listen}\", routes: {name}}}");
        let _ = writeln!(routes, "  {name}: [{{to: {name}}}]");
    }
    format!(
        "admin: {{address: $ADMIN}}\nlisteners:\n{listeners}routes:\n{routes}clusters:\n{}{ONE_WAY}",
        clusters(ports)
    )
}

/// One listener for all; the service says which server a call goes to.
pub fn by_service(ports: &[Port]) -> String {
    format!(
        "{HEAD}routes:\n  main:\n{}clusters:\n{}{ONE_WAY}",
        service_routes(ports),
        clusters(ports)
    )
}

fn service_routes(ports: &[Port]) -> String {
    let mut text = String::new();
    for Port { name, .. } in ports {
        let _ = writeln!(text, "    - {{match: {{service: {name}}}, to: {name}}}");
    }
    text
}

fn clusters(ports: &[Port]) -> String {
    let mut text = String::new();
    for port in ports {
        let Port { name, server, .. } = port;
        let _ = write!(text, "  {name}: {{endpoints: [\"{server}\"]");
        if let Some((transport, protocol)) = port.into {
            let _ = write!(
                text,
                ", thrift: {{transport: {transport}, protocol: {protocol}}}"
            );
        }
        text.push_str("}\n");
    }
    text
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

impl Faulty {
    /// The clusters that fail. `server` is one that would not.
    fn clusters(&self, server: SocketAddr) -> String {
        let Self {
            refused,
            silent,
            resetting,
        } = self;
        format!(
            "\
\x20 no-endpoint: {{endpoints: []}}
  refused: {{endpoints: [\"{refused}\"]}}
  silent: {{endpoints: [\"{silent}\"]}}
  overloaded: {{endpoints: [\"{server}\"], limits: {{in_flight: 0}}}}
  reset: {{endpoints: [\"{resetting}\"]}}
"
        )
    }
}

/// The part of a call that picks a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Picked {
    /// The group of Dubbo, or the uniqueId of Bolt.
    ByGroup,
    /// The metadata key `x-case` of gRPC.
    ByMetadata,
    /// The servant of Tars.
    ByService,
}

impl Picked {
    /// What this part is where a call picks no failure.
    const fn none(self) -> &'static str {
        match self {
            Self::ByGroup | Self::ByMetadata => "{present: false}",
            Self::ByService => "Wireloom.Peer.EchoObj",
        }
    }

    /// The match of calls for which this part is `value`, in YAML.
    fn by(self, value: &str) -> String {
        match self {
            Self::ByGroup => format!("{{group: {value}}}"),
            Self::ByMetadata => format!("{{headers: {{x-case: {value}}}}}"),
            Self::ByService => format!("{{service: {value}}}"),
        }
    }
}

/// The same for Thrift: one listener for all dialects, where the service picks the server or the failure.
pub fn failures_by_service(ports: &[Port], faulty: &Faulty) -> String {
    let mut text = format!("{HEAD}    limits: {{frame: 8MiB}}\nroutes:\n  main:\n");
    text.push_str(&service_routes(ports));
    for (case, to) in [
        ("no-endpoint", "no-endpoint"),
        ("refused", "refused"),
        ("overloaded", "overloaded"),
        ("reset", "reset"),
        ("timeout", "silent, timeout: 300ms"),
    ] {
        let _ = writeln!(text, "    - {{match: {{service: {case}}}, to: {to}}}");
    }
    text.push_str("clusters:\n");
    text.push_str(&clusters(ports));
    let server = ports.first().map_or(faulty.refused, |port| port.server);
    text.push_str(&faulty.clusters(server));
    text.push_str(ONE_WAY);
    text
}

/// The failures that calls pick, and the cluster and timeout of each. Calls that pick none, and those that pick
/// `blue`, go to `server`; calls that pick anything else match no route.
pub fn failures(server: SocketAddr, faulty: &Faulty, picked: Picked) -> String {
    let mut text = HEAD.to_owned();
    text.push_str("    limits: {frame: 8MiB}\nroutes:\n  main:\n");
    for (case, to) in [
        (picked.none(), "server"),
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
    let _ = write!(text, "clusters:\n  server: {{endpoints: [\"{server}\"]}}\n");
    text.push_str(&faulty.clusters(server));
    text
}
