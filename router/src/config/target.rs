//! Where a route's requests go.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::not_null;

/// Metadata of the endpoints that may serve a route's requests.
pub type SubsetMatch = BTreeMap<String, SubsetValue>;

/// A value of endpoints' metadata: a text, or that of a header of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubsetValue {
    /// This text.
    Constant(String),
    /// What the request has under this name.
    Header(String),
}

impl SubsetValue {
    /// The text, if requests do not bring it.
    pub fn constant(&self) -> Option<&str> {
        match self {
            Self::Constant(value) => Some(value),
            Self::Header(_) => None,
        }
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct OfHeader {
    /// A header, gRPC metadata, Dubbo attachment, Bolt header or THeader info header whose value is meant. A request
    /// without it chooses without this key; a value that no endpoint has follows the cluster's `subset.fallback`.
    header: String,
}

impl<'de> Deserialize<'de> for SubsetValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ValueVisitor;
        impl<'de> Visitor<'de> for ValueVisitor {
            type Value = SubsetValue;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, or {header: …} with the name of a header")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<SubsetValue, E> {
                Ok(SubsetValue::Constant(text.to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SubsetValue, A::Error> {
                let OfHeader { header } = OfHeader::deserialize(MapAccessDeserializer::new(map))?;
                Ok(SubsetValue::Header(header))
            }
        }
        deserializer.deserialize_any(ValueVisitor)
    }
}

impl Serialize for SubsetValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Constant(value) => serializer.serialize_str(value),
            Self::Header(header) => OfHeader {
                header: header.clone(),
            }
            .serialize(serializer),
        }
    }
}

impl JsonSchema for SubsetValue {
    fn schema_name() -> Cow<'static, str> {
        "SubsetValue".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [{"type": "string"}, generator.subschema_for::<OfHeader>()]})
    }
}

/// The target of a route: the name of a cluster, a cluster with more to say, a header that names one, or a list of
/// clusters with weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum To {
    /// All requests go to this cluster.
    Cluster(String),
    /// All requests go to this part of a cluster.
    Subset(ClusterSubset),
    /// Requests say themselves where they go.
    Named(ClusterHeader),
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

/// Requests name the cluster that they go to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClusterHeader {
    /// The header, gRPC metadata, Dubbo attachment, Bolt header or THeader info header whose value is the cluster's name.
    pub header: String,
    /// The clusters that may be named. Default: all of the configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<String>", length(min = 1))]
    pub clusters: Option<Vec<String>>,
    /// Where requests go that name none, or one that may not be named. Default: they have no route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub otherwise: Option<String>,
}

/// What is written as a map.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    #[serde(default, deserialize_with = "not_null")]
    cluster: Option<String>,
    #[serde(default, deserialize_with = "not_null")]
    subset: Option<SubsetMatch>,
    #[serde(default, deserialize_with = "not_null")]
    header: Option<String>,
    #[serde(default, deserialize_with = "not_null")]
    clusters: Option<Vec<String>>,
    #[serde(default, deserialize_with = "not_null")]
    otherwise: Option<String>,
}

impl Keys {
    fn to<E: de::Error>(self) -> Result<To, E> {
        match self {
            Self {
                cluster: Some(cluster),
                subset,
                header: None,
                clusters: None,
                otherwise: None,
            } => Ok(To::Subset(ClusterSubset {
                cluster,
                subset: subset.unwrap_or_default(),
            })),
            Self {
                cluster: None,
                subset: None,
                header: Some(header),
                clusters,
                otherwise,
            } => Ok(To::Named(ClusterHeader {
                header,
                clusters,
                otherwise,
            })),
            Self {
                cluster: None,
                header: None,
                ..
            } => Err(E::missing_field("cluster")),
            _ => Err(E::custom(
                "names a cluster with `cluster` and `subset`, or a header that does with `header`, `clusters` and \
                 `otherwise`, not both",
            )),
        }
    }
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
                    "the name of a cluster, {cluster: …, subset: …}, {header: …} or a list of {cluster: …, weight: …}",
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
                Keys::deserialize(MapAccessDeserializer::new(map))?.to()
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
            Self::Named(named) => named.serialize(serializer),
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
            "description": "The name of a cluster, a part of a cluster, a header that names one, or a list of clusters with weights.",
            "anyOf": [
                {"type": "string"},
                generator.subschema_for::<ClusterSubset>(),
                {"type": "array", "items": generator.subschema_for::<WeightedCluster>(), "minItems": 1},
                generator.subschema_for::<ClusterHeader>()
            ]
        })
    }
}
