//! Reading PEM (RFC 7468).

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use rustls::RootCertStore;
use rustls::server::ParsedCertificate;
use rustls_pki_types::pem::{Error as PemError, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::{TlsError, TlsFile};

/// The longest file, in bytes: 1 MiB, which is several hundred certificates.
const MAX_FILE: u64 = 1 << 20;

/// One of the files, being read.
#[derive(Clone, Copy)]
pub(super) struct Pem<'a> {
    pub(super) file: TlsFile,
    pub(super) path: &'a Path,
}

impl Pem<'_> {
    /// What is wrong with it.
    pub(super) fn error(&self, what: impl Into<String>) -> TlsError {
        TlsError {
            file: self.file,
            path: self.path.to_owned(),
            what: what.into(),
        }
    }

    fn read(&self) -> Result<Vec<u8>, TlsError> {
        let told = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => self.error("does not exist"),
            io::ErrorKind::PermissionDenied => self.error("may not be read: permission denied"),
            _ => self.error(format!("cannot be read: {error}")),
        };
        // Opening a pipe waits for whoever writes to it.
        let kind = fs::metadata(self.path).map_err(told)?.file_type();
        if kind.is_dir() {
            return Err(self.error("is a folder; name a file in it"));
        }
        if !kind.is_file() {
            return Err(self.error("is not a regular file, which can be read again and again"));
        }
        let mut bytes = Vec::new();
        let file = File::open(self.path).map_err(told)?;
        file.take(MAX_FILE + 1)
            .read_to_end(&mut bytes)
            .map_err(told)?;
        if bytes.len() as u64 > MAX_FILE {
            let most = MAX_FILE >> 20;
            return Err(self.error(format!("is longer than {most} MiB, the most that is read")));
        }
        Ok(bytes)
    }

    /// The PEM library's errors quote the file, which may be a key.
    fn broken(&self, error: &PemError) -> TlsError {
        self.error(match error {
            PemError::MissingSectionEnd { .. } => {
                "is not PEM: a section has no `-----END …-----`, as in a file that was cut off"
            }
            PemError::IllegalSectionStart { .. } => {
                "is not PEM: a `-----BEGIN …` line is not complete"
            }
            PemError::Base64Decode(_) => "is not PEM: what a section holds is not base64",
            _ => "is not PEM",
        })
    }

    /// All certificates in the file, at least one, in its order.
    pub(super) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let bytes = self.read()?;
        let found = CertificateDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, _>>();
        let found = found.map_err(|error| self.broken(&error))?;
        if found.is_empty() {
            return Err(self.error("holds no certificate (`-----BEGIN CERTIFICATE-----`)"));
        }
        for (at, certificate) in found.iter().enumerate() {
            if let Err(error) = ParsedCertificate::try_from(certificate) {
                let number = at + 1;
                return Err(self.error(format!(
                    "holds a certificate, number {number}, that cannot be read: {error}"
                )));
            }
        }
        Ok(found)
    }

    /// The certificates as roots to be trusted.
    pub(super) fn roots(&self) -> Result<RootCertStore, TlsError> {
        let mut roots = RootCertStore::empty();
        for (at, certificate) in self.certificates()?.into_iter().enumerate() {
            roots.add(certificate).map_err(|error| {
                let number = at + 1;
                self.error(format!(
                    "holds a certificate, number {number}, that can be no root: {error}"
                ))
            })?;
        }
        Ok(roots)
    }

    /// The first private key in the file: PKCS #8, PKCS #1 or SEC 1.
    pub(super) fn private_key(&self) -> Result<PrivateKeyDer<'static>, TlsError> {
        let bytes = self.read()?;
        let has = |text: &str| {
            bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        };
        if has("BEGIN ENCRYPTED PRIVATE KEY") || has("Proc-Type: 4,ENCRYPTED") {
            return Err(self.error("holds a key with a passphrase; write it without one"));
        }
        PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| match error {
            PemError::NoItemsFound => {
                self.error("holds no private key (`-----BEGIN PRIVATE KEY-----`)")
            }
            error => self.broken(&error),
        })
    }
}
