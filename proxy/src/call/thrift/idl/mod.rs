//! Thrift's interface definition language, as far as calls need it (`thrift.apache.org/docs/idl`).
//!
//! The parser is our own: every error has a place in a file, those about what a name means too, and parsers that are to be
//! had keep no places.
//!
//! | file | holds |
//! |---|---|
//! | `lexer` | text to tokens, and places in it |
//! | `syntax` | what a file says |
//! | `parser` | tokens to syntax |
//! | `files` | a file and all that it includes |
//! | `resolve` | what names stand for: syntax to types and services |
//! | `constant` | constants and defaults, as JSON |
//! | `service` | services and their methods, found by name and printed |

mod constant;
mod files;
mod lexer;
mod parser;
mod resolve;
mod service;
mod syntax;
#[cfg(test)]
mod tests;

pub(super) use files::load;
pub(super) use service::{Idl, Method};
