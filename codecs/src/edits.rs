//! Changes of header fields on the way, as configs write them: at listeners, routes and clusters alike.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::OneOrMany;

/// Changes of header fields on the way: HTTP headers and gRPC metadata, Dubbo attachments (in Hessian 2), Bolt header
/// entries, and the info pairs of Thrift's THeader and TTHeader. A message that has no such fields stays as it is (Thrift
/// in other transports, Dubbo in other serializations, an answer of Dubbo without attachments), and so do in every message
/// the names that say what is called and how: `path`, `interface`, `version`, `group` and `generic` in Dubbo; `service` and
/// `sofa_head_…` in Bolt; `to_service`, `isn`, `to_method`, `transport_type` and `msg_type` in Thrift. What was not done is
/// counted in `wireloom_header_edits_skipped_total`.
///
/// Values may hold what is known of a request, between percent signs: `%REQ(name)%` and `%REQ(name?other)%` (a field of the
/// request, of HTTP also `:method`, `:path`, `:authority` and `:scheme`), `%DOWNSTREAM_REMOTE_ADDRESS%`,
/// `%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%`, `%DOWNSTREAM_PEER_URI_SAN%`, `%REQUESTED_SERVER_NAME%` (SNI), `%PROTOCOL%`,
/// `%ROUTE_NAME%`, `%UPSTREAM_CLUSTER%`, `%SERVICE%`, `%METHOD%` (the RPC's), and `%%` for a percent sign. All are read of the
/// request as it came, before `rewrite` and any change, for responses too. What is not known is empty. A value that is empty
/// as a whole, longer than 8 KiB or has a control character is not written; a field that was to be `set` to it is taken out,
/// so that no client can choose it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HeaderEdits {
    /// Of requests, before they go to the upstream. Routes have been matched by then.
    #[serde(skip_serializing_if = "HeaderChanges::is_empty")]
    pub request: HeaderChanges,
    /// Of responses, before they go to the client.
    #[serde(skip_serializing_if = "HeaderChanges::is_empty")]
    pub response: HeaderChanges,
}

/// Changes of the header fields of a message, in this order: `remove`, `set`, `add`. The case of a name counts in all
/// protocols but HTTP.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HeaderChanges {
    /// Fields to add behind those of the same name, each with its value or a list of values. Where receivers keep one value of
    /// a name (Dubbo, Bolt, Thrift), that is the last.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub add: BTreeMap<String, OneOrMany>,
    /// Fields that get this value, whatever values they had.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, String>,
    /// Names of fields to take out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
}

impl HeaderEdits {
    /// True if nothing is changed.
    pub fn is_empty(&self) -> bool {
        self.request.is_empty() && self.response.is_empty()
    }
}

impl HeaderChanges {
    /// True if nothing is changed.
    pub fn is_empty(&self) -> bool {
        self.add.is_empty() && self.set.is_empty() && self.remove.is_empty()
    }
}

/// What changes of header fields come to for a message of an RPC protocol, as a codec makes them: pairs of some names go, and
/// then new ones are written behind the others. Names are compared byte by byte.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldEdits<'a> {
    gone: Vec<&'a str>,
    new: Vec<(&'a str, &'a str)>,
}

impl<'a> FieldEdits<'a> {
    /// No changes.
    pub const fn new() -> Self {
        Self {
            gone: Vec::new(),
            new: Vec::new(),
        }
    }

    /// Takes out all pairs of this name, those of earlier changes too.
    pub fn remove(&mut self, name: &'a str) {
        self.new.retain(|(other, _)| *other != name);
        if !self.gone.contains(&name) {
            self.gone.push(name);
        }
    }

    /// Gives a name this value and no other.
    pub fn set(&mut self, name: &'a str, value: &'a str) {
        self.remove(name);
        self.add(name, value);
    }

    /// Adds a pair behind the others.
    pub fn add(&mut self, name: &'a str, value: &'a str) {
        self.new.push((name, value));
    }

    /// Whether pairs of this name are to go.
    pub fn removes(&self, name: &[u8]) -> bool {
        self.gone.iter().any(|gone| gone.as_bytes() == name)
    }

    /// The pairs to write behind those that stay, in their order.
    pub fn added(&self) -> &[(&'a str, &'a str)] {
        &self.new
    }

    /// The changes without those of the names that `owned` says are the protocol's own, and whether these are all.
    pub fn sparing(&self, owned: impl Fn(&str) -> bool) -> (Self, bool) {
        let gone = self.gone.iter().filter(|name| !owned(name));
        let new = self.new.iter().filter(|(name, _)| !owned(name));
        let spared = Self {
            gone: gone.copied().collect(),
            new: new.copied().collect(),
        };
        let all = spared.gone.len() == self.gone.len() && spared.new.len() == self.new.len();
        (spared, all)
    }

    /// True if nothing changes.
    pub fn is_empty(&self) -> bool {
        self.gone.is_empty() && self.new.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_changes_see_what_earlier_ones_made() {
        let mut edits = FieldEdits::new();
        assert!(edits.is_empty());
        edits.add("a", "1");
        edits.add("b", "1");
        edits.set("a", "2");
        edits.add("a", "3");
        edits.remove("b");
        edits.remove("b");
        assert_eq!(edits.added(), [("a", "2"), ("a", "3")]);
        assert!(edits.removes(b"a") && edits.removes(b"b") && !edits.removes(b"A"));
        let (spared, all) = edits.sparing(|name| name == "a");
        assert!(!all && spared.added().is_empty() && !spared.removes(b"a") && spared.removes(b"b"));
        assert!(edits.sparing(|name| name == "c") == (edits, true));
    }
}
