//! How an endpoint is picked, as configurations write it: a name, or a map with the name and settings.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use wireloom_codecs::units::Span;

use super::ratio::{Ratio, ratio_within, some_ratio_within};
use super::{positive, within};

/// The most endpoints that are compared for one request.
pub const MAX_CHOICES: u32 = 32;

/// The most entries of a hash ring: 128 MiB.
pub const MAX_RING: u32 = 8 << 20;

/// How an endpoint is picked. Every way respects weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Settings {
    /// Of some endpoints drawn by weight, the one with the fewest requests under way for its weight.
    LeastRequest(LeastRequest),
    /// In turn, each as often as its weight says and its turns evenly spread.
    RoundRobin(Nothing),
    /// At random, by weight.
    Random(Nothing),
    /// Of some endpoints drawn by weight, the one with the fewest connections for its weight.
    LeastConnections(LeastConnections),
    /// Of some endpoints drawn by weight, the one that is expected to answer soonest: its latency of late times the
    /// requests that it has.
    PeakEwma(PeakEwma),
    /// The same endpoint for the same hash, on a ring that each endpoint has many places on.
    RingHash(RingHash),
    /// The same endpoint for the same hash, by a table that is shared more evenly than a ring, and moves a little
    /// more when members change.
    Maglev(Maglev),
}

/// How an endpoint is picked. Every way respects weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balance {
    /// Of some endpoints drawn by weight, the one with the fewest requests under way for its weight.
    LeastRequest(LeastRequest),
    /// In turn, each as often as its weight says and its turns evenly spread.
    RoundRobin,
    /// At random, by weight.
    Random,
    /// Of some endpoints drawn by weight, the one with the fewest connections for its weight.
    LeastConnections(LeastConnections),
    /// Of some endpoints drawn by weight, the one that is expected to answer soonest.
    PeakEwma(PeakEwma),
    /// The same endpoint for the same hash, on a ring.
    RingHash(RingHash),
    /// The same endpoint for the same hash, by a table.
    Maglev(Maglev),
}

/// Has no settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Settings of `least_request`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LeastRequest {
    /// How many endpoints are compared, 2 to 32.
    #[serde(deserialize_with = "within::<2, MAX_CHOICES, _>")]
    #[schemars(range(min = 2, max = 32))]
    pub choices: u32,
    /// How much the requests under way count against the weight, 0 to 10: they are raised to this power. 0 = not at
    /// all.
    #[serde(deserialize_with = "ratio_within::<0, 10_000, _>")]
    #[schemars(range(max = 10))]
    pub bias: Ratio,
}

impl Default for LeastRequest {
    fn default() -> Self {
        Self {
            choices: 2,
            bias: Ratio::ONE,
        }
    }
}

/// Settings of `least_connections`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LeastConnections {
    /// How many endpoints are compared, 2 to 32.
    #[serde(deserialize_with = "within::<2, MAX_CHOICES, _>")]
    #[schemars(range(min = 2, max = 32))]
    pub choices: u32,
}

impl Default for LeastConnections {
    fn default() -> Self {
        Self { choices: 2 }
    }
}

/// Settings of `peak_ewma`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PeakEwma {
    /// How many endpoints are compared, 2 to 32.
    #[serde(deserialize_with = "within::<2, MAX_CHOICES, _>")]
    #[schemars(range(min = 2, max = 32))]
    pub choices: u32,
    /// How soon latencies are forgotten: after this time what was known counts for 37 %.
    #[serde(deserialize_with = "positive")]
    pub decay: Span,
    /// What a call that failed counts as at least, so that failing fast does not look good.
    #[serde(deserialize_with = "positive")]
    pub penalty: Span,
}

impl Default for PeakEwma {
    fn default() -> Self {
        Self {
            choices: 2,
            decay: Span(Duration::from_secs(10)),
            penalty: Span(Duration::from_secs(1)),
        }
    }
}

/// Settings of `ring_hash`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RingHash {
    /// Places on the ring at least, 1 to 8388608. More of them share the hashes more evenly.
    #[serde(deserialize_with = "within::<1, MAX_RING, _>")]
    #[schemars(range(min = 1, max = 8_388_608))]
    pub min: u32,
    /// Places on the ring at most, 1 to 8388608, of 16 bytes each. It grows past `min` where weights differ much.
    #[serde(deserialize_with = "within::<1, MAX_RING, _>")]
    #[schemars(range(min = 1, max = 8_388_608))]
    pub max: u32,
    /// The most that an endpoint may have under way, as a multiple of its fair share, 1.01 to 100; what is over goes to
    /// another one. Default: no bound.
    #[serde(
        deserialize_with = "some_ratio_within::<1_010, 100_000, _>",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "f64", range(min = 1.01, max = 100))]
    pub bound: Option<Ratio>,
}

