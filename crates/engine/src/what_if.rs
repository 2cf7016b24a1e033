//! What a run would have come to without a part of its data, from its states.

mod search;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use verismo_judge::input::{SideStates, StreamStates};
use verismo_judge::{influences, normalised};
use verismo_suite::report::{Finding, Report, Side};
use verismo_suite::suite::{ObservableRule, Suite};
use verismo_suite::{FindingVerdict, Severity};

use crate::error::EngineError;
use crate::meter::Meter;
use crate::rejudge::{JudgeAgain, RunStates, judge_sides};

/// Ranges of time by which windows are tried where their laws do not rank them.
const BLOCKS: usize = 16;
const MINUTE_NS: i64 = 60_000_000_000;
const DAY_MIN: i64 = 24 * 60;

/// Something that is left out of both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cut {
    /// The streams of a symbol.
    Symbol(String),
    /// Windows that lie at least partly in a range of time.
    Window {
        /// Only those of this symbol or stream.
        symbol: Option<String>,
        /// First time of the range, ns.
        from_ns: i64,
        /// First time behind it.
        to_ns: i64,
    },
    /// Windows that lie at least partly in a part of the day, UTC; one that ends before it starts goes over midnight.
    Hours {
        /// Minutes after midnight.
        from_min: i64,
        /// First minute behind it.
        to_min: i64,
    },
}

/// States without a part.
#[derive(Debug, Clone)]
pub struct Left {
    golden: SideStates,
    candidate: SideStates,
    /// Windows that each cut takes away, golden and candidate.
    pub windows: Vec<[u64; 2]>,
}

