//! The types of the wire. Nothing here trusts a length: what is not there is `None`, and nesting has an end.

use serde_json::{Map, Value as Json};

const DEEPEST: usize = 32;

/// A field's type.
pub type Kind = u8;
pub(crate) const STRING1: Kind = 6;
pub(crate) const STRING4: Kind = 7;
pub(crate) const MAP: Kind = 8;
pub(crate) const LIST: Kind = 9;
pub(crate) const STRUCT: Kind = 10;
pub(crate) const END: Kind = 11;
pub(crate) const ZERO: Kind = 12;
pub(crate) const BYTES: Kind = 13;

/// Reads fields, one behind the other.
pub struct Reader<'a> {
    /// What is not read yet.
    pub rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    /// The head of the next field: its tag and its type.
    pub fn head(&mut self) -> Option<(u8, Kind)> {
        let head = *self.take(1)?.first()?;
        let tag = match head >> 4 {
            15 => *self.take(1)?.first()?,
            tag => tag,
        };
        Some((tag, head & 15))
    }

    /// An integer of any width.
    pub fn int(&mut self, kind: Kind) -> Option<i64> {
        let width = match kind {
            ZERO => return Some(0),
            0..=3 => 1 << kind,
            _ => return None,
        };
        let bytes = self.take(width)?;
        let negative = bytes.first()? & 0x80 != 0;
        let begin = if negative { -1 } else { 0 };
        Some(bytes.iter().fold(begin, |int, byte| int << 8 | i64::from(*byte)))
    }

    /// A string, which is bytes: nothing says that it is UTF-8.
    pub fn string(&mut self, kind: Kind) -> Option<&'a [u8]> {
        let width = match kind {
            STRING1 => 1,
            STRING4 => 4,
            _ => return None,
        };
        let length = self.take(width)?.iter().fold(0, |all, byte| all << 8 | usize::from(*byte));
        self.take(length)
    }

    /// How many elements follow: an integer with a head of its own.
    pub(crate) fn count(&mut self) -> Option<usize> {
        let (_, kind) = self.head()?;
        usize::try_from(self.int(kind)?).ok()
    }

    /// What a simple list holds.
    pub(crate) fn bytes(&mut self, kind: Kind) -> Option<&'a [u8]> {
        if kind != BYTES || self.head()?.1 != 0 {
            return None;
        }
        let length = self.count()?;
        self.take(length)
    }

    /// Steps over a value. Every element takes a byte at least, so a large count ends where the bytes do.
    pub(crate) fn skip(&mut self, kind: Kind, depth: usize) -> Option<()> {
        if depth > DEEPEST {
            return None;
        }
        match kind {
            4 | 5 => self.take(1 << (kind - 2)).map(|_| ()),
            STRING1 | STRING4 => self.string(kind).map(|_| ()),
            BYTES => self.bytes(kind).map(|_| ()),
            MAP | LIST => {
                let each = if kind == MAP { 2 } else { 1 };
                for _ in 0..self.count()?.checked_mul(each)? {
                    let (_, kind) = self.head()?;
                    self.skip(kind, depth + 1)?;
                }
                Some(())
            }
            STRUCT => loop {
                match self.head()? {
                    (_, END) => return Some(()),
                    (_, kind) => self.skip(kind, depth + 1)?,
                }
            },
            _ => self.int(kind).map(|_| ()),
        }
    }

    /// The pairs of a map of strings; stops at the first that is not one.
    pub(crate) fn pairs(&mut self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'_, 'a> {
        let count = self.count().unwrap_or(0);
        (0..count).map_while(|_| {
            let (_, kind) = self.head()?;
            let key = self.string(kind)?;
            let (_, kind) = self.head()?;
            Some((key, self.string(kind)?))
        })
    }

    /// A value as JSON: what `call` prints.
    pub fn json(&mut self, kind: Kind, depth: usize) -> Option<Json> {
        if depth > DEEPEST {
            return None;
        }
        Some(match kind {
            4 => f32::from_be_bytes(*self.take(4)?.first_chunk()?).into(),
            5 => f64::from_be_bytes(*self.take(8)?.first_chunk()?).into(),
            STRING1 | STRING4 => String::from_utf8_lossy(self.string(kind)?).into(),
            BYTES => self.bytes(kind)?.into(),
            LIST => {
                let mut list = Vec::new();
                for _ in 0..self.count()? {
                    let (_, kind) = self.head()?;
                    list.push(self.json(kind, depth + 1)?);
                }
                list.into()
            }
            MAP => {
                let mut map = Map::new();
                for _ in 0..self.count()? {
                    let (_, kind) = self.head()?;
                    let key = self.json(kind, depth + 1)?;
                    let (_, kind) = self.head()?;
                    let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
                    map.insert(key, self.json(kind, depth + 1)?);
                }
                map.into()
            }
            STRUCT => self.fields(depth + 1)?.into(),
            _ => self.int(kind)?.into(),
        })
    }

    /// Fields up to the end of their struct or of the bytes, by their tags.
    pub fn fields(&mut self, depth: usize) -> Option<Map<String, Json>> {
        let mut fields = Map::new();
        while !self.rest.is_empty() {
            match self.head()? {
                (_, END) => break,
                (tag, kind) => fields.insert(tag.to_string(), self.json(kind, depth)?),
            };
        }
        Some(fields)
    }
}

