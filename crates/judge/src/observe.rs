//! One observable of one pair of streams: which tests run, on which windows, in which unit.

use rayon::prelude::*;
use verismo_stats::histogram::Cells;
use verismo_stats::judging::Options;
use verismo_stats::lags::LagMoments;
use verismo_stats::panel::Panel;
use verismo_suite::catalogue::{self, Display, ObservableInfo, TestId};
use verismo_suite::report::{Picture, Side};
use verismo_suite::suite::{DataKind, ObservableRule, Suite};
use verismo_suite::verdict::FindingVerdict;

use crate::applicable::{Applicable, applicable};
use crate::digest::{Digest, Fields, SeriesDigests};
use crate::draft::{Draft, blank};
use crate::edges;
use crate::histogram::{self, Laws};
use crate::input::{Known, Series, SeriesWindows, StreamStates};
use crate::lags;
use crate::mde;
use crate::panels;
use crate::picture::{self, Detail};
use crate::rare;
use crate::select::{DAY_NS, Selection, select, slow_cosines};
use crate::strata::{self, Division};

/// A pair of streams ready to be judged: equal windows, and how they are matched.
pub(crate) struct Pair<'a> {
    pub(crate) name: String,
    pub(crate) golden: &'a StreamStates,
    pub(crate) candidate: &'a StreamStates,
    pub(crate) aligned: bool,
    /// Digests of the golden's and the candidate's observables.
    pub(crate) digests: [&'a SeriesDigests; 2],
    /// Divisions into strata that the suite asks for.
    pub(crate) divisions: Vec<Division>,
    /// Pairs of streams in the run.
    pub(crate) pairs: usize,
}

/// Days a side needs before a claim about other days takes days as windows.
const DAYS_MIN: usize = 12;

/// What every test of an observable needs to know.
pub(crate) struct Task<'a> {
    pub(crate) pair: &'a Pair<'a>,
    pub(crate) rule: &'a ObservableRule,
    pub(crate) unit: String,
    pub(crate) options: Options,
    pub(crate) selection: Selection,
    pub(crate) window_ns: i64,
    /// Seconds that pass for each window with a value, a side.
    pub(crate) seconds_a_window: [f64; 2],
}

impl Task<'_> {
    /// The finding of a test, with names and margin but nothing computed.
    pub(crate) fn blank(&self, test: TestId) -> verismo_suite::report::Finding {
        let rule = self.rule;
        let mut finding = blank(&rule.id, &self.unit, test, &self.pair.name, rule.severity, rule.decide == test);
        finding.policy = rule.policy.for_test(test.info().signed);
        finding.stratum = self.selection.stratum.to_owned();
        finding.windows = [self.selection.golden.len() as u64, self.selection.candidate.len() as u64];
        finding.seconds = [0, 1].map(|side| finding.windows[side] as f64 * self.seconds_a_window[side]);
        finding.coverage = Some(self.selection.coverage);
        if finding.coverage.is_some_and(|c| c < 0.999) {
            let share = crate::draft::short(100.0 * self.selection.coverage);
            finding.notes.push(format!("judged on {share} % of the golden's windows"));
        }
        finding
    }
}

/// What one observable gives.
pub(crate) struct Observed {
    /// Its findings, the deciding one first; never empty.
    pub(crate) drafts: Vec<Draft>,
    /// What its figures are drawn from, where it could be compared.
    pub(crate) picture: Option<Picture>,
}

