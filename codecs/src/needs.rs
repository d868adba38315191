//! What the configuration wants decoded, so that codecs decode nothing else.

use std::sync::Arc;

/// The parts of a message that routes, filters and logs read. Compiled from the configuration; codecs skip the rest.
///
/// The service, the method and the carried timeout in a fixed head are always decoded. A field that is not named
/// here is not decoded, so a codec may stop before it (Dubbo attachments lie behind the arguments).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    fields: Vec<Arc<str>>,
    /// A bit for each length that a name has: most fields of a message need not be compared with any name.
    lengths: u64,
}

impl Needs {
    /// Nothing beyond service and method.
    pub const NOTHING: Self = Self {
        fields: Vec::new(),
        lengths: 0,
    };

    /// The named fields. Names are sorted and made unique.
    pub fn fields<I, N>(names: I) -> Self
    where
        I: IntoIterator<Item = N>,
        N: Into<Arc<str>>,
    {
        let mut fields: Vec<Arc<str>> = names.into_iter().map(Into::into).collect();
        fields.sort();
        fields.dedup();
        let lengths = fields
            .iter()
            .fold(0, |lengths, name| lengths | length_bit(name.len()));
        Self { fields, lengths }
    }

    /// True if no field is wanted.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// True if the field of this exact name is wanted.
    pub fn wants(&self, name: &[u8]) -> bool {
        // A handful of names: a scan beats a hash.
        self.lengths & length_bit(name.len()) != 0
            && self.fields.iter().any(|field| field.as_bytes() == name)
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

/// The bit of a length; long ones share the last.
const fn length_bit(length: usize) -> u64 {
    match length {
        0..=62 => 1 << length,
        _ => 1 << 63,
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

    #[test]
    fn names_of_every_length_are_found() {
        for length in [0, 1, 62, 63, 64, 65, 300] {
            let name = "n".repeat(length);
            let needs = Needs::fields([name.clone()]);
            assert!(needs.wants(name.as_bytes()), "{length}");
            assert!(!needs.wants("m".repeat(length.max(1)).as_bytes()));
            assert!(!Needs::NOTHING.wants(name.as_bytes()));
        }
    }
}
