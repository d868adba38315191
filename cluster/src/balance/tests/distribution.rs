//! Shares follow weights.

use super::*;

const DRAWING: [&str; 6] = [
    "balance: least_request",
    "balance: {least_request: {choices: 4, bias: 0.5}}",
    "balance: round_robin",
    "balance: random",
    "balance: least_connections",
    "balance: peak_ewma",
];

const ALL: [&str; 8] = [
    "balance: least_request",
    "balance: {least_request: {choices: 4, bias: 0}}",
    "balance: round_robin",
    "balance: random",
    "balance: least_connections",
    "balance: peak_ewma",
    "balance: ring_hash",
    "balance: maglev",
];

#[test]
fn an_idle_cluster_follows_the_weights() {
    for weights in [[1, 1, 1, 1], [5, 1, 1, 3], [1, 10, 100, 1000], [2, 0, 3, 5]] {
        for keys in DRAWING {
            let mut bench = Bench::weighted(&weights, keys);
            let counts = bench.counts(&Tried::new(), 40_000);
            let chi = chi_square(&counts, &weights);
            assert!(chi < critical(3), "{keys} {weights:?}: {counts:?}, {chi}");
        }
    }
}

#[test]
fn after_a_try_the_rest_follow_their_weights() {
    let weights = [5, 1, 1, 3];
    for keys in DRAWING {
        let mut bench = Bench::weighted(&weights, keys);
        let tried = bench.tried(&[0]);
        let counts = bench.counts(&tried, 40_000);
        assert_eq!(counts[0], 0, "{keys}");
        let chi = chi_square(&counts[1..], &weights[1..]);
        assert!(chi < critical(2), "{keys}: {counts:?}, {chi}");
    }
}

#[test]
fn nobody_is_left_when_all_were_tried_or_have_no_weight() {
    for keys in ALL {
        let pick = |weights: &[u32], gone: &[usize]| {
            let mut bench = Bench::weighted(weights, keys);
            let tried = bench.tried(gone);
            bench.any(&tried)
        };
        assert_eq!(pick(&[], &[]), None);
        assert_eq!(pick(&[0, 0], &[]), None);
        assert_eq!(pick(&[1], &[]), Some(0));
        assert_eq!(pick(&[1], &[0]), None);
        assert_eq!(pick(&[1, 0, 10_000], &[2]), Some(0), "{keys}");
        assert_eq!(pick(&[1, 0, 10_000], &[0, 2]), None);
    }
}

#[test]
fn round_robin_is_exact_and_smooth() {
    let weights = [5, 1, 1, 3];
    let mut bench = Bench::weighted(&weights, "balance: round_robin");
    let order: Vec<usize> = (0..40).map(|_| bench.any(&Tried::new()).unwrap()).collect();
    for cycle in order.chunks(10) {
        for (index, weight) in weights.iter().enumerate() {
            let count = cycle.iter().filter(|picked| **picked == index).count();
            assert_eq!(count, *weight as usize, "{order:?}");
        }
    }
    // The heaviest has half of the picks: never more than two in a row, nor two without it but once.
    assert!(
        order.windows(3).all(|three| three != [0, 0, 0]),
        "{order:?}"
    );
    assert!(order.windows(4).all(|four| four.contains(&0)), "{order:?}");
}

#[test]
fn round_robin_comes_back_to_everybody_in_time() {
    // Gaps between the turns of one member differ by a small factor however large the weights are.
    let weights = [700, 200, 99, 1];
    let mut bench = Bench::weighted(&weights, "balance: round_robin");
    let order: Vec<usize> = (0..3000)
        .map(|_| bench.any(&Tried::new()).unwrap())
        .collect();
    for (index, weight) in weights.iter().enumerate() {
        let turns: Vec<usize> = (0..order.len()).filter(|at| order[*at] == index).collect();
        let widest = turns.windows(2).map(|two| two[1] - two[0]).max().unwrap();
        assert!(
            widest <= 3 * 1000 / *weight as usize + 1,
            "{index}: {widest}"
        );
    }
}

