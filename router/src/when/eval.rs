//! Expressions by their types, and what they come to. None is what a request leaves undecided.

use std::borrow::Cow;
use std::cmp::Ordering;

use ipnet::IpNet;
use regex::bytes::Regex;

use super::place::Place;
use crate::Lookup;

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compare {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Compare {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

/// What is asked of two texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Starts,
    Ends,
    Contains,
}

/// An expression that is true or false.
#[derive(Clone, Debug)]
pub(super) enum Bool {
    Const(bool),
    Not(Box<Bool>),
    And(Box<(Bool, Bool)>),
    Or(Box<(Bool, Bool)>),
    If(Box<(Bool, Bool, Bool)>),
    Bools(Compare, Box<(Bool, Bool)>),
    Ints(Compare, Box<(Int, Int)>),
    Texts(Compare, Box<(Text, Text)>),
    Part(Part, Box<(Text, Text)>),
    Matches(Box<(Text, Regex)>),
    OneOf(Box<(Text, Vec<Text>)>),
    Has(Box<Place>),
    InNetwork(IpNet),
}

impl Bool {
    pub(super) fn eval(&self, lookup: &Lookup<'_>) -> Option<bool> {
        match self {
            Self::Const(is) => Some(*is),
            Self::Not(inner) => inner.eval(lookup).map(|is| !is),
            Self::And(both) => match both.0.eval(lookup) {
                Some(false) => Some(false),
                first => match both.1.eval(lookup) {
                    Some(false) => Some(false),
                    second => first.and(second),
                },
            },
            Self::Or(both) => match both.0.eval(lookup) {
                Some(true) => Some(true),
                first => match both.1.eval(lookup) {
                    Some(true) => Some(true),
                    second => first.and(second),
                },
            },
            Self::If(parts) => match parts.0.eval(lookup)? {
                true => parts.1.eval(lookup),
                false => parts.2.eval(lookup),
            },
            Self::Bools(compare, both) => {
                let (one, other) = (both.0.eval(lookup)?, both.1.eval(lookup)?);
                Some(compare.holds(one.cmp(&other)))
            }
            Self::Ints(compare, both) => {
                let (one, other) = (both.0.eval(lookup)?, both.1.eval(lookup)?);
                Some(compare.holds(one.cmp(&other)))
            }
            Self::Texts(compare, both) => {
                let (one, other) = (both.0.eval(lookup)?, both.1.eval(lookup)?);
                Some(compare.holds(one.cmp(&other)))
            }
            Self::Part(part, both) => {
                let (text, with) = (both.0.eval(lookup)?, both.1.eval(lookup)?);
                Some(match part {
                    Part::Starts => text.starts_with(&with),
                    Part::Ends => text.ends_with(&with),
                    Part::Contains => memchr::memmem::find(&text, &with).is_some(),
                })
            }
            Self::Matches(parts) => Some(parts.1.is_match(&parts.0.eval(lookup)?)),
            Self::OneOf(parts) => {
                let text = parts.0.eval(lookup)?;
                let mut decided = Some(false);
                for one in &parts.1 {
                    match one.eval(lookup) {
                        Some(one) if one == text => return Some(true),
                        Some(_) => {}
                        None => decided = None,
                    }
                }
                decided
            }
            Self::Has(place) => Some(place.get(lookup).is_some()),
            Self::InNetwork(network) => Some(network.contains(&lookup.downstream.source.ip())),
        }
    }
}

/// An expression that is a whole number.
#[derive(Clone, Debug)]
pub(super) enum Int {
    Const(i64),
    Port,
    /// The characters of a text.
    Size(Box<Text>),
    /// The number that a text writes.
    Of(Box<Text>),
    Negative(Box<Int>),
    If(Box<(Bool, Int, Int)>),
}

impl Int {
    fn eval(&self, lookup: &Lookup<'_>) -> Option<i64> {
        match self {
            Self::Const(number) => Some(*number),
            Self::Port => Some(lookup.downstream.source.port().into()),
            Self::Size(text) => {
                let text = text.eval(lookup)?;
                // Each character has one byte that is no continuation.
                let characters = text.iter().filter(|byte| **byte & 0xc0 != 0x80);
                i64::try_from(characters.count()).ok()
            }
            Self::Of(text) => std::str::from_utf8(&text.eval(lookup)?).ok()?.parse().ok(),
            Self::Negative(number) => number.eval(lookup)?.checked_neg(),
            Self::If(parts) => match parts.0.eval(lookup)? {
                true => parts.1.eval(lookup),
                false => parts.2.eval(lookup),
            },
        }
    }
}

/// An expression that is a text.
#[derive(Clone, Debug)]
pub(super) enum Text {
    Const(Box<[u8]>),
    At(Box<Place>),
    If(Box<(Bool, Text, Text)>),
}

impl Text {
    fn eval<'a>(&'a self, lookup: &Lookup<'a>) -> Option<Cow<'a, [u8]>> {
        match self {
            Self::Const(text) => Some(Cow::Borrowed(text)),
            Self::At(place) => place.get(lookup),
            Self::If(parts) => match parts.0.eval(lookup)? {
                true => parts.1.eval(lookup),
                false => parts.2.eval(lookup),
            },
        }
    }
}
