//! What holds whatever is configured and whatever has happened.

use rand::RngExt;
use rand::seq::IndexedRandom;

use super::*;
use crate::Condition;

const BALANCES: [&str; 9] = [
    "round_robin",
    "random",
    "least_request",
    "{least_request: {choices: 3, bias: 2}}",
    "least_connections",
    "peak_ewma",
    "{ring_hash: {min: 64}}",
    "{ring_hash: {min: 64, bound: 1.1}}",
    "maglev",
];
const ZONES: [&str; 4] = [
    "",
    "",
    "localities: {a: 3, b: 1}",
    "zone_aware: {own: a, min_endpoints: 2, percent: 90}",
];
const PANICS: [&str; 4] = [
    "",
    "panic: {threshold: 0}",
    "panic: {threshold: 80}",
    "overprovisioning: 3",
];
const SUBSETS: [&str; 4] = [
    "",
    "subset: {keys: [[v], [v, zone]]}",
    "subset: {keys: [[v]], fallback: any}",
    "subset: {keys: [[v]], fallback: default, default: {v: '1'}}",
];

fn any(rng: &mut SmallRng) -> Bench {
    let mut endpoints = String::new();
    for at in 0..rng.random_range(0..9) {
        let weight = [0, 1, 1, 2, 50].choose(rng).unwrap();
        let priority = [0, 0, 1, 5].choose(rng).unwrap();
        let zone = ["", ", zone: a", ", zone: b"].choose(rng).unwrap();
        let v = rng.random_range(1..4);
        endpoints.push_str(&format!(
            "  - {{address: 'e{at}:1', weight: {weight}, priority: {priority}{zone}, metadata: {{v: '{v}'}}}}\n"
        ));
    }
    let list = if endpoints.is_empty() {
        "endpoints: []\n".to_owned()
    } else {
        format!("endpoints:\n{endpoints}")
    };
    let mut pick = |some: &[&'static str]| *some.choose(rng).unwrap();
    let (balance, zones) = (pick(&BALANCES), pick(&ZONES));
    let (panic, subset) = (pick(&PANICS), pick(&SUBSETS));
    Bench::new(&format!(
        "{list}balance: {balance}\n{zones}\n{panic}\n{subset}\n"
    ))
}

fn mark_anything(bench: &mut Bench, rng: &mut SmallRng) {
    for index in 0..bench.members.len() {
        for mark in [
            Mark::FailedCheck,
            Mark::Ejected,
            Mark::Draining,
            Mark::Degraded,
        ] {
            bench.endpoint(index).marks.set(mark, rng.random_bool(0.15));
        }
    }
    bench.replan();
}

#[test]
fn a_pick_is_one_that_may_be_picked_and_there_is_one_if_there_can_be() {
    let mut rng = SmallRng::seed_from_u64(3);
    let (mut found, mut none) = (0, 0);
    for _ in 0..400 {
        let mut bench = any(&mut rng);
        for _ in 0..5 {
            mark_anything(&mut bench, &mut rng);
            let tried: Vec<usize> = (0..bench.members.len())
                .filter(|_| rng.random_bool(0.2))
                .collect();
            let tried = bench.tried(&tried);
            let chosen =
                Subset::new([("v", ["1", "2", "3", "4"].choose(&mut rng).copied().unwrap())]);
            let subset = rng.random_bool(0.5).then_some(&chosen);
            let picked = bench.pick(Ask {
                selection: Selection {
                    hash: rng.random_bool(0.5).then(|| rng.random()),
                    subset,
                    ..Selection::ANY
                },
                tried: &tried,
                in_flight: 3,
            });
            let open =
                |member: &crate::Member| member.weight > 0 && !tried.contains(&member.endpoint);
            match picked {
                Some(index) => {
                    found += 1;
                    let member = bench.members.get(index).unwrap();
                    assert!(open(member), "{bench:?}");
                    assert_ne!(member.condition(), Condition::Draining, "{bench:?}");
                }
                None => {
                    none += 1;
                    // Nobody is fit, or nobody of those whom the subset leaves.
                    let mut fit = bench
                        .members
                        .iter()
                        .filter(|member| open(member) && member.condition().takes_calls());
                    let divided = bench.config.subset.is_some();
                    let whole = !divided
                        || bench.config.subset.as_ref().is_some_and(|subset| {
                            subset.fallback == crate::config::Fallback::Any
                                && !bench.members.iter().any(|member| chosen.has(member))
                        });
                    assert!(!whole || fit.next().is_none(), "{bench:?}");
                }
            }
        }
    }
    assert!(found > 500 && none > 100, "{found} {none}");
}
