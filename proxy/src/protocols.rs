//! The protocols that a proxy speaks: what its listeners sniff for and its clusters connect with.

use std::sync::Arc;

use wireloom_codecs::{Codec, Connector, Framed, Protocol, ProtocolId};

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

    /// Their names.
    pub fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|entry| entry.id.as_str()).collect()
    }

    /// Where a protocol stands in the order of registration: a dense index for tables.
    pub fn position(&self, id: ProtocolId) -> Option<usize> {
        self.0.iter().position(|entry| entry.id == id)
    }

    /// The upstream sides.
    pub fn connectors(&self) -> Arc<[Arc<dyn Connector>]> {
        self.0.iter().map(|entry| entry.connector.clone()).collect()
    }
}
