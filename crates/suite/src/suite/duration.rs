//! Durations as suites write them: `100ms`, `10s`, `1m`.

const UNITS: [(&str, i64); 6] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// A duration in ns, from a whole number and a unit (`ns`, `us`, `ms`, `s`, `m`, `h`); `None` for anything else.
pub fn parse_duration(text: &str) -> Option<i64> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let (_, ns) = UNITS.iter().find(|(name, _)| *name == unit.trim())?;
    number.parse::<i64>().ok()?.checked_mul(*ns)
}

/// A duration in the largest unit that keeps it whole.
pub fn format_duration(ns: i64) -> String {
    let (name, unit) = UNITS.iter().rev().find(|(_, unit)| ns != 0 && ns % unit == 0).unwrap_or(&("s", 1));
    format!("{}{name}", ns / unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_round_trip() {
        for text in ["1ns", "100ms", "10s", "1m", "2h", "1500ms", "0s"] {
            assert_eq!(format_duration(parse_duration(text).unwrap()), text);
        }
        assert_eq!(parse_duration("10 s"), Some(10_000_000_000));
        for bad in ["", "s", "1", "1.5s", "-1s", "1d", "99999999999h"] {
            assert_eq!(parse_duration(bad), None, "{bad}");
        }
    }
}
