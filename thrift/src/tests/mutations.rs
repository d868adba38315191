//! What the fuzz targets check, on damaged messages of real libraries, as far as an ordinary test run goes.

use proptest::prelude::*;

use super::vectors;
use crate::fuzz;

fn seeds() -> Vec<Vec<u8>> {
    let (messages, captures) = vectors::all();
    let all = messages.into_iter().chain(captures);
    all.map(|vector| vector.bytes).collect()
}

#[test]
fn the_seeds_hold_every_promise() {
    for seed in seeds() {
        fuzz::decode(&seed);
        fuzz::walk(&seed);
        fuzz::sniff(&seed);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_messages(
        seed in prop::sample::select(seeds()),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = seed;
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.index(bytes.len()) + 1);
        fuzz::decode(&bytes);
        fuzz::walk(&bytes);
    }

    #[test]
    fn noise(bytes in prop::collection::vec(prop_oneof![0u8..16, any::<u8>()], 0..80)) {
        fuzz::decode(&bytes);
        fuzz::walk(&bytes);
        fuzz::sniff(&bytes);
        let compact = [&[0x82, 0x21, 1, 1, b'm'], &bytes[..]].concat();
        fuzz::decode(&compact);
        let binary = [&[0x80, 1, 0, 1, 0, 0, 0, 1, b'm', 0, 0, 0, 1], &bytes[..]].concat();
        fuzz::decode(&binary);
    }
}
