//! Today's date.

use std::time::{SystemTime, UNIX_EPOCH};

/// As `2026-11-23`, in UTC.
pub(super) fn today() -> String {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    of_days(since.as_secs() / 86_400)
}

/// The proleptic Gregorian date of a day since 1970-01-01.
fn of_days(days: u64) -> String {
    // Years begin in March here, so that a leap day is the last of its year; eras have 400 years.
    let shifted = days + 719_468;
    let (era, day) = (shifted / 146_097, shifted % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let in_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * in_year + 2) / 153;
    let in_month = in_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{in_month:02}")
}

#[cfg(test)]
mod tests {
    use super::of_days;

    #[test]
    fn days_are_dates() {
        assert_eq!(of_days(0), "1970-01-01");
        assert_eq!(of_days(11_016), "2000-02-29");
        assert_eq!(of_days(11_017), "2000-03-01");
        assert_eq!(of_days(20_453), "2025-12-31");
        assert_eq!(of_days(20_454), "2026-01-01");
    }
}
