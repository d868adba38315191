//! What a pick takes: `cargo test --release -p wireloom-cluster --lib -- --ignored --nocapture cost`.

use std::hint::black_box;
use std::time::Instant;

use super::*;

const PICKS: u32 = 1_000_000;

#[test]
#[ignore = "a measurement"]
fn of_picks_and_plans() {
    let balances = [
        "round_robin",
        "random",
        "least_request",
        "{least_request: {bias: 0.5}}",
        "least_connections",
        "peak_ewma",
        "ring_hash",
        "{ring_hash: {bound: 1.25}}",
        "maglev",
        "{maglev: {bound: 1.25}}",
    ];
    let even = vec![1; 1000];
    let uneven: Vec<u32> = (0..1000).map(|at| 1 + at % 97).collect();
    let ill = [(0, "well"), (100, "100 ill")];
    for balance in balances {
        for (weights, name) in [(&even[..3], "3"), (&even, "1000"), (&uneven, "1000 uneven")] {
            for (ill, state) in ill.iter().filter(|(ill, _)| ill * 2 < weights.len()) {
                let mut bench = Bench::weighted(weights, &format!("balance: {balance}"));
                bench.mark(Mark::FailedCheck, 0..*ill);
                let planned = Instant::now();
                black_box(Plan::new(&bench.config, &bench.members));
                let planned = planned.elapsed();
                let began = Instant::now();
                let mut hash = 1_u64;
                for _ in 0..PICKS {
                    hash = hash.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
                    black_box(bench.hashed(black_box(hash)));
                }
                let each = began.elapsed() / PICKS;
                println!("{balance}, {name}, {state}: {each:?} a pick, {planned:?} a plan");
            }
        }
    }
}
