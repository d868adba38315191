//! The grading program, and what Wireloom gets from it.

mod program;
mod targets;
mod wireloom;
