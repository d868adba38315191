//! Headers, attachments, metadata: one ordered list of names and values for every protocol.

use crate::Str;

/// An ordered list of fields as they came; names may repeat.
///
/// It holds only what the route table asked for (see [`Needs`](crate::Needs)), so it is empty on most requests
/// and allocates nothing then. What it means differs by protocol: HTTP headers, gRPC metadata, Dubbo
/// attachments, Bolt header pairs, THeader info headers. `version` and `group` of an RPC service are fields of
/// these names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<(Str, Str)>);

impl Fields {
    /// No fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field behind the others, also if the name is there already.
    pub fn push(&mut self, name: Str, value: Str) {
        self.0.push((name, value));
    }

    /// The first value under `name`, compared byte by byte (HTTP codecs store names in lower case).
    pub fn get(&self, name: &[u8]) -> Option<&Str> {
        let mut fields = self.0.iter();
        fields
            .find(|(n, _)| n.as_bytes() == name)
            .map(|(_, value)| value)
    }

    /// All values under `name`, in order.
    pub fn all<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a Str> {
        self.iter()
            .filter(move |(n, _)| n.as_bytes() == name)
            .map(|(_, value)| value)
    }

    /// Every field, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Str, &Str)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(Str, Str)> for Fields {
    fn from_iter<I: IntoIterator<Item = (Str, Str)>>(fields: I) -> Self {
        Self(fields.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_names_keep_their_order() {
        let fields: Fields = [("a", "1"), ("b", "2"), ("a", "3")]
            .map(|(n, v)| (Str::from(n), Str::from(v)))
            .into_iter()
            .collect();
        assert_eq!(fields.get(b"a").unwrap(), &"1");
        assert_eq!(
            fields.all(b"a").map(Str::as_str).collect::<Vec<_>>(),
            ["1", "3"]
        );
        assert!(fields.get(b"A").is_none());
        assert_eq!(fields.len(), 3);
    }
}
