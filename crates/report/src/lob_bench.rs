//! The scores of LOB-Bench for a terminal.

use std::collections::BTreeMap;

use anstyle::Style;
use verismo_suite::lob_bench::{CONDITIONAL, IMPACT_EVENTS, LobBench, SCORES, Side};

use crate::layout::{Align, Cell, Column, Row, clean, paint, table, wrap};
use crate::number::count;
use crate::profile::plural;
use crate::text::TextStyle;

const COLUMNS: [Column; 7] = [
    column("score", Align::Left, 0),
    column("l1", Align::Right, 0),
    column("from - to", Align::Left, 2),
    column("wasserstein", Align::Right, 0),
    column("from - to", Align::Left, 3),
    column("n real", Align::Right, 4),
    column("n generated", Align::Right, 4),
];

const IMPACT: [Column; 4] = [
    column("event", Align::Left, 0),
    column("score", Align::Right, 0),
    column("n real", Align::Right, 1),
    column("n generated", Align::Right, 1),
];

const fn column(title: &'static str, align: Align, expendable: u8) -> Column {
    Column { title, align, width_min: 0, expendable }
}

/// The scores for a terminal: both sides, every score with its interval, the conditional ones, impact, and what is not known and why.
pub fn lob_bench_text(bench: &LobBench, style: &TextStyle) -> String {
    let bold = |text: &str| paint(text, Style::new().bold(), style.colour);
    let mut out = String::new();
    for (name, side) in [("real", &bench.real), ("generated", &bench.generated)] {
        out.push_str(&format!("{}  {}\n", bold(name), clean(&side.path)));
        out.push_str(&wrap(&facts(side, bench.levels), "  ", style.width));
    }
    out.push_str(&format!("\n{}\n", bold("Scores: 0 is the same, l1 is at most 1")));
    let mut rows: Vec<Row> = SCORES.iter().map(|score| unconditional(bench, score.id)).collect();
    rows.push(Row::Heading("over these scores".to_owned()));
    let [l1, w1] = [&bench.summary.l1, &bench.summary.wasserstein];
    rows.extend([
        pair("mean", [l1.mean, w1.mean]),
        pair("median", [l1.median, w1.median]),
        pair("interquartile mean", [l1.interquartile_mean, w1.interquartile_mean]),
    ]);
    rows.push(Row::Heading("given another score".to_owned()));
    rows.extend(CONDITIONAL.iter().filter_map(|name| Some(pair(name, *bench.conditional.get(*name)?))));
    out.push_str(&table(&COLUMNS, &rows, style.width, style.colour));
    out.push_str(&format!("\n{}\n", bold("Impact of events on the mid price: difference in ticks")));
    out.push_str(&table(&IMPACT, &impact(bench), style.width, style.colour));
    out.push('\n');
    let about = match bench.scope.as_str() {
        "population" => "They are about any sequences of these kinds, and guard against long memory.",
        _ => "They are about these sequences; --scope population is about any of their kind, and wider.",
    };
    let intervals = format!(
        "Each end of an interval is wrong in at most 5 % of such data sets, also where neighbouring messages depend on each other. {about}"
    );
    for note in [intervals].iter().chain(&bench.notes).chain(&missing(bench)) {
        out.push_str(&wrap(&clean(note), "  ", style.width));
    }
    out
}

fn facts(side: &Side, levels: usize) -> String {
    format!(
        "{}, {}, {}",
        plural(side.sequences, "sequence"),
        plural(side.messages, "message"),
        plural(levels as u64, "level")
    )
}

fn number(value: Option<f64>) -> Cell {
    Cell::new(value.map_or_else(|| "-".to_owned(), |x| format!("{x:.4}")))
}

fn interval(ends: Option<[f64; 2]>) -> Cell {
    let text = ends.map_or_else(|| "-".to_owned(), |[low, high]| format!("{low:.3} - {high:.3}"));
    Cell::styled(text, Style::new().dimmed())
}

