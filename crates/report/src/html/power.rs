//! What a suite sees, as a page: detection curves, and the smallest amount of each fault by metric.

use verismo_suite::power::{Cell, FaultPower, Power, SEEN_SHARE};

use super::axis::Axis;
use super::page::{Page, escape, figure, paragraph, section, table};
use super::svg::Plot;
use crate::number::{duration, measured, percent};
use crate::power::{blind, by_metric, design, false_alarms, first_metrics};

/// The study as an HTML document.
pub fn power_html(power: &Power) -> String {
    let mut body = format!("<h1>What the suite {} sees</h1>\n", escape(&power.suite));
    body.push_str(&paragraph(&design(power)));
    body.push_str(&paragraph(&format!("Took {}, verismo {}.", duration(power.seconds), power.version)));
    let alarms: String = match &power.false_alarms {
        Some(pairs) => false_alarms(pairs, power).iter().map(|sentence| paragraph(sentence)).collect(),
        None => paragraph("Not measured: there is no second draw of the same law in the data."),
    };
    body.push_str(&section("false-alarms", "False alarms", &alarms));
    body.push_str(&section("curves", "Detection", &curves(power)));
    body.push_str(&section("smallest", "Smallest fault each metric sees", &matrix(power)));
    let page = Page {
        title: format!("{}: what it sees", power.suite),
        places: vec![
            ("main", "Study"),
            ("false-alarms", "False alarms"),
            ("curves", "Detection"),
            ("smallest", "Smallest fault"),
        ],
        body,
    };
    page.finish()
}

fn curves(power: &Power) -> String {
    let mut out = paragraph(
        "Share of the runs in which a fault is seen, by its amount: the run itself (solid, with its exact 95 % interval) and the test or \
         check that sees the smallest amount (dashed). The dotted line is the share that counts as seen.",
    );
    let figures: String = power.faults.iter().map(|fault| curve(fault, power)).collect();
    out.push_str(&format!("<div class=\"figs\">{figures}</div>\n"));
    out
}

fn curve(fault: &FaultPower, power: &Power) -> String {
    let (Some(first), Some(last)) = (fault.cells.first(), fault.cells.last()) else { return String::new() };
    let x = Axis::log(fault.unit.clone(), first.amount, last.amount);
    let mut plot = Plot::new(x, Axis::linear("share of runs", 0.0, 1.0));
    let band: Vec<(f64, f64, f64)> =
        fault.cells.iter().map(|c| (c.amount, c.caught_interval[0], c.caught_interval[1])).collect();
    plot.band(&band, "bd");
    plot.horizontal(SEEN_SHARE, "mg");
    let best = first_metrics(fault, power).into_iter().next().map(|(name, _)| name);
    if let Some(name) = best {
        plot.curve(fault.cells.iter().map(|c| (c.amount, c.seen_by(name))), "c");
    }
    let share = |c: &Cell| c.share(c.caught());
    plot.curve(fault.cells.iter().map(|c| (c.amount, share(c))), "g");
    let seen = match fault.smallest {
        _ if !fault.changes_something() => "changes nothing in these data".to_owned(),
        Some(amount) => format!("seen from {} {}", measured(amount), fault.unit),
        None => format!("not seen up to {}", measured(last.amount)),
    };
    let by = best.map_or_else(String::new, |name| format!("; dashed: {name}"));
    let shares: Vec<String> =
        fault.cells.iter().map(|c| format!("{} at {}", percent(share(c)), measured(c.amount))).collect();
    let drawing = plot.finish(&format!("{}: {}", fault.fault, shares.join(", ")));
    figure(&fault.fault, &drawing, &format!("{}: {seen}{by}", fault.description))
}

fn matrix(power: &Power) -> String {
    let mut titles = vec!["metric".to_owned()];
    titles.extend(power.faults.iter().map(|fault| format!(">{}", fault.fault)));
    let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
    let row = |name: &str, smallest: &dyn Fn(&FaultPower) -> Option<f64>| {
        let cells = power.faults.iter().map(|fault| smallest(fault).map_or_else(String::new, measured));
        std::iter::once(name.to_owned()).chain(cells).collect::<Vec<String>>()
    };
    let mut rows = vec![row("<b>the run</b>", &|fault| fault.smallest)];
    for (name, _) in by_metric(power) {
        let is_deciding = power.metrics.get(name).is_some_and(|m| m.decides);
        let shown = if is_deciding { format!("<b>{}</b>", escape(name)) } else { escape(name) };
        rows.push(row(&shown, &|fault| fault.smallest_by_metric.get(name).copied()));
    }
    let mut out = paragraph(
        "The amount from which on a metric is FAIL in at least 80 % of the runs; empty where it is not. Metrics in bold decide the run.",
    );
    out.push_str(&table("Smallest fault by metric", &titles, &rows));
    let units: Vec<String> = power.faults.iter().map(|f| format!("{}: {}", f.fault, f.unit)).collect();
    out.push_str(&paragraph(&format!("Amounts are of {}.", units.join("; "))));
    let blind = blind(power);
    if !blind.is_empty() {
        out.push_str(&paragraph(&format!("These decide and see none of the faults: {}.", blind.join(", "))));
    }
    out
}
