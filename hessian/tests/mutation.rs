//! The vectors with a byte changed, bytes cut out and halves exchanged, through the fuzz entry points.
#![allow(missing_docs)]

mod common;

use common::vectors;
use wireloom_hessian::{Decoder, Limits, Reader, fuzz};

/// Tags and lengths at which something begins or ends.
const TELLING: [u8; 24] = [
    0x00, 0x01, 0x1f, 0x20, 0x33, 0x43, 0x48, 0x49, 0x4a, 0x4d, 0x4f, 0x51, 0x52, 0x56, 0x58, 0x5a,
    0x60, 0x6e, 0x73, 0x75, 0x7a, 0x7f, 0x80, 0xff,
];

#[test]
fn vectors_themselves_pass_the_fuzz_entries() {
    for vector in vectors() {
        fuzz::fuzz_all(&vector.bytes());
    }
}

#[test]
fn every_byte_changed_to_every_other_is_harmless() {
    for vector in vectors() {
        let mut bytes = vector.bytes();
        let dialect = vector.dialect();
        let limits = Limits {
            elements: 4096,
            ..Limits::for_values()
        };
        for at in 0..bytes.len().min(if bytes.len() <= 300 { 64 } else { 8 }) {
            let original = bytes[at];
            for changed in 0..=u8::MAX {
                bytes[at] = changed;
                let body = &bytes[..bytes.len().min(4096)];
                let mut reader = Reader::new(body, dialect);
                while !reader.is_empty() && reader.skip_value().is_ok() {}
                assert!(reader.position() <= body.len());
                let mut decoder = Decoder::with_limits(body, dialect, limits);
                while let Ok(Some(value)) = decoder.next_value() {
                    drop(value);
                }
                assert!(decoder.position() <= body.len());
            }
            bytes[at] = original;
        }
    }
}

#[test]
fn telling_changes_keep_the_invariants() {
    for vector in vectors()
        .iter()
        .filter(|vector| vector.bytes().len() <= 300)
    {
        let mut bytes = vector.bytes();
        for at in (0..bytes.len()).filter(|at| *at < 40) {
            let original = bytes[at];
            for changed in TELLING
                .into_iter()
                .chain((0..8).map(|bit| original ^ 1 << bit))
            {
                bytes[at] = changed;
                fuzz::fuzz_all(&bytes);
            }
            bytes[at] = original;
        }
    }
}

#[test]
fn spliced_vectors_keep_the_invariants() {
    let bodies: Vec<_> = vectors()
        .iter()
        .map(|v| v.bytes())
        .filter(|b| b.len() <= 200)
        .collect();
    // A small generator of its own: the same run every time.
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut below = |n: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % n as u64).unwrap()
    };
    for _ in 0..6_000 {
        let (a, b) = (&bodies[below(bodies.len())], &bodies[below(bodies.len())]);
        let (cut, from) = (below(a.len() + 1), below(b.len() + 1));
        fuzz::fuzz_all(&[&a[..cut], &b[from..], a].concat());
    }
}
