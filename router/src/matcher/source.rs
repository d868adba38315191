//! Conditions on the connection that a request came over.

use std::net::IpAddr;

use ipnet::IpNet;
use wireloom_codecs::{Downstream, Str};

use super::Text;
use super::each::each;
use crate::Problem;
use crate::config::{OneOrMany, TlsMatch};

/// Networks, of which one must have the client's address.
#[derive(Clone, Debug, Default)]
pub(super) struct Source(Box<[IpNet]>);

impl Source {
    /// Compiles the networks found at `path` and adds what is wrong with them.
    pub(super) fn compile(
        path: &str,
        config: Option<&OneOrMany>,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let mut networks = Vec::new();
        for (path, text) in each(path.to_owned(), config) {
            match network(text) {
                Ok(network) => networks.push(network),
                Err(why) => problems.push(Problem::new(path, why)),
            }
        }
        Self(networks.into())
    }

    pub(super) fn matches(&self, downstream: &Downstream) -> bool {
        let address = downstream.source.ip();
        self.0.is_empty() || self.0.iter().any(|network| network.contains(&address))
    }
}

/// A network, or an address alone.
pub(crate) fn network(text: &str) -> Result<IpNet, String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(IpNet::from(address.to_canonical()));
    }
    let network: IpNet = text.parse().map_err(|_| {
        format!("{text:?} is no network: write one like 10.0.0.0/8, 2001:db8::/32 or an address")
    })?;
    if let IpNet::V6(v6) = network
        && v6.addr().to_ipv4_mapped().is_some()
    {
        return Err(format!(
            "{text:?} is an IPv4 network mapped into IPv6: write it as the IPv4 network that it is"
        ));
    }
    match network.trunc() {
        whole if whole == network => Ok(network),
        whole => Err(format!(
            "{text:?} has bits behind its prefix: write {whole}, or the address alone"
        )),
    }
}

/// A compiled [`TlsMatch`].
#[derive(Clone, Debug)]
pub(super) struct Tls {
    sni: Option<Text>,
    identity: Option<Text>,
}

impl Tls {
    /// Compiles the conditions found at `path` and adds what is wrong with them.
    pub(super) fn compile(path: &str, config: &TlsMatch, problems: &mut Vec<Problem>) -> Self {
        let mut text = |key: &str, condition: &Option<_>| {
            let compiled = Text::compile(&format!("{path}.{key}"), condition.as_ref()?);
            compiled.map_err(|problem| problems.push(problem)).ok()
        };
        Self {
            sni: text("sni", &config.sni),
            identity: text("identity", &config.identity),
        }
    }

    pub(super) fn matches(&self, downstream: &Downstream) -> bool {
        let Some(tls) = &downstream.tls else {
            return false;
        };
        let any = |text: &Option<Text>, names: &[Str]| {
            let names = names.iter().map(Str::as_bytes);
            text.as_ref().is_none_or(|text| text.any(names))
        };
        any(&self.sni, tls.sni.as_slice()) && any(&self.identity, &tls.identities)
    }
}
