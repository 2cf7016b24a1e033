//! The report as one HTML file to send on: verdict first, then why, then everything.
//!
//! The file asks the network for nothing, is readable without scripts, in the dark, on a phone and on paper, and stays below
//! [`BYTES_MAX`]: of reports with very many findings the most important ones keep their figures, and the page says so.
//! [`page`], [`svg`] and [`axis`] are the toolkit for other pages.

pub mod axis;
pub mod page;
pub mod svg;

mod curves;
mod detail;
mod figures;
mod head;
mod overview;
mod power;
mod profile;
mod rest;
mod strata;

use verismo_suite::report::Report;

pub use power::power_html;
pub use profile::profile_html;

use detail::{Depth, detail};
use overview::Subject;
use page::{Page, escape, section};

/// Most bytes of a page; pages that mail and browsers take without complaint.
pub const BYTES_MAX: usize = 1_900_000;

/// How the sides are told apart in every figure.
const KEY: &str = "<p>In every figure: <span class=\"k-g\">golden solid</span>, <span class=\"k-c\">candidate dashed</span>. \
                   What did not pass is unfolded.</p>\n";
/// Bytes of an empty place that a link leads to, at most.
const ANCHOR_BYTES: usize = 28;
/// Lines of the overview that get their strips.
const STRIPS_MAX: usize = 1_000;

/// The report as an HTML document.
pub fn html(report: &Report) -> String {
    let subjects = overview::subjects(report);
    let several_streams = report.streams.len() > 1;
    let mut before = head::head(report, &subjects);
    if !subjects.is_empty() {
        let strips = subjects.len() <= STRIPS_MAX;
        before.push_str(&section("overview", "At a glance", &overview::overview(&subjects, several_streams, strips)));
    }
    let mut after = strata::strata(report);
    after.push_str(&rest::integrity(report));
    after.push_str(&rest::resolution(report));
    after.push_str(&rest::inputs(report));
    after.push_str(&rest::method(report));
    after.push_str(&rest::provenance(report));
    let places = places(report, &subjects);
    let mut page = Page { title: format!("{}: candidate against golden", report.verdict), places, body: String::new() };
    let fixed = page.finish().len() + before.len() + after.len() + 1_000;
    let parts = observables(&subjects, several_streams, BYTES_MAX.saturating_sub(fixed));
    page.body = before + &parts + &after;
    page.finish()
}

fn places(report: &Report, subjects: &[Subject<'_>]) -> Vec<(&'static str, &'static str)> {
    let mut places = vec![("main", "Verdict")];
    if !subjects.is_empty() {
        places.extend([("overview", "At a glance"), ("observables", "Observables")]);
    }
    if report.findings.iter().any(crate::strata::is_of_strata) {
        places.push(("strata", "By stratum"));
    }
    places.push(("integrity", "Integrity"));
    if !report.mde.is_empty() {
        places.push(("resolution", "Resolution"));
    }
    places.extend([("inputs", "Inputs"), ("method", "Method"), ("provenance", "Provenance")]);
    places
}

/// The parts of all observables, in at most this many bytes. First all get their numbers, then the most important ones all
/// their figures, then the next ones the figure that shows the verdict.
fn observables(subjects: &[Subject<'_>], several_streams: bool, bytes_max: usize) -> String {
    if subjects.is_empty() {
        return String::new();
    }
    // Links need a place to lead to even where a part does not fit.
    let mut left = bytes_max.saturating_sub(1_000 + ANCHOR_BYTES * subjects.len());
    let mut parts: Vec<Option<(Depth, String)>> = Vec::with_capacity(subjects.len());
    for subject in subjects {
        let part = detail(subject, Depth::Numbers, several_streams);
        let fits = part.len() <= left;
        left -= if fits { part.len() } else { 0 };
        parts.push(fits.then_some((Depth::Numbers, part)));
    }
    for depth in [Depth::Full, Depth::Essential] {
        for (subject, part) in subjects.iter().zip(&mut parts) {
            let Some((now, text)) = part else { continue };
            if *now >= depth {
                continue;
            }
            let better = detail(subject, depth, several_streams);
            // The first that does not fit ends it: figures go by importance, not by size.
            if better.len() > left + text.len() {
                break;
            }
            left = left + text.len() - better.len();
            *part = Some((depth, better));
        }
    }
    let mut body = hint(subjects.len(), &parts);
    if subjects.iter().all(|s| s.picture.is_none()) {
        body.push_str("<p>This report holds nothing to draw figures from.</p>\n");
    }
    body.push_str(
        "<div class=\"tools\" data-scope=\"#observables\" hidden><button type=\"button\" data-fold=\"open\">Unfold all</button>\
         <button type=\"button\" data-fold=\"close\">Fold all</button></div>\n",
    );
    for (subject, part) in subjects.iter().zip(parts) {
        match part {
            Some((_, text)) => body.push_str(&text),
            // Links of the overview still lead somewhere.
            None => body.push_str(&format!("<a id=\"o{}\"></a>", subject.number)),
        }
    }
    section("observables", "Observables", &body)
}

/// Says what was left out, and nothing where nothing was.
fn hint(all: usize, parts: &[Option<(Depth, String)>]) -> String {
    let at = |depth: Depth| parts.iter().flatten().filter(|(d, _)| *d == depth).count();
    let listed = parts.iter().flatten().count();
    if at(Depth::Full) == all {
        return KEY.to_owned();
    }
    let essential = at(Depth::Essential);
    let some =
        if essential > 0 { format!(", and of {essential} more the one that shows the verdict") } else { String::new() };
    let numbers = if listed < all {
        format!("The numbers of {listed} are shown")
    } else {
        "The numbers of all are shown".to_owned()
    };
    format!(
        "{KEY}<p>There are {all} observables. To keep this page small, all figures are shown of the {} most important ones{}. {}; \
         report.json holds everything.</p>\n",
        at(Depth::Full),
        escape(&some),
        escape(&numbers)
    )
}
