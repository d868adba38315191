//! Which part of a cluster a request goes to.

use super::*;

/// Endpoints `a0:1`, `a1:1` … of priority 0, `b0:1` … of priority 1.
fn two_priorities(keys: &str) -> Bench {
    let list: String = (0..10)
        .map(|at| format!("  - a{at}:1\n  - {{address: 'b{at}:1', priority: 1}}\n"))
        .collect();
    Bench::new(&format!("endpoints:\n{list}{keys}\n"))
}

/// The endpoints of priority 0 are at even indexes.
fn first(at: usize) -> usize {
    2 * at
}

fn share_of_first(bench: &mut Bench) -> f64 {
    let counts = bench.counts(&Tried::new(), 20_000);
    let first: u32 = counts.iter().step_by(2).sum();
    f64::from(first) / 20_000.0
}

#[test]
fn priorities_spill_over_as_endpoints_fail() {
    for keys in [
        "balance: round_robin",
        "balance: least_request",
        "balance: maglev",
    ] {
        for (ill, expected) in [
            (0, 1.0),
            (2, 1.0),
            (3, 0.98),
            (5, 0.70),
            (8, 0.28),
            (10, 0.0),
        ] {
            let mut bench = two_priorities(keys);
            bench.mark(Mark::FailedCheck, (0..ill).map(first));
            let share = share_of_first(&mut bench);
            assert!((share - expected).abs() < 0.015, "{keys} {ill}: {share}");
            let counts = bench.counts(&Tried::new(), 2000);
            assert!((0..ill).all(|at| counts[first(at)] == 0), "{counts:?}");
        }
    }
}

#[test]
fn the_overprovisioning_says_how_soon() {
    let mut bench = two_priorities("overprovisioning: 1");
    bench.mark(Mark::FailedCheck, [first(0), first(1)]);
    let share = share_of_first(&mut bench);
    assert!((share - 0.8).abs() < 0.015, "{share}");
}

#[test]
fn a_retry_turns_to_the_next_priority_when_all_of_the_first_were_tried() {
    let mut bench = Bench::new("endpoints: [a:1, b:1, {address: 'c:1', priority: 1}]");
    let tried = bench.tried(&[0, 1]);
    assert_eq!(bench.any(&tried), Some(2));
    let tried = bench.tried(&[0, 1, 2]);
    assert_eq!(bench.any(&tried), None);
}

#[test]
fn degraded_ones_serve_when_the_healthy_cannot() {
    let mut bench = Bench::weighted(&[1; 10], "balance: random");
    bench.mark(Mark::Degraded, 0..2);
    let counts = bench.counts(&Tried::new(), 1000);
    assert_eq!(counts[0] + counts[1], 0, "eight of ten carry all");
    bench.mark(Mark::Degraded, 2..5);
    let counts = bench.counts(&Tried::new(), 20_000);
    let degraded = counts[..5].iter().sum::<u32>();
    assert!(
        (5_700..6_300).contains(&degraded),
        "five carry 70 %: {counts:?}"
    );
    let tried = bench.tried(&[5, 6, 7, 8, 9]);
    assert!(bench.any(&tried).unwrap() < 5);
}

#[test]
fn in_panic_health_does_not_count() {
    for keys in ["balance: random", "balance: ring_hash"] {
        let mut bench = Bench::weighted(&[1; 10], keys);
        bench.mark(Mark::Ejected, 0..5);
        let counts = bench.counts(&Tried::new(), 2000);
        assert!(counts[..5].iter().all(|count| *count == 0), "{counts:?}");
        bench.mark(Mark::FailedCheck, [5]);
        let counts = bench.counts(&Tried::new(), 2000);
        assert!(counts.iter().all(|count| *count > 0), "{keys}: {counts:?}");
    }
}

#[test]
fn panic_can_be_moved_switched_off_and_refused() {
    let mut bench = Bench::weighted(&[1; 10], "panic: {threshold: 20}");
    bench.mark(Mark::FailedCheck, 0..8);
    assert!(
        bench.counts(&Tried::new(), 1000)[..8]
            .iter()
            .all(|count| *count == 0)
    );
    bench.mark(Mark::FailedCheck, [8]);
    assert!(
        bench
            .counts(&Tried::new(), 1000)
            .iter()
            .all(|count| *count > 0)
    );

    let mut bench = Bench::weighted(&[1; 1000], "panic: {threshold: 0}");
    bench.mark(Mark::FailedCheck, 0..999);
    assert_eq!(
        bench.any(&Tried::new()),
        Some(999),
        "one of a thousand is left"
    );
    bench.mark(Mark::FailedCheck, [999]);
    assert_eq!(bench.any(&Tried::new()), None);

    let mut bench = Bench::weighted(&[1; 4], "panic: {refuse: true}");
    bench.mark(Mark::FailedCheck, 0..3);
    assert_eq!(bench.any(&Tried::new()), None);
}

