//! The protocols that a proxy speaks: what its listeners sniff for and its clusters connect with.

use std::sync::Arc;

use wireloom_codecs::http::{GRPC, TRIPLE};
use wireloom_codecs::{Codec, Connector, Framed, Protocol, ProtocolId, Sniff};
use wireloom_http::grpc;
use wireloom_thrift::{DubboThriftCodec, ThriftCodec};

use crate::PROTOCOLS;
use crate::config::{ClusterEntry, ListenerConfig, or_list};
use crate::exchange::Exchanges;
use crate::sources::Sources;

/// One protocol, both sides of it.
#[derive(Clone)]
pub struct Registered {
    /// Its name.
    pub id: ProtocolId,
    /// The downstream side.
    pub protocol: Arc<dyn Protocol<Exchanges>>,
    /// The upstream side.
    pub connector: Arc<dyn Connector>,
    per_listener: Option<PerListener>,
    per_cluster: Option<PerCluster>,
}

type PerListener =
    Arc<dyn Fn(&ListenerConfig) -> Option<Arc<dyn Protocol<Exchanges>>> + Send + Sync>;
type PerCluster = Arc<dyn Fn(&ClusterEntry) -> Option<Arc<dyn Connector>> + Send + Sync>;

impl Registered {
    /// Whether a listener means it by that name: its own, or one that it carries.
    pub fn is_named(&self, name: &str) -> bool {
        let carried = self.protocol.carries();
        self.id.as_str() == name || carried.iter().any(|id| id.as_str() == name)
    }

    /// The same as a listener's own keys want it.
    fn on(&self, listener: &ListenerConfig) -> Self {
        let mut entry = self.clone();
        let make = self.per_listener.as_ref();
        if let Some(own) = make.and_then(|make| make(listener)) {
            entry.protocol = own;
        }
        entry
    }
}

/// The registered protocols, in the order in which detection asks them.
#[derive(Clone, Default)]
pub struct Protocols(Vec<Registered>, Sources);

impl Protocols {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a protocol that is a codec. One of the same name is replaced.
    pub fn codec<C: Codec>(self, settings: C::Settings) -> Self {
        let framed = Arc::new(Framed::<C>::new(settings));
        self.register(framed.clone(), framed)
    }

    /// Adds a protocol that implements both sides by hand. One of the same name is replaced.
    pub fn register(
        mut self,
        protocol: Arc<dyn Protocol<Exchanges>>,
        connector: Arc<dyn Connector>,
    ) -> Self {
        let id = protocol.id();
        let entry = Registered {
            id,
            protocol,
            connector,
            per_listener: None,
            per_cluster: None,
        };
        match self.0.iter_mut().find(|known| known.id == id) {
            Some(known) => *known = entry,
            None => self.0.push(entry),
        }
        self
    }

    /// Gives the protocol `id`, which is registered already, a downstream side of its own wherever `make` makes one of a
    /// listener's keys.
    pub fn per_listener(
        mut self,
        id: ProtocolId,
        make: impl Fn(&ListenerConfig) -> Option<Arc<dyn Protocol<Exchanges>>> + Send + Sync + 'static,
    ) -> Self {
        if let Some(entry) = self.0.iter_mut().find(|known| known.id == id) {
            entry.per_listener = Some(Arc::new(make));
        }
        self
    }

    /// The same upstream, for a cluster's keys. It is asked again when the cluster's [`ProtocolKeys`](crate::config::ProtocolKeys) has
    /// changed: connections are made anew then.
    pub fn per_cluster(
        mut self,
        id: ProtocolId,
        make: impl Fn(&ClusterEntry) -> Option<Arc<dyn Connector>> + Send + Sync + 'static,
    ) -> Self {
        if let Some(entry) = self.0.iter_mut().find(|known| known.id == id) {
            entry.per_cluster = Some(Arc::new(make));
        }
        self
    }

    /// Adds the sources of endpoints that clusters may name.
    #[must_use]
    pub fn with_sources(mut self, sources: Sources) -> Self {
        self.1 = sources;
        self
    }

    /// The sources of endpoints that clusters may name.
    pub fn sources(&self) -> &Sources {
        &self.1
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Registered> {
        self.0.iter()
    }

    /// The protocols that take a connection for theirs which begins with some prefix of these bytes: more than one must never
    /// be, or what a client speaks turns on how its bytes are cut.
    pub fn claimants(&self, bytes: &[u8]) -> Vec<ProtocolId> {
        let longest = bytes.len().min(wireloom_codecs::MAX_PREFIX);
        let claims = |entry: &&Registered| {
            let mut prefixes = (0..=longest).filter_map(|length| bytes.get(..length));
            prefixes.any(|prefix| entry.protocol.sniff(prefix) == Sniff::Match)
        };
        self.0.iter().filter(claims).map(|entry| entry.id).collect()
    }

    /// Those that a listener takes, as it wants them.
    pub(crate) fn taken_by(&self, listener: &ListenerConfig) -> impl Iterator<Item = Registered> {
        let taken = self.iter().filter(|entry| {
            let listed = listener.protocols.as_ref();
            listed.is_none_or(|names| names.iter().any(|name| entry.is_named(name)))
        });
        taken.map(|entry| entry.on(listener))
    }

    /// The names that a configuration may use.
    pub fn names(&self) -> Vec<&'static str> {
        self.labels().into_iter().map(ProtocolId::as_str).collect()
    }

