//! What `wireloom check` says of the files, and where.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::authority::Authority;
use crate::program;
use crate::proxy::yaml;

struct Files(TempDir);

impl Files {
    fn new() -> Self {
        let files = Self(TempDir::new().unwrap());
        Authority::new("one").write(files.0.path());
        let yaml = yaml("127.0.0.1:1".parse().unwrap(), "", ", client_ca: ca.pem");
        std::fs::write(files.path("mesh.yaml"), yaml).unwrap();
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn check(&self) -> (Option<i32>, String) {
        let file = self.path("mesh.yaml");
        let (code, _, error) = program::run(&["check", Path::to_str(&file).unwrap()]);
        (code, error)
    }

    /// One line for each of `expected`, which follow the configuration's path.
    #[track_caller]
    fn assert_wrong(&self, expected: &[String]) {
        let (code, error) = self.check();
        let before = format!("{}:", self.path("mesh.yaml").display());
        let lines: Vec<_> = error
            .lines()
            .map(|line| line.strip_prefix(&before).unwrap_or(line))
            .collect();
        assert_eq!(
            (code, lines),
            (Some(1), expected.iter().map(String::as_str).collect())
        );
    }
}

#[test]
fn good_files_are_found_beside_the_configuration() {
    assert_eq!(Files::new().check(), (Some(0), String::new()));
}

#[test]
fn missing_files_are_told_each_at_its_key() {
    let files = Files::new();
    for name in ["cert.pem", "key.pem", "ca.pem"] {
        std::fs::remove_file(files.path(name)).unwrap();
    }
    let missing = |place: &str, key: &str, name: &str| {
        let path = files.path(name);
        format!(
            "4:{place}: listeners[0].tls.{key}: {} does not exist",
            path.display()
        )
    };
    files.assert_wrong(&[
        missing("24", "certificate", "cert.pem"),
        missing("39", "key", "key.pem"),
        missing("59", "client_ca", "ca.pem"),
    ]);
}

#[test]
fn a_key_of_another_certificate_is_told_at_the_key() {
    let files = Files::new();
    let other = rcgen::KeyPair::generate().unwrap().serialize_pem();
    std::fs::write(files.path("key.pem"), other).unwrap();
    let (key, certificate) = (files.path("key.pem"), files.path("cert.pem"));
    files.assert_wrong(&[format!(
        "4:39: listeners[0].tls.key: {} is not the key of the certificate in {}",
        key.display(),
        certificate.display()
    )]);
}
