//! The questions that one lookup takes.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ServerOrderingStrategy,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::rdata::SRV;
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use wireloom_cluster::EndpointConfig;
use wireloom_cluster::config::{DnsConfig, Family};

use crate::srv;

/// The most servers of an SRV name that are looked up.
const MOST_SERVERS: usize = 256;
/// Of these so many at a time.
const AT_ONCE: usize = 8;

/// The addresses that names had when they were last asked for.
pub(crate) type Known = HashMap<(Name, RecordType), Vec<IpAddr>>;

/// What is wrong with a lookup.
pub(crate) enum Failure {
    /// The name does not exist or has no such record, and for how long that holds, if that was said.
    Nothing(Option<Duration>, String),
    /// It is not known whether it has.
    Failed(String),
}

/// Addresses, at least one.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) addresses: Vec<IpAddr>,
    /// How long the shortest-lived of the answers holds.
    pub(crate) ttl: Duration,
    /// What to know next time.
    pub(crate) known: Known,
    /// A question failed, and its last good answer stands in for it.
    pub(crate) stale: bool,
}

pub(crate) struct Resolver {
    inner: TokioResolver,
    /// Names are whole, with no domain to be searched.
    whole: bool,
}

impl Resolver {
    /// A resolver over the servers of `config`, or over the system's as they are configured now.
    pub(crate) fn new(config: &DnsConfig) -> Result<Self, String> {
        let whole = !config.servers.is_empty();
        let mut builder = if whole {
            let servers = config.servers.iter().map(|server| {
                let at = |mut connection: ConnectionConfig| {
                    connection.port = server.0.port();
                    connection
                };
                let connections = vec![at(ConnectionConfig::udp()), at(ConnectionConfig::tcp())];
                NameServerConfig::new(server.0.ip(), true, connections)
            });
            let servers = ResolverConfig::from_parts(None, Vec::new(), servers.collect());
            TokioResolver::builder_with_config(servers, TokioRuntimeProvider::default())
        } else {
            let builder = TokioResolver::builder_tokio();
            builder.map_err(|error| format!("the system's DNS configuration: {error}"))?
        };
        let options = builder.options_mut();
        // Answers are kept for as long as they hold by who asks.
        options.cache_size = 0;
        if whole {
            options.use_hosts_file = ResolveHosts::Never;
            options.server_ordering_strategy = ServerOrderingStrategy::UserProvidedOrder;
            // Two tries, within the time that the whole may take.
            options.attempts = 1;
            options.timeout = config.timeout.0 / 2;
        }
        let inner = builder.build().map_err(|error| error.to_string())?;
        Ok(Self { inner, whole })
    }

    /// The name as it is asked for.
    pub(crate) fn name(&self, name: &str) -> Result<Name, Failure> {
        let parsed = Name::from_ascii(name);
        let mut name = parsed.map_err(|error| Failure::Failed(error.to_string()))?;
        if self.whole {
            name.set_fqdn(true);
        }
        Ok(name)
    }

    async fn ask(&self, name: &Name, kind: RecordType) -> Result<(Vec<RData>, Duration), Failure> {
        let looked = self.inner.lookup(name.clone(), kind).await;
        let lookup = looked.map_err(|error| failure(&error, kind))?;
        let answers = lookup.answers();
        let ttl = answers.iter().map(|record| record.ttl).min();
        let wanted = answers.iter().filter(|record| record.record_type() == kind);
        let data: Vec<_> = wanted.map(|record: &Record| record.data.clone()).collect();
        let ttl = ttl.map(|seconds| Duration::from_secs(seconds.into()));
        if data.is_empty() {
            let why = format!("the name has no {kind} record");
            return Err(Failure::Nothing(ttl, why));
        }
        Ok((data, ttl.unwrap_or_default()))
    }

