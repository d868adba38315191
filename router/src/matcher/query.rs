//! Conditions on the parameters of a query.

use std::borrow::Cow;

use super::Text;

/// Decoded values up to this length are put on the stack. Longer ones, where they are encoded at all, cost an
/// allocation: not to judge them would let a client past a route by making a value long.
const STACK: usize = 512;

/// A condition on the values under one name.
#[derive(Clone, Debug)]
pub(super) struct Parameter {
    name: Box<[u8]>,
    text: Text,
}

impl Parameter {
    pub(super) fn new(name: &str, text: Text) -> Self {
        let name = name.as_bytes().into();
        Self { name, text }
    }

    /// True if any value under the name matches; for `present: false`, if there is none.
    pub(super) fn matches(&self, query: Option<&[u8]>) -> bool {
        let values = raw(query, &self.name);
        self.text.any_decoded(values)
    }
}

/// The values under a name, as they are written.
fn raw<'a>(query: Option<&'a [u8]>, name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let pairs = query
        .into_iter()
        .flat_map(|query| query.split(|b| *b == b'&'));
    let pairs = pairs.map(|pair| match pair.iter().position(|byte| *byte == b'=') {
        Some(at) => (
            pair.get(..at).unwrap_or_default(),
            pair.get(at + 1..).unwrap_or_default(),
        ),
        None => (pair, &[][..]),
    });
    let named = pairs.filter(move |(own, _)| Decoded(own).eq(name.iter().copied()));
    named.map(|(_, value)| value)
}

/// The values under a name, as they are meant. One that is encoded costs an allocation.
pub(crate) fn values<'a>(
    query: Option<&'a [u8]>,
    name: &'a [u8],
) -> impl Iterator<Item = Cow<'a, [u8]>> {
    raw(query, name).map(
        |value| match value.iter().any(|byte| matches!(byte, b'%' | b'+')) {
            true => Cow::Owned(Decoded(value).collect()),
            false => Cow::Borrowed(value),
        },
    )
}

impl Text {
    fn any_decoded<'a>(&self, mut values: impl Iterator<Item = &'a [u8]>) -> bool {
        match self {
            Self::Present(present) => values.next().is_some() == *present,
            Self::Not(condition) => !condition.any_decoded(values),
            _ => values.any(|value| {
                let mut stack = [0; STACK];
                self.matches(&decode(value, &mut stack))
            }),
        }
    }
}

/// A value as it was meant; itself if nothing in it is encoded.
fn decode<'a>(value: &'a [u8], stack: &'a mut [u8; STACK]) -> Cow<'a, [u8]> {
    if !value.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        return Cow::Borrowed(value);
    }
    let mut len = 0;
    for byte in Decoded(value) {
        let Some(place) = stack.get_mut(len) else {
            return Cow::Owned(Decoded(value).collect());
        };
        *place = byte;
        len += 1;
    }
    Cow::Borrowed(stack.get(..len).unwrap_or_default())
}

/// Bytes of a part of a query, decoded (application/x-www-form-urlencoded): `+` is a space, and what is no escape stands
/// for itself.
struct Decoded<'a>(&'a [u8]);

impl Iterator for Decoded<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        match (first, rest) {
            (b'+', _) => Some(b' '),
            (b'%', [high, low, after @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => {
                    self.0 = after;
                    Some(high * 16 + low)
                }
                _ => Some(b'%'),
            },
            (byte, _) => Some(*byte),
        }
    }
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}
