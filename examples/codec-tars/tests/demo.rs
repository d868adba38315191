//! The program as its user runs it.

#[test]
fn the_program_demonstrates_it() {
    let output =
        std::process::Command::new(env!("CARGO_BIN_EXE_codec-tars")).args(["demo", "--once"]).output().unwrap();
    let table = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{table}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(table.lines().filter(|line| line.starts_with("tars ")).count(), 3, "{table}");
}
