//! What one side is by itself: its laws, how far it differs from itself, and what it can resolve.
//!
//! Resolution and heterogeneity are those of [`crate::judge`] for a candidate of the same length and law: the side is judged
//! against itself, unmatched, so that both copies bring their noise.

use std::collections::BTreeMap;

use verismo_stats::classic::{self, Ddof};
use verismo_stats::histogram::Histogram;
use verismo_stats::judging::WINDOWS_MIN;
use verismo_stats::lattice::Lattice;
use verismo_stats::state::State;
use verismo_suite::catalogue::{self, ObservableInfo, TestId};
use verismo_suite::profile::{ObservableProfile, ResolutionProfile};
use verismo_suite::report::{Finding, IntegrityRow, Side};
use verismo_suite::suite::{DataKind, ObservableRule, Suite};
use verismo_suite::verdict::FindingVerdict;

use crate::digest::SeriesDigests;
use crate::draft::{short, span};
use crate::histogram::Display;
use crate::input::{Cells, SECOND_NS, Series, SeriesWindows, SideStates, StreamStates};
use crate::integrity;
use crate::lags::total;
use crate::mde;
use crate::observe::{Pair, judge_observable, keys_per_unit, observations};
use crate::picture::Detail;

/// Levels of the quantiles of a profile.
pub const QUANTILES: [f64; 7] = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99];

/// The shortest base window.
const WINDOW_SHORTEST_NS: i64 = SECOND_NS;

/// The observables of the suite on one stream, in the suite's order; for tables with defaults, of every column.
pub fn profile_stream(stream: &StreamStates, suite: &Suite) -> Vec<ObservableProfile> {
    let mut ids = suite.observable_ids();
    if suite.columns.is_some() {
        ids.extend(stream.series.keys().filter(|id| !suite.observables.iter().any(|r| r.id == **id)).cloned());
        ids.sort();
    }
    ids.iter().filter_map(|id| suite.rule(id)).map(|rule| observable(stream, &rule, suite)).collect()
}

/// The counters of a side and of its streams, held to the limits that a candidate is held to.
pub fn profile_integrity(side: &SideStates, suite: &Suite) -> Vec<IntegrityRow> {
    let mut rows = integrity::side_rows(&side.counters, None, Side::Candidate, "", suite);
    for stream in &side.streams {
        rows.extend(integrity::side_rows(&stream.counters, None, Side::Candidate, &stream.name(), suite));
    }
    rows
}

fn observable(stream: &StreamStates, rule: &ObservableRule, suite: &Suite) -> ObservableProfile {
    let info = match suite.data {
        DataKind::Market => catalogue::observable(&rule.id),
        DataKind::Table => None,
    };
    let mut profile = ObservableProfile {
        observable: rule.id.clone(),
        unit: suite.unit(&rule.id).to_owned(),
        n: 0,
        windows: 0,
        n_eff: None,
        mean: None,
        sd: None,
        range: None,
        quantiles: BTreeMap::new(),
        autocorrelations: BTreeMap::new(),
        heterogeneity: None,
        resolution: Vec::new(),
        notes: Vec::new(),
        undefined: BTreeMap::new(),
    };
    let Some(series) = stream.series.get(&rule.id).filter(|series| observations(series) > 0) else {
        profile.undefined.insert("n".to_owned(), absent(stream, info));
        return profile;
    };
    profile.n = observations(series);
    let none = SeriesDigests::new();
    let pair = Pair {
        name: stream.name(),
        golden: stream,
        candidate: stream,
        aligned: false,
        digests: [&none, &none],
        divisions: Vec::new(),
        pairs: 1,
    };
    describe(&mut profile, series, &pair, info);
    resolve(&mut profile, &pair, rule, suite);
    profile
}

/// Why there is no value.
fn absent(stream: &StreamStates, info: Option<&ObservableInfo>) -> String {
    match info.map(|i| i.source) {
        Some(catalogue::Source::Trades) if !stream.carries_trades => "the stream has no trades",
        Some(catalogue::Source::Book) if !stream.carries_book => "the stream has no book",
        Some(catalogue::Source::Orders) => "the feed does not show single orders, or none came and went",
        Some(catalogue::Source::Book) => "the book was never known: no snapshot, and hardly longer than the warm-up",
        _ => "no value was observed",
    }
    .to_owned()
}

