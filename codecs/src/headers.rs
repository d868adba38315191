//! Header fields of an HTTP message, kept the way they came.

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};

/// The fields of an HTTP message or its trailers, without pseudo-header fields.
///
/// HTTP/1.1 gives a list, in the order and the case of the wire; HTTP/2 gives the map that its HPACK decoder made. Each
/// goes on to its own kind without being rebuilt; [`Headers::into_map`] and [`Headers::iter`] are for those that change
/// versions. Names compare without regard to case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Headers {
    /// In the order and the case that they came in.
    List(HeaderList),
    /// Lower-case names; values of one name stay in order.
    Map(HeaderMap),
}

/// Names and values in the order and the case of the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderList(Vec<(Bytes, Bytes)>);

impl HeaderList {
    /// An empty list with room for `fields`.
    pub fn with_capacity(fields: usize) -> Self {
        Self(Vec::with_capacity(fields))
    }

    /// Adds a field at the end. The caller has made sure that the name is a token and the value has no control bytes.
    pub fn push(&mut self, name: Bytes, value: Bytes) {
        self.0.push((name, value));
    }

    /// Every field.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Bytes, &Bytes)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    /// Keeps the fields for which `keep` says so.
    pub fn retain(&mut self, mut keep: impl FnMut(&[u8], &[u8]) -> bool) {
        self.0.retain(|(name, value)| keep(name, value));
    }
}

impl FromIterator<(Bytes, Bytes)> for HeaderList {
    fn from_iter<I: IntoIterator<Item = (Bytes, Bytes)>>(fields: I) -> Self {
        Self(fields.into_iter().collect())
    }
}

impl Default for Headers {
    fn default() -> Self {
        Self::List(HeaderList::default())
    }
}

impl From<HeaderMap> for Headers {
    fn from(map: HeaderMap) -> Self {
        Self::Map(map)
    }
}

impl From<HeaderList> for Headers {
    fn from(list: HeaderList) -> Self {
        Self::List(list)
    }
}

/// A name or value that HTTP cannot carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a header field that is not valid in HTTP")]
pub struct InvalidField;

impl Headers {
    /// No fields, to be kept as a list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Every field, in the order that this kind keeps.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let (list, map) = match self {
            Self::List(list) => (Some(list), None),
            Self::Map(map) => (None, Some(map)),
        };
        let list = list.into_iter().flat_map(|list| list.0.iter());
        let map = map.into_iter().flat_map(HeaderMap::iter);
        list.map(|(name, value)| (&name[..], &value[..]))
            .chain(map.map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes())))
    }

    /// The first value under `name`.
    pub fn get(&self, name: &HeaderName) -> Option<&[u8]> {
        match self {
            Self::List(list) => list
                .0
                .iter()
                .find(|(n, _)| n.eq_ignore_ascii_case(name.as_str().as_bytes()))
                .map(|(_, value)| &value[..]),
            Self::Map(map) => map.get(name).map(HeaderValue::as_bytes),
        }
    }

    /// All values under `name`, in order.
    pub fn all<'a>(&'a self, name: &'a HeaderName) -> impl Iterator<Item = &'a [u8]> {
        let (list, map) = match self {
            Self::List(list) => (Some(list), None),
            Self::Map(map) => (None, Some(map)),
        };
        let list = list.into_iter().flat_map(|list| list.0.iter());
        let map = map.into_iter().flat_map(move |map| map.get_all(name));
        list.filter(move |(n, _)| n.eq_ignore_ascii_case(name.as_str().as_bytes()))
            .map(|(_, value)| &value[..])
            .chain(map.map(HeaderValue::as_bytes))
    }

    /// True if a field of that name is there.
    pub fn contains(&self, name: &HeaderName) -> bool {
        self.get(name).is_some()
    }

    /// Adds a field behind those there.
    pub fn append(&mut self, name: &HeaderName, value: &HeaderValue) {
        match self {
            Self::List(list) => list.push(own_name(name), own_value(value)),
            Self::Map(map) => {
                map.append(name, value.clone());
            }
        }
    }

    /// Makes this the only value under `name`, in the place of the first that was there.
    pub fn set(&mut self, name: &HeaderName, value: &HeaderValue) {
        match self {
            Self::List(list) => {
                let mut value = Some(own_value(value));
                list.0.retain_mut(|(n, v)| {
                    if !n.eq_ignore_ascii_case(name.as_str().as_bytes()) {
                        return true;
                    }
                    match value.take() {
                        Some(new) => {
                            *v = new;
                            true
                        }
                        None => false,
                    }
                });
                if let Some(value) = value {
                    list.push(own_name(name), value);
                }
            }
            Self::Map(map) => {
                map.insert(name, value.clone());
            }
        }
    }

    /// Takes every field of that name out; true if there was one.
    pub fn remove(&mut self, name: &HeaderName) -> bool {
        match self {
            Self::List(list) => {
                let before = list.0.len();
                list.retain(|n, _| !n.eq_ignore_ascii_case(name.as_str().as_bytes()));
                list.0.len() < before
            }
            Self::Map(map) => map.remove(name).is_some(),
        }
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        match self {
            Self::List(list) => list.0.len(),
            Self::Map(map) => map.len(),
        }
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// As HTTP/2 wants them. Free if they are a map already; a list shares its values and lowers its names.
    ///
    /// # Errors
    /// A name or value of a list that HTTP cannot carry.
    pub fn into_map(self) -> Result<HeaderMap, InvalidField> {
        let list = match self {
            Self::Map(map) => return Ok(map),
            Self::List(list) => list,
        };
        let mut map = HeaderMap::with_capacity(list.0.len());
        for (name, value) in list.0 {
            let name = HeaderName::from_bytes(&name).map_err(|_| InvalidField)?;
            let value = HeaderValue::from_maybe_shared(value).map_err(|_| InvalidField)?;
            map.append(name, value);
        }
        Ok(map)
    }
}