impl Default for RingHash {
    fn default() -> Self {
        Self {
            min: 1024,
            max: 1 << 20,
            bound: None,
        }
    }
}

/// Settings of `maglev`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Maglev {
    /// The most that an endpoint may have under way, as a multiple of its fair share, 1.01 to 100; what is over goes to
    /// another one. Default: no bound.
    #[serde(
        deserialize_with = "some_ratio_within::<1_010, 100_000, _>",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "f64", range(min = 1.01, max = 100))]
    pub bound: Option<Ratio>,
}

const NAMES: [&str; 7] = [
    "least_request",
    "round_robin",
    "random",
    "least_connections",
    "peak_ewma",
    "ring_hash",
    "maglev",
];

impl Default for Balance {
    fn default() -> Self {
        Self::LeastRequest(LeastRequest::default())
    }
}

impl Balance {
    /// The name that configs and logs use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LeastRequest(_) => "least_request",
            Self::RoundRobin => "round_robin",
            Self::Random => "random",
            Self::LeastConnections(_) => "least_connections",
            Self::PeakEwma(_) => "peak_ewma",
            Self::RingHash(_) => "ring_hash",
            Self::Maglev(_) => "maglev",
        }
    }

    /// True if the same hash finds the same endpoint.
    pub const fn is_hash(self) -> bool {
        matches!(self, Self::RingHash(_) | Self::Maglev(_))
    }

    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "least_request" => Self::default(),
            "round_robin" => Self::RoundRobin,
            "random" => Self::Random,
            "least_connections" => Self::LeastConnections(LeastConnections::default()),
            "peak_ewma" => Self::PeakEwma(PeakEwma::default()),
            "ring_hash" => Self::RingHash(RingHash::default()),
            "maglev" => Self::Maglev(Maglev::default()),
            _ => return None,
        })
    }
}

impl From<Settings> for Balance {
    fn from(settings: Settings) -> Self {
        match settings {
            Settings::LeastRequest(settings) => Self::LeastRequest(settings),
            Settings::RoundRobin(Nothing {}) => Self::RoundRobin,
            Settings::Random(Nothing {}) => Self::Random,
            Settings::LeastConnections(settings) => Self::LeastConnections(settings),
            Settings::PeakEwma(settings) => Self::PeakEwma(settings),
            Settings::RingHash(settings) => Self::RingHash(settings),
            Settings::Maglev(settings) => Self::Maglev(settings),
        }
    }
}

impl<'de> Deserialize<'de> for Balance {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> de::Visitor<'de> for Either {
            type Value = Balance;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name like round_robin, or a map like {ring_hash: {min: 1024}}")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Balance, E> {
                Balance::named(name).ok_or_else(|| E::unknown_variant(name, &NAMES))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Balance, A::Error> {
                Settings::deserialize(MapAccessDeserializer::new(map)).map(Balance::from)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl Serialize for Balance {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let name = self.as_str();
        if Self::named(name) == Some(*self) {
            return serializer.serialize_str(name);
        }
        let mut map = serializer.serialize_map(Some(1))?;
        match self {
            Self::RoundRobin | Self::Random => {}
            Self::LeastRequest(settings) => map.serialize_entry(name, settings)?,
            Self::LeastConnections(settings) => map.serialize_entry(name, settings)?,
            Self::PeakEwma(settings) => map.serialize_entry(name, settings)?,
            Self::RingHash(settings) => map.serialize_entry(name, settings)?,
            Self::Maglev(settings) => map.serialize_entry(name, settings)?,
        }
        map.end()
    }
}

impl JsonSchema for Balance {
    fn schema_name() -> Cow<'static, str> {
        "Balance".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let maps = generator.subschema_for::<Settings>();
        json_schema!({
            "description": "How an endpoint is picked: a name, or a map with the name and settings.",
            "anyOf": [{ "type": "string", "enum": NAMES }, maps]
        })
    }
}
