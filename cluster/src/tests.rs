//! Whole attempts against a scripted network.

mod adaptive;
mod ahead;
mod breakers;
mod connecting;
mod discovery;
mod health;
mod lanes;
mod lifetimes;
mod limits;
mod membership;
mod outliers;
mod picking;
mod pinning;
mod reuse;
