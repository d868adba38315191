//! Conditions on header fields.

use wireloom_codecs::RequestHead;
use wireloom_codecs::http::{GRPC, TRIPLE};

use super::Text;
use crate::Problem;
use crate::config::StringMatch;

/// The name of a field, as protocols carry it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FieldName {
    name: Box<[u8]>,
    /// The name in lower case, where that is another one: HTTP carries names so.
    lower: Option<Box<[u8]>>,
}

impl FieldName {
    pub(crate) fn new(name: &str) -> Self {
        let lower = name.to_ascii_lowercase();
        Self {
            name: name.as_bytes().into(),
            lower: (lower != name).then(|| lower.into_bytes().into()),
        }
    }

    /// The values of a request under this name.
    pub(crate) fn values<'a>(&'a self, head: &'a RequestHead) -> impl Iterator<Item = &'a [u8]> {
        let fields = head.fields.iter().filter(|(name, _)| {
            let name = name.as_bytes();
            *self.name == *name || self.lower.as_deref() == Some(name)
        });
        let http = head.http.iter().flat_map(|http| http.headers.iter());
        let http = http.filter(|(name, _)| name.eq_ignore_ascii_case(&self.name));
        fields
            .map(|(_, value)| value.as_bytes())
            .chain(http.map(|(_, value)| value))
    }

    /// The name as it is written, and in lower case. Names come from the configuration, so they are UTF-8.
    pub(crate) fn forms(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.name)
            .chain(&self.lower)
            .filter_map(|name| std::str::from_utf8(name).ok())
    }

    /// Where gRPC carries it, it is base64.
    fn is_binary(&self) -> bool {
        let name = self.lower.as_ref().unwrap_or(&self.name);
        name.ends_with(b"-bin")
    }
}

/// A condition on the values under one name.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) name: FieldName,
    binary: bool,
    text: Text,
}

impl Field {
    pub(super) fn compile(path: &str, name: &str, config: &StringMatch) -> Result<Self, Problem> {
        let name = FieldName::new(name);
        Ok(Self {
            binary: name.is_binary(),
            name,
            text: Text::compile(path, config)?,
        })
    }

    /// True if any value under the name matches; for `present: false`, if there is none.
    pub(super) fn matches(&self, head: &RequestHead) -> bool {
        if head.fields.is_empty() && head.http.is_none() {
            return self.text.absent();
        }
        let values = self.name.values(head);
        if self.binary && (head.protocol == GRPC || head.protocol == TRIPLE) {
            // Several values may come as one, with commas.
            let values = values.flat_map(|value| value.split(|byte| *byte == b','));
            return self.text.any_base64(values.map(|value| value.trim_ascii()));
        }
        self.text.any(values)
    }

    /// The value that one of the request's must be, byte for byte.
    pub(super) fn exact(&self) -> Option<&[u8]> {
        match &self.text {
            Text::Exact(value) if !self.binary => Some(value),
            _ => None,
        }
    }
}
