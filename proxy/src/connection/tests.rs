//! What a connection costs.

use super::*;

fn output_size<F: Future>(_: impl Fn(Incoming) -> F) -> usize {
    size_of::<F>()
}

/// It is held for as long as the connection is, so that idle ones cost it.
#[test]
fn the_future_of_a_connection_stays_small() {
    let size = output_size(Incoming::serve);
    assert!(size <= 900, "a connection takes {size} bytes");
}
