//! Times of tables: which column, and its values in ns.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::epoch;
use verismo_market::event::NO_TIME;

/// Names taken for a time, most specific first.
const NAMES: [&str; 17] = [
    "event_timestamp",
    "exchange_time",
    "origin_time",
    "exchange_timestamp",
    "event_time",
    "transact_time",
    "timestamp",
    "datetime",
    "date_time",
    "time",
    "ts",
    "t_ns",
    "time_ns",
    "received_time",
    "local_timestamp",
    "date",
    "t",
];

/// Index of the column whose name says time.
pub(super) fn by_name<'a>(names: impl Iterator<Item = &'a str>) -> Option<usize> {
    let ranked = names.enumerate().filter_map(|(i, name)| {
        let name = name.trim().to_ascii_lowercase();
        NAMES.iter().position(|n| *n == name).map(|rank| (rank, i))
    });
    ranked.min().map(|(_, i)| i)
}

/// What a time should be, for error messages.
pub(super) const EXPECTED: &str = "a time (epoch number or ISO 8601)";

/// A time in text: an epoch number of any unit, or ISO 8601 with or without a zone (UTC is then meant).
pub(super) fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(stamp) = text.parse::<i64>() {
        return Some(epoch::to_ns(stamp).0).filter(|t| *t != NO_TIME);
    }
    if text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return from_decimal(text);
    }
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return i64::try_from(timestamp.as_nanosecond()).ok();
    }
    if let Ok(stamp) = text.parse::<f64>() {
        return from_f64(stamp);
    }
    let civil = text.parse::<DateTime>().ok().or_else(|| text.parse::<jiff::civil::Date>().ok().map(DateTime::from))?;
    i64::try_from(TimeZone::UTC.to_timestamp(civil).ok()?.as_nanosecond()).ok()
}

/// `1723161255.208` exactly: the fraction has up to nine digits in the unit of the whole part.
fn from_decimal(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.')?;
    let (base, unit) = epoch::to_ns(whole.parse().ok()?);
    if base == NO_TIME {
        return None;
    }
    let mut rest = 0i64;
    let mut scale = unit.ns();
    for digit in fraction.bytes() {
        if !digit.is_ascii_digit() {
            return None;
        }
        scale /= 10;
        rest += i64::from(digit - b'0') * scale;
    }
    base.checked_add(rest)
}

/// An epoch number held in a float, by magnitude; below the float's own resolution it is rounded.
pub(super) fn from_f64(stamp: f64) -> Option<i64> {
    if !stamp.is_finite() || stamp.abs() >= 9.2e18 {
        return None;
    }
    let whole = stamp.trunc();
    let (base, unit) = epoch::to_ns(whole as i64);
    if base == NO_TIME {
        return None;
    }
    base.checked_add(((stamp - whole) * unit.ns() as f64).round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn forms_of_one_instant() {
        let want = 1_723_161_255_208_000_000;
        for text in [
            "1723161255.208",
            "1723161255208",
            "1723161255208000",
            "1723161255208000000",
            "2024-08-08T23:54:15.208Z",
            "2024-08-08 23:54:15.208",
            "2024-08-08T23:54:15.208",
            "2024-08-09T01:54:15.208+02:00",
            " 2024-08-08T23:54:15.208Z ",
        ] {
            assert_eq!(parse(text), Some(want), "{text}");
        }
        assert_eq!(parse("2024-08-08"), Some(1_723_075_200_000_000_000));
        assert_eq!(parse("1.723161255208e12"), Some(want));
        for text in ["", "NaN", "abc", "12:30", "1.2.3", "99999999999", "-", "."] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_most_specific_name_wins() {
        assert_eq!(by_name(["price", "date", "Timestamp"].into_iter()), Some(2));
        assert_eq!(by_name(["price", "size"].into_iter()), None);
    }

    proptest! {
        #[test]
        fn any_text_is_an_answer(text in "\\PC{0,30}") {
            let _ = parse(&text);
        }

        #[test]
        fn any_float_is_an_answer(stamp in any::<f64>()) {
            let _ = from_f64(stamp);
        }
    }
}
