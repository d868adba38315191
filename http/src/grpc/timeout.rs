//! `grpc-timeout`: one to eight digits and a unit (gRPC over HTTP/2, "Timeout").

use std::time::Duration;

/// What the caller will wait. None if the value is not in the form, which then counts as absent, and for none at all.
pub fn parse(value: &[u8]) -> Option<Duration> {
    let (unit, digits) = value.split_last()?;
    if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let timeout = match unit {
        b'H' => Duration::from_secs(number * 3600),
        b'M' => Duration::from_secs(number * 60),
        b'S' => Duration::from_secs(number),
        b'm' => Duration::from_millis(number),
        b'u' => Duration::from_micros(number),
        b'n' => Duration::from_nanos(number),
        _ => return None,
    };
    // A timeout of nothing is over already; the shortest there is stands for it.
    Some(timeout.max(Duration::from_nanos(1)))
}

/// A timeout in the finest unit that takes it in eight digits, rounded up to it.
pub fn format(timeout: Duration) -> String {
    const MOST: u128 = 99_999_999;
    let units = [
        ('n', 1),
        ('u', 1_000),
        ('m', 1_000_000),
        ('S', 1_000_000_000),
        ('M', 60_000_000_000),
        ('H', 3_600_000_000_000),
    ];
    let nanos = timeout.as_nanos().max(1);
    let fits = units
        .iter()
        .map(|(unit, size)| (nanos.div_ceil(*size), unit));
    match fits.into_iter().find(|(number, _)| *number <= MOST) {
        Some((number, unit)) => format!("{number}{unit}"),
        None => format!("{MOST}H"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_that_are_and_forms_that_are_not() {
        assert_eq!(parse(b"4990m"), Some(Duration::from_millis(4990)));
        assert_eq!(parse(b"1H"), Some(Duration::from_secs(3600)));
        assert_eq!(parse(b"0m"), Some(Duration::from_nanos(1)));
        for bad in ["", "m", "abc", "-1m", "123456789m", "12", "1x", "1 m"] {
            assert_eq!(parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn what_is_written_reads_back_no_shorter() {
        for nanos in [1, 99_999_999, 100_000_001, 15_000_000_000, u64::MAX / 4] {
            let timeout = Duration::from_nanos(nanos);
            let read = parse(format(timeout).as_bytes()).unwrap();
            assert!(
                read >= timeout && read.as_nanos() <= timeout.as_nanos() * 101 / 100,
                "{timeout:?}"
            );
        }
        assert_eq!(format(Duration::from_millis(4990)), "4990000u");
    }
}
