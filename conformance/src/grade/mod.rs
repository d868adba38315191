//! Grading any proxy: cases that bytes decide, targets that they are put to, and a report of who does what.
//!
//! A `Case` (`case`, `cases/`) is a scripted client and a scripted server with a target between them, which its `Arena`
//! starts for it alone. `targets/` knows how each proxy is configured, `tongue/` lets one case speak every protocol,
//! `run` goes through them and `report/` writes what came of it. `registry` holds all cases, by name.

mod arena;
pub mod case;
pub mod cases;
mod glob;
mod list;
mod listening;
mod registry;
pub mod report;
mod run;
pub mod targets;
pub mod tongue;

pub use arena::{Arena, Ended, TIMEOUT};
pub use case::{Case, Need, NotApplicable, Protocol, Verdict};
pub use glob::matches;
pub use list::list;
pub use registry::{all, select};
pub use report::{Report, Row};
pub use run::{Options, grade, main, run_case};