/// Writes the head of a field.
pub fn put_head(out: &mut Vec<u8>, tag: u8, kind: Kind) {
    if tag < 15 {
        out.push(tag << 4 | kind);
    } else {
        out.extend([0xf0 | kind, tag]);
    }
}

/// Writes an integer, as short as its value allows.
pub fn put_int(out: &mut Vec<u8>, tag: u8, int: i64) {
    if int == 0 {
        return put_head(out, tag, ZERO);
    }
    let fits = |kind: &Kind| int >> ((8 << kind) - 1) == int >> 63;
    let kind = (0..3).find(fits).unwrap_or(3);
    put_head(out, tag, kind);
    out.extend(&int.to_be_bytes()[8 - (1 << kind)..]);
}

/// Writes a string.
pub fn put_string(out: &mut Vec<u8>, tag: u8, text: &[u8]) {
    match u8::try_from(text.len()) {
        Ok(length) => {
            put_head(out, tag, STRING1);
            out.push(length);
        }
        Err(_) => {
            put_head(out, tag, STRING4);
            out.extend((text.len() as u32).to_be_bytes());
        }
    }
    out.extend(text);
}

/// Writes bytes.
pub fn put_bytes(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    put_head(out, tag, BYTES);
    put_head(out, 0, 0);
    put_int(out, 0, bytes.len() as i64);
    out.extend(bytes);
}

/// Writes a map of strings.
pub fn put_map(out: &mut Vec<u8>, tag: u8, pairs: &[(&str, &str)]) {
    put_head(out, tag, MAP);
    put_int(out, 0, pairs.len() as i64);
    for (key, value) in pairs {
        put_string(out, 0, key.as_bytes());
        put_string(out, 1, value.as_bytes());
    }
}

/// Writes JSON in the types that it suggests.
pub fn put_json(out: &mut Vec<u8>, tag: u8, value: &Json) {
    match value {
        Json::Null => put_int(out, tag, 0),
        Json::Bool(yes) => put_int(out, tag, i64::from(*yes)),
        Json::String(text) => put_string(out, tag, text.as_bytes()),
        Json::Number(number) => match number.as_i64() {
            Some(int) => put_int(out, tag, int),
            None => {
                put_head(out, tag, 5);
                out.extend(number.as_f64().unwrap_or_default().to_be_bytes());
            }
        },
        Json::Array(items) => {
            put_head(out, tag, LIST);
            put_int(out, 0, items.len() as i64);
            items.iter().for_each(|item| put_json(out, 0, item));
        }
        Json::Object(map) => {
            put_head(out, tag, MAP);
            put_int(out, 0, map.len() as i64);
            for (key, value) in map {
                put_string(out, 0, key.as_bytes());
                put_json(out, 1, value);
            }
        }
    }
}
