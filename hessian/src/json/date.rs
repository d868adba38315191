//! Dates as text: RFC 3339, in the proleptic Gregorian calendar, without leap seconds, as Java counts.

const DAY: i64 = 86_400_000;

/// Days from 1970-01-01. Months count from March, so that the leap day ends the year.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let month = (month + 9) % 12;
    let before_year = year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let before_month = (month * 306 + 5) / 10;
    // 719468 days lie between 0000-03-01 and 1970-01-01.
    before_year + before_month + day - 1 - 719_468
}

fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (year * 365 + year / 4 - year / 100);
    let month = (day * 5 + 2) / 153;
    let day = day - (month * 306 + 5) / 10 + 1;
    let january = month >= 10;
    (
        era * 400 + year + i64::from(january),
        if january { month - 9 } else { month + 3 },
        day,
    )
}

/// Milliseconds since the epoch as RFC 3339 in UTC; `None` outside the years 0 to 9999.
pub(super) fn format(millis: i64) -> Option<String> {
    let (year, month, day) = civil(millis.div_euclid(DAY));
    if !(0..=9999).contains(&year) {
        return None;
    }
    let time = millis.rem_euclid(DAY);
    let (seconds, millis) = (time / 1000, time % 1000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let fraction = if millis == 0 {
        String::new()
    } else {
        format!(".{millis:03}")
    };
    Some(format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z"
    ))
}

/// RFC 3339, or a date alone (its midnight in UTC), as milliseconds since the epoch; digits behind the
/// third of a fraction are dropped.
pub(super) fn parse(text: &str) -> Option<i64> {
    let mut scan = Scan(text.as_bytes());
    let year = scan.digits(4)?;
    scan.byte(b"-")?;
    let month = scan.digits(2)?;
    scan.byte(b"-")?;
    let day = scan.digits(2)?;
    let date = days(year, month, day);
    if civil(date) != (year, month, day) {
        return None;
    }
    if scan.0.is_empty() {
        return Some(date * DAY);
    }
    scan.byte(b"Tt ")?;
    let hour = scan.digits(2)?;
    scan.byte(b":")?;
    let minute = scan.digits(2)?;
    scan.byte(b":")?;
    let second = scan.digits(2)?;
    let mut millis = 0;
    if scan.byte(b".").is_some() {
        millis = scan.fraction()?;
    }
    let offset = match scan.byte(b"Zz+-")? {
        sign @ (b'+' | b'-') => {
            let hours = scan.digits(2)?;
            scan.byte(b":")?;
            let minutes = scan.digits(2)?;
            if hours > 23 || minutes > 59 {
                return None;
            }
            (hours * 60 + minutes) * if sign == b'+' { 60_000 } else { -60_000 }
        }
        _ => 0,
    };
    if hour > 23 || minute > 59 || second > 59 || !scan.0.is_empty() {
        return None;
    }
    Some(date * DAY + ((hour * 60 + minute) * 60 + second) * 1000 + millis - offset)
}

struct Scan<'a>(&'a [u8]);

impl Scan<'_> {
    fn byte(&mut self, any_of: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        any_of.contains(first).then(|| self.0 = rest)?;
        Some(*first)
    }

    fn digits(&mut self, n: usize) -> Option<i64> {
        (0..n).try_fold(0, |number, _| {
            self.byte(b"0123456789")
                .map(|digit| number * 10 + i64::from(digit - b'0'))
        })
    }

    /// One or more digits, as thousandths.
    fn fraction(&mut self) -> Option<i64> {
        let mut millis = self.digits(1)? * 100;
        let mut unit = 10;
        while let Some(digit) = self.digits(1) {
            millis += digit * unit;
            unit /= 10;
        }
        Some(millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_instants() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (894_621_091_000, "1998-05-08T09:51:31Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_700_000_000_123, "2023-11-14T22:13:20.123Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            (-62_167_219_200_000, "0000-01-01T00:00:00Z"),
        ] {
            assert_eq!(format(millis).as_deref(), Some(text));
            assert_eq!(parse(text), Some(millis));
        }
        assert_eq!(format(253_402_300_800_000), None);
        assert_eq!(format(-62_167_219_200_001), None);
        assert_eq!((format(i64::MAX), format(i64::MIN)), (None, None));
    }

    #[test]
    fn every_day_of_eight_centuries_goes_both_ways() {
        let mut next = days(1600, 1, 1);
        for year in 1600..2400 {
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let lengths = [
                31,
                28 + i64::from(leap),
                31,
                30,
                31,
                30,
                31,
                31,
                30,
                31,
                30,
                31,
            ];
            for (month, length) in (1..).zip(lengths) {
                for day in 1..=length {
                    assert_eq!(days(year, month, day), next);
                    assert_eq!(civil(next), (year, month, day));
                    next += 1;
                }
            }
        }
    }

    #[test]
    fn offsets_fractions_and_dates_alone() {
        assert_eq!(parse("1970-01-01T01:00:00+01:00"), Some(0));
        assert_eq!(parse("1969-12-31 19:30:00.5-04:30"), Some(500));
        assert_eq!(parse("1970-01-01T00:00:00.123456789Z"), Some(123));
        assert_eq!(parse("1970-01-02"), Some(DAY));
    }

    #[test]
    fn other_text_is_no_date() {
        for text in [
            "",
            "1970",
            "1970-13-01",
            "1970-02-29",
            "1970-00-10",
            "1970-01-00",
            "1970-01-01T24:00:00Z",
            "1970-01-01T00:60:00Z",
            "1970-01-01T00:00:60Z",
            "1970-01-01T00:00:00",
            "1970-01-01T00:00:00.Z",
            "1970-01-01T00:00:00Zx",
            "1970-01-01T00:00:00+24:00",
            "+970-01-01",
            "1970-01-01Tü",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
