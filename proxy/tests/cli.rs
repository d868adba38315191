//! The program as a shell sees it: what goes where, and how it exits.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wireloom"));
    command.args(arguments).env_remove("WIRELOOM_LOG");
    command
}

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

fn example(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../examples")
        .join(name);
    path.to_str().unwrap().to_owned()
}

/// A file that is deleted when the test ends.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str, text: &str) -> Self {
        let name = format!("wireloom-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn check_tells_what_is_there() {
    let file = example("minimal.yaml");
    let (code, out, err) = run(&["check", &file]);
    assert_eq!(out, format!("{file}: ok, 1 listener, 1 route, 1 cluster\n"));
    assert_eq!((code, err.as_str()), (Some(0), ""));
}

#[test]
fn check_tells_what_is_wrong_on_standard_error() {
    let file = Temporary::new("bad.yaml", "listeners: []\nroutes: {}\nclutsers: {}\n");
    let (code, out, err) = run(&["check", file.path()]);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    let expected = format!(
        "{}:3:1: clutsers: unknown key `clutsers`; did you mean `clusters`?\n",
        file.path()
    );
    assert_eq!(err, expected);

    let (code, _, err) = run(&["run", "-c", file.path()]);
    assert_eq!((code, err), (Some(1), expected));
}

#[test]
fn wrong_command_lines_exit_with_2() {
    for arguments in [
        &["chek", "f"][..],
        &["run"],
        &["check", "f", "--log", "debgu"],
        &[],
    ] {
        let (code, out, err) = run(arguments);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(err.contains("Usage") || err.contains("--help"), "{err}");
    }
}

#[test]
fn schema_is_json_schema() {
    let (code, out, err) = run(&["schema"]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let schema: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert!(
        schema["$schema"]
            .as_str()
            .unwrap()
            .contains("json-schema.org")
    );
    for key in ["workers", "listeners", "routes", "clusters", "admin", "log"] {
        assert!(
            schema["properties"][key]["description"].is_string(),
            "{key}"
        );
    }
    // Every key of every type is described.
    for (name, definition) in schema["$defs"].as_object().unwrap() {
        for (key, property) in definition["properties"].as_object().into_iter().flatten() {
            assert!(property["description"].is_string(), "{name}.{key}");
        }
    }
}

#[test]
fn version_help_and_completions() {
    let (code, out, _) = run(&["--version"]);
    assert_eq!(
        (code, out),
        (Some(0), format!("wireloom {}\n", env!("CARGO_PKG_VERSION")))
    );
    let (code, out, _) = run(&["--help"]);
    assert!(code == Some(0) && out.contains("Exit codes:"), "{out}");
    for shell in ["bash", "zsh", "fish"] {
        let (code, out, err) = run(&["completions", shell]);
        assert!(
            code == Some(0) && err.is_empty() && out.contains("wireloom"),
            "{shell}"
        );
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = command(&["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut err = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut err)
        .unwrap();
    assert!(child.wait().unwrap().success() && err.is_empty(), "{err}");
}
