//! What is left out, as command lines say it.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;
use verismo_engine::Cut;
use verismo_suite::report::Report;
use verismo_suite::what_if::LeftOut;

use crate::CliError;
use crate::args::WhatIfArgs;

const MINUTES_A_DAY: i64 = 24 * 60;

/// What a command line leaves out of the run of this report.
///
/// # Errors
/// `bad-window`, with what is expected.
pub(super) fn parse(args: &WhatIfArgs, report: &Report) -> Result<Vec<Cut>, CliError> {
    let day = day_of(report);
    let windows = args.drop_window.iter().map(|text| window(text, day));
    let hours = args.drop_hours.iter().map(|text| hours(text));
    let symbols = args.drop_symbol.iter().map(|name| Ok(Cut::Symbol(name.clone())));
    windows.chain(hours).chain(symbols).collect()
}

/// Refuses what takes nothing away.
///
/// # Errors
/// `no-such-symbol`, `no-such-window`, with what there is.
pub(super) fn check(cuts: &[Cut], windows: &[[u64; 2]], report: &Report) -> Result<(), CliError> {
    let Some((cut, _)) = cuts.iter().zip(windows).find(|(_, windows)| **windows == [0, 0]) else { return Ok(()) };
    let names: Vec<&str> = report.streams.iter().map(|pair| pair.name.as_str()).collect();
    let told = text(cut);
    if let Cut::Symbol(_) = cut {
        let error = CliError::usage("no-such-symbol", format_args!("the run has no stream for {told}"));
        return Err(error.help(format_args!("there are: {}", names.join(", "))));
    }
    let spans: Vec<String> = report
        .streams
        .iter()
        .flat_map(|pair| {
            [("golden", pair.golden_span_ns), ("candidate", pair.candidate_span_ns)].map(|s| (&pair.name, s))
        })
        .filter_map(|(name, (side, span))| {
            let (from, to) = span?;
            Some(format!("{name} {side} from {} to {}", time(from), time(to)))
        })
        .collect();
    Err(CliError::usage("no-such-window", format_args!("no window of the run lies in {told}"))
        .help(format_args!("there are: {}", spans.join("; "))))
}

/// Cuts and how many windows each takes away, for an answer.
pub(super) fn told(cuts: &[Cut], windows: &[[u64; 2]]) -> Vec<LeftOut> {
    let one = |(cut, windows): (&Cut, &[u64; 2])| {
        let (kind, symbol, span) = match cut {
            Cut::Symbol(name) => ("symbol", Some(name.clone()), None),
            Cut::Window { symbol, from_ns, to_ns } => ("window", symbol.clone(), Some((*from_ns, *to_ns))),
            Cut::Hours { .. } => ("hours", None, None),
        };
        let (from_ns, to_ns) = span.unzip();
        LeftOut { kind: kind.to_owned(), symbol, from_ns, to_ns, text: text(cut), windows: *windows }
    };
    cuts.iter().zip(windows).map(one).collect()
}

/// As the command line takes it.
fn text(cut: &Cut) -> String {
    match cut {
        Cut::Symbol(name) => format!("--drop-symbol {name}"),
        Cut::Window { symbol, from_ns, to_ns } => {
            let symbol = symbol.as_ref().map(|symbol| format!("{symbol}@")).unwrap_or_default();
            format!("--drop-window {symbol}{}..{}", time(*from_ns), time(*to_ns))
        }
        Cut::Hours { from_min, to_min } => {
            let clock = |minute: &i64| format!("{:02}:{:02}", minute / 60, minute % 60);
            format!("--drop-hours {}-{}", clock(from_min), clock(to_min))
        }
    }
}

/// RFC 3339 in UTC, with as many digits of the second as there are.
fn time(ns: i64) -> String {
    Timestamp::from_nanosecond(i128::from(ns)).map_or_else(|_| ns.to_string(), |time| time.to_string())
}

/// The one day, UTC, of all streams of a run.
fn day_of(report: &Report) -> Option<Date> {
    let spans = report.streams.iter().flat_map(|pair| [pair.golden_span_ns, pair.candidate_span_ns]).flatten();
    let mut days = spans.flat_map(|(from, to)| [from, to]).map(|ns| {
        let time = Timestamp::from_nanosecond(i128::from(ns)).ok()?;
        Some(Offset::UTC.to_datetime(time).date())
    });
    let first = days.next()??;
    days.all(|day| day == Some(first)).then_some(first)
}

fn window(text: &str, day: Option<Date>) -> Result<Cut, CliError> {
    let (symbol, range) = match text.rsplit_once('@') {
        Some((symbol, range)) => (Some(symbol.to_owned()).filter(|symbol| !symbol.is_empty()), range),
        None => (None, text),
    };
    let refused = |why: String| {
        CliError::usage("bad-window", format_args!("--drop-window {text}: {why}")).help(
            "expected FROM..TO in UTC, such as 2025-07-21T14:05:00..2025-07-21T14:10:00, or 14:05..14:10 of a run of one day; for one symbol \
             SYMBOL@FROM..TO",
        )
    };
    let Some((from, to)) = range.split_once("..") else { return Err(refused("there is no `..` in it".to_owned())) };
    let from_ns = instant(from, day).map_err(&refused)?;
    // A time alone goes with the day that was said before it.
    let day = date_of(from).or(day);
    let to_ns = instant(to, day).map_err(&refused)?;
    if to_ns <= from_ns {
        return Err(refused("it ends before it starts".to_owned()));
    }
    Ok(Cut::Window { symbol, from_ns, to_ns })
}

