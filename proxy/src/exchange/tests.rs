//! What an exchange costs.

use super::*;

fn output_size<F: Future>(_: impl Fn(&Exchanges, Box<Request>) -> F) -> usize {
    size_of::<F>()
}

/// It moves into the connection's set of exchanges, once per request.
#[test]
fn the_future_of_an_exchange_stays_small() {
    let size = output_size(|exchanges, request| exchanges.call(request));
    assert!(size <= 800, "an exchange takes {size} bytes");
}
