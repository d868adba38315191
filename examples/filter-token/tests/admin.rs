//! What the admin server of the program with the filter shows.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

/// Ends the program with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn get(at: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(at).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: admin\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn tokens_are_not_shown() {
    let file = std::env::temp_dir().join(format!("filter-token-{}.yaml", std::process::id()));
    let yaml = "admin: {address: 127.0.0.1:0}
listeners:
  - {address: 127.0.0.1:0, routes: main, filters: [token: {tokens: {alice: s3cret}}]}
routes:
  main:
    - {respond: {status: 200}, filters: [token/other: {field: x-other, tokens: {bob: hunter2}}]}
clusters: {}
";
    std::fs::write(&file, yaml).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_filter-token"));
    command.args(["run", "-c"]).arg(&file).env_remove("WIRELOOM_LOG").env("NO_COLOR", "1");
    let mut running = Running(command.stderr(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(running.0.stderr.take().unwrap()).lines().map(Result::unwrap);
    let line = lines.find(|line| line.contains("admin server listening")).unwrap();
    let (_, at) = line.split_once("local=").unwrap();
    // Whatever else it says finds a reader.
    std::thread::spawn(move || lines.for_each(drop));
    for (path, people) in [("/config", &["alice", "bob"][..]), ("/routes", &["bob"])] {
        let answer = get(at.trim(), path);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(!answer.contains("s3cret") && !answer.contains("hunter2"), "{answer}");
        for who in people {
            assert!(answer.contains(&format!("\"{who}\": \"***\"")), "{who} of {answer}");
        }
    }
    std::fs::remove_file(file).unwrap();
}
