//! The program as users run it: exit codes, lists and reports.

use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};

use crate::targets::RELAY;

fn run(args: &[&str]) -> Result<Output> {
    let output = Command::new(env!("CARGO_BIN_EXE_wireloom-conformance"))
        .args(args)
        .output();
    output.context("cannot run the program")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_exit_code_tells() -> Result<()> {
    let good = run(&["--target", "direct", "--cases", "dubbo/wire/success"])?;
    ensure!(good.status.code() == Some(0), "{}", text(&good.stderr));
    ensure!(
        text(&good.stdout).contains("1 passed, 0 failed"),
        "{}",
        text(&good.stdout)
    );
    ensure!(
        text(&good.stderr).contains("[1/1] direct dubbo/wire/success: pass"),
        "progress"
    );

    let relay = format!("cmd:{} {{listen}} {{backend}}", RELAY);
    let bad = run(&[
        "--target",
        &relay,
        "--cases",
        "dubbo/wire/backend-down",
        "--patience",
        "3",
    ])?;
    ensure!(bad.status.code() == Some(1), "{:?}", bad.status);
    ensure!(
        text(&bad.stdout).contains("FAIL cmd dubbo/wire/backend-down"),
        "{}",
        text(&bad.stdout)
    );

    for (args, says) in [
        (&["--target", "wirelom"][..], "no target"),
        (&["--cases", "dubbo/wires/*"], "no case matches"),
        (&["--target", "direct", "--report", "x.pdf"], ".md, .json"),
        (&["--target", "cmd:nothing"], "{listen}"),
    ] {
        let wrong = run(args)?;
        ensure!(
            wrong.status.code() == Some(2),
            "{args:?}: {:?}",
            wrong.status
        );
        ensure!(
            text(&wrong.stderr).contains(says),
            "{args:?}: {}",
            text(&wrong.stderr)
        );
    }
    Ok(())
}

#[test]
fn nothing_that_applies_is_no_success() -> Result<()> {
    let none = run(&["--target", "direct", "--cases", "dubbo/wire/backend-down"])?;
    ensure!(none.status.code() == Some(1), "{:?}", none.status);
    Ok(())
}

#[test]
fn the_list_has_names_and_reasons() -> Result<()> {
    let all = text(&run(&["--list"])?.stdout);
    ensure!(
        all.contains("dubbo/wire/byte-at-a-time\n    TCP keeps no message boundaries"),
        "{all}"
    );
    let some = text(&run(&["--list", "--protocols", "thrift", "--cases", "*/wire/*"])?.stdout);
    ensure!(
        some.contains("thrift/wire/one-way") && !some.contains("dubbo/"),
        "{some}"
    );
    let peers = text(&run(&["--list", "--peers", "all"])?.stdout);
    ensure!(
        peers.contains("dubbo-3.3") && !peers.contains("/wire/"),
        "{peers}"
    );
    Ok(())
}

#[test]
fn reports_are_written() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let paths = ["r.md", "r.json", "r.xml"].map(|name| dir.path().join(name));
    let mut args = vec!["--target", "direct", "--cases", "bolt/wire/*"];
    for path in &paths {
        args.extend(["--report", path.to_str().context("path")?]);
    }
    ensure!(run(&args)?.status.success());
    let read = |at: usize| std::fs::read_to_string(&paths[at]);
    ensure!(read(0)?.contains("| bolt/wire | "), "{}", read(0)?);
    let json: serde_json::Value = serde_json::from_str(&read(1)?)?;
    ensure!(json["targets"][0]["name"] == "direct");
    ensure!(json["rows"].as_array().is_some_and(|rows| rows.len() > 8));
    ensure!(
        read(2)?.contains("<testcase classname=\"direct.bolt.wire\""),
        "{}",
        read(2)?
    );
    Ok(())
}