/// Moments, quantiles, autocorrelations.
fn describe(profile: &mut ObservableProfile, series: &Series, pair: &Pair<'_>, info: Option<&ObservableInfo>) {
    match &series.windows {
        SeriesWindows::Cells(windows) => {
            profile.windows = windows.iter().filter(|(_, cells)| !cells.is_empty()).count() as u64;
            let display = Display { keys_per_unit: keys_per_unit(pair, info).map(|k| k as f64) };
            law(profile, windows, &series.lattice, display);
        }
        SeriesWindows::Lags(windows) => {
            profile.windows = windows.iter().filter(|(_, moments)| moments.count() > 0).count() as u64;
            let Some(total) = total(windows.iter().map(|(_, moments)| moments)) else {
                profile.undefined.insert("autocorrelations".to_owned(), "sums of windows overflow".to_owned());
                return;
            };
            let lags = total.pairs().iter().map(|p| p.lag);
            profile.autocorrelations = lags.filter_map(|lag| Some((lag, total.autocorrelation(lag)?))).collect();
            for key in ["mean", "sd", "range"] {
                profile.undefined.insert(key.to_owned(), "only its autocorrelations are kept".to_owned());
            }
        }
        SeriesWindows::Panels(windows) => {
            profile.windows = windows.iter().filter(|(_, panel)| panel.count() > 0).count() as u64;
            for key in ["mean", "sd", "range"] {
                profile.undefined.insert(key.to_owned(), "it holds several numbers at a time".to_owned());
            }
        }
    }
}

fn law(profile: &mut ObservableProfile, windows: &[(i64, Cells)], lattice: &Lattice, display: Display) {
    let Ok(all) = Histogram::pooled(lattice.clone(), windows.iter().map(|(_, cells)| cells)) else {
        profile.undefined.insert("mean".to_owned(), "more than 2^64 observations".to_owned());
        return;
    };
    let finite = |x: f64| Some(x).filter(|x| x.is_finite());
    profile.mean = classic::mean(&all, &all).ok().and_then(|m| finite(display.scaled(m.mean_first)));
    match classic::std(&all, &all, Ddof::Sample) {
        Ok(std) => profile.sd = finite(display.scaled(std.std_first)),
        // A constant has no ratio of deviations, and the deviation 0.
        Err(_) if all.count() > 1 && all.cells().len() == 1 => profile.sd = Some(0.0),
        Err(error) => {
            profile.undefined.insert("sd".to_owned(), error.to_string());
        }
    }
    let value = |key: i64| display.value(lattice, key);
    if let (Some(&(low, _)), Some(&(high, _))) = (all.cells().first(), all.cells().last()) {
        profile.range = finite(value(low)).zip(finite(value(high))).map(|(low, high)| [low, high]);
    }
    profile.quantiles = QUANTILES
        .iter()
        .filter_map(|&p| Some((format!("p={p}"), all.quantile_key(p).and_then(|key| finite(value(key)))?)))
        .collect();
}

/// Heterogeneity and what can be resolved, by the deciding test.
fn resolve(profile: &mut ObservableProfile, pair: &Pair<'_>, rule: &ObservableRule, suite: &Suite) {
    let mut only = rule.clone();
    only.margins.retain(|&test, _| test == rule.decide);
    // No picture is kept, so the coarsest will do.
    let judged = judge_observable(pair, &only, suite, suite.replicates, Detail::for_pictures(usize::MAX));
    let findings: Vec<Finding> = judged.drafts.into_iter().map(|draft| draft.finding).collect();
    for finding in findings {
        profile.heterogeneity = profile.heterogeneity.or(finding.heterogeneity);
        // Values that repel each other are worth more than independent ones; a reader looks for what is lost.
        profile.n_eff = profile.n_eff.or(finding.n_eff.map(|worth| worth.min(profile.n as f64)));
        for (key, reason) in &finding.undefined {
            if matches!(key.as_str(), "heterogeneity" | "n_eff") {
                profile.undefined.insert(key.clone(), reason.clone());
            }
        }
        for note in &finding.notes {
            // Both copies say the same of themselves; lags name values that stand above.
            let Some(note) = note.strip_prefix("golden: ") else { continue };
            if !profile.notes.iter().any(|known| known == note) {
                profile.notes.push(note.to_owned());
            }
        }
        profile.resolution.push(resolution(&finding));
    }
}

