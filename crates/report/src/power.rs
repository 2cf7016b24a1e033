//! What a suite sees, for a terminal.

use anstyle::Style;
use verismo_suite::power::{Cell as Runs, FaultPower, Power, SEEN_SHARE};
use verismo_suite::{FindingVerdict, Verdict};

use crate::layout::{Align, Cell, Column, Row, clean, paint, table, wrap};
use crate::number::{count, duration, measured, percent};
use crate::profile::plural;
use crate::text::{TextStyle, verdict_style};

/// Metrics named behind a fault.
const METRICS_MAX: usize = 4;

const FAULTS: [Column; 4] = [
    Column { title: "fault", align: Align::Left, width_min: 0, expendable: 0 },
    Column { title: "seen from", align: Align::Right, width_min: 0, expendable: 0 },
    Column { title: "amount is", align: Align::Left, width_min: 0, expendable: 2 },
    Column { title: "first seen by", align: Align::Left, width_min: 20, expendable: 1 },
];

const METRICS: [Column; 2] = [
    Column { title: "metric", align: Align::Left, width_min: 0, expendable: 0 },
    Column { title: "smallest fault it sees", align: Align::Left, width_min: 24, expendable: 0 },
];

/// The study for a terminal: what was done, false alarms, the smallest amount of each fault that is seen, by metric too.
pub fn power_text(power: &Power, style: &TextStyle) -> String {
    // A heading may be longer than a narrow terminal.
    let bold = |text: &str| {
        let lines = wrap(text, "", style.width);
        let lines = lines.lines().map(|line| paint(line, Style::new().bold(), style.colour));
        lines.collect::<Vec<_>>().join("\n")
    };
    let mut out = format!("{}\n", bold(&format!("What the suite {} sees", clean(&power.suite))));
    out.push_str(&wrap(&design(power), "  ", style.width));
    if let Some(pairs) = &power.false_alarms {
        out.push_str(&format!("\n{}\n", bold("False alarms")));
        for sentence in false_alarms(pairs, power) {
            out.push_str(&wrap(&sentence, "  ", style.width));
        }
    }
    let heading = format!("Smallest amount that is seen in at least {} of the runs", percent(SEEN_SHARE));
    out.push_str(&format!("\n{}\n", bold(&heading)));
    let rows: Vec<Row> = power.faults.iter().map(|fault| fault_row(fault, power)).collect();
    out.push_str(&table(&FAULTS, &rows, style.width, style.colour));
    out.push_str(&format!("\n{}\n", bold("The same for every deciding test and every check that sees one")));
    let shown = |name: &str| power.metrics.get(name).is_some_and(|m| m.decides || m.is_check);
    let rows = by_metric(power).into_iter().filter(|(name, _)| shown(name)).map(|(name, faults)| {
        let text = faults.iter().map(|(fault, amount)| format!("{fault} {}", measured(*amount)));
        let metric = Cell::styled(clean(name), metric_style(power, name));
        Row::Cells(vec![metric, Cell::new(text.collect::<Vec<_>>().join(", "))])
    });
    out.push_str(&table(&METRICS, &rows.collect::<Vec<_>>(), style.width, style.colour));
    let blind = blind(power);
    if !blind.is_empty() {
        out.push_str(&format!(
            "\n{}",
            wrap(&format!("These decide and see none of the faults: {}.", blind.join(", ")), "  ", style.width)
        ));
    }
    out.push_str(&format!("\n{}", wrap(&format!("Took {}.", duration(power.seconds)), "  ", style.width)));
    out
}

fn metric_style(power: &Power, name: &str) -> Style {
    if power.metrics.get(name).is_some_and(|m| m.decides) { Style::new().bold() } else { Style::new() }
}

/// What was done, in a sentence or two.
pub(crate) fn design(power: &Power) -> String {
    let market = &power.market;
    let runs = power.faults.iter().flat_map(|f| &f.cells).map(|cell| cell.runs).max().unwrap_or(0);
    let size = format!("{} ({}) a side", plural(market.messages, "message"), duration(market.seconds));
    let pair = match (market.paths.is_empty(), market.is_replay) {
        (false, _) => format!("{}: {size}; every candidate is a damaged copy", clean(&market.paths.join(", "))),
        (true, true) => format!("simulated markets of {size}; every candidate is a damaged copy of its golden"),
        (true, false) => format!("pairs of simulated markets of one law, {size}; the second one is damaged"),
    };
    format!("{} for each fault and amount, from seed {}; {pair}.", plural(runs, "run"), market.seed)
}

/// How often something was seen where nothing is.
pub(crate) fn false_alarms(pairs: &Runs, power: &Power) -> Vec<String> {
    let verdicts: Vec<String> = pairs.verdicts.iter().map(|(v, n)| format!("{} {v}", count(*n))).collect();
    let caught = pairs.caught();
    let mut out = vec![format!(
        "{} of {} pairs without a fault are FAIL or ERROR: {}, the 95 % interval is {} to {}. {}.",
        count(caught),
        count(pairs.runs),
        percent(pairs.share(caught)),
        percent(pairs.caught_interval[0]),
        percent(pairs.caught_interval[1]),
        verdicts.join(", ")
    )];
    let mut seen: Vec<(&String, &u64)> = pairs.seen.iter().collect();
    seen.sort_by_key(|(name, n)| (std::cmp::Reverse(**n), (*name).clone()));
    let decides = |name: &str| power.metrics.get(name).is_some_and(|m| m.decides);
    let of = |wanted: bool| -> Vec<String> {
        let those = seen.iter().filter(|(name, _)| decides(name) == wanted);
        those.take(METRICS_MAX).map(|(name, n)| format!("{} {}", clean(name), percent(pairs.share(**n)))).collect()
    };
    for (wanted, what) in [(true, "Metrics that decide"), (false, "Metrics that inform")] {
        let names = of(wanted);
        if !names.is_empty() {
            out.push(format!("{what}, most often: {}.", names.join(", ")));
        }
    }
    out
}

