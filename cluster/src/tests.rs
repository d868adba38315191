//! Whole attempts against a scripted network.

mod connecting;
mod health;
mod lanes;
mod limits;
mod membership;
mod outliers;
mod reuse;
