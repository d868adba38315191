use rand::SeedableRng;

use super::*;
use crate::EndpointConfig;

fn rng() -> SmallRng {
    SmallRng::seed_from_u64(7)
}

fn members(weights: &[u32]) -> Members {
    let endpoints: Vec<EndpointConfig> = weights
        .iter()
        .enumerate()
        .map(|(index, weight)| EndpointConfig {
            weight: *weight,
            ..EndpointConfig::from(
                format!("10.0.0.{index}:1")
                    .parse::<wireloom_net::Address>()
                    .unwrap(),
            )
        })
        .collect();
    Members::next(&Members::default(), &endpoints)
}

fn every_kind() -> [Box<dyn Balancer>; 3] {
    [Balance::LeastRequest, Balance::RoundRobin, Balance::Random]
        .map(|kind| balancer(kind, &mut rng()))
}

fn picks(balancer: &dyn Balancer, members: &Members, tried: &Tried, count: usize) -> Vec<u32> {
    let mut rng = rng();
    let mut counts = vec![0; members.len()];
    for _ in 0..count {
        counts[balancer.pick(members, tried, &mut rng).unwrap()] += 1;
    }
    counts
}

/// Pearson's statistic of `counts` against `weights`.
fn chi_square(counts: &[u32], weights: &[u32]) -> f64 {
    let total: u32 = counts.iter().sum();
    let sum: u32 = weights.iter().sum();
    let pairs = counts
        .iter()
        .zip(weights)
        .filter(|(_, weight)| **weight > 0);
    pairs
        .map(|(count, weight)| {
            let expected = f64::from(total) * f64::from(*weight) / f64::from(sum);
            (f64::from(*count) - expected).powi(2) / expected
        })
        .sum()
}

fn tried(members: &Members, indexes: &[usize]) -> Tried {
    let mut tried = Tried::new();
    for index in indexes {
        tried.push(members.get(*index).unwrap().endpoint.clone());
    }
    tried
}

#[test]
fn an_idle_cluster_follows_the_weights() {
    // 16.27 is what 3 degrees of freedom exceed once in a thousand times.
    for weights in [[1, 1, 1, 1], [5, 1, 1, 3], [1, 10, 100, 1000], [2, 0, 3, 5]] {
        let members = members(&weights);
        for balancer in every_kind() {
            let counts = picks(&*balancer, &members, &Tried::new(), 40_000);
            let chi = chi_square(&counts, &weights);
            assert!(chi < 16.27, "{balancer:?} {weights:?}: {counts:?}, {chi}");
        }
    }
}

#[test]
fn after_a_try_the_rest_follow_their_weights() {
    let weights = [5, 1, 1, 3];
    let members = members(&weights);
    let tried = tried(&members, &[0]);
    for balancer in every_kind() {
        let counts = picks(&*balancer, &members, &tried, 40_000);
        assert_eq!(counts[0], 0, "{balancer:?}");
        let chi = chi_square(&counts[1..], &weights[1..]);
        assert!(chi < 13.82, "{balancer:?}: {counts:?}, {chi}");
    }
}

#[test]
fn nobody_is_left_when_all_were_tried_or_have_no_weight() {
    let mut rng = rng();
    for balancer in every_kind() {
        let mut pick = |members: &Members, tried: &Tried| balancer.pick(members, tried, &mut rng);
        assert_eq!(pick(&members(&[]), &Tried::new()), None);
        assert_eq!(pick(&members(&[0, 0]), &Tried::new()), None);
        let one = members(&[1]);
        assert_eq!(pick(&one, &Tried::new()), Some(0));
        assert_eq!(pick(&one, &tried(&one, &[0])), None);
        let mixed = members(&[1, 0, 10_000]);
        assert_eq!(pick(&mixed, &tried(&mixed, &[2])), Some(0), "{balancer:?}");
        assert_eq!(pick(&mixed, &tried(&mixed, &[0, 2])), None);
    }
}

#[test]
fn round_robin_is_exact_and_smooth() {
    let weights = [5, 1, 1, 3];
    let members = members(&weights);
    let balancer = RoundRobin::starting_at(0);
    let mut rng = rng();
    let mut order: Vec<usize> = Vec::new();
    for _ in 0..20 {
        order.push(balancer.pick(&members, &Tried::new(), &mut rng).unwrap());
    }
    for cycle in order.chunks(10) {
        for (index, weight) in weights.iter().enumerate() {
            let count = cycle.iter().filter(|picked| **picked == index).count();
            assert_eq!(count, *weight as usize, "{order:?}");
        }
    }
    // The heaviest has half of the picks: never more than two in a row.
    assert!(
        order.windows(3).all(|three| three != [0, 0, 0]),
        "{order:?}"
    );

    let equal = self::members(&[2, 2, 2]);
    let balancer = RoundRobin::starting_at(1);
    let order: Vec<_> = (0..6)
        .map(|_| balancer.pick(&equal, &Tried::new(), &mut rng))
        .collect();
    assert_eq!(order, [1, 2, 0, 1, 2, 0].map(Some));
}

#[test]
fn least_request_evens_the_load_out() {
    // Requests that never end: what counts is how evenly they pile up.
    let members = members(&[1, 1, 1, 1, 2, 2]);
    let mut rng = rng();
    for _ in 0..8000 {
        let index = LeastRequest
            .pick(&members, &Tried::new(), &mut rng)
            .unwrap();
        std::mem::forget(members.get(index).unwrap().endpoint.begin());
    }
    for member in &members {
        let fair = 1000 * member.weight;
        let active = member.endpoint.active();
        assert!(
            active.abs_diff(fair) <= 10 * member.weight,
            "{active} of {fair}"
        );
    }
}

#[test]
fn least_request_avoids_the_busy_one() {
    let members = members(&[1, 1]);
    let endpoint = &members.get(0).unwrap().endpoint;
    let busy = endpoint.begin();
    assert_eq!(picks(&LeastRequest, &members, &Tried::new(), 100), [0, 100]);
    drop(busy);
    assert_eq!(endpoint.active(), 0);
}
