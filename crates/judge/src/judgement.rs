//! The whole judgement: pairing, findings, integrity, verdict, digests.

use std::borrow::Cow;

use rayon::prelude::*;
use verismo_stats::judging::replicates_for;
use verismo_suite::report::{
    Finding, Input, IntegrityRow, MdeRow, Picture, Provenance, Report, Side, StreamPair, Timing,
};
use verismo_suite::suite::{ObservableRule, Pairing, Scope, Suite};
use verismo_suite::verdict::Verdict;

use crate::alignment::{self, Alignment};
use crate::digest::{Digest, Fields, SeriesDigests, hex, series_digests, side_digest_from, suite_digest};
use crate::draft::settle;
use crate::input::{Series, SideStates, StreamStates};
use crate::integrity::{self, Subject};
use crate::mde;
use crate::observe::{Observed, Pair, judge_observable};
use crate::pairing::{self, PairedBy, Pairs};
use crate::picture::Detail;
use crate::recall::Remembered;
use crate::strata;
use crate::summary::{run_verdict, summary};

/// What the suite does not say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JudgeOptions {
    /// Golden to candidate streams, `symbol` or `venue:symbol`, that are paired whatever their names.
    pub map: Vec<(String, String)>,
}

/// Everything a report says that comes from states and suite.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// Verdict of the run.
    pub verdict: Verdict,
    /// Sentences for people; the first names the scope.
    pub summary: String,
    /// What the verdict is about.
    pub scope: Scope,
    /// BLAKE3, hex, of everything below that is content.
    pub digest: String,
    /// BLAKE3, hex, of what the suite says.
    pub suite_digest: String,
    /// BLAKE3, hex, of the golden's states and counters.
    pub golden_digest: String,
    /// BLAKE3, hex, of the candidate's states and counters.
    pub candidate_digest: String,
    /// How streams were paired.
    pub streams: Vec<StreamPair>,
    /// One row per stream, observable and test.
    pub findings: Vec<Finding>,
    /// One row per side, stream and check.
    pub integrity: Vec<IntegrityRow>,
    /// What the data can resolve.
    pub mde: Vec<MdeRow>,
    /// What figures are drawn from; not digested.
    pub pictures: Vec<Picture>,
    /// Observables that were judged, on any stream, and those of them that were recalled; not digested.
    pub observables: [u64; 2],
}

impl Judgement {
    /// The report: the judgement with what only its caller knows.
    pub fn into_report(self, suite: &Suite, inputs: Vec<Input>, timing: Timing, mut provenance: Provenance) -> Report {
        provenance.recipe = verismo_stats::judging::RECIPE.to_owned();
        Report {
            schema: verismo_suite::report::SCHEMA.to_owned(),
            verdict: self.verdict,
            summary: self.summary,
            scope: self.scope,
            digest: self.digest,
            suite_digest: self.suite_digest,
            suite: suite.name.clone(),
            inputs,
            streams: self.streams,
            findings: self.findings,
            integrity: self.integrity,
            mde: self.mde,
            pictures: self.pictures,
            timing,
            provenance,
            cache: None,
        }
    }
}

/// Judges two sides by a suite. Reads no row; the same states and suite give the same judgement, bit for bit.
pub fn judge(golden: &SideStates, candidate: &SideStates, suite: &Suite, options: &JudgeOptions) -> Judgement {
    let pairs = pairing::pair(golden, candidate, &options.map);
    let prepared = Prepared { pairs, digests: digests([golden, candidate]), alignments: Vec::new() };
    judge_with((golden, candidate), suite, &prepared, None)
}

/// What is known of two sides before any observable is judged.
pub(crate) struct Prepared {
    pub(crate) pairs: Pairs,
    pub(crate) digests: SideDigests,
    /// How each pair is compared, where that is known already.
    pub(crate) alignments: Vec<Option<Alignment>>,
}

/// Digests of the observables of each stream, by side.
pub(crate) type SideDigests = [Vec<SeriesDigests>; 2];

pub(crate) fn digests(sides: [&SideStates; 2]) -> SideDigests {
    sides.map(|side| side.streams.iter().map(series_digests).collect())
}

/// How much is computed, by how much there is.
#[derive(Clone, Copy)]
pub(crate) struct How {
    pub(crate) replicates: u32,
    pub(crate) detail: Detail,
}

