//! Whole attempts against a scripted network.

mod connecting;
mod lanes;
mod limits;
mod membership;
mod outliers;
mod reuse;
