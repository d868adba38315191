//! An endpoint as configurations write it: `host:port`, or a map that says more.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::fmt;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::{Deserialize, Deserializer, Serialize, de};
use wireloom_net::Address;

/// The largest weight.
pub const MAX_WEIGHT: u32 = 10_000;

/// The largest number of a priority, which is the last choice.
pub const MAX_PRIORITY: u32 = 127;

/// What is said of an endpoint beyond its address: zone, version, and the like.
pub type Metadata = BTreeMap<String, String>;

/// One server of a cluster. Written as `10.0.0.1:20880` if there is nothing more to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EndpointConfig {
    /// Where it listens.
    pub address: Address,
    /// Its share of the requests relative to the others', 0 to 10000. 0 is never picked.
    pub weight: u32,
    /// What else is known of it.
    #[serde(skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
    /// 0 is asked first, up to 127; others where those before have too few that are well.
    #[serde(skip_serializing_if = "is_default")]
    pub priority: u32,
    /// Where it stands: the name of its locality, for locality weights and zone-aware routing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// It takes no new calls; those under way end as they would.
    #[serde(skip_serializing_if = "is_default")]
    pub draining: bool,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl From<Address> for EndpointConfig {
    fn from(address: Address) -> Self {
        Self {
            address,
            weight: 1,
            metadata: Metadata::new(),
            priority: 0,
            zone: None,
            draining: false,
        }
    }
}

/// The map form.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Map {
    /// Where it listens.
    #[serde(deserialize_with = "with_port")]
    address: Address,
    /// Its share of the requests relative to the others'; 0 is never picked.
    #[serde(
        default = "one",
        deserialize_with = "super::within::<0, MAX_WEIGHT, _>"
    )]
    #[schemars(range(max = 10_000))]
    weight: u32,
    /// What else is known of it: zone, version, and the like.
    #[serde(default)]
    metadata: Metadata,
    /// 0 is asked first; others where those before have too few that are well.
    #[serde(default, deserialize_with = "super::within::<0, MAX_PRIORITY, _>")]
    #[schemars(range(max = 127))]
    priority: u32,
    /// Where it stands: the name of its locality.
    #[serde(default, deserialize_with = "some_name")]
    #[schemars(with = "String")]
    zone: Option<String>,
    /// It takes no new calls; those under way end as they would.
    #[serde(default)]
    draining: bool,
}

fn some_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let name = String::deserialize(deserializer)?;
    if name.is_empty() {
        return Err(de::Error::custom("a zone without a name"));
    }
    Ok(Some(name))
}

const fn one() -> u32 {
    1
}

fn with_port<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Address, D::Error> {
    check_port(Address::deserialize(deserializer)?)
}

fn check_port<E: de::Error>(address: Address) -> Result<Address, E> {
    if address.port() == 0 && address.unix_path().is_none() {
        return Err(E::custom(format!(
            "{address}: nobody can be reached at port 0"
        )));
    }
    Ok(address)
}

impl<'de> Deserialize<'de> for EndpointConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> de::Visitor<'de> for Either {
            type Value = EndpointConfig;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an address like 10.0.0.1:20880, or a map with `address`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<EndpointConfig, E> {
                let address = text.parse().map_err(E::custom)?;
                check_port(address).map(EndpointConfig::from)
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<EndpointConfig, A::Error> {
                let map = Map::deserialize(MapAccessDeserializer::new(map))?;
                Ok(EndpointConfig {
                    address: map.address,
                    weight: map.weight,
                    metadata: map.metadata,
                    priority: map.priority,
                    zone: map.zone,
                    draining: map.draining,
                })
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for EndpointConfig {
    fn schema_name() -> Cow<'static, str> {
        "Endpoint".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let text = generator.subschema_for::<Address>();
        let map = Map::json_schema(generator);
        schemars::json_schema!({ "anyOf": [text, map] })
    }
}

/// A list in which no address comes twice: it would get twice the share that its weight says.
pub(super) fn distinct<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<EndpointConfig>, D::Error> {
    struct List;
    impl<'de> de::Visitor<'de> for List {
        type Value = Vec<EndpointConfig>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of endpoints")
        }

        fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut seen = HashSet::new();
            let mut endpoints = Vec::new();
            while let Some(endpoint) = list.next_element::<EndpointConfig>()? {
                if !seen.insert(endpoint.address.clone()) {
                    return Err(de::Error::custom(format!(
                        "{} is listed twice; give it a weight instead",
                        endpoint.address
                    )));
                }
                endpoints.push(endpoint);
            }
            Ok(endpoints)
        }
    }
    deserializer.deserialize_seq(List)
}
