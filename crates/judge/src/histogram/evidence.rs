//! Where a difference sits: the golden against itself, the values, the windows.

use verismo_stats::histogram::Histogram;
use verismo_stats::judging::{Effect, Judged, Side as StatsSide};
use verismo_suite::report::{Blame, Finding, LargestGap, Side, WorstRange};

use super::Laws;
use crate::draft::short;

/// Windows and half hours named at most.
const BLAME_MAX: usize = 3;

/// By how much the golden differs from itself. Pairs do not need it: the candidate saw the same windows. Only distances
/// have one, and an informing test only asks when it would FAIL.
pub(super) fn heterogeneity(
    finding: &mut Finding,
    laws: &Laws<'_>,
    judged: &Judged,
    distance: Option<Effect>,
    paired: bool,
) {
    let reason = match distance {
        _ if paired => "pairs: the candidate is compared with the same windows",
        None => "only distances between laws have one",
        Some(_) if !finding.deciding && !judged.is_outside(judged.margin) => {
            "computed where it could matter: for deciding tests and beyond the margin"
        }
        Some(effect) => match laws.comparison.heterogeneity_beyond_noise(effect, &laws.values()) {
            Ok(Some(h)) => {
                finding.heterogeneity = Some(h);
                return;
            }
            Ok(None) => "the golden has fewer than 36 windows",
            Err(_) => "could not be computed",
        },
    };
    finding.undefined.insert("heterogeneity".to_owned(), reason.to_owned());
}

/// Windows and half hours on which the effect rests, and the values at which the laws differ most.
pub(super) fn blame(finding: &mut Finding, laws: &Laws<'_>, distance: Option<Effect>, window_ns: i64) {
    // Means, quantiles, ranks and ratios are blamed through the distance of the laws, which has another margin than theirs.
    let (effect, margin) = (distance.unwrap_or(Effect::Ks), distance.and(finding.margin));
    let Ok(found) = laws.comparison.blame(effect, BLAME_MAX, &laws.values()) else { return };
    let inside = |effect: f64| margin.is_some_and(|m| effect < m);
    let text = |what: &str, effect: f64| {
        let end = if inside(effect) { ", inside the margin" } else { "" };
        format!("without {what} the effect is {}{end}", short(effect))
    };
    for stratum in found.strata.iter().take(BLAME_MAX).filter(|s| s.effect_without < found.effect) {
        let ids = laws.golden_windows.iter().filter(|w| w.stratum == stratum.stratum).map(|w| w.id);
        let Some((first, last)) =
            ids.fold(None, |ends: Option<(i64, i64)>, id| Some(ends.map_or((id, id), |(a, b)| (a.min(id), b.max(id)))))
        else {
            continue;
        };
        let (from_ns, to_ns) = (first.saturating_mul(window_ns), (last + 1).saturating_mul(window_ns));
        finding.evidence.blame.push(Blame {
            from_ns,
            to_ns,
            side: Side::Both,
            effect_without: stratum.effect_without,
            inside_margin_without: inside(stratum.effect_without),
            text: text(&format!("{} to {} UTC", clock(from_ns), clock(to_ns)), stratum.effect_without),
        });
    }
    for window in &found.windows {
        let from_ns = window.id.saturating_mul(window_ns);
        let side = match window.side {
            StatsSide::Golden if finding.stratum == "paired" => Side::Both,
            StatsSide::Golden => Side::Golden,
            StatsSide::Candidate => Side::Candidate,
        };
        let what = format!("the window at {} UTC ({})", clock(from_ns), side.as_str());
        finding.evidence.blame.push(Blame {
            from_ns,
            to_ns: from_ns.saturating_add(window_ns),
            side,
            effect_without: window.effect_without,
            inside_margin_without: inside(window.effect_without),
            text: text(&what, window.effect_without),
        });
    }
    if let Some(gap) = found.largest_gap {
        finding.evidence.largest_gap = Some(LargestGap {
            at: laws.value(gap.key),
            golden_share: share(&laws.golden, i64::MIN, gap.key),
            candidate_share: share(&laws.candidate, i64::MIN, gap.key),
        });
    }
    if let Some(excess) = found.largest_excess {
        let (from, to) = (laws.value(excess.low), laws.value(excess.high));
        let golden_share = share(&laws.golden, excess.low, excess.high);
        let candidate_share = share(&laws.candidate, excess.low, excess.high);
        let unit = if finding.unit.is_empty() { String::new() } else { format!(" {}", finding.unit) };
        let range = if excess.low == excess.high { short(from) } else { format!("{} to {}", short(from), short(to)) };
        let text = format!(
            "{range}{unit}: {} % of the golden, {} % of the candidate",
            short(100.0 * golden_share),
            short(100.0 * candidate_share)
        );
        finding.evidence.worst_range = Some(WorstRange { from, to, golden_share, candidate_share, text });
    }
}

/// Share of the observations with keys from `low` to `high`.
fn share(histogram: &Histogram, low: i64, high: i64) -> f64 {
    let inside: u64 = histogram.cells().iter().filter(|(key, _)| (low..=high).contains(key)).map(|(_, n)| n).sum();
    inside as f64 / histogram.count().max(1) as f64
}

/// Time of day, `HH:MM:SS`.
fn clock(ns: i64) -> String {
    let second = ns.div_euclid(crate::input::SECOND_NS).rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
}