impl How {
    pub(crate) fn of((golden, _): (&SideStates, &SideStates), suite: &Suite, pairs: &Pairs) -> Self {
        let n_pairs = pairs.pairs.len();
        Self {
            replicates: suite.replicates.max(replicates_for(deciding_findings(suite) * n_pairs, suite.alpha)),
            detail: Detail::for_pictures(n_pairs * observables_most(golden, suite)),
        }
    }
}

/// Visits each pair of streams, with windows of one length.
pub(crate) fn for_each_pair(
    (golden, candidate): (&SideStates, &SideStates),
    suite: &Suite,
    Prepared { pairs, digests, alignments }: &Prepared,
    mut visit: impl FnMut(usize, &Pair<'_>, &Alignment),
) {
    for (n, &(g, c, _)) in pairs.pairs.iter().enumerate() {
        let (golden, candidate) = same_windows(&golden.streams[g], &candidate.streams[c], suite.window_ns);
        let known = alignments.get(n).cloned().flatten();
        let alignment = known.unwrap_or_else(|| alignment::detect(&golden, &candidate, suite.pairing));
        let digests =
            [(&golden, &digests[0][g]), (&candidate, &digests[1][c])].map(|(stream, as_given)| match stream {
                Cow::Borrowed(_) => as_given.clone(),
                // The digests of a stream that was rolled up are its own.
                Cow::Owned(rolled) => series_digests(rolled),
            });
        let pair = Pair {
            name: golden.name(),
            golden: &golden,
            candidate: &candidate,
            aligned: alignment.aligned,
            digests: [&digests[0], &digests[1]],
            divisions: strata::divisions(suite, &golden, &candidate),
            pairs: pairs.pairs.len(),
        };
        visit(n, &pair, &alignment);
    }
}

pub(crate) fn judge_with(
    (golden, candidate): (&SideStates, &SideStates),
    suite: &Suite,
    prepared: &Prepared,
    remembered: Option<Vec<Remembered<'_>>>,
) -> Judgement {
    let Prepared { pairs, digests, .. } = prepared;
    let mut integrity = unpaired_rows(golden, candidate, pairs, suite);
    integrity.extend(integrity::side_rows(&golden.counters, None, Side::Golden, "", suite));
    integrity.extend(integrity::side_rows(&candidate.counters, Some(&golden.counters), Side::Candidate, "", suite));
    let how = How::of((golden, candidate), suite, pairs);
    let mut remembered = remembered.into_iter().flatten();
    let (mut drafts, mut streams, mut pictures) = (Vec::new(), Vec::new(), Vec::new());
    let mut counted = [0_u64; 2];
    for_each_pair((golden, candidate), suite, prepared, |n, pair, alignment| {
        let by = pairs.pairs[n].2;
        let (golden, candidate) = (pair.golden, pair.candidate);
        if by == PairedBy::OnlyOnes && pairing::normalised(&golden.symbol) != pairing::normalised(&candidate.symbol) {
            let subject = Subject { check: "symbol_mismatch", side: Side::Both, stream: &pair.name };
            let reason = format!("{} is compared with {}: each side has one stream", golden.name(), candidate.name());
            integrity.push(integrity::row(&subject, 1, 0, &reason, suite));
        }
        integrity.extend(stream_rows(pair, alignment, suite));
        let (judged, recalled) = observables(pair, suite, how, remembered.next());
        counted = [counted[0] + judged.len() as u64, counted[1] + recalled];
        for judged in judged {
            drafts.extend(judged.drafts);
            pictures.extend(judged.picture);
        }
        streams.push(stream_pair(pair, alignment, by));
    });
    streams.extend(pairs.missing.iter().map(|&g| lonely(Some(&golden.streams[g]), None)));
    streams.extend(pairs.extra.iter().map(|&c| lonely(None, Some(&candidate.streams[c]))));
    let findings = settle(drafts, suite.alpha, suite.multiplicity);
    let sides = [side_digest_from(golden, &digests[0]), side_digest_from(candidate, &digests[1])];
    Judgement { pictures, observables: counted, ..finish(sides, suite, streams, findings, integrity) }
}

fn finish(
    [golden, candidate]: [Digest; 2],
    suite: &Suite,
    streams: Vec<StreamPair>,
    findings: Vec<Finding>,
    integrity: Vec<IntegrityRow>,
) -> Judgement {
    let verdict = run_verdict(&findings, &integrity, suite.is_checks_alone());
    let digests = [suite_digest(suite), golden, candidate];
    let digest = run_digest(&digests, verdict, &findings, &integrity);
    let [suite_digest, golden_digest, candidate_digest] = digests.map(|d| hex(&d));
    Judgement {
        verdict,
        summary: summary(verdict, suite, &findings, &integrity),
        scope: suite.scope,
        digest: hex(&digest),
        suite_digest,
        golden_digest,
        candidate_digest,
        mde: mde::rows(&findings),
        pictures: Vec::new(),
        observables: [0, 0],
        streams,
        findings,
        integrity,
    }
}

/// States, counters, suite and verdicts.
fn run_digest(parts: &[Digest; 3], verdict: Verdict, findings: &[Finding], integrity: &[IntegrityRow]) -> Digest {
    let mut fields = Fields::new("run");
    fields.text(verismo_stats::judging::RECIPE);
    for part in parts {
        fields.bytes(part);
    }
    fields.text(verdict.as_str());
    fields.number(findings.len() as u64);
    for f in findings {
        for text in
            [&f.stream, &f.observable, f.test.as_str(), f.parameter.as_deref().unwrap_or(""), f.verdict.as_str()]
        {
            fields.text(text);
        }
    }
    fields.number(integrity.len() as u64);
    for row in integrity {
        for text in [&row.check, row.side.as_str(), &row.stream, row.verdict.as_str()] {
            fields.text(text);
        }
        fields.number(row.count);
        fields.number(row.total);
    }
    fields.finish()
}

/// Rows about streams without a partner, and about sides without events.
fn unpaired_rows(golden: &SideStates, candidate: &SideStates, pairs: &Pairs, suite: &Suite) -> Vec<IntegrityRow> {
    let mut rows = Vec::new();
    for (side, states) in [(Side::Golden, golden), (Side::Candidate, candidate)] {
        let count = u64::from(states.events() == 0);
        let subject = Subject { check: "no_events", side, stream: "" };
        let reason = format!("{} events could be read", states.events());
        rows.push(integrity::row(&subject, count, 0, &reason, suite));
    }
    let mut missing = pairs.missing.iter().map(|&g| &golden.streams[g]).filter(|s| s.events > 0).peekable();
    if missing.peek().is_none() {
        let subject = Subject { check: "missing_stream", side: Side::Candidate, stream: "" };
        rows.push(integrity::row(&subject, 0, golden.streams.len() as u64, "every golden stream has a partner", suite));
    }
    for stream in missing {
        let name = stream.name();
        let subject = Subject { check: "missing_stream", side: Side::Candidate, stream: &name };
        rows.push(integrity::row(&subject, 1, 0, "the candidate has no such stream", suite));
    }
    for &c in &pairs.extra {
        let name = candidate.streams[c].name();
        let subject = Subject { check: "extra_stream", side: Side::Candidate, stream: &name };
        rows.push(integrity::row(&subject, 1, 0, "the golden has no such stream", suite));
    }
    rows
}

/// Both streams with windows of one length, the longest of both and of the suite's wish: the finer ones are rolled up.
fn same_windows<'a>(
    golden: &'a StreamStates,
    candidate: &'a StreamStates,
    wish_ns: Option<i64>,
) -> (Cow<'a, StreamStates>, Cow<'a, StreamStates>) {
    let window_ns = golden.window_ns.max(candidate.window_ns).max(wish_ns.unwrap_or(0));
    let rolled = |stream: &'a StreamStates| {
        if stream.window_ns == window_ns {
            return Cow::Borrowed(stream);
        }
        let mut coarse = stream.clone();
        match coarse.roll_up(window_ns) {
            Ok(()) => Cow::Owned(coarse),
            // Windows that do not fill each other cannot be paired; their laws still can.
            Err(_) => Cow::Borrowed(stream),
        }
    };
    (rolled(golden), rolled(candidate))
}