#[test]
fn what_drains_gets_nothing_even_in_panic() {
    let mut bench = Bench::new("endpoints: [{address: 'a:1', draining: true}, b:1, c:1]");
    bench.mark(Mark::FailedCheck, [1, 2]);
    bench.mark(Mark::Draining, [1]);
    assert_eq!(bench.counts(&Tried::new(), 100), [0, 0, 100]);
    bench.mark(Mark::Draining, [2]);
    assert_eq!(bench.any(&Tried::new()), None);
}

/// Endpoints of zones: `a0:1` is in zone a.
fn zones(sizes: &[(char, usize)], keys: &str) -> Bench {
    let endpoints = sizes.iter().flat_map(|(zone, size)| {
        (0..*size).map(move |at| format!("  - {{address: '{zone}{at}:1', zone: {zone}}}\n"))
    });
    let endpoints: String = endpoints.collect();
    Bench::new(&format!("endpoints:\n{endpoints}{keys}\n"))
}

/// The share of each zone in percent.
fn by_zone(bench: &mut Bench, zones: &[char]) -> Vec<f64> {
    let counts = bench.counts(&Tried::new(), 20_000);
    let share = |zone: &char| {
        let of = bench.members.iter().zip(&counts);
        let own = of.filter(|(member, _)| member.zone.as_deref() == Some(&zone.to_string()));
        f64::from(own.map(|(_, count)| *count).sum::<u32>()) / 200.0
    };
    zones.iter().map(share).collect()
}

#[track_caller]
fn close(shares: &[f64], expected: &[f64]) {
    let near = shares
        .iter()
        .zip(expected)
        .all(|(a, b)| (a - b).abs() < 1.5);
    assert!(near, "{shares:?} and not {expected:?}");
}

#[test]
fn zones_have_the_weights_that_are_given() {
    for keys in ["balance: round_robin", "balance: maglev"] {
        let mut bench = zones(
            &[('a', 4), ('b', 4), ('c', 4)],
            &format!("localities: {{a: 3, c: 0}}\n{keys}"),
        );
        close(&by_zone(&mut bench, &['a', 'b', 'c']), &[75.0, 25.0, 0.0]);
    }
}

#[test]
fn a_zone_that_is_half_ill_has_less() {
    let mut bench = zones(&[('a', 10), ('b', 10)], "localities: {a: 1, b: 1}");
    bench.mark(Mark::FailedCheck, 0..2);
    close(&by_zone(&mut bench, &['a', 'b']), &[50.0, 50.0]);
    bench.mark(Mark::FailedCheck, 2..5);
    // 1.4 × 50 % of its weight.
    close(&by_zone(&mut bench, &['a', 'b']), &[41.2, 58.8]);
}

#[test]
fn the_own_zone_comes_first_while_that_is_fair() {
    let own = "zone_aware: {own: a}";
    let mut bench = zones(&[('a', 4), ('b', 4)], own);
    close(&by_zone(&mut bench, &['a', 'b']), &[100.0, 0.0]);
    // A third of the endpoints and half of the callers: two thirds stay.
    let mut bench = zones(&[('a', 3), ('b', 6)], own);
    close(&by_zone(&mut bench, &['a', 'b']), &[66.7, 33.3]);
    // What is too much goes where endpoints have less than their share of the callers.
    let keys = "zone_aware: {own: a, callers: {a: 50, b: 30, c: 20}}";
    let mut bench = zones(&[('a', 5), ('b', 5), ('c', 10)], keys);
    close(&by_zone(&mut bench, &['a', 'b', 'c']), &[50.0, 0.0, 50.0]);
}

#[test]
fn zones_do_not_count_where_they_would_do_harm() {
    let own = "zone_aware: {own: a}";
    let mut bench = zones(&[('a', 2), ('b', 2)], own);
    close(&by_zone(&mut bench, &['a', 'b']), &[50.0, 50.0]);
    let mut bench = zones(&[('b', 4), ('c', 4)], own);
    close(&by_zone(&mut bench, &['b', 'c']), &[50.0, 50.0]);
    let mut bench = zones(&[('a', 4), ('b', 4)], "zone_aware: {own: a, percent: 50}");
    close(&by_zone(&mut bench, &['a', 'b']), &[75.0, 25.0]);
    // The own zone is ill, but the cluster is not.
    let mut bench = zones(&[('a', 4), ('b', 8)], own);
    bench.mark(Mark::FailedCheck, 0..4);
    close(&by_zone(&mut bench, &['a', 'b']), &[0.0, 100.0]);
}

