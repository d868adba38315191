//! What users write under `rate_limit`.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::super::client::ForwardedConfig;
use super::rate::Rate;
use crate::config::not_null;

/// So many requests in a time, counted over all workers, where the filter stands: all of a listener's requests, or all of a
/// route's. More are refused: HTTP 429 with `Retry-After`, gRPC RESOURCE_EXHAUSTED with `grpc-retry-pushback-ms`, Bolt
/// and Dubbo their answer of a busy server, and never tried again here.
///
/// A token bucket: it holds `burst` tokens, a request takes one, and they come back evenly at `rate`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateLimitConfig {
    /// How many requests pass in the long run: a number, a slash and one of `s`, `m`, `h`, `d`. Up to 16,000,000 a second.
    pub rate: Rate,
    /// How many may come at once. Default: as many as the number in `rate`.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "u32", range(min = 1))]
    pub burst: Option<u32>,
    /// What has a bucket of its own: `source`, `service`, `method`, `identity`, `{header: NAME}`, or a list of these for
    /// each combination. Default: nothing, one bucket for all.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Key")]
    pub key: Option<Key>,
    /// Up to how many keys have buckets of their own, each some 60 bytes: 10000 if not given, at most 10000000. A key is
    /// forgotten once its bucket is full again. While more than these are in use, all further ones share one bucket.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "u32", range(min = 1, max = 10_000_000))]
    pub keys: Option<u32>,
    /// The address that `source` means is in a header field. All requests whose address a trusted proxy does not say share a
    /// bucket.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "ForwardedConfig")]
    pub forwarded: Option<ForwardedConfig>,
}

/// A part of a key. Requests that do not have it (a header that is not there) are those of one key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeyPart {
    /// The client's address: an IPv4 address, or the first 64 bits of an IPv6 address, which one client has to itself.
    Source,
    /// The RPC service.
    Service,
    /// The RPC method.
    Method,
    /// The first name in the client's certificate.
    Identity,
    /// The first value of a header field, by name.
    Header(String),
}

/// One part, or a list of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(pub Vec<KeyPart>);

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [one] => one.serialize(serializer),
            many => many.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts;

        impl<'de> Visitor<'de> for Parts {
            type Value = Key;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "`source`, `service`, `method`, `identity`, {header: NAME}, or a list of these",
                )
            }

            fn visit_str<E: de::Error>(self, part: &str) -> Result<Key, E> {
                KeyPart::deserialize(StrDeserializer::new(part)).map(|part| Key(vec![part]))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Key, A::Error> {
                KeyPart::deserialize(MapAccessDeserializer::new(map)).map(|part| Key(vec![part]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Key, A::Error> {
                let mut parts = Vec::new();
                while let Some(part) = seq.next_element()? {
                    parts.push(part);
                }
                Ok(Key(parts))
            }
        }

        deserializer.deserialize_any(Parts)
    }
}

impl JsonSchema for Key {
    fn schema_name() -> Cow<'static, str> {
        "RateLimitKey".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let part = generator.subschema_for::<KeyPart>();
        json_schema!({
            "description": "A part of a key, or a list of at least one.",
            "anyOf": [part, {"type": "array", "items": part, "minItems": 1}]
        })
    }
}
