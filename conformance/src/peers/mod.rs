//! Real clients and servers, made with the vendors' libraries and driven by their manifests.
//!
//! `manifest` finds them, `install` prepares them, `matrix` says who meets whom and `protocol` over what, `pair` lets a
//! client meet a server, over `client` for one run of a suite and `dialect` where a server has many ports, `second` gives what failed another try, `report` is the
//! table.

mod client;
mod dialect;
mod install;
mod manifest;
mod matrix;
mod pair;
mod protocol;
mod report;
mod run;
mod second;
mod table;

pub(crate) use install::install_script;
pub use run::run;
