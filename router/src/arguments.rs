//! Where the values come from that lie inside of requests.

use wireloom_codecs::{Argument, ArgumentPath};

/// Reads values of a request's body, one by one and only when a route asks.
pub trait Arguments {
    /// The value at `path`, looked for in at most `budget` bytes.
    fn find(&self, path: &ArgumentPath, budget: usize) -> Option<Argument<'_>>;
}

/// A request without any.
impl Arguments for () {
    fn find(&self, _: &ArgumentPath, _: usize) -> Option<Argument<'_>> {
        None
    }
}
