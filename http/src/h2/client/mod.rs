//! The upstream side.
