//! Certificates.

use std::path::Path;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair,
    SanType,
};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ClientConfig, RootCertStore};

/// Signs certificates.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    fn sign(&self, names: &[SanType]) -> (Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.subject_alt_names.extend_from_slice(names);
        (params.signed_by(&key, &self.0).unwrap(), key)
    }

    /// Writes `cert.pem` and `key.pem`, which are new, and `ca.pem`.
    pub(crate) fn write(&self, folder: &Path) {
        let (certificate, key) = self.sign(&[]);
        let write = |name: &str, text: String| std::fs::write(folder.join(name), text).unwrap();
        write("cert.pem", certificate.pem());
        write("key.pem", key.serialize_pem());
        write("ca.pem", self.0.pem());
    }

    /// A client that trusts it, and names these protocols.
    pub(crate) fn client(&self, alpn: &[&str]) -> ClientConfig {
        let builder = self.builder();
        let mut client = builder.with_no_client_auth();
        client.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        client
    }

    /// A client that trusts it, with a certificate by `signer`.
    pub(crate) fn known_client(&self, signer: &Self) -> ClientConfig {
        self.named_client(signer, &[])
    }

    /// The same with a certificate that has these names too.
    pub(crate) fn named_client(&self, signer: &Self, names: &[SanType]) -> ClientConfig {
        let (certificate, key) = signer.sign(names);
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        self.builder()
            .with_client_auth_cert(vec![certificate.der().clone()], key)
            .unwrap()
    }

    fn builder(&self) -> rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
    }
}
