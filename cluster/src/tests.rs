//! Whole attempts against a scripted network.

mod connecting;
mod lanes;
mod limits;
mod membership;
mod picking;
mod reuse;
