//! Certificates that change while the program runs.

use rustls::pki_types::CertificateDer;
use tempfile::TempDir;

use crate::authority::Authority;
use crate::clients::{connect, echo};
use crate::program::{Running, address_behind};
use crate::proxy::yaml;
use crate::upstream::Upstream;

#[tokio::test]
async fn a_reload_puts_good_files_to_work_and_leaves_bad_ones() {
    let (one, two) = (Authority::new("one"), Authority::new("two"));
    let upstream = Upstream::start().await;
    let folder = TempDir::new().unwrap();
    one.write(folder.path());
    let file = folder.path().join("mesh.yaml");
    std::fs::write(&file, yaml(upstream.address, "", "")).unwrap();
    let program = Running::start(&["run", "-c", file.to_str().unwrap()]);
    let address = address_behind(&program.line_with("listening"), "local=");

    let mut old = connect(address, one.client(&[])).await.unwrap();
    echo(&mut old, 1, b"under the first").await.unwrap();

    // The certificate of another authority: whoever trusts only that one gets in only after the reload.
    two.write(folder.path());
    connect(address, two.client(&[])).await.unwrap_err();
    program.signal("HUP");
    program.line_with("configuration reloaded");
    let mut new = connect(address, two.client(&[])).await.unwrap();
    echo(&mut new, 1, b"under the second").await.unwrap();
    connect(address, one.client(&[])).await.unwrap_err();
    let served = leaf(&new);

    // A key that does not fit, and a file that is half there.
    let whole = std::fs::read_to_string(folder.path().join("cert.pem")).unwrap();
    let other = rcgen::KeyPair::generate().unwrap().serialize_pem();
    for (name, text, why) in [
        ("key.pem", other.as_str(), "is not the key of"),
        (
            "cert.pem",
            &whole[..whole.len() / 2],
            "as in a file that was cut off",
        ),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
        program.signal("HUP");
        let line = program.line_with("configuration not reloaded");
        assert!(line.contains(why), "{line}");
        let mut client = connect(address, two.client(&[])).await.unwrap();
        echo(&mut client, 1, b"as before").await.unwrap();
        assert_eq!(leaf(&client), served);
    }
    // Connections outlive the certificates that they were made under.
    echo(&mut old, 2, b"still").await.unwrap();
    echo(&mut new, 2, b"still").await.unwrap();
}

fn leaf(
    stream: &tokio_rustls::client::TlsStream<tokio::net::TcpStream>,
) -> CertificateDer<'static> {
    stream.get_ref().1.peer_certificates().unwrap()[0].clone()
}
