//! A number with a fraction, of thousandths.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A number from 0 to about four million, kept in thousandths so that configurations can be compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ratio(u32);

impl Ratio {
    /// 1.
    pub const ONE: Self = Self(1000);

    /// That many thousandths.
    pub const fn thousandths(number: u32) -> Self {
        Self(number)
    }

    /// The number.
    pub fn get(self) -> f64 {
        f64::from(self.0) / 1000.0
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.get())
    }
}

impl Serialize for Ratio {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(1000) {
            serializer.serialize_u32(self.0 / 1000)
        } else {
            serializer.serialize_f64(self.get())
        }
    }
}

impl<'de> Deserialize<'de> for Ratio {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const MOST: f64 = 4_000_000.0;
        let number = f64::deserialize(deserializer)?;
        if !(0.0..=MOST).contains(&number) {
            return Err(de::Error::custom(format!(
                "{number} is out of range: 0 to {MOST}"
            )));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the range was checked"
        )]
        Ok(Self((number * 1000.0).round() as u32))
    }
}

impl JsonSchema for Ratio {
    fn schema_name() -> Cow<'static, str> {
        "Ratio".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "minimum": 0 })
    }
}

/// A ratio within bounds that are written in thousandths.
pub(super) fn ratio_within<'de, const LOW: u32, const HIGH: u32, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Ratio, D::Error> {
    let (low, high) = (Ratio(LOW), Ratio(HIGH));
    let ratio = Ratio::deserialize(deserializer)?;
    if !(low..=high).contains(&ratio) {
        return Err(de::Error::custom(format!(
            "{ratio} is out of range: {low} to {high}"
        )));
    }
    Ok(ratio)
}

pub(super) fn some_ratio_within<'de, const LOW: u32, const HIGH: u32, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Ratio>, D::Error> {
    ratio_within::<LOW, HIGH, D>(deserializer).map(Some)
}
