//! What of a request is to be read, prepared once per configuration instead of once per request.

use wireloom_codecs::Needs;

/// The needs of the configuration, sorted by where in a request they are met.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wants {
    /// The service version, the third field.
    pub(crate) version: bool,
    /// The caller's timeout, an attachment.
    pub(crate) timeout: bool,
    /// Attachments that become fields.
    names: Needs,
    /// Attachments are to agree with the first fields.
    pub(crate) verify: bool,
}

impl Wants {
    pub(crate) fn new(needs: &Needs, verify: bool) -> Self {
        Self {
            version: needs.wants(b"version"),
            timeout: needs.wants(b"timeout"),
            // The third field is the version; the attachment of this name repeats it.
            names: Needs::fields(needs.names().filter(|name| *name != "version")),
            verify,
        }
    }

    /// True if the walk over the arguments is worth it.
    pub(crate) fn attachments(&self) -> bool {
        self.verify || !self.names.is_empty()
    }

    /// True if the attachment means anything.
    pub(crate) fn reads(&self, name: &[u8]) -> bool {
        self.verify || (self.timeout && name == b"timeout") || self.names.wants(name)
    }

    /// True if the attachment becomes a field.
    pub(crate) fn attachment(&self, name: &str) -> bool {
        self.names.wants(name.as_bytes())
    }
}
