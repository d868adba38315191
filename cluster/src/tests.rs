//! Whole attempts against a scripted network.

mod connecting;
mod limits;
mod membership;
mod reuse;