/// Every finding of one observable. Never panics.
pub(crate) fn judge_observable(
    pair: &Pair<'_>,
    rule: &ObservableRule,
    suite: &Suite,
    replicates: u32,
    detail: Detail,
) -> Observed {
    let info = match suite.data {
        DataKind::Market => catalogue::observable(&rule.id),
        DataKind::Table => None,
    };
    let unit = suite.unit(&rule.id).to_owned();
    let tests = tests_of(rule);
    let only_deciding = |verdict, reason: &str| {
        let finding = blank(&rule.id, &unit, rule.decide, &pair.name, rule.severity, true);
        Observed { drafts: vec![Draft::settled(finding, verdict, reason)], picture: None }
    };
    if [pair.golden, pair.candidate].iter().any(|stream| stream.is_unread(&rule.id)) {
        return only_deciding(FindingVerdict::Error, "could not be computed: its states were not read");
    }
    match applicable(pair.golden, pair.candidate, &rule.id, info, suite.warmup_ns) {
        Applicable::Yes => {}
        Applicable::No(reason) => return only_deciding(FindingVerdict::NotApplicable, &reason),
        Applicable::TooShort(reason) => return only_deciding(FindingVerdict::Inconclusive, &reason),
        Applicable::MissingOn(side, reason) => {
            let mut observed = only_deciding(FindingVerdict::Fail, &format!("missing: {reason}"));
            for draft in &mut observed.drafts {
                let stream = if side == Side::Candidate { pair.golden } else { pair.candidate };
                let n = stream.series.get(&rule.id).map_or(0, observations);
                if side == Side::Candidate { draft.finding.n_golden = n } else { draft.finding.n_candidate = n }
            }
            return observed;
        }
    }
    let (Some(golden), Some(candidate)) = (pair.golden.series.get(&rule.id), pair.candidate.series.get(&rule.id))
    else {
        return only_deciding(FindingVerdict::Error, "could not be computed: a series vanished");
    };
    if golden.lattice != candidate.lattice {
        let reason = format!(
            "could not be computed: the sides were observed on different lattices, {} and {}",
            golden.lattice.id(),
            candidate.lattice.id()
        );
        return only_deciding(FindingVerdict::Error, &reason);
    }
    let base_ns = pair.golden.window_ns;
    let days = days_as_windows(golden, candidate, base_ns, suite);
    let (golden, candidate, window_ns) = match &days {
        Some((g, c)) => (g, c, DAY_NS),
        None => (golden, candidate, base_ns),
    };
    let (mut in_golden, mut in_candidate) = (occupied(golden), occupied(candidate));
    let golden_windows = in_golden.len();
    if pair.aligned {
        edges::trim((golden, &mut in_golden), (candidate, &mut in_candidate), window_ns);
    }
    let mut selection = select(&in_golden, &in_candidate, window_ns, pair.aligned, suite.scope);
    selection.coverage *= in_golden.len() as f64 / golden_windows.max(1) as f64;
    let digests = pair.digests.map(|digests| digests.get(rule.id.as_str()).copied().unwrap_or_default());
    let slow_cosines = if days.is_some() { 0 } else { slow_cosines(&selection, window_ns) };
    let task = Task {
        pair,
        rule,
        unit: unit.clone(),
        options: Options { slow_cosines, coarse_edges_max: coarse_edges(rule), ..options(suite, replicates, digests) },
        selection,
        window_ns,
        seconds_a_window: [(pair.golden, golden), (pair.candidate, candidate)].map(|(stream, series)| {
            mde::seconds(window_ns) * if days.is_some() { 1.0 } else { spacing(stream, series) }
        }),
    };
    if task.selection.golden.is_empty() || task.selection.candidate.is_empty() {
        return only_deciding(FindingVerdict::Inconclusive, "the sides share no window in which both define it");
    }
    let sides = [golden, candidate];
    let mut observed = run(&task, sides, info, &tests, Some(detail));
    if days.is_none() {
        // Where this fails the drafts stay open, as they are.
        let _undone = guarded(|| rare::judge(&mut observed.drafts, &task, golden, candidate));
    }
    let judge = |task: &Task<'_>| run(task, sides, info, &[rule.decide], None).drafts;
    if panels::needs_unbroken_time(rule.decide) {
        return observed;
    }
    let by_strata = guarded(|| strata::findings(&task, suite, [&in_golden, &in_candidate], &judge));
    observed.drafts.extend(by_strata.unwrap_or_else(|| vec![defect(&task, rule.decide)]));
    observed
}

