//! A profile of a data set for a terminal.

use anstyle::Style;
use verismo_suite::FindingVerdict;
use verismo_suite::profile::{BookProfile, ObservableProfile, Profile, ResolutionProfile, StreamProfile};
use verismo_suite::report::IntegrityRow;

use crate::explain::stretch;
use crate::layout::{Align, Cell, Column, Row, clean, cut, paint, table, wrap};
use crate::number::{bytes, count, duration, exact, measured, optional, percent, short_count, utc};
use crate::outline::{position, row_label};
use crate::text::{TextStyle, verdict_style};

/// Columns of the labels of a stream's facts.
const LABEL_WIDTH: usize = 10;
/// Streams shown in full; of the others the first lines.
const STREAMS_MAX: usize = 8;
/// Integrity rows shown.
const INTEGRITY_ROWS_MAX: usize = 12;
/// Ignored files named.
const IGNORED_MAX: usize = 3;

/// The profile for a terminal: the files, then stream by stream the facts, the observables and what can be resolved, then
/// what is wrong with the data.
pub fn profile_text(profile: &Profile, style: &TextStyle) -> String {
    let mut out = String::new();
    push_files(&mut out, profile, style);
    for (i, stream) in profile.streams.iter().enumerate() {
        push_stream(&mut out, profile, stream, i < STREAMS_MAX, style);
    }
    push_integrity(&mut out, profile, style);
    push_end(&mut out, profile, style);
    out
}

fn heading(out: &mut String, title: &str, style: &TextStyle) {
    out.push_str(&format!("\n{}\n", paint(title, Style::new().bold(), style.colour)));
}

fn field(out: &mut String, label: &str, text: &str, style: &TextStyle) {
    if !text.is_empty() {
        out.push_str(&wrap(text, &format!("  {label:LABEL_WIDTH$}"), style.width));
    }
}

/// `1 file`, `2 files`.
pub(crate) fn plural(n: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(n), if n == 1 { "" } else { "s" })
}

fn push_files(out: &mut String, profile: &Profile, style: &TextStyle) {
    let paths = profile.paths.iter().map(|p| clean(p)).collect::<Vec<_>>().join(", ");
    let title = paint(&clean(&profile.format), Style::new().bold(), style.colour);
    let line = wrap(&paths, &format!("{}  ", profile.format), style.width);
    out.push_str(&line.replacen(&profile.format, &title, 1));
    let mut facts = vec![
        plural(profile.files, "file"),
        bytes(profile.bytes),
        plural(profile.messages, "message"),
        plural(profile.events, "event"),
        plural(profile.streams.len() as u64, "stream"),
    ];
    if profile.sessions > 1 {
        facts.push(plural(profile.sessions, "capture session"));
    }
    out.push_str(&wrap(&facts.join(", "), "  ", style.width));
    for note in &profile.notes {
        out.push_str(&wrap(&clean(note), "  Note: ", style.width));
    }
    for ignored in profile.ignored.iter().take(IGNORED_MAX) {
        out.push_str(&wrap(
            &format!("{}: {}", clean(&ignored.path), clean(&ignored.reason)),
            "  Not read: ",
            style.width,
        ));
    }
    if let Some(more @ 1..) = profile.ignored.len().checked_sub(IGNORED_MAX) {
        out.push_str(&format!("  Not read: {more} more files\n"));
    }
}

fn push_stream(out: &mut String, profile: &Profile, stream: &StreamProfile, is_full: bool, style: &TextStyle) {
    heading(out, &clean(&stream.name), style);
    let kept = if is_full { usize::MAX } else { 2 };
    for (label, text) in facts(profile, stream).into_iter().take(kept) {
        field(out, label, &text, style);
    }
    if is_full {
        push_observables(out, stream, style);
        push_resolution(out, stream, style);
    }
}

/// The facts of a stream, each with its name; the first two are span and messages. Names from the data are cleaned.
pub(crate) fn facts(profile: &Profile, stream: &StreamProfile) -> Vec<(&'static str, String)> {
    let span = stream.span_ns.map_or_else(
        || "no event has a time".to_owned(),
        |(from, to)| {
            let (length, window) = (duration(stream.seconds), duration(stream.window_s));
            format!("{} ({length}), in windows of {window}", stretch(from, to))
        },
    );
    let facts = [
        ("span", span),
        ("messages", rate(stream)),
        ("events", events(stream)),
        ("clock", clock(profile, stream)),
        ("prices", prices(stream)),
        ("book", stream.book.as_ref().map_or_else(String::new, book_text)),
    ];
    facts.into_iter().filter(|(_, text)| !text.is_empty()).collect()
}

