//! Frames with bytes changed, cut, doubled and mixed: no panic, and the promises in [`fuzz`](crate::fuzz) hold.

use proptest::prelude::*;

use super::vectors;
use crate::fuzz;

#[derive(Clone, Debug)]
enum Change {
    Set(prop::sample::Index, u8),
    Flip(prop::sample::Index, u8),
    Fill(prop::sample::Index, [u8; 4]),
    Cut(prop::sample::Index),
    Append(prop::sample::Index),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        (at(), 0..8u8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        (at(), any::<[u8; 4]>()).prop_map(|(at, bytes)| Change::Fill(at, bytes)),
        at().prop_map(Change::Cut),
        at().prop_map(Change::Append),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn of_real_frames(
        frame in any::<prop::sample::Index>(),
        // Half of the changes go to the fixed head, where the lengths are.
        in_head in any::<bool>(),
        changes in prop::collection::vec(change(), 1..4),
    ) {
        thread_local! { static VECTORS: Vec<vectors::Vector> = vectors::all(); }
        let bytes = VECTORS.with(|vectors| {
            let mut bytes = frame.get(vectors).bytes.clone();
            for change in changes {
                let span = if in_head { bytes.len().min(30) } else { bytes.len() };
                match change {
                    _ if span == 0 => {}
                    Change::Set(at, byte) => bytes[at.index(span)] = byte,
                    Change::Flip(at, bit) => bytes[at.index(span)] ^= 1 << bit,
                    Change::Fill(at, with) => {
                        let at = at.index(span);
                        bytes.iter_mut().skip(at).zip(with).for_each(|(to, from)| *to = from);
                    }
                    Change::Cut(at) => bytes.truncate(at.index(bytes.len())),
                    Change::Append(other) => bytes.extend_from_slice(&other.get(vectors).bytes),
                }
            }
            bytes
        });
        fuzz::decode(&bytes);
        fuzz::edits(&bytes);
        fuzz::sniff(&bytes);
        fuzz::header(&bytes);
        fuzz::sofa(&bytes);
    }

    #[test]
    fn of_sofa_requests(
        at in 0..300usize,
        byte in any::<u8>(),
        final_dialect in any::<bool>(),
        cut in 0..400usize,
    ) {
        let name = if final_dialect { "v1_request_hessian4" } else { "v1_request_hessian3" };
        thread_local! { static VECTORS: Vec<vectors::Vector> = vectors::all(); }
        let mut content = VECTORS.with(|vectors| {
            vectors.iter().find(|v| v.name == name).map(|v| v.bytes[106..].to_vec()).unwrap_or_default()
        });
        if let Some(target) = content.get_mut(at) {
            *target = byte;
        }
        content.truncate(cut);
        fuzz::sofa(&content);
    }

    #[test]
    fn of_nothing(bytes in prop::collection::vec(any::<u8>(), 0..64), start in 1..3u8) {
        fuzz::decode(&bytes);
        fuzz::header(&bytes);
        let mut framed = vec![start];
        framed.extend(bytes);
        fuzz::decode(&framed);
        fuzz::sniff(&framed);
    }
}