/// What is looked for.
#[derive(Debug, Clone, PartialEq)]
pub struct FindRequest {
    /// Only findings of this observable; of all that decide the run without it.
    pub observable: Option<String>,
    /// Whether one contiguous stretch is wanted, else single windows.
    pub is_stretch: bool,
    /// Whether what fails has to pass, else it only must not fail.
    pub must_pass: bool,
    /// Judgements at most.
    pub tries_max: u64,
    /// Share of the windows that may be left out.
    pub share_max: f64,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundCuts {
    /// What to leave out; empty if nothing was found.
    pub cuts: Vec<Cut>,
    /// Findings that fail, and are to be turned.
    pub targets: Vec<String>,
    /// Findings that fail and have no numbers: no window can turn them.
    pub hopeless: Vec<String>,
    /// Windows left out.
    pub units: u64,
    /// Windows that there are.
    pub of: u64,
    /// Judgements made.
    pub tries: u64,
    /// Whether each of them was tried to be put back, and is needed.
    pub is_irreducible: bool,
    asked: Targets,
}

impl FoundCuts {
    /// Whether what was to be turned is, in a judgement of all that is left.
    pub fn are_turned(&self, after: &Report) -> bool {
        self.asked.are_turned(after)
    }
}

/// The states of a run without what is cut; `streams` are the pairs of the report of the run.
pub fn without(states: &RunStates, cuts: &[Cut], report: &Report) -> Left {
    let [golden, candidate] = states.sides();
    let paired =
        || report.streams.iter().filter_map(|pair| Some((pair.golden.as_deref()?, pair.candidate.as_deref()?)));
    let partners: [Partners<'_>; 2] =
        [paired().collect(), paired().map(|(golden, candidate)| (candidate, golden)).collect()];
    let mut windows = vec![[0, 0]; cuts.len()];
    let mut side = |states: &SideStates, n: usize| {
        let partners = &partners[n];
        for stream in &states.streams {
            for index in stream.window_indices(&[]) {
                let from_ns = index.saturating_mul(stream.window_ns);
                for (cut, windows) in cuts.iter().zip(&mut windows) {
                    windows[n] += u64::from(cut.takes(stream, partners, from_ns));
                }
            }
        }
        states.without(
            |stream| !cuts.iter().any(|cut| matches!(cut, Cut::Symbol(name) if is_called(stream, name, partners))),
            |stream, from_ns| !cuts.iter().any(|cut| cut.takes(stream, partners, from_ns)),
        )
    };
    let (golden, candidate) = (side(golden, 0), side(candidate, 1));
    Left { golden, candidate, windows }
}

/// For each stream of a side the one of the other side that it is paired with.
type Partners<'a> = BTreeMap<&'a str, &'a str>;

/// Whether a stream, or the one that it is paired with, goes by a name: a symbol, or `venue:symbol`.
fn is_called(stream: &StreamStates, name: &str, partners: &Partners<'_>) -> bool {
    let (wanted, own) = (normalised(name), stream.name());
    let partner = partners.get(own.as_str()).copied().unwrap_or(own.as_str());
    let symbol = |name: &str| normalised(name.rsplit(':').next().unwrap_or(name));
    [normalised(&stream.symbol), normalised(&own), normalised(partner), symbol(partner)].contains(&wanted)
}

impl Cut {
    fn takes(&self, stream: &StreamStates, partners: &Partners<'_>, from_ns: i64) -> bool {
        let to_ns = from_ns.saturating_add(stream.window_ns);
        match self {
            Self::Symbol(name) => is_called(stream, name, partners),
            Self::Window { symbol, from_ns: from, to_ns: to } => {
                from_ns < *to && *from < to_ns && symbol.as_ref().is_none_or(|name| is_called(stream, name, partners))
            }
            Self::Hours { from_min, to_min } => {
                // Each minute that the window reaches into; a day has all of them.
                let (first, last) = (from_ns.div_euclid(MINUTE_NS), (to_ns - 1).div_euclid(MINUTE_NS));
                (first..=last.min(first + DAY_MIN)).map(|minute| minute.rem_euclid(DAY_MIN)).any(
                    |minute| match from_min < to_min {
                        true => (*from_min..*to_min).contains(&minute),
                        false => minute >= *from_min || minute < *to_min,
                    },
                )
            }
        }
    }
}

impl Left {
    /// The states of golden and candidate.
    pub fn sides(&self) -> [&SideStates; 2] {
        [&self.golden, &self.candidate]
    }

    /// Judges them.
    pub fn judge(&self, again: &JudgeAgain) -> Report {
        judge_sides(self.sides(), again)
    }
}

/// Windows of both sides, counted as they are judged: each window of each stream once.
pub fn window_counts(states: &RunStates) -> [u64; 2] {
    states.sides().map(|side| side.streams.iter().map(|stream| stream.window_indices(&[]).len() as u64).sum())
}

/// Looks for few windows without which what fails does not; `before` is the report of these states.
///
/// # Errors
/// [`EngineError::NothingFails`], [`EngineError::Interrupted`].
pub fn find_cuts(
    states: [&SideStates; 2],
    before: &Report,
    again: &JudgeAgain,
    request: &FindRequest,
    meter: &Meter,
) -> Result<FoundCuts, EngineError> {
    let (targets, hopeless): (Vec<&Finding>, Vec<&Finding>) = before
        .findings
        .iter()
        .filter(|finding| is_target(finding, request))
        .partition(|finding| finding.effect.is_some());
    if targets.is_empty() && hopeless.is_empty() {
        return Err(EngineError::NothingFails { what: what_of(before, request) });
    }
    meter.set_parts_total(request.tries_max);
    let mut trial = Trial::new(states, before, again, request, &targets, meter);
    let most = (trial.units.len() as f64 * request.share_max).floor() as usize;
    // What has no numbers fails whatever is left out.
    let found = if targets.is_empty() || (!hopeless.is_empty() && request.observable.is_some()) {
        None
    } else if request.is_stretch {
        let scores = trial.scores(&BTreeSet::new());
        let mut scores: Vec<((i64, usize), f64)> = scores
            .into_iter()
            .map(|((stream, index), score)| ((trial.start_ns((stream, index)), stream), score))
            .collect();
        scores.sort_by_key(|(place, _)| *place);
        let by_place = trial.by_place();
        let mut ask = |without: &BTreeSet<(i64, usize)>| {
            trial.is_enough(&without.iter().filter_map(|place| by_place.get(place)).copied().collect())
        };
        let set = search::stretch(&scores, &mut ask, most);
        set.map(|set| search::Set {
            without: set.without.iter().filter_map(|place| by_place.get(place)).copied().collect(),
            is_irreducible: false,
        })
    } else {
        trial.greedy(most)
    };
    if meter.is_cancelled() {
        return Err(EngineError::Interrupted { messages: 0 });
    }
    let named = |findings: &[&Finding]| findings.iter().map(|finding| name_of(finding)).collect();
    Ok(FoundCuts {
        cuts: found.as_ref().map(|set| trial.cuts(&set.without)).unwrap_or_default(),
        targets: named(&targets),
        hopeless: named(&hopeless),
        units: found.as_ref().map_or(0, |set| set.without.len() as u64),
        of: trial.units.len() as u64,
        tries: trial.tries,
        is_irreducible: found.is_some_and(|set| set.is_irreducible),
        asked: trial.targets,
    })
}

fn is_target(finding: &Finding, request: &FindRequest) -> bool {
    // What is open may be asked for by its name.
    let (is_asked, may_be_open) = match &request.observable {
        Some(observable) => (finding.observable == *observable, request.must_pass),
        None => (finding.severity == Severity::Critical, false),
    };
    let is_turned = match finding.verdict {
        FindingVerdict::Fail => true,
        FindingVerdict::Inconclusive => may_be_open,
        _ => false,
    };
    is_asked && finding.deciding && is_turned
}

/// What stands where nothing fails.
fn what_of(before: &Report, request: &FindRequest) -> String {
    let Some(observable) = &request.observable else {
        let checks = failing_checks(before);
        if checks.is_empty() {
            return format!("no finding fails the run, which is {}", before.verdict);
        }
        return format!(
            "no finding fails the run, only checks that are counted over whole streams: {}",
            checks.join(", ")
        );
    };
    let mut own = before.findings.iter().filter(|finding| finding.observable == *observable && finding.deciding);
    match own.next() {
        Some(finding) => format!("{observable} does not fail, it is {}", finding.verdict),
        None => format!("{observable} was not judged"),
    }
}

fn name_of(finding: &Finding) -> String {
    let stratum = finding.strata.first().map(|stratum| format!(" {}", stratum.label)).unwrap_or_default();
    format!("{} {} {}{stratum}", finding.stream, finding.observable, finding.test)
}

/// A window of a pair of streams.
type Unit = (usize, i64);

/// What tells a finding from others of its observable, whatever its numbers: stratum labels come and go, what divides does not.
type Key = (String, String, String, Option<String>, Option<String>);

fn key_of(finding: &Finding) -> Key {
    let division = finding.strata.first().and_then(|stratum| Some(stratum.label.split_once('=')?.0.to_owned()));
    let Finding { stream, observable, test, parameter, .. } = finding;
    (stream.clone(), observable.clone(), test.to_string(), parameter.clone(), division)
}

/// What is to be turned.
#[derive(Debug, Clone, PartialEq)]
struct Targets {
    keys: BTreeSet<Key>,
    /// Whether it has to pass, else it only must not fail.
    must_pass: bool,
}

impl Targets {
    /// Whether a finding is of an observable in question: what is only there to divide windows into strata does not count.
    fn are_about(&self, finding: &Finding) -> bool {
        self.keys.iter().any(|(_, observable, ..)| finding.observable == *observable)
    }

    fn are_turned(&self, report: &Report) -> bool {
        let deciding = || report.findings.iter().filter(|finding| finding.deciding && self.are_about(finding));
        let fails = deciding().any(|f| matches!(f.verdict, FindingVerdict::Fail | FindingVerdict::Error));
        let passed: BTreeSet<Key> = deciding().filter(|f| f.verdict == FindingVerdict::Pass).map(key_of).collect();
        // What is not judged any more has not passed.
        !fails && (!self.must_pass || self.keys.is_subset(&passed))
    }
}

/// Judgements of what is left of the streams and observables that fail.
struct Trial<'a> {
    golden: SideStates,
    candidate: SideStates,
    /// The pairs that fail: names of both streams.
    pairs: Vec<(String, String)>,
    /// Whether the run has one pair only.
    is_only: bool,
    /// All windows that may be left out.
    units: BTreeSet<Unit>,
    window_ns: Vec<i64>,
    targets: Targets,
    /// By how much each window counts where laws do not tell, by pair.
    tried: BTreeMap<Unit, f64>,
    again: JudgeAgain,
    tries: u64,
    tries_max: u64,
    meter: &'a Meter,
}

impl<'a> Trial<'a> {
    fn new(
        [golden, candidate]: [&SideStates; 2],
        before: &Report,
        again: &JudgeAgain,
        request: &FindRequest,
        targets: &[&Finding],
        meter: &'a Meter,
    ) -> Self {
        let streams: BTreeSet<&str> = targets.iter().map(|finding| finding.stream.as_str()).collect();
        let observables: BTreeSet<String> = targets.iter().map(|finding| finding.observable.clone()).collect();
        let pairs = before.streams.iter().filter(|pair| streams.contains(pair.name.as_str()));
        let pairs: Vec<(String, String)> =
            pairs.filter_map(|pair| Some((pair.golden.clone()?, pair.candidate.clone()?))).collect();
        let suite = only(&again.suite, &observables, targets.iter().any(|finding| !finding.strata.is_empty()));
        let kept = suite.observable_ids();
        let part = |side: &SideStates, is_wanted: &dyn Fn(&str) -> bool| {
            let mut side = side.clone();
            side.streams.retain(|stream| is_wanted(&stream.name()));
            for stream in &mut side.streams {
                stream.series.retain(|id, _| kept.contains(id));
                stream.known.retain(|id, _| kept.contains(id));
            }
            side
        };
        let mut golden = part(golden, &|name| pairs.iter().any(|pair| pair.0 == name));
        let mut candidate = part(candidate, &|name| pairs.iter().any(|pair| pair.1 == name));
        let mut units = BTreeSet::new();
        let mut window_ns = Vec::new();
        let observables: Vec<String> = observables.into_iter().collect();
        for (n, pair) in pairs.iter().enumerate() {
            let own = |side: &SideStates, name: &str| side.streams.iter().position(|stream| stream.name() == name);
            let places = own(&golden, &pair.0).zip(own(&candidate, &pair.1));
            let Some((g, c)) = places else {
                window_ns.push(1);
                continue;
            };
            let (golden, candidate) = (&mut golden.streams[g], &mut candidate.streams[c]);
            let length_ns = golden.window_ns.max(candidate.window_ns).max(suite.window_ns.unwrap_or(0));
            // As the judge does it; windows that do not fill each other stay as they are.
            let _stays = golden.roll_up(length_ns);
            let _stays = candidate.roll_up(length_ns);
            window_ns.push(candidate.window_ns);
            units.extend(candidate.window_indices(&observables).into_iter().map(|index| (n, index)));
        }
        let maps = pairs.to_vec();
        Self {
            golden,
            candidate,
            pairs,
            is_only: before.streams.len() < 2,
            units,
            window_ns,
            targets: Targets {
                keys: targets.iter().map(|finding| key_of(finding)).collect(),
                must_pass: request.must_pass,
            },
            tried: BTreeMap::new(),
            again: JudgeAgain { suite, maps, inputs: Vec::new(), ..again.clone() },
            tries: 0,
            tries_max: request.tries_max,
            meter,
        }
    }