fn rate(stream: &StreamProfile) -> String {
    let rate = &stream.rate;
    let mut text = count(stream.messages);
    if let Some(mean) = rate.mean_per_s {
        text.push_str(&format!(", {} a second", measured(mean)));
    }
    if let Some(at) = rate.peak_at_ns {
        let clock = utc(at);
        let clock = clock.split_once(' ').map_or(clock.as_str(), |(_, time)| time).to_owned();
        text.push_str(&format!(", {} in the busiest second ({clock})", count(rate.peak_per_s)));
    }
    if rate.silent_seconds > 0 {
        text.push_str(&format!(", {} without any", plural(rate.silent_seconds, "second")));
    }
    text
}

fn events(stream: &StreamProfile) -> String {
    if stream.kinds.is_empty() {
        return String::new();
    }
    let mut kinds: Vec<(&String, &u64)> = stream.kinds.iter().collect();
    kinds.sort_by(|a, b| b.1.cmp(a.1));
    let rows: Vec<String> = kinds.iter().map(|(kind, n)| format!("{} {}", clean(kind), count(**n))).collect();
    format!(
        "{}: {}, {}; rows: {}",
        count(stream.events),
        plural(stream.trades, "trade"),
        plural(stream.updates, "book update"),
        rows.join(", ")
    )
}

fn clock(profile: &Profile, stream: &StreamProfile) -> String {
    let mut text = format!("{} by the unit of its times", step(profile.clock_ns));
    if let Some(ns) = stream.time_step_ns {
        let is_finer = if ns == profile.clock_ns { "which they use" } else { "all times are multiples of" };
        text.push_str(&if ns == profile.clock_ns {
            format!(", {is_finer}")
        } else {
            format!(", {is_finer} {}", step(ns))
        });
    }
    if !stream.kinds.is_empty() {
        text.push_str(if stream.has_receive_time { "; with receive times" } else { "; no receive times" });
    }
    text
}

/// A length of time that is a round number of a unit: `1 ns`, `100 us`, `1 ms`, `1 s`.
fn step(ns: i64) -> String {
    for (size, unit) in [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us")] {
        if ns % size == 0 && ns > 0 {
            return format!("{} {unit}", ns / size);
        }
    }
    format!("{ns} ns")
}

