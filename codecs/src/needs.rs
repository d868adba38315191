//! What the configuration wants decoded, so that codecs decode nothing else.

use std::sync::Arc;

/// The parts of a message that routes, filters and logs read. Compiled from the configuration; codecs skip the rest.
///
/// The service, the method and the carried timeout in a fixed head are always decoded. A field that is not named
/// here is not decoded, so a codec may stop before it (Dubbo attachments lie behind the arguments).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    fields: Vec<Arc<str>>,
}

impl Needs {
    /// Nothing beyond service and method.
    pub const NOTHING: Self = Self { fields: Vec::new() };

    /// The named fields. Names are sorted and made unique.
    pub fn fields<I, N>(names: I) -> Self
    where
        I: IntoIterator<Item = N>,
        N: Into<Arc<str>>,
    {
        let mut fields: Vec<Arc<str>> = names.into_iter().map(Into::into).collect();
        fields.sort();
        fields.dedup();
        Self { fields }
    }

    /// True if no field is wanted.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// True if the field of this exact name is wanted.
    pub fn wants(&self, name: &[u8]) -> bool {
        // A handful of names: a scan beats a hash.
        self.fields.iter().any(|field| field.as_bytes() == name)
    }

    /// The wanted names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|name| &**name)
    }

    /// What either wants.
    pub fn union(&self, other: &Self) -> Self {
        Self::fields(self.fields.iter().chain(&other.fields).cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn union_wants_both() {
        let both = Needs::fields(["group"]).union(&Needs::fields(["version", "group"]));
        assert!(both.wants(b"group") && both.wants(b"version") && !both.wants(b"x"));
        assert_eq!(both.names().count(), 2);
        assert!(Needs::NOTHING.is_empty());
    }
}
