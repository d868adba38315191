//! The files put together, and handshakes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{ServerConfig, WebPkiClientVerifier, danger::ClientCertVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{Error, InconsistentKeys};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, sink};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::files::Pem;
use super::{Alpn, HandshakeError, TlsConfig, TlsError, TlsFile, TlsStream};

/// Shakes hands with clients. Cloning shares it.
#[derive(Clone)]
pub struct TlsAcceptor(tokio_rustls::TlsAcceptor);

impl TlsAcceptor {
    /// Reads the files. Clients are offered the protocols of `alpn`, in that order; if there are none, what they name
    /// is ignored.
    ///
    /// # Errors
    /// Everything that is wrong with the files, at least one thing.
    pub fn load(config: &TlsConfig, alpn: &[Alpn]) -> Result<Self, Vec<TlsError>> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let certified = certified(config, &provider);
        let verifier = verifier(config, &provider);
        let (certified, verifier) = match (certified, verifier) {
            (Ok(certified), Ok(verifier)) => (certified, verifier),
            (certified, verifier) => {
                let mut errors = certified.err().unwrap_or_default();
                errors.extend(verifier.err());
                return Err(errors);
            }
        };
        let builder = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(|error| vec![certificate(config).error(format!("is of no use: {error}"))])?;
        let mut server = builder
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        server.alpn_protocols = alpn.iter().map(|alpn| alpn.name().into()).collect();
        server.max_early_data_size = 0;
        Ok(Self(Arc::new(server).into()))
    }

    /// Waits for the client and shakes hands. The caller sets the time that it may take.
    ///
    /// # Errors
    /// Why there is no TLS. The client was told, if it could be, and had up to a second to read it.
    pub async fn accept(&self, stream: TcpStream) -> Result<TlsStream, HandshakeError> {
        // Clients that send nothing cost no more than their socket.
        if stream.peek(&mut [0]).await? == 0 {
            return Err(HandshakeError::Silent);
        }
        match self.0.accept(stream).into_fallible().await {
            Ok(stream) => Ok(TlsStream(stream)),
            Err((error, stream)) => {
                linger(stream).await;
                Err(error.into())
            }
        }
    }
}

/// How long a refused client has to read why, and how much of what it sends meanwhile is thrown away.
const LINGER: Duration = Duration::from_secs(1);
const LEFTOVER: u64 = 64 << 10;

/// Lets the alert arrive: a socket that is closed with bytes unread resets the connection, and the alert with it.
async fn linger(mut stream: TcpStream) {
    if stream.shutdown().await.is_ok() {
        let mut rest = stream.take(LEFTOVER);
        let _ = timeout(LINGER, copy(&mut rest, &mut sink())).await;
    }
}

impl fmt::Debug for TlsAcceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsAcceptor").finish_non_exhaustive()
    }
}

fn certificate(config: &TlsConfig) -> Pem<'_> {
    Pem {
        file: TlsFile::Certificate,
        path: &config.certificate,
    }
}

const BAD_KEY: &str = "holds a private key that is broken or of no kind that is taken: RSA of 2048 to 8192 bits, \
                       ECDSA on P-256, P-384 or P-521, Ed25519";

/// The chain and the key, which belong together.
fn certified(config: &TlsConfig, provider: &CryptoProvider) -> Result<CertifiedKey, Vec<TlsError>> {
    let key = Pem {
        file: TlsFile::Key,
        path: &config.key,
    };
    let chain = certificate(config).certificates();
    let private = key.private_key().and_then(|private| {
        let loaded = provider.key_provider.load_private_key(private);
        // The reason could quote the key.
        loaded.map_err(|_| key.error(BAD_KEY))
    });
    let (chain, private) = match (chain, private) {
        (Ok(chain), Ok(private)) => (chain, private),
        (chain, private) => return Err(chain.err().into_iter().chain(private.err()).collect()),
    };
    let certified = CertifiedKey::new(chain, private);
    match certified.keys_match() {
        // All kinds of keys that aws-lc-rs loads can be compared, so that Unknown does not come.
        Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(certified),
        Err(_) => Err(vec![key.error(format!(
            "is not the key of the certificate in {}",
            config.certificate.display()
        ))]),
    }
}

/// Who judges clients' certificates.
fn verifier(
    config: &TlsConfig,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let Some(path) = &config.client_ca else {
        return Ok(WebPkiClientVerifier::no_client_auth());
    };
    let file = Pem {
        file: TlsFile::ClientCa,
        path,
    };
    let roots = Arc::new(file.roots()?);
    let built = WebPkiClientVerifier::builder_with_provider(roots, provider.clone()).build();
    built.map_err(|error| file.error(format!("is of no use: {error}")))
}
