//! A cluster of the file: the cluster crate's keys, and beside them those that belong to a protocol, of which that crate
//! knows nothing.

use std::fmt;
use std::sync::OnceLock;

use schemars::JsonSchema;
use serde::de::{DeserializeSeed, Error, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use wireloom_cluster::ClusterConfig;
use wireloom_thrift::ThriftUpstream;

/// A named set of endpoints that serve the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, extend("anyOf" = [{"required": ["endpoints"]}, {"required": ["discovery"]}]))]
pub struct ClusterEntry {
    /// What holds for every protocol.
    #[serde(flatten)]
    pub cluster: ClusterConfig,
    /// What speaks to the servers in the protocols that have dialects.
    #[serde(flatten)]
    pub own: ProtocolKeys,
}

/// The keys that make a cluster's connections other than those of its protocol elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(default)]
pub struct ProtocolKeys {
    /// The Thrift dialect that the servers speak. Requests are re-encoded in it, and answers in their client's. Default:
    /// each request's own, over connections of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "ThriftUpstream")]
    pub thrift: Option<ThriftUpstream>,
    /// Thrift connections carry many requests at once: the servers answer in any order and repeat the seqid. Default: one
    /// at a time, which every server can.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub multiplexed: bool,
}

impl From<ClusterConfig> for ClusterEntry {
    fn from(cluster: ClusterConfig) -> Self {
        Self {
            cluster,
            own: ProtocolKeys::default(),
        }
    }
}

/// The keys one of which has to be there.
const SERVERS: [&str; 2] = ["endpoints", "discovery"];

/// The names of [`ProtocolKeys`]'s keys.
const OWN: [&str; 2] = ["thrift", "multiplexed"];

// By hand: serde's `flatten` would take unknown keys and forget where an error is.
impl<'de> Deserialize<'de> for ClusterEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut own = ProtocolKeys::default();
        let mut found = false;
        let rest = Rest {
            inner: deserializer,
            own: &mut own,
            found: &mut found,
        };
        let cluster = ClusterConfig::deserialize(rest)?;
        if !found {
            return Err(D::Error::missing_field("endpoints"));
        }
        Ok(Self { cluster, own })
    }
}

/// A mapping without the keys of [`ProtocolKeys`], which are read on the way.
struct Rest<'a, T> {
    inner: T,
    own: &'a mut ProtocolKeys,
    /// Set once one of [`SERVERS`] was there.
    found: &'a mut bool,
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Rest<'_, D> {
    type Error = D::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        static ALL: OnceLock<Vec<&'static str>> = OnceLock::new();
        let known = ALL.get_or_init(|| fields.iter().chain(&OWN).copied().collect());
        let rest = Picking {
            visitor,
            known,
            own: self.own,
            found: self.found,
        };
        self.inner.deserialize_struct(name, known, rest)
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_any(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// A visitor whose mapping goes without these keys, or a mapping that does.
struct Picking<'a, V> {
    visitor: V,
    known: &'static [&'static str],
    own: &'a mut ProtocolKeys,
    found: &'a mut bool,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Picking<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_map(Picking {
            visitor: map,
            known: self.known,
            own: self.own,
            found: self.found,
        })
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Picking<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        mut seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        loop {
            let known = self.known;
            seed = match self.visitor.next_key_seed(KeySeed {
                seed,
                known,
                found: self.found,
            })? {
                None => return Ok(None),
                Some(Key::Theirs(key)) => return Ok(Some(key)),
                Some(Key::Thrift(seed)) => {
                    self.own.thrift = Some(self.visitor.next_value()?);
                    seed
                }
                Some(Key::Multiplexed(seed)) => {
                    self.own.multiplexed = self.visitor.next_value()?;
                    seed
                }
            };
        }
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, A::Error> {
        self.visitor.next_value_seed(seed)
    }
}

/// Tells whose a key is. An unknown one is refused here, while whoever keeps track of places knows that it is read.
struct KeySeed<'a, K> {
    seed: K,
    known: &'static [&'static str],
    found: &'a mut bool,
}

enum Key<K, V> {
    Theirs(V),
    /// The key's seed is for the next one.
    Thrift(K),
    Multiplexed(K),
}

impl<'de, K: DeserializeSeed<'de>> DeserializeSeed<'de> for KeySeed<'_, K> {
    type Value = Key<K, K::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let key = String::deserialize(deserializer)?;
        *self.found |= SERVERS.contains(&&*key);
        Ok(match &*key {
            "thrift" => Key::Thrift(self.seed),
            "multiplexed" => Key::Multiplexed(self.seed),
            known if self.known.contains(&known) => {
                Key::Theirs(self.seed.deserialize(known.into_deserializer())?)
            }
            unknown => return Err(D::Error::unknown_field(unknown, self.known)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wireloom_thrift::types::{Protocol, Transport};

    fn read(yaml: &str) -> Result<ClusterEntry, String> {
        serde_saphyr::from_str(yaml).map_err(|error| error.to_string())
    }

    #[test]
    fn takes_its_own_keys_and_leaves_the_rest() {
        let plain = read("{endpoints: ['a:1'], balance: random}").unwrap();
        assert_eq!(plain.own, ProtocolKeys::default());
        let own = read(
            "{thrift: {protocol: compact}, endpoints: ['a:1'], multiplexed: true, balance: random}",
        );
        let own = own.unwrap();
        assert_eq!(own.cluster, plain.cluster);
        let thrift = ThriftUpstream {
            protocol: Some(Protocol::Compact),
            ..ThriftUpstream::default()
        };
        assert_eq!(
            (own.own.thrift.as_ref(), own.own.multiplexed),
            (Some(&thrift), true)
        );
        let json = serde_json::to_string(&own).unwrap();
        assert_eq!(serde_json::from_str::<ClusterEntry>(&json).unwrap(), own);
        let header = read("{endpoints: ['a:1'], thrift: {transport: ttheader}}").unwrap();
        assert_eq!(
            header.own.thrift.unwrap().transport,
            Some(Transport::TtHeader)
        );
    }

    #[test]
    fn an_unknown_key_is_told_all_that_there_are() {
        let error = read("{endpoints: ['a:1'], multiplex: true}").unwrap_err();
        for key in ["field `multiplex`", "retry_budget", "thrift", "multiplexed"] {
            assert!(error.contains(key), "{error}");
        }
        assert!(read("{thrift: {}}").unwrap_err().contains("endpoints"));
        assert!(read("{discovery: original_destination}").is_ok());
        assert!(read("{endpoints: ['a:1'], thrift: null}").is_err());
        assert!(read("[a]").is_err());
    }

    #[test]
    fn the_schema_has_the_keys_of_both() {
        let schema = schemars::schema_for!(ClusterEntry).to_value();
        let keys = schema["properties"].as_object().unwrap();
        for key in ["endpoints", "retry_budget", "thrift", "multiplexed"] {
            assert!(keys.contains_key(key), "{key} of {schema:#}");
        }
        assert_eq!(
            schema["anyOf"],
            serde_json::json!([{"required": ["endpoints"]}, {"required": ["discovery"]}])
        );
        assert_eq!(schema["additionalProperties"], false, "{schema:#}");
    }
}
