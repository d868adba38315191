//! Configurations for tests, and proxies that run them.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Result;
use wireloom_conformance::proxy::{Proxy, for_tests};

/// How long a proxy may take to end once nothing is under way.
pub(crate) const END: Duration = Duration::from_secs(10);

/// A configuration: calls without a group go to the cluster `main`, those of a group where the test sends them.
#[derive(Clone)]
pub(crate) struct Setup {
    workers: usize,
    listener: String,
    route: String,
    groups: String,
    rest: String,
    cluster: String,
    clusters: String,
    top: String,
}

impl Setup {
    /// `main` is one server.
    pub(crate) fn to(server: SocketAddr) -> Self {
        Self {
            workers: 1,
            listener: String::new(),
            route: String::new(),
            groups: String::new(),
            rest: String::new(),
            cluster: format!("endpoints: [\"{server}\"]"),
            clusters: String::new(),
            top: String::new(),
        }
    }

    /// Worker threads; 1 by default, so that limits per worker are limits.
    pub(crate) fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// More keys of the listener: `limits: {frame: 1MiB}`.
    pub(crate) fn listener(mut self, line: &str) -> Self {
        let _ = writeln!(self.listener, "    {line}");
        self
    }

    /// More keys of the route to `main`: `timeout: 300ms`.
    pub(crate) fn route(mut self, keys: &str) -> Self {
        let _ = write!(self.route, ", {keys}");
        self
    }

    /// More keys of the cluster `main`: `connections: {per_endpoint: 4}`.
    pub(crate) fn cluster(mut self, keys: &str) -> Self {
        let _ = write!(self.cluster, ", {keys}");
        self
    }

    /// Calls of this group go to a cluster of these keys, by a route with these keys.
    pub(crate) fn group(mut self, group: &str, cluster: &str, route: &str) -> Self {
        let more = if route.is_empty() {
            String::new()
        } else {
            format!(", {route}")
        };
        let _ = writeln!(
            self.groups,
            "    - {{match: {{group: {group}}}, to: {group}{more}}}"
        );
        let _ = writeln!(self.clusters, "  {group}: {{{cluster}}}");
        self
    }

    /// Calls of this group go to `main` too.
    pub(crate) fn also(mut self, group: &str) -> Self {
        let _ = writeln!(self.groups, "    - {{match: {{group: {group}}}, to: main}}");
        self
    }

    /// A route before all others: `{match: {http: {path: /a}}, to: a}`.
    pub(crate) fn first(mut self, route: &str) -> Self {
        let _ = writeln!(self.groups, "    - {route}");
        self
    }

    /// One more cluster, to which a route of the test's own leads.
    pub(crate) fn beside(mut self, name: &str, keys: &str) -> Self {
        let _ = writeln!(self.clusters, "  {name}: {{{keys}}}");
        self
    }

    /// Settings of HTTP: `h1: {connect: true}`.
    pub(crate) fn http(mut self, keys: &str) -> Self {
        let _ = writeln!(self.top, "protocols: {{http: {{{keys}}}}}");
        self
    }

    /// Settings of Thrift: `one_way: [Log.write]`.
    pub(crate) fn thrift(mut self, keys: &str) -> Self {
        let _ = writeln!(self.top, "protocols: {{thrift: {{{keys}}}}}");
        self
    }

    /// Calls of this service go to a cluster of these keys, by a route with these keys.
    pub(crate) fn service(mut self, service: &str, cluster: &str, route: &str) -> Self {
        let more = if route.is_empty() {
            String::new()
        } else {
            format!(", {route}")
        };
        let _ = writeln!(
            self.groups,
            "    - {{match: {{service: {service}}}, to: {service}{more}}}"
        );
        let _ = writeln!(self.clusters, "  {service}: {{{cluster}}}");
        self
    }

    /// Calls of this service go to this server.
    pub(crate) fn service_to(self, service: &str, server: SocketAddr) -> Self {
        self.service(service, &format!("endpoints: [\"{server}\"]"), "")
    }

    /// Calls that have a timeout of their own go to `main` by a route of their own.
    pub(crate) fn read_timeouts(mut self) -> Self {
        let route = self.route.clone();
        let _ = writeln!(
            self.groups,
            "    - {{match: {{headers: {{timeout: {{present: true}}}}}}, to: main{route}}}"
        );
        self
    }

    /// Whatever no other route takes goes to `main`.
    pub(crate) fn catch_all(mut self) -> Self {
        self.rest = "    - to: main\n".to_owned();
        self
    }

    /// Calls of this group go to this server.
    pub(crate) fn group_to(self, group: &str, server: SocketAddr) -> Self {
        self.group(group, &format!("endpoints: [\"{server}\"]"), "")
    }

    /// The file.
    pub(crate) fn yaml(&self) -> String {
        let Self {
            workers,
            listener,
            route,
            groups,
            rest,
            cluster,
            clusters,
            top,
        } = self;
        format!(
            "\
workers: {workers}
admin: {{address: $ADMIN}}
drain_timeout: 5s
{top}listeners:
  - address: $LISTEN
    routes: main
{listener}routes:
  main:
{groups}    - {{match: {{group: {{present: false}}}}, to: main{route}}}
{rest}clusters:
  main: {{{cluster}}}
{clusters}"
        )
    }

    /// A proxy with it.
    pub(crate) async fn start(&self) -> Result<Proxy> {
        start(&self.yaml()).await
    }
}

/// A proxy with this configuration. Its log is named after the test.
pub(crate) async fn start(yaml: &str) -> Result<Proxy> {
    start_program(for_tests(), yaml).await
}

/// The same, from another program.
pub(crate) async fn start_program(program: &Path, yaml: &str) -> Result<Proxy> {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let test = std::thread::current()
        .name()
        .unwrap_or("test")
        .replace("::", "-");
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    let log = target
        .join("conformance/scripted")
        .join(format!("{test}-{number}.log"));
    Proxy::start(program, yaml, log).await
}
