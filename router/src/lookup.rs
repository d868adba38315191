//! What a route is looked for by.

use wireloom_codecs::{Downstream, RequestHead};

use crate::Arguments;

/// A request as routes see it.
#[derive(Clone, Copy)]
pub struct Lookup<'a> {
    /// Its head.
    pub head: &'a RequestHead,
    /// The connection that it came over.
    pub downstream: &'a Downstream,
    /// What is in its body.
    pub arguments: &'a dyn Arguments,
    /// A number of its own, uniform over all `u64`, that decides which percentage it belongs to: it need not be random if
    /// the table [asks for none](crate::RouteTable::draws).
    pub random: u64,
}

impl<'a> Lookup<'a> {
    /// A request of which nobody wants to know what is in its body, and of a table that draws no lots.
    pub const fn new(head: &'a RequestHead, downstream: &'a Downstream) -> Self {
        Self {
            head,
            downstream,
            arguments: &(),
            random: 0,
        }
    }
}
