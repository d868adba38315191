//! What is said of files that are no good.

use super::*;

/// What is wrong when `name` in an otherwise good folder holds `text`.
fn errors_with(name: &str, text: &str) -> Vec<TlsError> {
    let folder = folder(&Authority::new("one"));
    write(&folder, name, text);
    TlsAcceptor::load(&config(folder.path(), true), &[]).unwrap_err()
}

#[track_caller]
fn assert_told(name: &str, text: &str, file: TlsFile, expected: &str) {
    let errors = errors_with(name, text);
    let [error] = errors.as_slice() else {
        panic!("{errors:?}")
    };
    assert_eq!(error.file, file);
    let shown = error.to_string();
    let expected = format!("/{name} {expected}");
    assert!(shown.contains(&expected), "{shown} is not {expected}");
}

#[test]
fn good_files_load() {
    let folder = folder(&Authority::new("one"));
    for client_ca in [false, true] {
        TlsAcceptor::load(&config(folder.path(), client_ca), &Alpn::ALL).unwrap();
    }
}

#[test]
fn each_file_is_named_with_what_it_lacks() {
    let certificate = (TlsFile::Certificate, "cert.pem");
    let key = (TlsFile::Key, "key.pem");
    let ca = (TlsFile::ClientCa, "ca.pem");
    let cut = "-----BEGIN CERTIFICATE-----\nMIIB\n";
    let wrong = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    for (file, name) in [certificate, ca] {
        assert_told(name, "", file, "holds no certificate (");
        assert_told(name, cut, file, "is not PEM: a section has no `-----END");
        assert_told(
            name,
            wrong,
            file,
            "holds a certificate, number 1, that cannot",
        );
        assert_told(
            name,
            &wrong.replace("MIIB", "M!"),
            file,
            "is not PEM: what a",
        );
    }
    let (file, name) = key;
    assert_told(name, wrong, file, "holds no private key (");
    for (text, expected) in [
        ("", "holds no private key ("),
        (
            "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n",
            "holds a private key that is broken",
        ),
        (
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n",
            "holds a key with a passphrase",
        ),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n",
            "holds a key with a passphrase",
        ),
    ] {
        assert_told(name, text, file, expected);
    }
    assert_told(
        name,
        &"x".repeat((1 << 20) + 1),
        file,
        "is longer than 1 MiB",
    );
}

#[test]
fn a_chain_is_read_to_its_end() {
    let good = Authority::new("one").pem();
    let bad = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    let errors = errors_with("cert.pem", &format!("{good}{bad}"));
    assert!(errors[0].what.contains("number 2"), "{errors:?}");
}

#[test]
fn everything_that_is_missing_is_told_at_once() {
    let empty = TempDir::new().unwrap();
    let errors = TlsAcceptor::load(&config(empty.path(), true), &[]).unwrap_err();
    let files: Vec<_> = errors.iter().map(|error| error.file).collect();
    assert_eq!(
        files,
        [TlsFile::Certificate, TlsFile::Key, TlsFile::ClientCa]
    );
    for error in errors {
        assert_eq!(error.what, "does not exist");
    }
}

#[test]
fn what_cannot_be_read_again_is_no_file() {
    let folder = folder(&Authority::new("one"));
    let mut config = config(folder.path(), false);
    config.certificate = folder.path().to_owned();
    config.key = "/dev/null".into();
    let errors = TlsAcceptor::load(&config, &[]).unwrap_err();
    assert!(errors[0].what.starts_with("is a folder"), "{errors:?}");
    assert!(
        errors[1].what.starts_with("is not a regular file"),
        "{errors:?}"
    );
}

#[test]
fn a_key_of_another_certificate_is_told_with_both_files() {
    let other = KeyPair::generate().unwrap().serialize_pem();
    let errors = errors_with("key.pem", &other);
    let shown = errors[0].to_string();
    assert_eq!(errors[0].file, TlsFile::Key);
    let (key, certificate) = shown.split_once(" is not the key of ").unwrap();
    assert!(
        key.ends_with("/key.pem") && certificate.ends_with("/cert.pem"),
        "{shown}"
    );
}

#[test]
fn nothing_shows_a_key() {
    let folder = folder(&Authority::new("one"));
    let key = std::fs::read_to_string(folder.path().join("key.pem")).unwrap();
    let secret = key.lines().nth(1).unwrap();
    // As a line that begins a section and goes wrong, a section that is not base64, and one that is cut off.
    for text in [
        format!("-----BEGIN {secret}\n"),
        key.replace(secret, &format!("{secret}!")),
        format!("-----BEGIN PRIVATE KEY-----\n{secret}\n"),
    ] {
        let errors = errors_with("key.pem", &text);
        let shown = format!("{} {errors:?}", errors[0]);
        assert!(!shown.contains(&secret[..8]), "{shown}");
    }
    let config = config(folder.path(), false);
    let acceptor = TlsAcceptor::load(&config, &[]).unwrap();
    let shown = format!("{acceptor:?} {}", serde_json::to_string(&config).unwrap());
    assert!(
        !shown.contains("PRIVATE") && !shown.contains(&secret[..8]),
        "{shown}"
    );
}
