//! How the load is divided among priorities, by how many of their endpoints are well.
//!
//! The rules are Envoy's (its documentation: "Priority levels", "Degraded endpoints", "Panic threshold"): a priority
//! carries its share of the load times the overprovisioning for each endpoint that is well, up to all of it; what is left
//! goes to the next one. If all together cannot carry the load, it is scaled, and those of which fewer endpoints are well
//! than the panic threshold use all of theirs.

/// The endpoints of one priority.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Level {
    /// All that may be picked when health does not count.
    pub(super) all: usize,
    pub(super) healthy: usize,
    pub(super) degraded: usize,
}

/// What one priority carries, in percent of the load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Load {
    pub(super) healthy: u32,
    pub(super) degraded: u32,
    /// Its endpoints are used whether they are well or not.
    pub(super) panic: bool,
}

/// The loads of `levels`. `overprovisioning` is a factor, `threshold` percent. The sum is 100 unless there is no
/// endpoint, or none is well and `threshold` is 0.
pub(super) fn loads(levels: &[Level], overprovisioning: f64, threshold: u32) -> Vec<Load> {
    let carries = |part: usize, all: usize| capacity(part, all, overprovisioning);
    let healthy: Vec<u32> = levels.iter().map(|l| carries(l.healthy, l.all)).collect();
    let degraded: Vec<u32> = levels.iter().map(|l| carries(l.degraded, l.all)).collect();
    let total = healthy.iter().chain(&degraded).sum::<u32>().min(100);
    let mut loads = vec![Load::default(); levels.len()];
    if total > 0 {
        distribute(&mut loads, &healthy, &degraded, total);
    }
    for (load, level) in loads.iter_mut().zip(levels) {
        let well = level.healthy + level.degraded;
        load.panic = total < 100 && below(well, level.all, threshold);
    }
    if loads.iter().all(|load| load.panic) {
        by_size(&mut loads, levels);
    }
    loads
}

/// What a priority can carry, in percent of the load, rounded down.
fn capacity(part: usize, all: usize, overprovisioning: f64) -> u32 {
    if all == 0 {
        return 0;
    }
    // Whole thousandths, so that 100 / 1.4 is not lost to a rounding error.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the factor is between 1 and 10"
    )]
    let thousandths = (overprovisioning * 1000.0).round() as u64;
    let percent = thousandths * part as u64 / (all as u64 * 10);
    u32::try_from(percent.min(100)).unwrap_or(100)
}

fn below(well: usize, all: usize, threshold: u32) -> bool {
    // A priority without endpoints has none that are well.
    if all == 0 {
        return threshold > 0;
    }
    (well as u64) * 100 < u64::from(threshold) * all as u64
}

fn distribute(loads: &mut [Load], healthy: &[u32], degraded: &[u32], total: u32) {
    let mut left = 100;
    for (load, health) in loads.iter_mut().zip(healthy) {
        load.healthy = (health * 100 / total).min(left);
        left -= load.healthy;
    }
    for (load, health) in loads.iter_mut().zip(degraded) {
        load.degraded = (health * 100 / total).min(left);
        left -= load.degraded;
    }
    // What rounding has left.
    let first = |some: &[u32]| some.iter().position(|health| *health > 0);
    if let Some(load) = first(healthy).and_then(|at| loads.get_mut(at)) {
        load.healthy += left;
    } else if let Some(load) = first(degraded).and_then(|at| loads.get_mut(at)) {
        load.degraded += left;
    }
}