/// The names that the `http` crate knows are static; others are copied.
fn own_name(name: &HeaderName) -> Bytes {
    Bytes::copy_from_slice(name.as_str().as_bytes())
}

fn own_value(value: &HeaderValue) -> Bytes {
    Bytes::copy_from_slice(value.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::{COOKIE, HOST, TE};

    fn both() -> [Headers; 2] {
        let fields = [("Cookie", "a=1"), ("Host", "x"), ("cookie", "b=2")];
        let mut list = HeaderList::with_capacity(3);
        let mut map = HeaderMap::new();
        for (name, value) in fields {
            list.push(Bytes::from(name), Bytes::from(value));
            map.append(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_static(value),
            );
        }
        [list.into(), map.into()]
    }

    #[test]
    fn both_kinds_answer_alike() {
        for mut headers in both() {
            assert_eq!(headers.len(), 3);
            assert_eq!(headers.get(&HOST), Some(&b"x"[..]));
            assert_eq!(headers.all(&COOKIE).collect::<Vec<_>>(), [b"a=1", b"b=2"]);
            assert!(!headers.contains(&TE));
            headers.append(&TE, &HeaderValue::from_static("trailers"));
            headers.set(&COOKIE, &HeaderValue::from_static("c=3"));
            assert_eq!(headers.all(&COOKIE).collect::<Vec<_>>(), [b"c=3"]);
            assert!(headers.remove(&HOST) && !headers.remove(&HOST));
            assert_eq!(headers.iter().count(), 2);
            assert_eq!(headers.into_map().unwrap().len(), 2);
        }
    }

    #[test]
    fn a_list_keeps_order_and_case() {
        let [mut list, _] = both();
        list.set(&HOST, &HeaderValue::from_static("y"));
        let names: Vec<_> = list.iter().map(|(name, _)| name).collect();
        assert_eq!(names, [&b"Cookie"[..], b"Host", b"cookie"]);
    }

    #[test]
    fn what_http_cannot_carry_is_refused() {
        let mut list = HeaderList::default();
        list.push(Bytes::from_static(b"a b"), Bytes::new());
        assert_eq!(Headers::from(list).into_map(), Err(InvalidField));
    }
}
