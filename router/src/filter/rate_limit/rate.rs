//! So many requests in a time.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// So many requests in a unit of time: `100/s`, `600/m`, `50000/h`, `1000000/d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub requests: u32,
    /// In what time.
    pub per: Unit,
}

/// The time of a [`Rate`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// `s`
    Second,
    /// `m`
    Minute,
    /// `h`
    Hour,
    /// `d`: 24 hours.
    Day,
}

impl Unit {
    const ALL: [(&'static str, Self); 4] = [
        ("s", Self::Second),
        ("m", Self::Minute),
        ("h", Self::Hour),
        ("d", Self::Day),
    ];

    /// How long it is.
    pub const fn seconds(self) -> u64 {
        match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3600,
            Self::Day => 86_400,
        }
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = || {
            let (number, unit) = text.split_once('/')?;
            let (number, unit) = (number.trim(), unit.trim());
            let digits = number.bytes().all(|byte| byte.is_ascii_digit());
            let requests = digits.then(|| number.parse().ok()).flatten()?;
            let (_, per) = Unit::ALL.into_iter().find(|(name, _)| *name == unit)?;
            Some(Self { requests, per })
        };
        read().ok_or_else(|| format!("{text:?} is not a rate like 100/s, 600/m, 5000/h or 10000/d"))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Unit::ALL.into_iter().find(|(_, unit)| *unit == self.per);
        let (name, _) = name.unwrap_or(("s", Unit::Second));
        write!(f, "{}/{name}", self.requests)
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Rate {
    fn schema_name() -> Cow<'static, str> {
        "Rate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^[0-9]+ */ *[smhd]$", "examples": ["100/s"]})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_round_trip() {
        for text in ["100/s", "1/m", "50000/h", "4294967295/d"] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), text);
        }
        assert_eq!("7 / m".parse::<Rate>().unwrap().to_string(), "7/m");
    }

    #[test]
    fn wrong_ones_say_what_would_be_right() {
        for bad in [
            "100",
            "",
            "/s",
            "+1/s",
            "1.5/s",
            "1/ms",
            "100/sec",
            "4294967296/s",
        ] {
            let error = bad.parse::<Rate>().unwrap_err();
            assert!(error.contains("like 100/s"), "{bad}: {error}");
        }
    }
}