/// All in panic: by the number of endpoints.
fn by_size(loads: &mut [Load], levels: &[Level]) {
    let sum: usize = levels.iter().map(|level| level.all).sum();
    let mut left = 100;
    for (load, level) in loads.iter_mut().zip(levels) {
        let percent = (level.all * 100).checked_div(sum).unwrap_or(0);
        load.healthy = u32::try_from(percent).unwrap_or(100);
        load.degraded = 0;
        left -= load.healthy;
    }
    let first = levels.iter().position(|level| level.all > 0);
    if let Some(load) = first.and_then(|at| loads.get_mut(at)) {
        load.healthy += left;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Priorities of 100 endpoints each of which so many are healthy.
    fn of(healthy: &[usize]) -> Vec<Level> {
        let level = |healthy: &usize| Level {
            all: 100,
            healthy: *healthy,
            degraded: 0,
        };
        healthy.iter().map(level).collect()
    }

    fn shares(healthy: &[usize]) -> Vec<u32> {
        let loads = loads(&of(healthy), 1.4, 0);
        assert_eq!(
            loads.iter().map(|l| l.healthy + l.degraded).sum::<u32>(),
            100
        );
        loads.iter().map(|load| load.healthy).collect()
    }

    #[test]
    fn what_a_priority_cannot_carry_goes_to_the_next() {
        // The tables of Envoy's documentation of priority levels.
        for (healthy, expected) in [
            (vec![100, 100], vec![100, 0]),
            (vec![72, 100], vec![100, 0]),
            (vec![71, 100], vec![99, 1]),
            (vec![50, 100], vec![70, 30]),
            (vec![25, 100], vec![35, 65]),
            (vec![0, 100], vec![0, 100]),
            (vec![72, 72], vec![100, 0]),
            (vec![71, 71], vec![99, 1]),
            (vec![50, 50], vec![70, 30]),
            (vec![25, 25], vec![50, 50]),
            (vec![71, 71, 100], vec![99, 1, 0]),
            (vec![50, 50, 100], vec![70, 30, 0]),
            (vec![25, 100, 100], vec![35, 65, 0]),
            (vec![25, 25, 100], vec![35, 35, 30]),
        ] {
            assert_eq!(shares(&healthy), expected, "{healthy:?}");
        }
        assert_eq!(
            shares(&[20, 20, 20]),
            [34, 33, 33],
            "the first has the rest"
        );
    }

    #[test]
    fn degraded_endpoints_take_what_no_healthy_one_carries() {
        // Envoy's example: 10, 20 and 10 % healthy, 20, 10 and 0 % degraded.
        let levels = [(10, 20), (20, 10), (10, 0)].map(|(healthy, degraded)| Level {
            all: 100,
            healthy,
            degraded,
        });
        let loads: Vec<_> = loads(&levels, 1.4, 0)
            .iter()
            .map(|load| (load.healthy, load.degraded))
            .collect();
        assert_eq!(loads, [(16, 28), (28, 14), (14, 0)]);
    }

    #[test]
    fn panic_needs_both_few_that_are_well_and_load_that_nobody_carries() {
        let panics = |healthy: &[usize], threshold| -> Vec<bool> {
            let loads = loads(&of(healthy), 1.4, threshold);
            loads.iter().map(|load| load.panic).collect()
        };
        assert_eq!(
            panics(&[25, 75], 50),
            [false, false],
            "the second carries it"
        );
        assert_eq!(panics(&[5, 65], 50), [true, false]);
        assert_eq!(panics(&[25, 25], 50), [true, true]);
        assert_eq!(panics(&[50], 50), [false], "half is enough");
        assert_eq!(panics(&[49], 50), [true]);
        assert_eq!(panics(&[49], 49), [false]);
        assert_eq!(panics(&[0, 0], 0), [false, false], "switched off");
        let loads = loads(&of(&[5, 65]), 1.4, 50);
        assert_eq!((loads[0].healthy, loads[1].healthy), (8, 92));
    }

    #[test]
    fn if_all_panic_the_load_goes_by_size() {
        let level = |all, healthy| Level {
            all,
            healthy,
            degraded: 0,
        };
        let loads = loads(&[level(0, 0), level(20, 1), level(10, 0)], 1.4, 50);
        assert!(loads.iter().all(|load| load.panic));
        let shares: Vec<_> = loads.iter().map(|load| load.healthy).collect();
        assert_eq!(shares, [0, 67, 33]);
    }

    #[test]
    fn none_well_and_no_panic_is_nobody() {
        let loads = loads(&of(&[0, 0]), 1.4, 0);
        assert_eq!(loads, [Load::default(); 2]);
    }
}
