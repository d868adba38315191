//! The proxy's configuration: what a user's own would look like.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;

use wireloom_net::Address;

use super::exhibit::{CANARY, Exhibit};
use crate::Program;
use crate::config::{self, Config};

/// Every protocol on one port, each to its echo service, or to the canary for who asks for that.
pub(super) fn config(
    program: &Program,
    exhibits: &[Exhibit],
    endpoints: &[(String, SocketAddr)],
    listen: &Address,
    admin: &Address,
) -> anyhow::Result<Config> {
    let file = Path::new("the demo's configuration");
    let text = text(exhibits, endpoints, listen, admin)?;
    Ok(config::parse(file, &text, &program.names())?)
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
    for Exhibit { name, matches, .. } in exhibits {
        let protocol = format!("protocol: {name}");
        let matches = if matches.is_empty() {
            &protocol
        } else {
            *matches
        };
        let canary = format!("headers: {{{CANARY}: 'true'}}");
        for (suffix, matches) in [
            ("-canary", format!("{matches}, {canary}")),
            ("", matches.to_owned()),
        ] {
            writeln!(out, "    - name: {name}{suffix}")?;
            writeln!(out, "      match: {{{matches}}}")?;
            writeln!(out, "      to: {name}{suffix}")?;
        }
    }
    writeln!(out, "clusters:")?;
    for (name, at) in endpoints {
        let exhibit = exhibits
            .iter()
            .find(|one| name.trim_end_matches("-canary") == one.name);
        let upstream = exhibit.and_then(|one| one.upstream);
        let protocol = upstream.map_or_else(String::new, |it| format!("protocol: {it}, "));
        writeln!(out, "  {name}: {{{protocol}endpoints: ['{at}']}}")?;
    }
    Ok(out)
}
