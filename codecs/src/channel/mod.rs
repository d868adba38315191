//! The upstream driver: carries calls over one connection with any [`Codec`](crate::Codec).
//!
//! [`handle`] is the end that callers hold, [`driver`] the task that owns the connection and its slots,
//! [`timers`] what that task does when nothing comes.

mod driver;
mod handle;
mod timers;

pub(crate) use handle::open;

#[cfg(test)]
mod tests;
