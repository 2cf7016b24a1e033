//! Points in time as people write them.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// The time meant by `2026-11-30` (its start in UTC), `2026-11-30T08:00:00Z`, or a stretch before now such as `7d`, `36h`,
/// `2 weeks`; milliseconds since the epoch. `None` for anything else.
pub fn parse_since(text: &str) -> Option<i64> {
    before(text, Timestamp::now())
}

fn before(text: &str, now: Timestamp) -> Option<i64> {
    let text = text.trim();
    let time = if let Ok(time) = text.parse::<Timestamp>() {
        time
    } else if let Ok(date) = text.parse::<Date>() {
        date.to_zoned_datetime(TimeZone::UTC).ok()?.timestamp()
    } else {
        let span: Span = text.parse().ok()?;
        now.to_zoned_datetime(TimeZone::UTC).checked_sub(span.abs()).ok()?.timestamp()
    };
    Some(time.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_times_and_stretches() {
        let now: Timestamp = "2026-11-30T10:00:00Z".parse().unwrap();
        let at = |text: &str| before(text, now).map(|ms| Timestamp::from_millisecond(ms).unwrap().to_string());
        for (text, want) in [
            ("2026-11-01", "2026-11-01T00:00:00Z"),
            ("2026-11-01T08:30:00Z", "2026-11-01T08:30:00Z"),
            ("2026-11-01T08:30:00+02:00", "2026-11-01T06:30:00Z"),
            ("36h", "2026-11-28T22:00:00Z"),
            ("7d", "2026-11-23T10:00:00Z"),
            ("2 weeks", "2026-11-16T10:00:00Z"),
            ("90 min", "2026-11-30T08:30:00Z"),
        ] {
            assert_eq!(at(text).as_deref(), Some(want), "{text}");
        }
        for text in ["", "yesterday", "7", "2026-13-01", "99999999999999 years"] {
            assert_eq!(at(text), None, "{text}");
        }
    }
}