fn unconditional(bench: &LobBench, id: &str) -> Row {
    let [l1, w1] = bench.scores.get(id).copied().unwrap_or_default();
    let ends = bench.intervals.get(id).copied().unwrap_or_default();
    let [real, generated] = bench.counts.get(id).copied().unwrap_or_default();
    Row::Cells(vec![
        Cell::new(id),
        number(l1),
        interval(ends.l1),
        number(w1),
        interval(ends.wasserstein),
        Cell::new(count(real)),
        Cell::new(count(generated)),
    ])
}

fn pair(name: &str, [l1, w1]: [Option<f64>; 2]) -> Row {
    Row::Cells(vec![Cell::new(name), number(l1), Cell::default(), number(w1)])
}

fn impact(bench: &LobBench) -> Vec<Row> {
    let of_event = |name: &&str| {
        let score = bench.impact.scores.get(*name).copied().flatten();
        let [real, generated] = bench.impact.curves.get(*name).map_or([0; 2], |curves| curves.events);
        Row::Cells(vec![Cell::new(*name), number(score), Cell::new(count(real)), Cell::new(count(generated))])
    };
    let mut rows: Vec<Row> = IMPACT_EVENTS.iter().map(of_event).collect();
    rows.push(Row::Cells(vec![Cell::new("mean"), number(bench.impact.mean)]));
    rows
}

/// Why numbers of the tables are missing: each reason once, with what it is about.
fn missing(bench: &LobBench) -> Vec<String> {
    let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let is_shown = |place: &str| !["intervals.conditional", "intervals.impact"].contains(&place);
    for (place, reason) in bench.undefined.iter().filter(|(place, _)| is_shown(place)) {
        // Where a score is missing, so is its interval.
        let of_score = place.strip_prefix("intervals.").map(|rest| format!("scores.{rest}"));
        if of_score.is_none_or(|score| !bench.undefined.contains_key(&score)) {
            by_reason.entry(reason).or_default().push(place);
        }
    }
    let all = 2 * SCORES.len();
    let about = |places: &[&str]| {
        if places.len() == all && places.iter().all(|place| place.starts_with("intervals.")) {
            return "No intervals".to_owned();
        }
        places.join(", ")
    };
    by_reason.into_iter().map(|(reason, places)| format!("{}: {reason}.", about(&places))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use verismo_suite::lob_bench::Intervals;

    #[test]
    fn scores_intervals_and_reasons_are_shown_at_every_width() {
        let mut bench = LobBench { levels: 10, ..LobBench::default() };
        bench.real = Side { path: "real\u{1b}[2J".to_owned(), sequences: 30, messages: 15_000, ..Side::default() };
        bench.scores.insert("spread".to_owned(), [Some(0.420_533), Some(0.909_939)]);
        bench.intervals.insert("spread".to_owned(), Intervals { l1: Some([0.25, 0.5]), wasserstein: None });
        bench.counts.insert("spread".to_owned(), [15_000, 14_000]);
        bench.undefined.insert("intervals.spread.wasserstein".to_owned(), "too few windows".to_owned());
        bench.undefined.insert("scores.ofi.l1".to_owned(), "nothing there".to_owned());
        bench.undefined.insert("intervals.ofi.l1".to_owned(), "nothing there".to_owned());
        bench.conditional.insert("spread | time".to_owned(), [Some(0.5), None]);
        for width in [60, 100, 160] {
            let text = lob_bench_text(&bench, &TextStyle { width, ..TextStyle::default() });
            assert!(text.contains("0.4205") && text.contains("0.9099") && !text.contains('\u{1b}'), "{text}");
            let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(words.contains("intervals.spread.wasserstein: too few windows."), "{text}");
            assert!(words.contains("scores.ofi.l1: nothing there."), "{text}");
            assert_eq!(words.matches("nothing there").count(), 1, "{text}");
            assert!(text.lines().all(|line| line.chars().count() <= width), "{width}: {text}");
        }
        let text = lob_bench_text(&bench, &TextStyle { width: 160, ..TextStyle::default() });
        assert!(text.contains("0.250 - 0.500") && text.contains("15,000"), "{text}");
    }
}
