//! Whole attempts against a scripted network.

mod breakers;
mod connecting;
mod discovery;
mod health;
mod lanes;
mod limits;
mod membership;
mod outliers;
mod picking;
mod reuse;