/// What is judged: the states of both sides, made ready for every test of an observable.
enum Ready<'a> {
    Laws(Box<Laws<'a>>, [&'a [(i64, Cells)]; 2]),
    Lags([&'a [(i64, LagMoments)]; 2]),
    Panels([&'a [(i64, Panel)]; 2], Option<&'static ObservableInfo>),
}

impl<'a> Ready<'a> {
    fn new(
        task: &Task<'_>,
        golden: &'a Series,
        candidate: &'a Series,
        info: Option<&'static ObservableInfo>,
    ) -> Result<Self, String> {
        match (&golden.windows, &candidate.windows) {
            (SeriesWindows::Cells(g), SeriesWindows::Cells(c)) => {
                let laws = Laws::new(task, g, c, &golden.lattice, keys_per_unit(task.pair, info));
                laws.map(|laws| Self::Laws(Box::new(laws), [g, c])).map_err(|error| error.to_string())
            }
            (SeriesWindows::Lags(g), SeriesWindows::Lags(c)) => Ok(Self::Lags([g, c])),
            (SeriesWindows::Panels(g), SeriesWindows::Panels(c)) => Ok(Self::Panels([g, c], info)),
            _ => Err("the sides hold different kinds of states".to_owned()),
        }
    }

    /// The findings of one test; a bug in it becomes an ERROR and hides no other.
    fn judge(&self, task: &Task<'_>, test: TestId) -> Vec<Draft> {
        let judged = guarded(|| match self {
            Self::Laws(laws, _) => histogram::judge(task, laws, test),
            Self::Lags([g, c]) => lags::judge(task, g, c, test),
            Self::Panels([g, c], info) => vec![panels::judge(task, g, c, *info, test)],
        });
        judged.unwrap_or_else(|| vec![defect(task, test)])
    }

    fn picture(&self, task: &Task<'_>, drafts: &[Draft], detail: Detail) -> Option<Picture> {
        guarded(|| match self {
            Self::Laws(laws, sides) => Some(picture::of_laws(task, laws, *sides, drafts, detail)),
            Self::Lags(sides) => picture::of_lags(task, *sides, drafts, detail),
            Self::Panels(..) => None,
        })
        .flatten()
    }
}

/// What stands for findings of a test whose computation panicked.
fn defect(task: &Task<'_>, test: TestId) -> Draft {
    Draft::error(task.blank(test), "a defect of verismo, or of a plug-in; please report it")
}

/// Up to so many threads are kept busy by the observables alone. Beyond, the tests of one run side by side as well, since one busy
/// observable can cost as much as all others; a thread that waits for them begins another observable, and more tables are held.
const FEW_THREADS: usize = 4;

/// The findings of some tests; with a picture, if its detail is told.
fn run(
    task: &Task<'_>,
    [golden, candidate]: [&Series; 2],
    info: Option<&'static ObservableInfo>,
    tests: &[TestId],
    detail: Option<Detail>,
) -> Observed {
    let each = |draft: &dyn Fn(TestId) -> Draft| Observed {
        drafts: tests.iter().map(|&test| draft(test)).collect(),
        picture: None,
    };
    let ready = match guarded(|| Ready::new(task, golden, candidate, info)) {
        Some(Ok(ready)) => ready,
        Some(Err(error)) => return each(&|test| Draft::error(task.blank(test), &error)),
        None => return each(&|test| defect(task, test)),
    };
    let drafts: Vec<Vec<Draft>> = match rayon::current_num_threads() > FEW_THREADS {
        true => tests.par_iter().map(|&test| ready.judge(task, test)).collect(),
        false => tests.iter().map(|&test| ready.judge(task, test)).collect(),
    };
    let drafts: Vec<Draft> = drafts.into_iter().flatten().collect();
    let picture = detail.and_then(|detail| ready.picture(task, &drafts, detail));
    Observed { drafts, picture }
}

/// The result, or nothing where computing it panicked: a bug in one place must hide no other.
fn guarded<T>(compute: impl FnOnce() -> T) -> Option<T> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(compute)).ok()
}

/// The tests of a rule, the deciding one first.
fn tests_of(rule: &ObservableRule) -> Vec<TestId> {
    let others = rule.margins.keys().copied().filter(|&t| t != rule.decide);
    std::iter::once(rule.decide).chain(others).collect()
}

/// (position, index) of the windows with observations, ascending.
pub(crate) fn occupied(series: &Series) -> Vec<(usize, i64)> {
    use verismo_stats::state::State;
    match &series.windows {
        SeriesWindows::Cells(w) => {
            let occupied = w.iter().enumerate().filter(|(_, (_, cells))| !cells.is_empty());
            occupied.map(|(at, (index, _))| (at, *index)).collect()
        }
        SeriesWindows::Lags(w) => {
            let occupied = w.iter().enumerate().filter(|(_, (_, moments))| moments.count() > 0);
            occupied.map(|(at, (index, _))| (at, *index)).collect()
        }
        SeriesWindows::Panels(w) => {
            let occupied = w.iter().enumerate().filter(|(_, (_, panel))| panel.count() > 0);
            occupied.map(|(at, (index, _))| (at, *index)).collect()
        }
    }
}