    /// Every protocol that a request can be in: the registered ones, and those that they carry.
    pub fn labels(&self) -> Vec<ProtocolId> {
        let mut labels: Vec<_> = self.0.iter().map(|entry| entry.id).collect();
        for entry in &self.0 {
            for id in entry.protocol.carries() {
                if !labels.contains(id) {
                    labels.push(*id);
                }
            }
        }
        labels
    }

    /// The upstream sides.
    pub fn connectors(&self) -> Arc<[Arc<dyn Connector>]> {
        self.0.iter().map(|entry| entry.connector.clone()).collect()
    }

    /// The upstream sides as a cluster's own keys want them; None if they want nothing else.
    pub(crate) fn connectors_of(
        &self,
        cluster: &ClusterEntry,
    ) -> Option<Arc<[Arc<dyn Connector>]>> {
        let own = self.0.iter().map(|entry| {
            let make = entry.per_cluster.as_ref()?;
            make(cluster)
        });
        let own: Vec<_> = own.collect();
        own.iter().any(Option::is_some).then(|| {
            let all = own.into_iter().zip(&self.0);
            all.map(|(own, entry)| own.unwrap_or_else(|| entry.connector.clone()))
                .collect()
        })
    }

    /// The statuses that the registered protocols call so.
    pub(crate) fn status(&self, name: &str) -> Result<Vec<(ProtocolId, u32)>, String> {
        let named = self.0.iter().flat_map(|entry| {
            let carried = entry.connector.carries().iter().copied();
            let ids = std::iter::once(entry.id).chain(carried);
            ids.map(|id| (id, entry.connector.statuses(id)))
        });
        find_status(name, named)
    }
}

/// The statuses that a protocol of Wireloom's own calls so, which is all that can be told before `protocols` are there. Where
/// others are among them, a name may be one of theirs.
pub(crate) fn builtin_status(
    name: &str,
    protocols: &[&str],
) -> Result<Vec<(ProtocolId, u32)>, String> {
    let found = find_status(
        name,
        [
            (GRPC, &grpc::NAMES[..]),
            (TRIPLE, &grpc::NAMES),
            (ThriftCodec::ID, ThriftCodec::statuses()),
            (DubboThriftCodec::ID, DubboThriftCodec::statuses()),
        ],
    );
    match protocols.iter().all(|name| PROTOCOLS.contains(name)) {
        true => found,
        false => Ok(found.unwrap_or_default()),
    }
}

fn find_status(
    name: &str,
    known: impl IntoIterator<Item = (ProtocolId, &'static [(&'static str, u32)])>,
) -> Result<Vec<(ProtocolId, u32)>, String> {
    let mut names = Vec::new();
    let mut found = Vec::new();
    for (id, statuses) in known {
        for (known, number) in statuses {
            if !names.contains(known) {
                names.push(*known);
            }
            if *known == name {
                found.push((id, *number));
            }
        }
    }
    if found.is_empty() {
        let instead = or_list(name, names, "names");
        return Err(format!("there is no status `{name}`; {instead}"));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_in_every_protocol_that_has_it() {
        let config = crate::config::parse(
            "test.yaml".as_ref(),
            "{listeners: [{address: '127.0.0.1:1', routes: a}], routes: {a: []}, clusters: {}}",
            PROTOCOLS,
        );
        let protocols = crate::run::builtin(&config.unwrap());
        for (name, expected) in [
            ("INTERNAL_ERROR", &[("thrift", 6), ("dubbo-thrift", 6)][..]),
            ("UNAVAILABLE", &[("grpc", 14), ("triple", 14)]),
            (
                "UNKNOWN",
                &[
                    ("grpc", 2),
                    ("triple", 2),
                    ("thrift", 0),
                    ("dubbo-thrift", 0),
                ],
            ),
        ] {
            let expected = expected.iter().map(|(id, n)| (ProtocolId(id), *n));
            let mut expected: Vec<_> = expected.collect();
            assert_eq!(builtin_status(name, PROTOCOLS).unwrap(), expected);
            // The same, in the order of registration.
            let mut found = protocols.status(name).unwrap();
            for list in [&mut found, &mut expected] {
                list.sort_by_key(|(id, _)| id.as_str());
            }
            assert_eq!(found, expected);
        }
        let error = builtin_status("UNAVAILABEL", PROTOCOLS).unwrap_err();
        assert_eq!(
            error,
            "there is no status `UNAVAILABEL`; did you mean `UNAVAILABLE`?"
        );
        assert_eq!(builtin_status("BUSY", &["thrift", "mqtt"]).unwrap(), []);
    }
}