#[test]
fn a_retry_leaves_the_zone_when_all_of_it_was_tried() {
    let mut bench = zones(&[('a', 3), ('b', 3)], "zone_aware: {own: a}");
    let tried = bench.tried(&[0, 1, 2]);
    assert!(bench.any(&tried).unwrap() > 2);
    let mut bench = zones(&[('a', 3), ('b', 3)], "localities: {a: 1, b: 0}");
    let tried = bench.tried(&[0, 1, 2]);
    assert!(bench.any(&tried).unwrap() > 2);
}

const VERSIONS: &str = "
endpoints:
  - {address: 'a:1', metadata: {version: v1, stage: prod}, zone: x}
  - {address: 'b:1', metadata: {version: v1, stage: prod}, zone: y}
  - {address: 'c:1', metadata: {version: v2, stage: canary}, zone: x}
  - {address: 'd:1', metadata: {stage: prod}}
";

fn versions(fallback: &str) -> Bench {
    Bench::new(&format!(
        "{VERSIONS}subset: {{keys: [[version], [zone, version]]{fallback}}}\nbalance: random\n"
    ))
}

/// Who is picked for a subset.
fn chosen(bench: &mut Bench, pairs: &[(&str, &str)]) -> Vec<usize> {
    let subset = Subset::new(pairs.iter().copied());
    who(bench, Some(&subset))
}

fn who(bench: &mut Bench, subset: Option<&Subset>) -> Vec<usize> {
    let picked = (0..200).filter_map(|_| {
        bench.pick(Ask {
            selection: Selection {
                subset,
                ..Selection::ANY
            },
            tried: &Tried::new(),
            in_flight: 0,
        })
    });
    let distinct: std::collections::BTreeSet<_> = picked.collect();
    distinct.into_iter().collect()
}

#[test]
fn a_subset_has_the_endpoints_with_all_of_its_metadata() {
    let mut bench = versions("");
    assert_eq!(chosen(&mut bench, &[("version", "v1")]), [0, 1]);
    assert_eq!(chosen(&mut bench, &[("version", "v2")]), [2]);
    assert_eq!(chosen(&mut bench, &[("version", "v1"), ("zone", "y")]), [1]);
    // Nobody has it; these are no keys to choose by; nothing was chosen.
    assert!(chosen(&mut bench, &[("version", "v3")]).is_empty());
    assert!(chosen(&mut bench, &[("stage", "prod")]).is_empty());
    assert!(who(&mut bench, None).is_empty());
}

#[test]
fn who_chooses_nothing_that_is_there_falls_back() {
    let mut bench = versions(", fallback: any");
    assert_eq!(chosen(&mut bench, &[("version", "v3")]), [0, 1, 2, 3]);
    assert_eq!(who(&mut bench, None), [0, 1, 2, 3]);
    assert_eq!(chosen(&mut bench, &[("version", "v2")]), [2]);
    let mut bench = versions(", fallback: default, default: {stage: prod}");
    assert_eq!(chosen(&mut bench, &[("version", "v3")]), [0, 1, 3]);
    assert_eq!(who(&mut bench, None), [0, 1, 3]);
    // Without subsets in the cluster a choice is none.
    let mut bench = Bench::new(VERSIONS);
    assert_eq!(chosen(&mut bench, &[("version", "v2")]), [0, 1, 2, 3]);
}

#[test]
fn a_subset_panics_by_itself() {
    let mut bench = versions("");
    bench.mark(Mark::FailedCheck, [0]);
    assert_eq!(chosen(&mut bench, &[("version", "v1")]), [1]);
    bench.mark(Mark::FailedCheck, [1]);
    assert_eq!(chosen(&mut bench, &[("version", "v1")]), [0, 1]);
}

#[test]
fn turns_of_subsets_do_not_disturb_each_other() {
    let list: String = (0..4)
        .map(|at| {
            format!(
                "  - {{address: 'e{at}:1', metadata: {{half: '{}'}}}}\n",
                at % 2
            )
        })
        .collect();
    let keys = "subset: {keys: [[half]]}\nbalance: round_robin\n";
    let mut bench = Bench::new(&format!("endpoints:\n{list}{keys}"));
    let halves = ["0", "1"].map(|half| Subset::new([("half", half)]));
    let mut counts = [0; 4];
    for number in 0..40 {
        let picked = bench.pick(Ask {
            selection: Selection {
                hash: None,
                subset: Some(&halves[number % 2]),
                ..Selection::ANY
            },
            tried: &Tried::new(),
            in_flight: 0,
        });
        counts[picked.unwrap()] += 1;
    }
    assert_eq!(counts, [10; 4]);
}
