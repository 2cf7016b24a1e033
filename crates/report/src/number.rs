//! Numbers as people read them: few digits, thousands apart, times in the unit that fits.

/// Significant digits of a measured number.
const DIGITS: usize = 3;

/// A measured number with three significant digits: `0.0123`, `12.3`, `1,235`, `1.23e-7`.
pub fn measured(x: f64) -> String {
    if !x.is_finite() {
        return "?".to_owned();
    }
    // Formatting in scientific notation does the rounding, so 0.9996 becomes 1.00e0 and is then seen as one.
    let scientific = format!("{x:.*e}", DIGITS - 1);
    let Some((_, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if x.abs() < f64::MIN_POSITIVE {
        return "0".to_owned();
    }
    match exponent {
        -4..=2 => {
            let decimals = usize::try_from(DIGITS as i32 - 1 - exponent).unwrap_or(0);
            trim_zeros(&format!("{x:.decimals$}"))
        }
        3..=8 => grouped_digits(&format!("{x:.0}")),
        _ => trim_exponent(&scientific),
    }
}

/// A price or a quantity with all its decimals, at most eight: `0.01`, `61234.5`.
pub fn exact(x: f64) -> String {
    if !x.is_finite() {
        return "?".to_owned();
    }
    trim_zeros(&format!("{x:.8}"))
}

/// A measured number, or a dash where there is none.
pub fn optional(x: Option<f64>) -> String {
    x.map_or_else(|| "-".to_owned(), measured)
}

/// `[low, high]`.
pub fn interval(bounds: [f64; 2]) -> String {
    format!("[{}, {}]", measured(bounds[0]), measured(bounds[1]))
}

/// A count with thousands apart: `1,234,567`.
pub fn count(n: u64) -> String {
    grouped_digits(&n.to_string())
}

/// A count in at most five characters, for narrow columns: `950`, `12.3k`, `1.23M`.
pub fn short_count(n: u64) -> String {
    const STEPS: [(u64, &str); 3] = [(1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")];
    for (unit, suffix) in STEPS {
        // 999,950 and above would round up to 1000k.
        if n >= unit - unit / 2_000 && n >= 1_000 {
            let x = n as f64 / unit as f64;
            let decimals = if x >= 99.95 {
                0
            } else if x >= 9.995 {
                1
            } else {
                2
            };
            return format!("{x:.decimals$}{suffix}");
        }
    }
    n.to_string()
}

/// A share as a percentage: `0 %`, `0.013 %`, `12.3 %`.
pub fn percent(ratio: f64) -> String {
    format!("{} %", measured(100.0 * ratio))
}

/// A p-value: three digits, never a bare zero.
pub fn p_value(p: f64) -> String {
    if p < 1e-300 { "< 1e-300".to_owned() } else { measured(p) }
}

/// A length of time: `350 ms`, `41 s`, `7 min`, `2.5 h`, `3 days`.
pub fn duration(seconds: f64) -> String {
    let (value, unit) = match seconds {
        s if s < 1.0 => (1000.0 * s, "ms"),
        s if s < 120.0 => (s, "s"),
        s if s < 7_200.0 => (s / 60.0, "min"),
        s if s < 172_800.0 => (s / 3_600.0, "h"),
        s => (s / 86_400.0, "days"),
    };
    let text = if value < 10.0 { trim_zeros(&format!("{value:.1}")) } else { grouped_digits(&format!("{value:.0}")) };
    format!("{text} {unit}")
}

/// A number of bytes: `512 B`, `1.5 MB`.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if n < 1_000 {
        return format!("{n} B");
    }
    let mut x = n as f64;
    let mut unit = "B";
    for next in UNITS {
        if x < 999.5 {
            break;
        }
        x /= 1_000.0;
        unit = next;
    }
    format!("{} {unit}", measured(x))
}

/// A time in ns since the epoch as `2024-08-08 12:00:05 UTC`.
pub fn utc(ns: i64) -> String {
    let seconds = ns.div_euclid(1_000_000_000);
    let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02} UTC", of_day / 3_600, of_day / 60 % 60, of_day % 60)
}

/// Year, month and day of a day since 1970-01-01 in the proleptic Gregorian calendar.
///
/// # Source
/// Howard Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`.
fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let (era, of_era) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + 400 * era + i64::from(month <= 2), month, day)
}

fn trim_zeros(text: &str) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text.to_owned() }
}

fn trim_exponent(scientific: &str) -> String {
    match scientific.split_once('e') {
        Some((mantissa, exponent)) => format!("{}e{exponent}", trim_zeros(mantissa)),
        None => scientific.to_owned(),
    }
}

fn grouped_digits(text: &str) -> String {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |d| ("-", d));
    let mut grouped = String::with_capacity(text.len() + text.len() / 3);
    grouped.push_str(sign);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(c);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measured_numbers_have_three_digits_and_no_noise() {
        let cases = [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (0.012345, "0.0123"),
            (0.00012, "0.00012"),
            (0.00001234, "1.23e-5"),
            (0.9996, "1"),
            (99.96, "100"),
            (123.4, "123"),
            (-1234.5, "-1,234"),
            (999_999.6, "1,000,000"),
            (1.5e12, "1.5e12"),
            (f64::NAN, "?"),
            (f64::INFINITY, "?"),
            (5e-324, "0"),
        ];
        for (x, want) in cases {
            assert_eq!(measured(x), want, "{x}");
        }
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        let cases = [
            (0, "1970-01-01 00:00:00 UTC"),
            (-1, "1969-12-31 23:59:59 UTC"),
            (951_782_400_000_000_000, "2000-02-29 00:00:00 UTC"),
            (1_723_118_405_999_999_999, "2024-08-08 12:00:05 UTC"),
            (4_107_542_399_000_000_000, "2100-02-28 23:59:59 UTC"),
            (4_107_542_400_000_000_000, "2100-03-01 00:00:00 UTC"),
        ];
        for (ns, want) in cases {
            assert_eq!(utc(ns), want);
        }
    }

    #[test]
    fn counts_times_and_bytes() {
        let counts = [0, 999, 1_000, 12_345, 999_499, 999_950, 1_234_567, 99_960_000, 5_000_000_000];
        let shown: Vec<String> = counts.iter().map(|&n| short_count(n)).collect();
        assert_eq!(shown, ["0", "999", "1.00k", "12.3k", "999k", "1.00M", "1.23M", "100M", "5.00G"]);
        assert_eq!(count(1_234_567), "1,234,567");
        let times = [0.0, 0.0004, 0.35, 41.0, 119.0, 420.0, 9_000.0, 259_200.0];
        let shown: Vec<String> = times.iter().map(|&s| duration(s)).collect();
        assert_eq!(shown, ["0 ms", "0.4 ms", "350 ms", "41 s", "119 s", "7 min", "2.5 h", "3 days"]);
        assert_eq!([0, 999, 1_000, 999_999, 1_500_000].map(bytes), ["0 B", "999 B", "1 kB", "1 MB", "1.5 MB"]);
        assert_eq!([0.0, 0.5, 0.00013].map(percent), ["0 %", "50 %", "0.013 %"]);
        assert_eq!([0.0, 0.04].map(p_value), ["< 1e-300", "0.04"]);
        assert_eq!([0.1, 61_234.5, 1e-8, 0.0, f64::NAN].map(exact), ["0.1", "61234.5", "0.00000001", "0", "?"]);
    }
}
