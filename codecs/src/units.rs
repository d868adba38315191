//! Values as configs write them: durations and sizes (`250ms`, `16MiB`), one string or several, secrets.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

mod one_or_many;
mod secret;

pub use one_or_many::OneOrMany;
pub use secret::{HIDDEN, Secret};

/// A time span: a number and one of `us`, `ms`, `s`, `m`, `h`. `0s` means "no limit" where a key says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

/// A number of bytes: a number and one of `B`, `KiB`, `MiB`, `GiB` (a bare number is bytes).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub usize);

const SPAN_UNITS: [(&str, u64); 5] = [
    ("us", 1),
    ("ms", 1_000),
    ("s", 1_000_000),
    ("m", 60_000_000),
    ("h", 3_600_000_000),
];
const SIZE_UNITS: [(&str, u64); 5] = [
    ("", 1),
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

fn parse(text: &str, units: &[(&str, u64)], expected: &'static str) -> Result<u64, String> {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let factor = units
        .iter()
        .find(|(name, _)| *name == unit.trim())
        .map(|(_, factor)| *factor);
    match (number.parse::<u64>().ok(), factor) {
        (Some(number), Some(factor)) => number
            .checked_mul(factor)
            .ok_or_else(|| format!("{text:?} is too large")),
        _ => Err(format!("{text:?} is not {expected}")),
    }
}

impl FromStr for Span {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        parse(text, &SPAN_UNITS, "a duration like 250ms, 5s, 1m or 1h")
            .map(|micros| Self(Duration::from_micros(micros)))
    }
}

impl FromStr for Size {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let bytes = parse(text, &SIZE_UNITS, "a size like 512B, 64KiB or 16MiB")?;
        usize::try_from(bytes)
            .map(Self)
            .map_err(|_| format!("{text:?} is too large"))
    }
}

fn largest_unit(value: u64, units: &[(&'static str, u64)]) -> (u64, &'static str) {
    units
        .iter()
        .rev()
        .find(|(_, factor)| value.is_multiple_of(*factor) && (value > 0 || *factor == 1_000_000))
        .map_or((value, ""), |(unit, factor)| (value / factor, unit))
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = u64::try_from(self.0.as_micros()).unwrap_or(u64::MAX);
        let (number, unit) = largest_unit(micros, &SPAN_UNITS);
        write!(f, "{number}{unit}")
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, unit) = largest_unit(self.0 as u64, &SIZE_UNITS);
        write!(f, "{number}{unit}")
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A time span: a whole number and `us`, `ms`, `s`, `m` or `h`.",
            "type": "string",
            "pattern": "^[0-9]+ *(us|ms|s|m|h)$",
            "examples": ["250ms"]
        })
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl Visitor<'_> for Either {
            type Value = Size;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a size like 512B, 64KiB or 16MiB, or a whole number of bytes,")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Size, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_u64<E: de::Error>(self, bytes: u64) -> Result<Size, E> {
                let size = usize::try_from(bytes).map(Size);
                size.map_err(|_| E::custom(format_args!("{bytes} is too large")))
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for Size {
    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number of bytes: a whole number alone, or with `B`, `KiB`, `MiB` or `GiB`.",
            "type": ["string", "integer"],
            "pattern": "^[0-9]+ *(B|KiB|MiB|GiB)?$",
            "minimum": 0,
            "examples": ["16MiB", 16_777_216]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::IntoDeserializer;
    use serde::de::value::Error;

    #[test]
    fn spans_and_sizes_round_trip() {
        for text in ["250ms", "5s", "1m", "1h", "0s", "7us", "90s"] {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), text);
        }
        for text in ["16MiB", "64KiB", "1GiB", "3B"] {
            assert_eq!(text.parse::<Size>().unwrap().to_string(), text);
        }
        assert_eq!("5 s".parse::<Span>().unwrap().0, Duration::from_secs(5));
        assert_eq!("12".parse::<Size>().unwrap().0, 12);
    }

    #[test]
    fn a_bare_number_is_bytes() {
        fn read<'de>(value: impl IntoDeserializer<'de, Error>) -> Result<Size, String> {
            Size::deserialize(value.into_deserializer()).map_err(|error| error.to_string())
        }
        let mebibyte = Ok(Size(1 << 20));
        assert_eq!(read(1_048_576_u64), mebibyte);
        assert_eq!(read("1048576"), mebibyte);
        assert_eq!(read("1MiB"), mebibyte);
        for bad in [read(-1_i64), read(1.5), read(true)] {
            let error = bad.unwrap_err();
            assert!(error.contains("expected a size like"), "{error}");
        }
    }

    #[test]
    fn wrong_ones_say_what_would_be_right() {
        for bad in [
            "5",
            "",
            "s",
            "1.5s",
            "-1s",
            "5 days",
            "99999999999999999999s",
        ] {
            let error = bad.parse::<Span>().unwrap_err();
            assert!(error.contains("duration"), "{bad}: {error}");
        }
        assert!("5MB".parse::<Size>().unwrap_err().contains("16MiB"));
        assert!(
            "99999999999GiB"
                .parse::<Size>()
                .unwrap_err()
                .contains("too large")
        );
    }
}