    fn start_ns(&self, (pair, index): Unit) -> i64 {
        index.saturating_mul(self.window_ns.get(pair).copied().unwrap_or(1))
    }

    fn by_place(&self) -> BTreeMap<(i64, usize), Unit> {
        self.units.iter().map(|unit| ((self.start_ns(*unit), unit.0), *unit)).collect()
    }

    fn left(&self, without: &BTreeSet<Unit>) -> [SideStates; 2] {
        let side = |side: &SideStates, name_of: &dyn Fn(&(String, String)) -> &String| {
            side.without(
                |_| true,
                |stream, from_ns| {
                    let name = stream.name();
                    let pair = self.pairs.iter().position(|pair| *name_of(pair) == name);
                    let index = from_ns.div_euclid(stream.window_ns.max(1));
                    pair.is_none_or(|pair| !without.contains(&(pair, index)))
                },
            )
        };
        [side(&self.golden, &|pair| &pair.0), side(&self.candidate, &|pair| &pair.1)]
    }

    /// The report of what is left; `None` where no more judgements may be made.
    fn judge(&mut self, without: &BTreeSet<Unit>) -> Option<Report> {
        if self.tries >= self.tries_max || self.meter.is_cancelled() {
            return None;
        }
        self.tries += 1;
        self.meter.add_part();
        let [golden, candidate] = self.left(without);
        self.again.started = Instant::now();
        Some(judge_sides([&golden, &candidate], &self.again))
    }

