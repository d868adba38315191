//! Where a route's requests go.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// Metadata of the endpoints that may serve a route's requests.
pub type SubsetMatch = BTreeMap<String, String>;

/// The target of a route: the name of a cluster, a cluster with more to say, or a list of clusters with weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum To {
    /// All requests go to this cluster.
    Cluster(String),
    /// All requests go to this part of a cluster.
    Subset(ClusterSubset),
    /// Requests are shared among these clusters.
    Split(Vec<WeightedCluster>),
}

/// A part of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClusterSubset {
    /// The cluster's name.
    pub cluster: String,
    /// What the metadata of the endpoints says that may serve the requests. The cluster's `subset` names the keys that
    /// may stand here. Default: what the cluster's `subset.fallback` says.
    #[serde(default, skip_serializing_if = "SubsetMatch::is_empty")]
    pub subset: SubsetMatch,
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
    /// What the metadata of the endpoints says that may serve the requests. The cluster's `subset` names the keys that
    /// may stand here. Default: what the cluster's `subset.fallback` says.
    #[serde(default, skip_serializing_if = "SubsetMatch::is_empty")]
    pub subset: SubsetMatch,
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
                f.write_str(
                    "the name of a cluster, {cluster: …, subset: …} or a list of {cluster: …, weight: …}",
                )
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
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<To, A::Error> {
                ClusterSubset::deserialize(MapAccessDeserializer::new(map)).map(To::Subset)
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
            Self::Subset(subset) => subset.serialize(serializer),
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
            "description": "The name of a cluster, a part of a cluster, or a list of clusters with weights.",
            "anyOf": [
                {"type": "string"},
                generator.subschema_for::<ClusterSubset>(),
                {"type": "array", "items": generator.subschema_for::<WeightedCluster>(), "minItems": 1}
            ]
        })
    }
}
