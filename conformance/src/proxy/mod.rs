//! The `wireloom` program as tests run it: found or built, started with a configuration of their own, asked over its
//! admin port, and watched from outside.

mod binary;
pub mod config;
mod running;

pub use binary::{build_example, build_release, for_tests};
pub use running::Proxy;