fn stream_rows(pair: &Pair<'_>, alignment: &Alignment, suite: &Suite) -> Vec<IntegrityRow> {
    let (golden, candidate) = (pair.golden, pair.candidate);
    let mut rows = integrity::side_rows(&golden.counters, None, Side::Golden, &pair.name, suite);
    rows.extend(integrity::side_rows(&candidate.counters, Some(&golden.counters), Side::Candidate, &pair.name, suite));
    rows.extend(integrity::pair_rows(golden, candidate, &pair.name, alignment, suite));
    rows
}

/// The rules that a pair of streams is judged by: those of the suite; for tables with defaults, one of every column the golden has.
pub(crate) fn rules(pair: &Pair<'_>, suite: &Suite) -> Vec<ObservableRule> {
    let mut ids = suite.observable_ids();
    if suite.columns.is_some() {
        let columns = pair.golden.series.keys().filter(|id| !suite.observables.iter().any(|r| r.id == **id));
        ids.extend(columns.cloned());
        ids.sort();
    }
    ids.iter().filter_map(|id| suite.rule(id)).collect()
}

/// Findings of every observable, with the number of those that were recalled.
fn observables(
    pair: &Pair<'_>,
    suite: &Suite,
    How { replicates, detail }: How,
    mut remembered: Option<Remembered<'_>>,
) -> (Vec<Observed>, u64) {
    let rules = rules(pair, suite);
    let mut all: Vec<Option<Observed>> =
        rules.iter().map(|rule| remembered.as_mut().and_then(|remembered| remembered.take(&rule.id))).collect();
    let recalled = all.iter().flatten().count() as u64;
    // Side by side on the threads of the caller's pool, the largest first, so that none is left alone at the end; the results
    // stay in the order of the rules.
    let mut order: Vec<usize> = (0..rules.len()).filter(|&i| all[i].is_none()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(pair.golden.series.get(&rules[i].id).map_or(0, Series::bytes)));
    let judge = |&i: &usize| (i, judge_observable(pair, &rules[i], suite, replicates, detail));
    let judged: Vec<(usize, Observed)> = order.par_iter().with_max_len(1).map(judge).collect();
    if let Some(remembered) = remembered {
        remembered.keep(judged.iter().map(|(i, observed)| (rules[*i].id.as_str(), observed)));
    }
    judged.into_iter().for_each(|(i, observed)| all[i] = Some(observed));
    (all.into_iter().flatten().collect(), recalled)
}