fn fault_row(fault: &FaultPower, power: &Power) -> Row {
    let changes = fault.changes_something();
    let (seen, style) = match fault.smallest {
        _ if !changes => ("-".to_owned(), Style::new()),
        Some(amount) => (measured(amount), Style::new()),
        None => ("not seen".to_owned(), verdict_style(FindingVerdict::from(Verdict::Fail))),
    };
    let names: Vec<String> = first_metrics(fault, power)
        .into_iter()
        .map(|(name, amount)| format!("{} {}", clean(name), measured(amount)))
        .collect();
    Row::Cells(vec![
        Cell::new(fault.fault.clone()),
        Cell::styled(seen, style),
        Cell::new(fault.unit.clone()),
        Cell::new(if changes { names.join(", ") } else { "changes nothing in these data".to_owned() }),
    ])
}

/// The metrics that see the smallest amounts of a fault, those that decide first.
pub(crate) fn first_metrics<'a>(fault: &'a FaultPower, power: &Power) -> Vec<(&'a str, f64)> {
    let mut metrics: Vec<(&str, f64)> = fault.smallest_by_metric.iter().map(|(n, a)| (n.as_str(), *a)).collect();
    let decides = |name: &str| power.metrics.get(name).is_some_and(|m| m.decides);
    metrics.sort_by(|a, b| a.1.total_cmp(&b.1).then(decides(b.0).cmp(&decides(a.0))).then(a.0.cmp(b.0)));
    metrics.truncate(METRICS_MAX);
    metrics
}

/// Every metric that sees a fault, with the smallest amount of each; those that decide first, then those that see most.
pub(crate) fn by_metric(power: &Power) -> Vec<(&str, Vec<(&str, f64)>)> {
    let of = |name: &str| -> Vec<(&str, f64)> {
        power.faults.iter().filter_map(|f| Some((f.fault.as_str(), *f.smallest_by_metric.get(name)?))).collect()
    };
    let mut rows: Vec<(&str, Vec<(&str, f64)>)> =
        power.metrics.keys().map(|name| (name.as_str(), of(name))).filter(|(_, faults)| !faults.is_empty()).collect();
    let decides = |name: &str| power.metrics.get(name).is_some_and(|m| m.decides);
    rows.sort_by_key(|(name, faults)| (!decides(name), std::cmp::Reverse(faults.len())));
    rows
}

/// Tests that decide and saw nothing of what was put in.
pub(crate) fn blind(power: &Power) -> Vec<String> {
    let sees = |name: &str| power.faults.iter().any(|f| f.smallest_by_metric.contains_key(name));
    let blind = power.metrics.iter().filter(|(name, m)| m.decides && !m.is_check && !sees(name));
    blind.map(|(name, _)| clean(name)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use verismo_suite::power::Metric;

    /// A study in which one fault is seen and one is not.
    fn study() -> Power {
        let cell = |amount: f64, seen: u64| Runs {
            amount,
            changed: amount,
            runs: 10,
            verdicts: BTreeMap::from([(Verdict::Fail, seen), (Verdict::Pass, 10 - seen)]),
            caught_interval: [0.1, 0.9],
            seen: BTreeMap::from([("spread ks".to_owned(), seen)]),
        };
        let fault = |name: &str, cells: Vec<Runs>| {
            let mut fault =
                FaultPower { fault: name.to_owned(), unit: "ticks".to_owned(), cells, ..FaultPower::default() };
            fault.conclude(None);
            fault
        };
        let metric = |is_check| Metric { is_check, decides: true };
        Power {
            suite: "market".to_owned(),
            false_alarms: Some(cell(0.0, 1)),
            faults: vec![
                fault("widen-spread", vec![cell(1.0, 3), cell(2.0, 9)]),
                fault("thin-tail", vec![cell(0.1, 1), cell(0.2, 2)]),
            ],
            metrics: BTreeMap::from([
                ("spread ks".to_owned(), metric(false)),
                ("trade_size ks".to_owned(), metric(false)),
                ("duplicate".to_owned(), metric(true)),
            ]),
            ..Power::default()
        }
    }

    #[test]
    fn the_text_says_what_is_seen_and_what_is_not_at_every_width() {
        for width in [40, 64, 100, 160] {
            let text = power_text(&study(), &TextStyle { width, ..TextStyle::default() });
            assert!(text.contains("not seen") && text.contains("widen-spread 2"), "{text}");
            let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(words.contains("These decide and see none of the faults: trade_size ks."), "{text}");
            assert!(words.contains("1 of 10 pairs without a fault are FAIL or ERROR: 10 %"), "{text}");
            assert!(text.lines().all(|line| line.chars().count() <= width), "{text}");
        }
    }

    #[test]
    fn a_fault_that_changes_nothing_is_not_called_unseen() {
        let mut study = study();
        for cell in study.faults.iter_mut().flat_map(|f| &mut f.cells) {
            cell.changed = 0.0;
        }
        let text = power_text(&study, &TextStyle::default());
        assert!(text.contains("changes nothing in these data") && !text.contains("not seen"), "{text}");
    }

    #[test]
    fn a_study_of_nothing_is_no_panic() {
        assert!(power_text(&Power::default(), &TextStyle::default()).contains("0 runs"));
    }
}
