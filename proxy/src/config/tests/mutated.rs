//! Configuration files with bytes changed, cut out and put in: whatever they are, the fuzz target's promises hold.

use crate::config::fuzz;

/// Those that the program is given with, as far as they need no files beside them.
const FILES: [&str; 4] = [
    include_str!("../../../../examples/minimal.yaml"),
    include_str!("../../../../examples/routing.yaml"),
    include_str!("../../../../examples/retries.yaml"),
    include_str!("../../../../examples/actions.yaml"),
];
const NOISE: &[u8] = b"\n:-{}[]\"'&*!|>%@#, \t0x9~\xc3\xa9";
const ROUNDS: usize = 60;

#[test]
fn files_that_went_wrong_keep_the_promises() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut roll = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 16) as usize % below.max(1)
    };
    for file in FILES {
        fuzz::parse(file.as_bytes());
        for _ in 0..ROUNDS {
            let mut bytes = file.as_bytes().to_vec();
            for _ in 0..=roll(3) {
                let at = roll(bytes.len());
                match roll(4) {
                    0 => bytes[at] = NOISE[roll(NOISE.len())],
                    1 => bytes.insert(at, NOISE[roll(NOISE.len())]),
                    2 => {
                        let end = (at + roll(40)).min(bytes.len());
                        bytes.drain(at..end);
                    }
                    _ => bytes.truncate(at.max(1)),
                }
            }
            fuzz::parse(&bytes);
        }
    }
}
