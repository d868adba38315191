//! What the fuzz targets check, on damaged messages of real libraries, as far as an ordinary test run goes.

use proptest::prelude::*;

use super::vectors;
use crate::fuzz;

fn seeds() -> Vec<Vec<u8>> {
    let (messages, captures) = vectors::all();
    let all = messages.into_iter().chain(captures);
    all.map(|vector| vector.bytes).collect()
}

/// The structs of the messages that are not compressed.
fn bodies() -> Vec<Vec<u8>> {
    let (messages, _) = vectors::all();
    let read = messages.iter().filter_map(|vector| {
        let body = vector.body();
        (!vector.name.ends_with("zlib")).then_some(body)
    });
    let bodies: Vec<_> = read.collect();
    assert!(bodies.len() > 40 && bodies.iter().all(|body| !body.is_empty()));
    bodies
}

#[test]
fn the_seeds_hold_every_promise() {
    for seed in seeds() {
        fuzz::decode(&seed);
        fuzz::edits(&seed);
        fuzz::walk(&seed);
        fuzz::rewrite(&seed);
        fuzz::translate(&seed);
        fuzz::sniff(&seed);
    }
    for body in bodies() {
        fuzz::walk(&body);
        fuzz::rewrite(&body);
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
        fuzz::edits(&bytes);
        fuzz::walk(&bytes);
        fuzz::translate(&bytes);
    }

    #[test]
    fn damaged_structs(
        body in prop::sample::select(bodies()),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = body;
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.index(bytes.len()) + 1);
        fuzz::walk(&bytes);
        fuzz::rewrite(&bytes);
        bytes.push(0);
        fuzz::rewrite(&bytes);
    }

    #[test]
    fn noise(bytes in prop::collection::vec(prop_oneof![0u8..16, any::<u8>()], 0..80)) {
        fuzz::decode(&bytes);
        fuzz::walk(&bytes);
        fuzz::rewrite(&bytes);
        fuzz::sniff(&bytes);
        let compact = [&[0x82, 0x21, 1, 1, b'm'], &bytes[..]].concat();
        fuzz::decode(&compact);
        fuzz::translate(&compact);
        let binary = [&[0x80, 1, 0, 1, 0, 0, 0, 1, b'm', 0, 0, 0, 1], &bytes[..]].concat();
        fuzz::decode(&binary);
        fuzz::translate(&binary);
    }
}
