//! The types of the wire. Nothing here trusts a length: what is not there is `None`, and nesting has an end.

use serde_json::{Map, Value as Json};

const DEEPEST: usize = 32;

pub(crate) const STRING1: u8 = 6;
pub(crate) const STRING4: u8 = 7;
const MAP: u8 = 8;
const LIST: u8 = 9;
const STRUCT: u8 = 10;
const END: u8 = 11;
const ZERO: u8 = 12;
const BYTES: u8 = 13;

/// Reads fields, one behind the other; holds what is not read yet.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    /// The head of the next field: its tag and its type.
    pub(crate) fn head(&mut self) -> Option<(u8, u8)> {
        let head = *self.0.split_off_first()?;
        let tag = if head >> 4 == 15 { *self.0.split_off_first()? } else { head >> 4 };
        Some((tag, head & 15))
    }

    /// An integer of any width.
    pub(crate) fn int(&mut self, kind: u8) -> Option<i64> {
        let bytes = match kind {
            ZERO => return Some(0),
            0..=3 => self.0.split_off(..1 << kind)?,
            _ => return None,
        };
        let sign = -i64::from(bytes[0] >> 7);
        Some(bytes.iter().fold(sign, |int, byte| int << 8 | i64::from(*byte)))
    }

    /// How many elements follow: an integer with a head of its own.
    fn count(&mut self) -> Option<usize> {
        let (_, kind) = self.head()?;
        self.int(kind)?.try_into().ok()
    }

    /// A string or a simple list. Nothing says that a string is UTF-8.
    pub(crate) fn bytes(&mut self, kind: u8) -> Option<&'a [u8]> {
        let length = match kind {
            STRING1 => (*self.0.split_off_first()?).into(),
            STRING4 => u32::from_be_bytes(*self.0.split_off(..4)?.first_chunk()?) as usize,
            BYTES if self.head()?.1 == 0 => self.count()?,
            _ => return None,
        };
        self.0.split_off(..length)
    }

    /// Steps over a value; with `build` it is also made into JSON, which only `call` and `demo` want. Every element takes a byte at
    /// least, so a large count ends where the bytes do.
    pub(crate) fn value(&mut self, kind: u8, depth: usize, build: bool) -> Option<Json> {
        if depth > DEEPEST {
            return None;
        }
        Some(match kind {
            4 => f32::from_be_bytes(*self.0.split_off(..4)?.first_chunk()?).into(),
            5 => f64::from_be_bytes(*self.0.split_off(..8)?.first_chunk()?).into(),
            STRING1 | STRING4 | BYTES => match self.bytes(kind)? {
                bytes if build => String::from_utf8_lossy(bytes).into(),
                _ => Json::Null,
            },
            MAP | LIST => {
                let (mut list, mut map) = (Vec::new(), Map::new());
                for _ in 0..self.count()? {
                    let key = if kind == MAP { self.element(depth, build)? } else { Json::Null };
                    match (self.element(depth, build)?, key) {
                        (value, Json::String(key)) => drop(map.insert(key, value)),
                        (value, key) if build && kind == MAP => drop(map.insert(key.to_string(), value)),
                        (value, _) if build => list.push(value),
                        _ => {}
                    }
                }
                if kind == MAP { map.into() } else { list.into() }
            }
            STRUCT => self.fields(depth + 1, build)?.into(),
            _ => self.int(kind)?.into(),
        })
    }

    fn element(&mut self, depth: usize, build: bool) -> Option<Json> {
        let (_, kind) = self.head()?;
        self.value(kind, depth + 1, build)
    }

    /// Fields up to the end of their struct or of the bytes, by their tags.
    pub(crate) fn fields(&mut self, depth: usize, build: bool) -> Option<Map<String, Json>> {
        let mut fields = Map::new();
        while !self.0.is_empty() {
            match self.head()? {
                (_, END) => break,
                (tag, kind) => match self.value(kind, depth, build)? {
                    value if build => drop(fields.insert(tag.to_string(), value)),
                    _ => {}
                },
            }
        }
        Some(fields)
    }

    /// The pairs of a map of strings; stops at the first that is not one.
    pub(crate) fn pairs(mut self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        (0..self.count().unwrap_or(0)).map_while(move |_| Some((self.text()?, self.text()?)))
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let (_, kind) = self.head()?;
        self.bytes(kind)
    }
}

fn put_head(out: &mut Vec<u8>, tag: u8, kind: u8) {
    if tag < 15 { out.push(tag << 4 | kind) } else { out.extend([0xf0 | kind, tag]) }
}

/// Writes an integer, as short as its value allows.
pub(crate) fn put_int(out: &mut Vec<u8>, tag: u8, int: i64) {
    if int == 0 {
        return put_head(out, tag, ZERO);
    }
    let kind = (0..3).find(|kind| int >> ((8 << kind) - 1) == int >> 63).unwrap_or(3);
    put_head(out, tag, kind);
    out.extend(&int.to_be_bytes()[8 - (1 << kind)..]);
}

/// Writes a simple list.
pub(crate) fn put_bytes(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    put_head(out, tag, BYTES);
    put_head(out, 0, 0);
    put_int(out, 0, bytes.len() as i64);
    out.extend(bytes);
}

/// Writes JSON in the types that it suggests; an object is a map.
pub(crate) fn put(out: &mut Vec<u8>, tag: u8, value: &Json) {
    match value {
        Json::Null => put_int(out, tag, 0),
        Json::Bool(yes) => put_int(out, tag, (*yes).into()),
        Json::String(text) => {
            let (kind, unused) = if text.len() < 256 { (STRING1, 3) } else { (STRING4, 0) };
            put_head(out, tag, kind);
            out.extend(&(text.len() as u32).to_be_bytes()[unused..]);
            out.extend(text.bytes());
        }
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
            items.iter().for_each(|item| put(out, 0, item));
        }
        Json::Object(map) => {
            put_head(out, tag, MAP);
            put_int(out, 0, map.len() as i64);
            for (key, value) in map {
                put(out, 0, &key.as_str().into());
                put(out, 1, value);
            }
        }
    }
}