fn bare(text: &str) -> &str {
    let text = text.trim();
    text.strip_suffix(" UTC").or_else(|| text.strip_suffix(['Z', 'z'])).unwrap_or(text)
}

fn date_of(text: &str) -> Option<Date> {
    bare(text).parse::<DateTime>().ok().map(DateTime::date)
}

fn instant(text: &str, day: Option<Date>) -> Result<i64, String> {
    // With an offset it is an instant; a date and a time without one are UTC.
    if let Ok(time) = text.trim().parse::<Timestamp>() {
        return i64::try_from(time.as_nanosecond()).map_err(|_| format!("{text} is out of range"));
    }
    let plain = bare(text);
    let is_clock = plain.split_once(':').is_some_and(|(hour, _)| hour.len() <= 2);
    if plain.contains(['+', '[']) || (is_clock && plain.contains('-')) {
        return Err(format!("{text} has an offset without a date, or a time zone: UTC is wanted"));
    }
    let civil = if is_clock {
        let time: Time = plain.parse().map_err(|_| format!("{plain} is no time of day"))?;
        let day = day.ok_or_else(|| format!("{plain} has no date, and the run has more than one day"))?;
        day.to_datetime(time)
    } else {
        plain.parse::<DateTime>().map_err(|_| format!("{text} is no time"))?
    };
    let time = Offset::UTC.to_timestamp(civil).map_err(|e| e.to_string())?;
    i64::try_from(time.as_nanosecond()).map_err(|_| format!("{text} is out of range"))
}

fn hours(text: &str) -> Result<Cut, CliError> {
    let minute = |text: &str| -> Option<i64> {
        let (hour, minute) = text.trim().split_once(':').unwrap_or((text.trim(), "0"));
        let number = |text: &str, most: i64| {
            let is_number = (1..=2).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_digit());
            text.parse::<i64>().ok().filter(|n| is_number && *n <= most)
        };
        Some(60 * number(hour, 24)? + number(minute, 59)?).filter(|minutes| *minutes <= MINUTES_A_DAY)
    };
    let ends = text.split_once('-').and_then(|(from, to)| Some((minute(from)?, minute(to)?)));
    match ends.filter(|(from, to)| from != to && *from < MINUTES_A_DAY) {
        Some((from_min, to_min)) => Ok(Cut::Hours { from_min, to_min }),
        None => Err(CliError::usage("bad-window", format_args!("--drop-hours {text}: these are no two times of day"))
            .help("expected FROM-TO in UTC, such as 14-15 or 22:30-02:00")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_S: i64 = 1_753_056_000; // 2025-07-21

    #[test]
    fn windows_are_read_as_people_write_them_and_written_as_they_are_read() {
        let day: Date = "2025-07-21".parse().unwrap();
        let ns = |second: i64| (DAY_S + second) * 1_000_000_000;
        let from_to = |symbol: Option<&str>, from: i64, to: i64| Cut::Window {
            symbol: symbol.map(str::to_owned),
            from_ns: ns(from),
            to_ns: ns(to),
        };
        for (given, want) in [
            ("2025-07-21T14:05:00Z..2025-07-21T14:10:00Z", from_to(None, 50_700, 51_000)),
            ("2025-07-21 14:05:00 UTC..14:10", from_to(None, 50_700, 51_000)),
            ("14:05..14:10:00", from_to(None, 50_700, 51_000)),
            ("BTC-USDT@14:05..14:10", from_to(Some("BTC-USDT"), 50_700, 51_000)),
            ("2025-07-21..2025-07-22", from_to(None, 0, 86_400)),
            ("2025-07-21T16:05:00+02:00..2025-07-21T14:10:00Z", from_to(None, 50_700, 51_000)),
        ] {
            let cut = window(given, Some(day)).unwrap_or_else(|e| panic!("{given}: {e}"));
            assert_eq!(cut, want, "{given}");
            let again = text(&cut);
            assert_eq!(window(again.strip_prefix("--drop-window ").unwrap(), None).unwrap(), want, "{again}");
        }
        let zones = ["14:05+02:00..14:10+02:00", "14:05-02:00..14:10", "14:05..2025-07-21T14:10[Europe/Berlin]"];
        let wrong = ["14:05", "14:10..14:05", "25:00..26:00", "..", "yesterday..today", "14:05..14:05"];
        for wrong in wrong.into_iter().chain(zones) {
            assert_eq!(window(wrong, Some(day)).unwrap_err().code, "bad-window", "{wrong}");
        }
        let error = window("14:05..14:10", None).unwrap_err();
        assert!(error.message.contains("more than one day"), "{error}");
    }

    #[test]
    fn hours_may_go_over_midnight() {
        for (given, from_min, to_min) in [("14-15", 840, 900), ("22:30-02:00", 1_350, 120), ("0-24", 0, 1_440)] {
            assert_eq!(hours(given).unwrap(), Cut::Hours { from_min, to_min }, "{given}");
        }
        for wrong in ["14", "14-14", "24-3", "24:01-3", "a-b", "1:60-2", "+1-2", "-"] {
            assert!(hours(wrong).is_err(), "{wrong}");
        }
    }
}
