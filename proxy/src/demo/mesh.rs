//! The proxy's configuration: what a user's own would look like.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;

use wireloom_net::Address;

use super::exhibit::{CANARY, Exhibit};
use crate::config::{self, Config};

/// Every protocol on one port, each to its echo service, or to the canary for who asks for that.
pub(super) fn config(
    exhibits: &[Exhibit],
    endpoints: &[(String, SocketAddr)],
    listen: &Address,
    admin: &Address,
) -> anyhow::Result<Config> {
    let file = Path::new("the demo's configuration");
    let text = text(exhibits, endpoints, listen, admin)?;
    Ok(config::parse(file, &text, crate::PROTOCOLS)?)
}

fn text(
    exhibits: &[Exhibit],
    endpoints: &[(String, SocketAddr)],
    listen: &Address,
    admin: &Address,
) -> Result<String, std::fmt::Error> {
    let mut out = String::new();
    writeln!(out, "admin: {{address: '{admin}'}}")?;
    writeln!(out, "drain_timeout: 5s")?;
    writeln!(out, "listeners:")?;
    writeln!(out, "  - {{name: demo, address: '{listen}', routes: demo}}")?;
    writeln!(out, "routes:\n  demo:")?;
    for Exhibit { name, .. } in exhibits {
        writeln!(out, "    - name: {name}-canary")?;
        let canary = format!("headers: {{{CANARY}: 'true'}}");
        writeln!(out, "      match: {{protocol: {name}, {canary}}}")?;
        writeln!(out, "      to: {name}-canary")?;
        writeln!(out, "    - name: {name}")?;
        writeln!(out, "      match: {{protocol: {name}}}")?;
        writeln!(out, "      to: {name}")?;
    }
    writeln!(out, "clusters:")?;
    for (name, at) in endpoints {
        writeln!(out, "  {name}: {{endpoints: ['{at}']}}")?;
    }
    Ok(out)
}
