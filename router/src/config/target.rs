//! Where a route's requests go.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// The target of a route: the name of a cluster, or a list of clusters with weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum To {
    /// All requests go to this cluster.
    Cluster(String),
    /// Requests are shared among these clusters.
    Split(Vec<WeightedCluster>),
}

/// One cluster of a split.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WeightedCluster {
    /// The cluster's name.
    pub cluster: String,
    /// Its share is this over the sum of the list's weights; 0 gets nothing.
    #[serde(default = "one")]
    pub weight: u32,
}

fn one() -> u32 {
    1
}

impl<'de> Deserialize<'de> for To {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ToVisitor;
        impl<'de> Visitor<'de> for ToVisitor {
            type Value = To;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a cluster or a list of {cluster: …, weight: …}")
            }
            fn visit_str<E: de::Error>(self, name: &str) -> Result<To, E> {
                Ok(To::Cluster(name.to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<To, A::Error> {
                let mut split = Vec::new();
                while let Some(Entry(cluster)) = seq.next_element()? {
                    split.push(cluster);
                }
                Ok(To::Split(split))
            }
        }
        deserializer.deserialize_any(ToVisitor)
    }
}

/// An entry of the list. A bare name is refused in words that say how to write it.
struct Entry(WeightedCluster);

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntryVisitor;
        impl<'de> Visitor<'de> for EntryVisitor {
            type Value = Entry;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("{cluster: …, weight: …}")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Entry, A::Error> {
                WeightedCluster::deserialize(MapAccessDeserializer::new(map)).map(Entry)
            }
        }
        deserializer.deserialize_any(EntryVisitor)
    }
}

impl Serialize for To {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Cluster(name) => serializer.serialize_str(name),
            Self::Split(split) => split.serialize(serializer),
        }
    }
}

impl JsonSchema for To {
    fn schema_name() -> Cow<'static, str> {
        "To".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The name of a cluster, or a list of clusters with weights.",
            "anyOf": [
                {"type": "string"},
                {"type": "array", "items": generator.subschema_for::<WeightedCluster>(), "minItems": 1}
            ]
        })
    }
}