    fn is_enough(&mut self, without: &BTreeSet<Unit>) -> Option<bool> {
        let report = self.judge(without)?;
        Some(self.targets.are_turned(&report))
    }

    fn greedy(&mut self, most: usize) -> Option<search::Set<Unit>> {
        // Ranking and asking both need the trial, one after the other.
        let trial = std::cell::RefCell::new(self);
        let rank = |without: &BTreeSet<Unit>| {
            let mut scores: Vec<(Unit, f64)> = trial.borrow_mut().scores(without).into_iter().collect();
            scores.retain(|(_, score)| *score > 0.0);
            scores.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            scores.into_iter().map(|(unit, _)| unit).collect()
        };
        let mut ask = |without: &BTreeSet<Unit>| trial.borrow_mut().is_enough(without);
        search::greedy(rank, &mut ask, most)
    }

    /// How much each window that is left carries of what fails.
    fn scores(&mut self, without: &BTreeSet<Unit>) -> BTreeMap<Unit, f64> {
        let [golden, candidate] = self.left(without);
        let mut scores: BTreeMap<Unit, f64> =
            self.units.iter().filter(|unit| !without.contains(unit)).map(|unit| (*unit, 0.0)).collect();
        let mut is_ranked = true;
        for (stream, observable, ..) in &self.targets.keys {
            let Some(n) = self.pairs.iter().position(|pair| pair.0 == *stream) else { continue };
            let own = |side: &'_ SideStates, name: &str| side.streams.iter().position(|stream| stream.name() == name);
            let places = own(&golden, &self.pairs[n].0).zip(own(&candidate, &self.pairs[n].1));
            let Some((g, c)) = places else { continue };
            match influences(&golden.streams[g], &candidate.streams[c], observable) {
                Some(found) => {
                    for (index, score) in found {
                        if let Some(all) = scores.get_mut(&(n, index)) {
                            *all += score;
                        }
                    }
                }
                None => is_ranked = false,
            }
        }
        if !is_ranked {
            self.try_blocks();
            for (unit, score) in &mut scores {
                *score += self.tried.get(unit).copied().unwrap_or(0.0);
            }
        }
        scores
    }