#[test]
fn the_busier_of_two_is_passed_over() {
    for keys in ["balance: least_request", "balance: least_connections"] {
        let mut bench = Bench::weighted(&[1, 1], keys);
        let endpoint = bench.endpoint(0).clone();
        let busy = endpoint.begin(u32::MAX).unwrap();
        assert_eq!(bench.counts(&Tried::new(), 100), [0, 100]);
        drop(busy);
        assert_eq!(endpoint.active(), 0);
    }
}

#[test]
fn weights_say_how_much_is_busy() {
    let mut bench = Bench::weighted(&[10, 1], "balance: least_request");
    let heavy = bench.endpoint(0).clone();
    let _busy: Vec<_> = (0..9).map(|_| heavy.begin(u32::MAX).unwrap()).collect();
    let light = bench.endpoint(1).clone().begin(u32::MAX).unwrap();
    assert_eq!(
        bench.counts(&Tried::new(), 100),
        [100, 0],
        "9 of 10 is less than 1 of 1"
    );
    drop(light);
    assert_eq!(bench.counts(&Tried::new(), 100), [0, 100]);

    // With a bias of 2, 81 / 10 is more than 1 / 1.
    let mut bench = Bench::weighted(&[10, 1], "balance: {least_request: {bias: 2}}");
    let (heavy, light) = (bench.endpoint(0).clone(), bench.endpoint(1).clone());
    let _busy: Vec<_> = (0..9).map(|_| heavy.begin(u32::MAX).unwrap()).collect();
    let _light = light.begin(u32::MAX).unwrap();
    assert_eq!(bench.counts(&Tried::new(), 100), [0, 100]);
}

#[test]
fn more_choices_find_the_idle_one_more_often() {
    let found = |keys| {
        let mut bench = Bench::weighted(&[1; 10], keys);
        let busy: Vec<_> = (1..10).map(|at| bench.endpoint(at).clone()).collect();
        let _busy: Vec<_> = busy
            .iter()
            .map(|endpoint| endpoint.begin(u32::MAX).unwrap())
            .collect();
        bench.counts(&Tried::new(), 10_000)[0]
    };
    let (two, eight) = (
        found("balance: least_request"),
        found("balance: {least_request: {choices: 8}}"),
    );
    // 2 / 10 of the pairs, and what eight draws leave.
    assert!((1_800..2_200).contains(&two), "{two}");
    assert!(eight > 5_000, "{eight}");
}

#[test]
fn fewer_connections_come_before_fewer_requests() {
    let mut bench = Bench::weighted(&[1, 1], "balance: least_connections");
    let (a, b) = (bench.endpoint(0).clone(), bench.endpoint(1).clone());
    let connected = a.connection(u32::MAX).unwrap();
    let _busy = b.begin(u32::MAX).unwrap();
    assert_eq!(bench.counts(&Tried::new(), 100), [0, 100]);
    drop(connected);
    assert_eq!(bench.counts(&Tried::new(), 100), [100, 0]);
}

#[test]
fn the_quicker_one_is_preferred_until_it_has_too_much_to_do() {
    use std::time::Duration;
    let mut bench = Bench::weighted(&[1, 1], "balance: {peak_ewma: {decay: 1h}}");
    let (quick, slow) = (bench.endpoint(0).clone(), bench.endpoint(1).clone());
    let balance = bench.config.balance;
    quick.took(balance, Duration::from_millis(10), false);
    slow.took(balance, Duration::from_millis(35), false);
    assert_eq!(bench.counts(&Tried::new(), 100), [100, 0]);
    let _busy: Vec<_> = (0..3).map(|_| quick.begin(u32::MAX).unwrap()).collect();
    assert_eq!(
        bench.counts(&Tried::new(), 100),
        [0, 100],
        "4 × 10 ms > 35 ms"
    );
    // One that fails at once is not a quick one.
    slow.took(balance, Duration::ZERO, true);
    assert_eq!(bench.counts(&Tried::new(), 100), [100, 0]);
}
