//! Conformance of Wireloom with the real world, judged from outside.
//!
//! Three kinds of evidence, all against programs and none with their code:
//!
//! * `peers`: clients and servers made with the vendors' own libraries (`peers/*/`), each client against each
//!   server directly and through a proxy, as a table. `cargo run -p wireloom-conformance -- --peers all`
//! * `grade`: cases that bytes decide, put to Wireloom or any other proxy.
//!   `cargo run --release -p wireloom-conformance -- --target wireloom,envoy`
//! * `scripted`: a client and a server whose every byte a test decides, for what no library can be brought to do:
//!   late and foreign answers, half frames, floods. Used by `grade` and `tests/`; `cargo test -p wireloom-conformance`
//!
//! `load` offers a steady load while something fails or is replaced; `cargo run --release -p wireloom-conformance --bin scenarios`.
//! `proxy` starts the program for all. Every wait is bounded, and what is started is killed with its whole process
//! group when its handle is dropped.

pub mod cli;
pub mod grade;
pub mod load;
pub mod peers;
pub mod ports;
pub mod process;
pub mod proxy;
pub mod scripted;
