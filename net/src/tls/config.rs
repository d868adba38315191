//! The keys of a listener's `tls`.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

/// TLS of a listener, from PEM files, which are read again whenever the configuration is.
///
/// It holds their names and nothing that is in them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// The file with the certificate, and behind it those that lead to its root. A relative path starts at the
    /// configuration's folder.
    pub certificate: PathBuf,
    /// The file with the certificate's private key, without a passphrase.
    pub key: PathBuf,
    /// The file with the roots that clients' certificates come from. With it, a client without such a certificate is
    /// refused. Default: clients need none.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "PathBuf")]
    pub client_ca: Option<PathBuf>,
}

/// Reads a key that may be left out but not left empty.
fn not_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    PathBuf::deserialize(deserializer).map(Some)
}

impl TlsConfig {
    /// Lets relative paths start at `folder`.
    pub fn resolve(&mut self, folder: &Path) {
        let files = [&mut self.certificate, &mut self.key];
        for file in files.into_iter().chain(&mut self.client_ca) {
            *file = folder.join(&*file);
        }
    }
}
