//! What a connection takes.

use bytes::Bytes;
use wireloom_codecs::{Accepted, Body, ByteBudget, Protocol, ServeLimits, drain};

use crate::h2::Http2;
use crate::h2::support::{Serves, response};

/// What waits for its first request, or for the next one, has no room for one.
#[tokio::test]
async fn a_connection_is_small_while_nothing_is_under_way() {
    let large = Serves::new(|request| async move {
        let state = [7_u8; 2048];
        tokio::task::yield_now().await;
        drop(request);
        Ok(response(u16::from(state[0]) + 193, Body::Empty))
    });
    let (near, _far) = tokio::io::duplex(64);
    let accepted = Accepted {
        io: Box::new(near),
        prefix: Bytes::new(),
        limits: ServeLimits::default(),
        budget: ByteBudget::new(1),
        drain: drain().1,
        tls: false,
    };
    let serving = Http2::default().serve(accepted, large);
    assert!(size_of_val(&*serving) <= 512, "{}", size_of_val(&*serving));
}
