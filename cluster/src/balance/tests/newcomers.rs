//! Endpoints that come, and those that stay meanwhile.

use std::time::Duration;

use super::*;
use crate::config::SlowStart;

impl Bench {
    /// As [`Cluster::reconfigure`](crate::Cluster::reconfigure) does it.
    fn reconfigure(&mut self, yaml: &str) {
        let config: ClusterConfig = serde_saphyr::from_str(yaml).unwrap();
        let members = Members::next(&self.members, &config.endpoints);
        let plan = Plan::new(&config, &members);
        let (old, new) = ((&self.plan, &self.members), (&plan, &members));
        self.turns = self.turns.follow(old, new, &mut self.rng);
        (self.config, self.members, self.plan) = (config, members, plan);
    }

    fn next_address(&mut self) -> String {
        let index = self.any(&Tried::new()).unwrap();
        self.endpoint(index).address().to_string()
    }
}

#[test]
fn whoever_is_next_stays_next() {
    let mut bench = Bench::new("endpoints: [a:1, b:1, c:1, d:1]\nbalance: round_robin");
    assert_eq!(bench.next_address(), "a:1");
    bench.reconfigure("endpoints: [x:1, d:1, b:1, c:1, y:1]\nbalance: round_robin");
    assert_eq!(bench.next_address(), "b:1");
    assert_eq!(bench.next_address(), "c:1");
    // It was the turn of one that goes: the one after it has it.
    bench.reconfigure("endpoints: [x:1, d:1, b:1, c:1]\nbalance: round_robin");
    assert_eq!(bench.next_address(), "x:1");
    // Marks change who is in turn as well.
    bench.mark(Mark::FailedCheck, [1]);
    assert_eq!(bench.next_address(), "b:1");
}

#[test]
fn changes_all_the_time_do_not_change_the_shares() {
    // With turns that began anew the first ones would have everything.
    let lists = ["[a:1, b:1, c:1, d:1]", "[a:1, b:1, c:1, d:1, e:1]"];
    let yaml = |at: usize| format!("endpoints: {}\nbalance: round_robin", lists[at % 2]);
    let mut bench = Bench::new(&yaml(0));
    let mut counts = std::collections::BTreeMap::new();
    for at in 1..=400 {
        *counts.entry(bench.next_address()).or_insert(0) += 1;
        bench.reconfigure(&yaml(at));
    }
    let stayed = counts.iter().filter(|(address, _)| *address != "e:1");
    assert!(stayed.clone().count() == 4, "{counts:?}");
    assert!(
        stayed
            .into_iter()
            .all(|(_, count)| (70..=110).contains(count)),
        "{counts:?}"
    );
}

#[test]
fn a_new_weight_does_not_move_the_turn() {
    let yaml = |weight: u32| {
        format!("endpoints: [{{address: 'a:1', weight: {weight}}}, b:1, c:1]\nbalance: round_robin")
    };
    let mut bench = Bench::new(&yaml(1));
    bench.next_address();
    bench.reconfigure(&yaml(4));
    assert_eq!(bench.next_address(), "b:1");
    let picks: Vec<_> = (0..600).map(|_| bench.next_address()).collect();
    assert_eq!(
        picks.iter().filter(|address| *address == "a:1").count(),
        400
    );
}

fn slow(window: u64, aggression: &str) -> SlowStart {
    serde_saphyr::from_str(&format!("{{window: {window}s, aggression: {aggression}}}")).unwrap()
}

#[test]
fn the_way_up_has_the_form_that_is_asked_for() {
    let at = |aggression: &str, seconds| slow(100, aggression).factor(Duration::from_secs(seconds));
    let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} {b}");
    near(at("1", 0), 0.1);
    near(at("1", 50), 0.5);
    near(at("1", 100), 1.0);
    near(at("1", 1000), 1.0);
    // Steeper at first, and at last.
    near(at("2", 25), 0.5);
    near(at("0.5", 50), 0.25);
    near(at("0.5", 1), 0.1);
}

#[test]
fn newcomers_get_a_part_of_their_share() {
    for balance in ["round_robin", "least_request", "random"] {
        let keys = format!("balance: {balance}\nslow_start: {{window: 1h}}");
        let mut bench = Bench::new(&format!("endpoints: [a:1, b:1, c:1]\n{keys}"));
        let counts = bench.counts(&Tried::new(), 3000);
        assert!(
            counts.iter().all(|count| *count > 850),
            "none is new: {counts:?}"
        );
        bench.reconfigure(&format!("endpoints: [a:1, b:1, c:1, d:1]\n{keys}"));
        let counts = bench.counts(&Tried::new(), 31_000);
        // A tenth of one, of 3.1 in all.
        assert!((850..1150).contains(&counts[3]), "{balance}: {counts:?}");
        // Alone it has everything.
        let tried = bench.tried(&[0, 1, 2]);
        assert_eq!(bench.any(&tried), Some(3));
    }
}

#[test]
fn who_has_been_there_for_the_window_is_no_newcomer() {
    let keys = "balance: round_robin\nslow_start: {window: 1ms}";
    let mut bench = Bench::new(&format!("endpoints: [a:1, b:1]\n{keys}"));
    bench.reconfigure(&format!("endpoints: [a:1, b:1, c:1]\n{keys}"));
    std::thread::sleep(Duration::from_millis(5));
    assert_eq!(bench.counts(&Tried::new(), 300), [100; 3]);
}

#[test]
fn well_again_is_new_again() {
    let mut bench =
        Bench::new("endpoints: [a:1, b:1, c:1]\nbalance: round_robin\nslow_start: {window: 1h}");
    assert_eq!(bench.counts(&Tried::new(), 300), [100; 3]);
    let endpoint = bench.endpoint(2).clone();
    endpoint.marks.set(Mark::Ejected, true);
    endpoint.marks.set(Mark::Ejected, false);
    bench.replan();
    let counts = bench.counts(&Tried::new(), 2100);
    assert!((1..300).contains(&counts[2]), "{counts:?}");
}
