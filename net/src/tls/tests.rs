//! Certificates of their own, clients, and the files that both read.

mod bad_files;
mod handshakes;

use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, Issuer, KeyPair};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::PrivateKeyDer;
use tempfile::TempDir;

use super::*;

/// An authority that signs certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    fn issuer(&self) -> &Issuer<'static, KeyPair> {
        &self.0
    }

    /// A certificate for `localhost`, with its key.
    fn sign(&self) -> Signed {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, self.issuer()).unwrap();
        Signed { certificate, key }
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        roots
    }
}

struct Signed {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

/// A folder with `cert.pem`, `key.pem` and `ca.pem`.
fn folder(authority: &Authority) -> TempDir {
    let folder = TempDir::new().unwrap();
    let signed = authority.sign();
    write(&folder, "cert.pem", &signed.certificate.pem());
    write(&folder, "key.pem", &signed.key.serialize_pem());
    write(&folder, "ca.pem", &authority.pem());
    folder
}

fn write(folder: &TempDir, name: &str, text: &str) {
    std::fs::write(folder.path().join(name), text).unwrap();
}

/// The keys for the files in `folder`.
fn config(folder: &Path, client_ca: bool) -> TlsConfig {
    let mut config = TlsConfig {
        certificate: "cert.pem".into(),
        key: "key.pem".into(),
        client_ca: client_ca.then(|| "ca.pem".into()),
    };
    config.resolve(folder);
    config
}

/// A client that trusts `authority`, and has the certificate `own` if there is one.
fn client(authority: &Authority, own: Option<Signed>, alpn: &[&str]) -> ClientConfig {
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(authority.roots());
    let mut config = match own {
        None => builder.with_no_client_auth(),
        Some(Signed { certificate, key }) => {
            let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
            builder
                .with_client_auth_cert(vec![certificate.der().clone()], key)
                .unwrap()
        }
    };
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    config
}
