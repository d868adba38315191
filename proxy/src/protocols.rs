//! The protocols that a proxy speaks: what its listeners sniff for and its clusters connect with.

use std::sync::Arc;

use wireloom_codecs::{Codec, Connector, Framed, Protocol, ProtocolId};

use crate::config::ListenerConfig;
use crate::exchange::Exchanges;

/// One protocol, both sides of it.
#[derive(Clone)]
pub struct Registered {
    /// Its name.
    pub id: ProtocolId,
    /// The downstream side.
    pub protocol: Arc<dyn Protocol<Exchanges>>,
    /// The upstream side.
    pub connector: Arc<dyn Connector>,
}

impl Registered {
    /// Whether a listener means it by that name: its own, or one that it carries.
    pub fn is_named(&self, name: &str) -> bool {
        let carried = self.protocol.carries();
        self.id.as_str() == name || carried.iter().any(|id| id.as_str() == name)
    }
}

/// The registered protocols, in the order in which detection asks them.
#[derive(Clone, Default)]
pub struct Protocols(Vec<Registered>);

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
        };
        match self.0.iter_mut().find(|known| known.id == id) {
            Some(known) => *known = entry,
            None => self.0.push(entry),
        }
        self
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Registered> {
        self.0.iter()
    }

    /// Those that a listener takes.
    pub(crate) fn taken_by(&self, listener: &ListenerConfig) -> impl Iterator<Item = &Registered> {
        self.iter().filter(|entry| {
            let listed = listener.protocols.as_ref();
            listed.is_none_or(|names| names.iter().any(|name| entry.is_named(name)))
        })
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
}
