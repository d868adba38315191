//! Both sides against peers of the h2 crate and of raw frames.

mod bounds;
mod ends;
mod expects;
mod floods;
mod halves;
mod interim;
mod proxied;
mod raw;
mod refusals;
mod sizes;
mod switches;
