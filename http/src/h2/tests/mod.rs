//! Both sides against peers of the h2 crate and of raw frames.

mod proxied;