    /// The addresses of a name.
    pub(crate) async fn addresses(
        &self,
        name: &Name,
        family: Family,
        known: &Known,
    ) -> Result<Found, Failure> {
        const A: RecordType = RecordType::A;
        const AAAA: RecordType = RecordType::AAAA;
        let turns: &[&[RecordType]] = match family {
            Family::V4 => &[&[A]],
            Family::V6 => &[&[AAAA]],
            Family::PreferV4 => &[&[A], &[AAAA]],
            Family::PreferV6 => &[&[AAAA], &[A]],
            Family::Any => &[&[A, AAAA]],
        };
        let mut found = Found {
            ttl: Duration::MAX,
            ..Found::default()
        };
        let mut worst: Option<Failure> = None;
        for kinds in turns {
            let asked: Vec<_> = kinds.iter().map(|kind| self.ask(name, *kind)).collect();
            for (kind, answer) in kinds.iter().zip(join_all(asked).await) {
                let key = (name.clone(), *kind);
                let addresses = match answer {
                    Ok((data, ttl)) => {
                        found.ttl = found.ttl.min(ttl);
                        data.iter().filter_map(RData::ip_addr).collect()
                    }
                    Err(Failure::Failed(why)) => match known.get(&key) {
                        Some(addresses) => {
                            found.stale = true;
                            addresses.clone()
                        }
                        None => {
                            worst = Some(Failure::Failed(why));
                            continue;
                        }
                    },
                    Err(nothing) => {
                        worst.get_or_insert(nothing);
                        continue;
                    }
                };
                found.addresses.extend(&addresses);
                found.known.insert(key, addresses);
            }
            if !found.addresses.is_empty() {
                return Ok(found);
            }
        }
        Err(worst.unwrap_or_else(|| Failure::Failed("nothing was asked for".to_owned())))
    }

    /// The servers of an SRV name, as endpoints. Of those that have no address, and never had one, there is none.
    pub(crate) async fn servers(
        &self,
        config: &DnsConfig,
        known: &Known,
    ) -> Result<(Vec<EndpointConfig>, Found), Failure> {
        let name = self.name(&config.name)?;
        let (data, ttl) = self.ask(&name, RecordType::SRV).await?;
        let mut servers: Vec<SRV> = Vec::new();
        for record in data {
            if let RData::SRV(server) = record
                // RFC 2782: a target of "." says that the service is not to be had here.
                && !server.target.is_root()
                && server.port > 0
            {
                servers.push(server);
            }
        }
        if servers.is_empty() {
            let why = "its SRV records say that there is no such service".to_owned();
            return Err(Failure::Nothing(Some(ttl), why));
        }
        servers
            .sort_by(|a, b| (a.priority, &a.target, a.port).cmp(&(b.priority, &b.target, b.port)));
        servers.truncate(MOST_SERVERS);
        let mut all = Found {
            ttl,
            ..Found::default()
        };
        let mut reached = Vec::new();
        let mut worst = None;
        for some in servers.chunks(AT_ONCE) {
            let asked = some.iter().map(|server| {
                let asked = self.addresses(&server.target, config.family, known);
                // To name its type, which would be different for every lifetime.
                Box::pin(asked) as BoxFuture<'_, Result<Found, Failure>>
            });
            let asked: Vec<_> = asked.collect();
            for (server, found) in some.iter().zip(join_all(asked).await) {
                match found {
                    Ok(found) => {
                        all.ttl = all.ttl.min(found.ttl);
                        all.stale |= found.stale;
                        all.known.extend(found.known);
                        reached.push((server, found.addresses));
                    }
                    Err(failure) => {
                        all.stale |= matches!(failure, Failure::Failed(_));
                        worst.get_or_insert(failure);
                    }
                }
            }
        }
        match worst {
            Some(failure) if reached.is_empty() => Err(failure),
            _ => Ok((srv::endpoints(&reached), all)),
        }
    }
}

fn failure(error: &NetError, kind: RecordType) -> Failure {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(nothing)) => {
            let ttl = nothing.negative_ttl;
            let why = match nothing.response_code {
                ResponseCode::NXDomain => "the name does not exist".to_owned(),
                ResponseCode::NoError => format!("the name has no {kind} record"),
                code => code.to_string(),
            };
            Failure::Nothing(ttl.map(|ttl| Duration::from_secs(ttl.into())), why)
        }
        NetError::NoConnections => Failure::Failed("no DNS server can be reached".to_owned()),
        error => Failure::Failed(error.to_string()),
    }
}
