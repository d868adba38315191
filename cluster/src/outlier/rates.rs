//! Which endpoints stand out from the others in an interval.

use super::Reason;
use super::tally::Interval;
use crate::config::OutlierConfig;

/// What one endpoint did, with its place.
pub(super) type Report = (usize, Interval);

/// The outliers, each with the first reason that there is for it. `draw` is a number below 100, for reasons that are not
/// enforced on all.
pub(super) fn outliers(
    config: &OutlierConfig,
    reports: &[Report],
    mut draw: impl FnMut() -> u32,
) -> Vec<(usize, Reason)> {
    let mut found: Vec<(usize, Reason)> = Vec::new();
    let mut add = |places: Vec<usize>, reason| {
        for place in places {
            if !found.iter().any(|(known, _)| *known == place) {
                found.push((place, reason));
            }
        }
    };
    let mut unlucky = by_success_rate(config, reports);
    unlucky.retain(|_| draw() < config.success_rate.enforce);
    add(unlucky, Reason::SuccessRate);
    add(by_percentage(config, reports), Reason::FailurePercentage);
    add(by_latency(config, reports), Reason::Latency);
    found
}

/// Those with enough to compare; none if they are too few.
fn comparable(
    reports: &[Report],
    volume: u32,
    least: u32,
    count: impl Fn(&Interval) -> u32,
) -> Vec<Report> {
    let enough = |report: &&Report| count(&report.1) >= volume;
    let found: Vec<_> = reports.iter().filter(enough).copied().collect();
    match found.len() >= usize::try_from(least).unwrap_or(usize::MAX) {
        true => found,
        false => Vec::new(),
    }
}

fn by_success_rate(config: &OutlierConfig, reports: &[Report]) -> Vec<usize> {
    let rule = &config.success_rate;
    let reports = comparable(reports, rule.volume, rule.min_endpoints, |one| one.requests);
    let rates = reports.iter().map(|(_, one)| 100.0 - failed_percent(one));
    let rates: Vec<f64> = rates.collect();
    let mean = mean(rates.iter().copied(), rates.len());
    let squares = rates.iter().map(|rate| (rate - mean).powi(2));
    let deviation = self::mean(squares, rates.len()).sqrt();
    let least = mean - rule.deviations.get() * deviation;
    let places = reports.iter().zip(rates);
    places
        .filter(|(_, rate)| *rate < least)
        .map(|((place, _), _)| *place)
        .collect()
}

fn by_percentage(config: &OutlierConfig, reports: &[Report]) -> Vec<usize> {
    let Some(rule) = &config.failure_percentage else {
        return Vec::new();
    };
    let reports = comparable(reports, rule.volume, rule.min_endpoints, |one| one.requests);
    let bad = reports
        .iter()
        .filter(|(_, one)| failed_percent(one) >= f64::from(rule.threshold));
    bad.map(|(place, _)| *place).collect()
}

fn by_latency(config: &OutlierConfig, reports: &[Report]) -> Vec<usize> {
    let Some(rule) = &config.latency else {
        return Vec::new();
    };
    let reports = comparable(reports, rule.volume, rule.min_endpoints, |one| one.answers);
    let mean = |one: &Interval| one.micros / u64::from(one.answers.max(1));
    let mut means: Vec<u64> = reports.iter().map(|(_, one)| mean(one)).collect();
    means.sort_unstable();
    // Of two in the middle the quicker: of two endpoints the slow one can stand out too.
    let Some(median) = means.get(means.len().saturating_sub(1) / 2).copied() else {
        return Vec::new();
    };
    let floor = u64::try_from(rule.floor.0.as_micros()).unwrap_or(u64::MAX);
    let slow = reports.iter().filter(|(_, one)| {
        let mean = mean(one);
        mean > floor && as_float(mean) > rule.factor.get() * as_float(median)
    });
    slow.map(|(place, _)| *place).collect()
}

fn failed_percent(one: &Interval) -> f64 {
    100.0 * f64::from(one.failed) / f64::from(one.requests.max(1))
}

#[expect(clippy::cast_precision_loss, reason = "microseconds far below 2^52")]
fn as_float(micros: u64) -> f64 {
    micros as f64
}

#[expect(
    clippy::cast_precision_loss,
    reason = "numbers of endpoints are far below 2^52"
)]
fn mean(of: impl Iterator<Item = f64>, count: usize) -> f64 {
    of.sum::<f64>() / count.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{FailurePercentage, LatencyOutlier};

    fn failures(requests: u32, failed: &[u32]) -> Vec<Report> {
        let one = |(place, failed): (usize, &u32)| {
            let interval = Interval {
                requests,
                failed: *failed,
                ..Interval::default()
            };
            (place, interval)
        };
        failed.iter().enumerate().map(one).collect()
    }

    #[test]
    fn success_rates_are_compared_with_the_others() {
        let config = OutlierConfig::default();
        let found = |reports: &[Report]| outliers(&config, reports, || 0);
        let reports = failures(100, &[0, 1, 0, 1, 50]);
        assert_eq!(found(&reports), [(4, Reason::SuccessRate)]);
        // All alike, too few requests, too few endpoints.
        assert_eq!(found(&failures(100, &[50; 5])), []);
        assert_eq!(found(&failures(99, &[0, 0, 0, 0, 50])), []);
        assert_eq!(found(&failures(100, &[0, 0, 0, 50])), []);
        let mut half = config.clone();
        half.success_rate.enforce = 50;
        assert_eq!(outliers(&half, &reports, || 50), []);
        assert_eq!(outliers(&half, &reports, || 49).len(), 1);
    }

    #[test]
    fn a_percentage_of_failures_is_absolute() {
        let config = OutlierConfig {
            failure_percentage: Some(FailurePercentage::default()),
            ..OutlierConfig::default()
        };
        let found = outliers(&config, &failures(50, &[43, 50, 42, 0, 0]), || 0);
        assert_eq!(
            found,
            [
                (0, Reason::FailurePercentage),
                (1, Reason::FailurePercentage)
            ]
        );
    }

    #[test]
    fn the_slow_one_stands_out_from_the_median() {
        let config = OutlierConfig {
            latency: Some(LatencyOutlier::default()),
            ..OutlierConfig::default()
        };
        let reports = |millis: &[u64]| -> Vec<Report> {
            let one = |(place, millis): (usize, &u64)| {
                let interval = Interval {
                    answers: 20,
                    micros: millis * 20_000,
                    ..Interval::default()
                };
                (place, interval)
            };
            millis.iter().enumerate().map(one).collect()
        };
        let found = |millis: &[u64]| outliers(&config, &reports(millis), || 0);
        assert_eq!(found(&[10, 12, 400]), [(2, Reason::Latency)]);
        assert_eq!(found(&[10, 12, 36]), []);
        assert_eq!(found(&[10, 400]), []);
        // Below the floor.
        assert_eq!(found(&[0, 0, 4]), []);
    }
}