fn prices(stream: &StreamProfile) -> String {
    let range = stream.trade_prices.map(|[low, high]| format!("trades from {} to {}", exact(low), exact(high)));
    let tick = stream.price_tick.map(|tick| format!("tick {}", exact(tick)));
    let lot = stream.qty_lot.map(|lot| format!("lot {}", exact(lot)));
    [range, tick, lot].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn book_text(book: &BookProfile) -> String {
    let mut parts = Vec::new();
    if let Some(cadence) = book.cadence_s {
        parts.push(format!("an update every {} (median)", duration(cadence)));
    }
    parts.push(plural(book.snapshots, "snapshot"));
    parts.push(match book.warmup_s {
        Some(s) if s < 0.5 => "known from the start".to_owned(),
        Some(s) => format!("known after {}", duration(s)),
        None => "never known".to_owned(),
    });
    if let Some(share) = book.defined_share.filter(|_| book.known_from_ns.is_some()) {
        parts.push(format!("two-sided for {} of the time", percent(share)));
    }
    let gaps: u64 = book.gaps.iter().sum();
    if gaps > 0 {
        parts.push(format!("{} in its ids, {} of more than 1,000", plural(gaps, "gap"), count(book.gaps[2])));
    }
    if book.levels_dropped > 0 {
        parts.push(format!("{} levels forgotten by the cap", count(book.levels_dropped)));
    }
    parts.join(", ")
}

const fn column(title: &'static str, align: Align, width_min: usize, expendable: u8) -> Column {
    Column { title, align, width_min, expendable }
}

const OBSERVABLE_COLUMNS: [Column; 11] = [
    column("observable", Align::Left, 22, 0),
    column("n", Align::Right, 0, 0),
    column("mean", Align::Right, 0, 0),
    column("sd", Align::Right, 0, 1),
    column("min", Align::Right, 0, 4),
    column("5 %", Align::Right, 0, 2),
    column("median", Align::Right, 0, 0),
    column("95 %", Align::Right, 0, 2),
    column("max", Align::Right, 0, 4),
    column("differs", Align::Right, 0, 5),
    column("unit", Align::Left, 0, 3),
];

fn push_observables(out: &mut String, stream: &StreamProfile, style: &TextStyle) {
    let described: Vec<_> = stream.observables.iter().filter(|o| o.n > 0).collect();
    let rows: Vec<Row> =
        described.iter().filter(|o| o.autocorrelations.is_empty()).map(|o| observable_row(o)).collect();
    let shown = table(&OBSERVABLE_COLUMNS, &rows, style.width, style.colour);
    if !rows.is_empty() {
        out.push('\n');
        out.push_str(&shown);
    }
    for o in described.iter().filter(|o| !o.autocorrelations.is_empty()) {
        let values: Vec<String> =
            o.autocorrelations.iter().map(|(lag, value)| format!("{} at lag {lag}", measured(*value))).collect();
        out.push_str(&wrap(
            &format!("{}: {} (n {})", clean(&o.observable), values.join(", "), short_count(o.n)),
            "  ",
            style.width,
        ));
    }
    if described.iter().any(|o| o.heterogeneity.is_some())
        && shown.lines().next().is_some_and(|header| header.contains("differs"))
    {
        let text =
            "differs: by how much this data set differs from itself, a sixth against the rest, its noise removed.";
        out.push_str(&wrap(text, "  ", style.width));
    }
    for (reason, names) in without_values(&stream.observables) {
        out.push_str(&wrap(&format!("No {}: {reason}.", names.join(", ")), "  ", style.width));
    }
}

/// The observables without a value, by the reason.
pub(crate) fn without_values(observables: &[ObservableProfile]) -> Vec<(String, Vec<String>)> {
    let absent = observables.iter().filter(|o| o.n == 0);
    grouped(absent.map(|o| (o.undefined.get("n").cloned().unwrap_or_default(), clean(&o.observable))))
}

/// Names by what is said of them, in the order in which it is first said.
fn grouped(said: impl Iterator<Item = (String, String)>) -> Vec<(String, Vec<String>)> {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for (text, name) in said {
        match groups.iter_mut().find(|(known, _)| *known == text) {
            Some((_, names)) => names.push(name),
            None => groups.push((text, vec![name])),
        }
    }
    groups
}

fn observable_row(o: &ObservableProfile) -> Row {
    let quantile = |p: &str| optional(o.quantiles.get(p).copied());
    let end = |i: usize| optional(o.range.map(|range| range[i]));
    Row::Cells(vec![
        Cell::new(clean(&o.observable)),
        Cell::new(short_count(o.n)),
        Cell::new(optional(o.mean)),
        Cell::new(optional(o.sd)),
        Cell::new(end(0)),
        Cell::new(quantile("p=0.05")),
        Cell::new(quantile("p=0.5")),
        Cell::new(quantile("p=0.95")),
        Cell::new(end(1)),
        Cell::new(optional(o.heterogeneity)),
        Cell::new(clean(&o.unit)),
    ])
}

const RESOLUTION_COLUMNS: [Column; 9] = [
    column("observable", Align::Left, 22, 0),
    column("test", Align::Left, 0, 0),
    column("margin", Align::Right, 0, 0),
    column("resolves", Align::Right, 0, 0),
    column("1 minute", Align::Right, 0, 2),
    column("1 hour", Align::Right, 0, 2),
    column("detects", Align::Right, 0, 3),
    column("needs", Align::Right, 0, 0),
    column("unit", Align::Left, 0, 4),
];

fn push_resolution(out: &mut String, stream: &StreamProfile, style: &TextStyle) {
    let tests = || stream.observables.iter().flat_map(|o| o.resolution.iter().map(move |r| (o, r)));
    let rows: Vec<Row> = tests().filter(|(_, r)| r.resolvable.is_some()).map(|(o, r)| resolution_row(o, r)).collect();
    if !rows.is_empty() {
        let title = format!("  What {} of it can resolve", duration(stream.seconds));
        out.push_str(&format!("\n{}\n", paint(&title, Style::new().bold(), style.colour)));
        out.push_str(&table(&RESOLUTION_COLUMNS, &rows, style.width, style.colour));
        let text = "resolves: a faithful candidate of this length passes at margins above, in about four runs of five; needs: length \
                    of each side for the suite's margin.";
        out.push_str(&wrap(text, "  ", style.width));
    }
    let open = tests().filter(|(_, r)| r.resolvable.is_none()).map(|(o, r)| (clean(&r.text), clean(&o.observable)));
    for (text, mut names) in grouped(open) {
        names.dedup();
        out.push_str(&wrap(&format!("{}: {text}.", names.join(", ")), "  ", style.width));
    }
}

fn resolution_row(o: &ObservableProfile, r: &ResolutionProfile) -> Row {
    let verdict = if r.out_of_reach { FindingVerdict::Inconclusive } else { FindingVerdict::Pass };
    let test = r.parameter.as_ref().map_or_else(|| r.test.to_string(), |p| format!("{} {}", r.test, clean(p)));
    let needs = r.needs_s.map_or_else(|| "-".to_owned(), duration);
    Row::Cells(vec![
        Cell::new(clean(&o.observable)),
        Cell::new(test),
        Cell::new(optional(r.margin)),
        Cell::styled(optional(r.resolvable), verdict_style(verdict)),
        Cell::new(optional(r.one_minute)),
        Cell::new(optional(r.one_hour)),
        Cell::new(optional(r.detectable)),
        Cell::styled(needs, verdict_style(verdict)),
        Cell::new(clean(&r.unit)),
    ])
}

const INTEGRITY_COLUMNS: [Column; 6] = [
    column("check", Align::Left, 17, 0),
    column("stream", Align::Left, 12, 3),
    column("count", Align::Right, 0, 0),
    column("share", Align::Right, 0, 2),
    column("as candidate", Align::Left, 0, 0),
    column("first at", Align::Left, 24, 4),
];

fn push_integrity(out: &mut String, profile: &Profile, style: &TextStyle) {
    let mut notable: Vec<&IntegrityRow> = profile.integrity.iter().filter(|r| r.count > 0).collect();
    notable.sort_by_key(|r| !matches!(r.verdict, FindingVerdict::Fail | FindingVerdict::Error));
    heading(out, "Integrity", style);
    let several = profile.streams.len() > 1;
    let rows: Vec<Row> = notable.iter().take(INTEGRITY_ROWS_MAX).map(|r| integrity_row(r, several)).collect();
    if !rows.is_empty() {
        out.push_str(&table(&INTEGRITY_COLUMNS, &rows, style.width, style.colour));
    }
    let silent = profile.integrity.len() - notable.len();
    let more = notable.len().saturating_sub(INTEGRITY_ROWS_MAX);
    let more = if more > 0 { format!("and {more} more rows; ") } else { String::new() };
    out.push_str(&format!("  {more}{} counted nothing\n", plural(silent as u64, "check")));
}

fn integrity_row(row: &IntegrityRow, several_streams: bool) -> Row {
    let label = if row.verdict == FindingVerdict::NotApplicable { "info".to_owned() } else { row_label(row) };
    Row::Cells(vec![
        Cell::new(clean(&row.check)),
        Cell::new(if several_streams { clean(&row.stream) } else { String::new() }),
        Cell::new(count(row.count)),
        Cell::new(row.ratio.map_or_else(|| "-".to_owned(), percent)),
        Cell::styled(label, verdict_style(row.verdict)),
        Cell::new(row.examples.first().map(position).unwrap_or_default()),
    ])
}

fn push_end(out: &mut String, profile: &Profile, style: &TextStyle) {
    out.push('\n');
    let tests = || {
        profile.streams.iter().flat_map(|s| s.observables.iter().flat_map(|o| o.resolution.iter().map(move |r| (o, r))))
    };
    let hardest = tests()
        .filter(|(_, r)| r.out_of_reach)
        .max_by(|(_, a), (_, b)| a.needs_s.unwrap_or(0.0).total_cmp(&b.needs_s.unwrap_or(0.0)));
    let n_out = tests().filter(|(_, r)| r.out_of_reach).count();
    if let Some((o, r)) = hardest {
        let needs = r
            .needs_s
            .map_or_else(String::new, |s| format!(": {} needs about {} a side", clean(&o.observable), duration(s)));
        let text = format!(
            "{} of {} margins of suite {} {} finer than these data resolve{needs}. Longer data, or `verismo init --golden {}` for \
             margins it can keep.",
            n_out,
            tests().filter(|(_, r)| r.margin.is_some()).count(),
            clean(&profile.suite),
            if n_out == 1 { "is" } else { "are" },
            cut(&profile.paths.first().map(|p| clean(p)).unwrap_or_default(), 60)
        );
        out.push_str(&wrap(&text, "Next: ", style.width));
    }
    let timing = &profile.timing;
    let read = format!(
        "Read {} messages ({}) in {}, {} messages/s.",
        count(timing.messages),
        bytes(timing.bytes_read),
        duration(timing.seconds),
        short_count(timing.messages_per_second.max(0.0) as u64)
    );
    out.push_str(&wrap(&read, "", style.width));
}