/// Windows of a stream for each window in which the series has a value: 1 for what is seen all the time, 6 for a value a minute
/// in windows of 10 s.
fn spacing(stream: &StreamStates, series: &Series) -> f64 {
    (windows_most(stream) as f64 / occupied(series).len().max(1) as f64).max(1.0)
}

/// Windows of the observable that has the most.
pub(crate) fn windows_most(stream: &StreamStates) -> usize {
    let of_series = stream.series.values().map(|series| series.windows.len());
    of_series.chain(stream.known.values().map(Known::n_windows)).max().unwrap_or(0)
}

pub(crate) fn observations(series: &Series) -> u64 {
    use verismo_stats::state::State;
    match &series.windows {
        SeriesWindows::Cells(w) => w.iter().map(|(_, cells)| cells.count()).sum(),
        SeriesWindows::Lags(w) => w.iter().map(|(_, m)| m.count()).sum(),
        SeriesWindows::Panels(w) => w.iter().map(|(_, panel)| panel.count()).sum(),
    }
}

/// Both series by day, when the claim is about other days and there are days enough.
fn days_as_windows(golden: &Series, candidate: &Series, window_ns: i64, suite: &Suite) -> Option<(Series, Series)> {
    if suite.scope != verismo_suite::suite::Scope::Population || window_ns <= 0 || DAY_NS % window_ns != 0 {
        return None;
    }
    let factor = DAY_NS / window_ns;
    let enough = |series: &Series| {
        let mut days: Vec<i64> = occupied(series).iter().map(|(_, i)| i.div_euclid(factor)).collect();
        days.dedup();
        days.len() >= DAYS_MIN
    };
    if !enough(golden) || !enough(candidate) {
        return None;
    }
    let by_day = |series: &Series| {
        let mut series = series.clone();
        series.roll_up(factor).ok().map(|()| series)
    };
    Some((by_day(golden)?, by_day(candidate)?))
}

/// Keys of the lattice per unit of display, for observables shown in ticks of the price: the golden's tick. Prices have eight
/// decimals in key and tick alike.
pub(crate) fn keys_per_unit(pair: &Pair<'_>, info: Option<&ObservableInfo>) -> Option<i64> {
    if !info.is_some_and(|i| i.display == Display::PriceTicks) {
        return None;
    }
    [pair.golden.price_tick, pair.candidate.price_tick].into_iter().find(|&tick| tick > 0)
}

/// Edges that noise is told at. What moves between two of them, at most their share of all values, is no part of a lower end: where that
/// comes near to the margin of the laws' distance there are more edges.
fn coarse_edges(rule: &ObservableRule) -> usize {
    let coarse = Options::default().coarse_edges_max;
    let is_fine = |margin: &f64| *margin * (coarse + 1) as f64 <= EDGES_A_MARGIN;
    if rule.margins.get(&TestId::Ks).is_some_and(is_fine) { FINE_EDGES } else { coarse }
}

/// Cells between edges that a margin is wider than.
const EDGES_A_MARGIN: f64 = 3.0;
/// Edges where margins are narrower.
const FINE_EDGES: usize = 255;

/// How the recipe judges; the weights depend on the content of both series alone.
fn options(suite: &Suite, replicates: u32, [golden, candidate]: [Digest; 2]) -> Options {
    let mut seed = Fields::new("seed");
    seed.text(verismo_stats::judging::RECIPE);
    seed.bytes(&golden);
    seed.bytes(&candidate);
    Options { alpha: suite.alpha, replicates, memory_guard: true, seed: seed.finish(), ..Options::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow_margins_have_more_edges() {
        let edges = |margin: &str| {
            let text = format!(
                "schema: verismo.suite/1\nobservables:\n  - {{id: spread, decide: ks, margins: {{{margin}}}}}\n"
            );
            coarse_edges(&Suite::parse(&text).unwrap().rule("spread").unwrap())
        };
        assert_eq!([edges("ks: 0.05"), edges("ks: 0.047"), edges("ks: 0.046"), edges("ks: 0.01")], [63, 63, 255, 255]);
    }
}