fn resolution(finding: &Finding) -> ResolutionProfile {
    let seconds = finding.seconds[0];
    let unit = match finding.test {
        TestId::W1 | TestId::Mean | TestId::Quantile => finding.unit.clone(),
        _ => String::new(),
    };
    let resolvable = finding.resolution;
    // A distance of laws is at most 1: what would need more resolves nothing.
    let ceiling = if finding.test == TestId::Ks { 1.0 } else { f64::INFINITY };
    let at =
        |wanted: f64| resolvable.map(|r| mde::at_length(finding.test, r, seconds, wanted)).filter(|r| *r < ceiling);
    let is_reached = resolvable.zip(finding.margin).map(|(r, margin)| r < margin);
    let needs_s = resolvable.zip(finding.margin.filter(|m| *m > 0.0)).map(|(r, margin)| {
        let shortest = WINDOWS_MIN as f64 * mde::seconds(WINDOW_SHORTEST_NS);
        mde::needed(finding.test, r, seconds, margin).max(shortest)
    });
    let text = match (resolvable, finding.verdict) {
        (Some(r), _) => {
            let or_nothing = |r: Option<f64>| r.map_or_else(|| "nothing".to_owned(), short);
            let mut text = format!(
                "{} resolve {} >= {}; one minute {}, one hour {}",
                span(seconds),
                mde::symbol(finding),
                short(r),
                or_nothing(at(60.0)),
                or_nothing(at(3600.0))
            );
            if let (Some(false), Some(needs), Some(margin)) = (is_reached, needs_s, finding.margin) {
                text.push_str(&format!("; the margin {} needs about {} a side", short(margin), span(needs)));
            }
            text
        }
        (None, FindingVerdict::Pass | FindingVerdict::Fail) => {
            "it does not vary: there is no noise to measure".to_owned()
        }
        (None, FindingVerdict::Inconclusive) if finding.needs.is_some() => {
            let missing = finding.needs.as_ref().and_then(|n| n.golden_windows).unwrap_or(0);
            format!("too few windows with a value for an interval: {missing} more are needed")
        }
        (None, _) => finding.reason.clone(),
    };
    ResolutionProfile {
        test: finding.test,
        parameter: finding.parameter.clone(),
        unit,
        margin: finding.margin,
        resolvable,
        one_minute: at(60.0),
        one_hour: at(3600.0),
        detectable: finding.mde,
        needs_s: needs_s.filter(|s| s.is_finite()),
        out_of_reach: is_reached == Some(false),
        text,
    }
}

/// The first time at which a series sampled on a grid has a value, ns since the epoch; from the number of samples in its
/// first window, so exact where the series goes on without a break until that window's end.
pub fn sampled_from_ns(stream: &StreamStates, observable: &str, grid_ns: i64) -> Option<i64> {
    let SeriesWindows::Cells(windows) = &stream.series.get(observable)?.windows else { return None };
    let (index, cells) = windows.iter().find(|(_, cells)| !cells.is_empty())?;
    let end_ns = index.checked_add(1)?.checked_mul(stream.window_ns)?;
    let from_ns = end_ns.checked_sub(i64::try_from(cells.count()).ok()?.checked_mul(grid_ns)?)?;
    // A stream that ends inside its first window.
    Some(from_ns.max(index.checked_mul(stream.window_ns)?)).filter(|_| grid_ns > 0 && grid_ns <= SECOND_NS)
}
