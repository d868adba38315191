//! The cases, by what they ask.

mod death;
mod drain;
mod identity;
mod matrix;
mod say;
mod timeouts;

use super::case::Case;

/// All of them.
pub(super) fn register(list: &mut Vec<Case>) {
    matrix::register(list);
    identity::register(list);
    death::register(list);
    timeouts::register(list);
    drain::register(list);
}