/// Observables of a pair of streams at most.
fn observables_most(golden: &SideStates, suite: &Suite) -> usize {
    let columns = golden.streams.iter().map(|s| s.series.len()).max().unwrap_or(0);
    if suite.columns.is_some() { suite.observables.len().max(columns) } else { suite.observables.len() }
}

/// Deciding findings per pair of streams, for the number of replicates; lags count one each.
fn deciding_findings(suite: &Suite) -> usize {
    suite.observables.len().max(1) + 4
}

fn stream_pair(pair: &Pair<'_>, alignment: &Alignment, by: PairedBy) -> StreamPair {
    let mut out = lonely(Some(pair.golden), Some(pair.candidate));
    out.pairing = if alignment.aligned { Pairing::Aligned } else { Pairing::Distributional };
    out.pairing_reason = match by {
        PairedBy::Map => format!("{}; paired by map", alignment.reason),
        PairedBy::Name | PairedBy::OnlyOnes => alignment.reason.clone(),
    };
    out.common_ids = alignment.common_ids();
    out.agreeing_ids = alignment.agreeing_ids();
    out.overlap = overlap(pair.golden.span_ns, alignment.common_ns);
    out
}

/// Share of the golden's time that the candidate covers.
fn overlap(golden: Option<(i64, i64)>, common: Option<(i64, i64)>) -> Option<f64> {
    let (from, to) = golden?;
    let Some((a, b)) = common else { return Some(0.0) };
    if to <= from { Some(1.0) } else { Some((b - a) as f64 / (to - from) as f64) }
}

fn lonely(golden: Option<&StreamStates>, candidate: Option<&StreamStates>) -> StreamPair {
    let either = golden.or(candidate);
    StreamPair {
        name: either.map_or(String::new(), StreamStates::name),
        golden: golden.map(StreamStates::name),
        candidate: candidate.map(StreamStates::name),
        pairing: Pairing::Distributional,
        pairing_reason: "no partner".to_owned(),
        common_ids: 0,
        agreeing_ids: 0,
        window_s: either.map_or(0.0, |s| mde::seconds(s.window_ns)),
        clock_ns: either.map_or(0, |s| s.clock_ns),
        golden_span_ns: golden.and_then(|s| s.span_ns),
        candidate_span_ns: candidate.and_then(|s| s.span_ns),
        overlap: None,
        golden_events: golden.map_or(0, |s| s.events),
        candidate_events: candidate.map_or(0, |s| s.events),
    }
}