    /// Leaves out one block of time after the other, once: by how much the effects fall is how much its windows count.
    fn try_blocks(&mut self) {
        if !self.tried.is_empty() {
            return;
        }
        let places: Vec<Unit> = self.by_place().into_values().collect();
        let Some(whole) = self.judge(&BTreeSet::new()) else { return };
        let size = places.len().div_ceil(BLOCKS).max(1);
        for block in places.chunks(size) {
            let Some(report) = self.judge(&block.iter().copied().collect()) else { return };
            let fallen = self.excess(&whole) - self.excess(&report);
            self.tried.extend(block.iter().map(|unit| (*unit, fallen / block.len() as f64)));
        }
    }

    /// How far the findings that fail lie beyond their margins, in margins.
    fn excess(&self, report: &Report) -> f64 {
        let own = report.findings.iter().filter(|finding| self.targets.keys.contains(&key_of(finding)));
        own.map(|finding| match (finding.effect, finding.margin) {
            (Some(effect), Some(margin)) if margin > 0.0 => effect.abs() / margin,
            (Some(effect), _) => effect.abs(),
            (None, _) => 0.0,
        })
        .sum()
    }

    /// The windows as ranges of time, neighbours together.
    fn cuts(&self, without: &BTreeSet<Unit>) -> Vec<Cut> {
        let mut cuts: Vec<(usize, i64, i64)> = Vec::new();
        for &(pair, index) in without {
            let length_ns = self.window_ns.get(pair).copied().unwrap_or(1);
            let from_ns = index.saturating_mul(length_ns);
            match cuts.last_mut() {
                Some((own, _, to_ns)) if *own == pair && *to_ns == from_ns => {
                    *to_ns = from_ns.saturating_add(length_ns)
                }
                _ => cuts.push((pair, from_ns, from_ns.saturating_add(length_ns))),
            }
        }
        let cut = |(pair, from_ns, to_ns): (usize, i64, i64)| {
            let symbol = self.pairs.get(pair).map(|pair| pair.0.clone()).filter(|_| !self.is_only);
            Cut::Window { symbol, from_ns, to_ns }
        };
        cuts.into_iter().map(cut).collect()
    }
}

/// The suite with these observables and the tests that decide them; strata, and what they need, only where they matter.
fn only(suite: &Suite, observables: &BTreeSet<String>, has_strata: bool) -> Suite {
    let strata = suite.strata.clone().filter(|_| has_strata);
    let of_strata: Vec<&str> =
        strata.iter().flat_map(|strata| &strata.by).filter_map(|division| division.observable()).collect();
    let rule = |rule: &ObservableRule| {
        let is_wanted = observables.contains(&rule.id);
        if !is_wanted && !of_strata.contains(&rule.id.as_str()) {
            return None;
        }
        let mut rule = rule.clone();
        rule.margins.retain(|test, _| *test == rule.decide);
        if !is_wanted {
            rule.severity = Severity::Warn;
        }
        Some(rule)
    };
    Suite { strata, observables: suite.observables.iter().filter_map(rule).collect(), ..suite.clone() }
}

/// Integrity rows that fail the run: what they count is not kept by window.
pub fn failing_checks(report: &Report) -> Vec<String> {
    let fails = |verdict| matches!(verdict, FindingVerdict::Fail | FindingVerdict::Error);
    let rows = report.integrity.iter().filter(|row| row.severity == Severity::Critical && fails(row.verdict));
    let named = rows.map(|row| match row.side {
        Side::Both => row.check.clone(),
        side => format!("{} ({})", row.check, side.as_str()),
    });
    named.collect::<BTreeSet<String>>().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_take_windows_that_they_touch() {
        let stream = StreamStates::new("BINANCE", "BTC-USDT", 1, 10_000_000_000);
        let none = BTreeMap::new();
        let second = 1_000_000_000;
        let window = |symbol: Option<&str>, from: i64, to: i64| Cut::Window {
            symbol: symbol.map(str::to_owned),
            from_ns: from * second,
            to_ns: to * second,
        };
        for (cut, from_s, want) in [
            (window(None, 10, 20), 10, true),
            (window(None, 10, 20), 20, false),
            (window(None, 10, 20), 0, false),
            (window(None, 19, 21), 10, true),
            (window(Some("btcusdt"), 10, 20), 10, true),
            (window(Some("binance:BTCUSDT"), 10, 20), 10, true),
            (window(Some("ETH"), 10, 20), 10, false),
            (Cut::Symbol("BTCUSDT".to_owned()), 0, true),
            (Cut::Hours { from_min: 1, to_min: 2 }, 50, false),
            (Cut::Hours { from_min: 1, to_min: 2 }, 60, true),
            (Cut::Hours { from_min: 1, to_min: 2 }, 120, false),
            (Cut::Hours { from_min: 1_439, to_min: 1 }, -10, true),
            (Cut::Hours { from_min: 1_439, to_min: 1 }, 50, true),
            (Cut::Hours { from_min: 1_439, to_min: 1 }, 60, false),
        ] {
            assert_eq!(cut.takes(&stream, &none, from_s * second), want, "{cut:?} {from_s}");
        }
        let partners = BTreeMap::from([("BINANCE:BTC-USDT", "G:XBT")]);
        assert!(is_called(&stream, "xbt", &partners) && is_called(&stream, "G:XBT", &partners));
    }
}
