//! What is wrong with the files, and what went wrong in a handshake.

use std::io;
use std::path::PathBuf;

use rustls::{CertificateError, Error as Rustls};

/// One of the files of a [`TlsConfig`](super::TlsConfig).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TlsFile {
    /// The certificate chain.
    Certificate,
    /// The private key.
    Key,
    /// The roots of clients' certificates.
    ClientCa,
}

impl TlsFile {
    /// The key in the configuration that names it.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::Key => "key",
            Self::ClientCa => "client_ca",
        }
    }
}

/// What is wrong with a file, displayed as `certs/key.pem holds no private key`. Never shows what is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} {what}", path.display())]
pub struct TlsError {
    /// Which of the files.
    pub file: TlsFile,
    /// Where it was looked for.
    pub path: PathBuf,
    /// A sentence without its subject, which is the path.
    pub what: String,
}

/// Why a connection came to no TLS.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// The client closed before it sent anything, as probes do.
    #[error("the client sent nothing")]
    Silent,
    /// What came is no TLS: a client without it, most likely.
    #[error("what the client sends is not TLS")]
    NotTls,
    /// The listener has a `client_ca`, and the client has no certificate.
    #[error("the client has no certificate")]
    NoCertificate,
    /// The listener has a `client_ca`, and the client's certificate does not follow from it.
    #[error("the client's certificate is not accepted: {0}")]
    BadCertificate(CertificateError),
    /// No protocol that the client names is spoken here.
    #[error("the client's ALPN names no protocol of this listener")]
    NoProtocol,
    /// The two have no version or cipher suite in common, or one of them broke the rules or refused the other.
    #[error("the handshake failed: {0}")]
    Refused(Rustls),
    /// The connection broke.
    #[error("the connection ended in the handshake: {0}")]
    Io(#[source] io::Error),
}

impl From<io::Error> for HandshakeError {
    fn from(error: io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
        match inner {
            None => Self::Io(error),
            Some(Rustls::InvalidMessage(_)) => Self::NotTls,
            Some(Rustls::NoCertificatesPresented) => Self::NoCertificate,
            Some(Rustls::InvalidCertificate(why)) => Self::BadCertificate(why.clone()),
            Some(Rustls::NoApplicationProtocol) => Self::NoProtocol,
            Some(other) => Self::Refused(other.clone()),
        }
    }
}
