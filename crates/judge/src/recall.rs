//! What was judged before is not judged again: an observable of a pair of streams whose states, and whose rule, are the same.

use std::collections::BTreeMap;

use verismo_stats::judging::Judged;
use verismo_suite::report::KeptObservable;
use verismo_suite::suite::{ObservableRule, Suite};
use verismo_suite::verdict::FindingVerdict;

use crate::digest::{Digest, Fields};
use crate::draft::{Draft, Open};
use crate::input::StreamStates;
use crate::observe::{Observed, Pair, windows_most};
use crate::picture::Detail;

/// Where judged observables are kept between runs of one program.
pub trait Recall: Sync {
    /// All that was kept of a pair of streams, each by its key.
    fn of_pair(&self, pair: &Digest) -> Vec<(Digest, Vec<u8>)>;

    /// Keeps observables of a pair of streams.
    fn keep(&self, pair: &Digest, judged: Vec<(Digest, Vec<u8>)>);
}

/// The memory of one pair of streams.
pub(crate) struct Memory<'a> {
    place: &'a dyn Recall,
    pair: Digest,
    /// What every observable of the pair depends on.
    common: Digest,
    kept: BTreeMap<Digest, Vec<u8>>,
}

impl<'a> Memory<'a> {
    pub(crate) fn of(pair: &Pair<'_>, suite: &Suite, replicates: u32, detail: Detail, place: &'a dyn Recall) -> Self {
        let mut fields = Fields::new("pair");
        fields.text(verismo_stats::judging::RECIPE);
        for side in [pair.golden, pair.candidate] {
            facts(&mut fields, side);
        }
        let digest = fields.finish();
        let mut fields = Fields::new("common");
        fields.bytes(&digest);
        fields.text(&format!("{:?} {replicates} {detail:?} {} {}", pair.name, pair.aligned, pair.pairs));
        rules(&mut fields, suite, pair);
        // What is seen in few windows is judged by their share of all windows, those of any observable.
        for side in [pair.golden, pair.candidate] {
            let indices = side.window_indices(&[]);
            fields.number(indices.len() as u64);
            indices.iter().for_each(|index| fields.bytes(&index.to_le_bytes()));
        }
        let kept = place.of_pair(&digest).into_iter().collect();
        Self { place, pair: digest, common: fields.finish(), kept }
    }

    /// The key of an observable: of all that its judgement depends on.
    pub(crate) fn key(&self, pair: &Pair<'_>, suite: &Suite, rule: &ObservableRule) -> Digest {
        let mut fields = Fields::new("judged");
        fields.bytes(&self.common);
        fields.text(&format!("{rule:?} {}", suite.unit(&rule.id)));
        // Those of plug-ins are numbered as they come.
        rule.margins.keys().chain([&rule.decide]).for_each(|test| fields.text(test.as_str()));
        for (digests, stream) in pair.digests.iter().zip([pair.golden, pair.candidate]) {
            fields.bytes(&digests.get(rule.id.as_str()).copied().unwrap_or_default());
            fields.number(windows_most(stream) as u64);
        }
        fields.finish()
    }

    pub(crate) fn recall(&self, key: &Digest) -> Option<Observed> {
        observed(KeptObservable::from_json(self.kept.get(key)?)?)
    }

    /// Keeps what was judged; what could not be computed is tried again another time.
    pub(crate) fn keep<'b>(&self, judged: impl Iterator<Item = (Digest, &'b Observed)>) {
        let is_computed = |draft: &Draft| draft.open.is_some() || draft.finding.verdict != FindingVerdict::Error;
        let kept: Vec<(Digest, Vec<u8>)> = judged
            .filter(|(_, observed)| observed.drafts.iter().all(is_computed))
            .filter_map(|(key, observed)| Some((key, kept(observed).to_json()?)))
            .collect();
        if !kept.is_empty() {
            self.place.keep(&self.pair, kept);
        }
    }
}

/// What a stream is, but for its states.
fn facts(fields: &mut Fields, stream: &StreamStates) {
    let StreamStates {
        venue,
        symbol,
        clock_ns,
        window_ns,
        carries_trades,
        carries_book,
        carries_orders,
        span_ns,
        price_tick,
        qty_lot,
        book_cadence_ns,
        // Observables bring their own digests; the others decide about alignment and integrity only.
        messages: _,
        events: _,
        series: _,
        counters: _,
        trade_ids: _,
        book_ids: _,
        trade_runs: _,
    } = stream;
    fields
        .text(&format!("{venue:?} {symbol:?} {clock_ns} {window_ns} {carries_trades} {carries_book} {carries_orders}"));
    fields.text(&format!("{span_ns:?} {price_tick} {qty_lot} {book_cadence_ns:?}"));
}

/// What a suite says of every observable. The rest says which states there are, which findings are looked for, or what is made of
/// them afterwards.
fn rules(fields: &mut Fields, suite: &Suite, pair: &Pair<'_>) {
    let Suite {
        data,
        scope,
        alpha,
        multiplicity,
        warmup_ns,
        strata,
        observables,
        name: _,
        pairing: _,
        replicates: _,
        window_ns: _,
        grid_ns: _,
        reading: _,
        checks: _,
        columns: _,
    } = suite;
    fields.text(&format!("{data:?} {scope:?} {alpha:?} {warmup_ns}"));
    if strata.is_some() {
        // The worst stratum is found after a correction for their number.
        fields.text(&format!("{strata:?} {multiplicity:?} {} {:?}", observables.len(), pair.divisions));
    }
}

fn kept(observed: &Observed) -> KeptObservable {
    let bits = |open: &Open| {
        let slack = [open.slack.0, open.slack.1].map(f64::to_bits);
        [&open.judged.bits()[..], &slack, &[u64::from(open.identical)]].concat()
    };
    KeptObservable {
        findings: observed.drafts.iter().map(|draft| draft.finding.clone()).collect(),
        open: observed.drafts.iter().map(|draft| draft.open.as_ref().map(bits).unwrap_or_default()).collect(),
        picture: observed.picture.clone(),
    }
}

fn observed(kept: KeptObservable) -> Option<Observed> {
    let open = |bits: &[u64]| {
        let (judged, rest) = bits.split_at_checked(Judged::BITS)?;
        let &[below, above, identical] = rest else { return None };
        let slack = (f64::from_bits(below), f64::from_bits(above));
        Some(Open { judged: Judged::of_bits(judged)?, slack, identical: identical == 1 })
    };
    let draft = |(finding, bits): (_, &Vec<u64>)| match bits.is_empty() {
        true => Some(Draft { finding, open: None }),
        false => Some(Draft { finding, open: Some(open(bits)?) }),
    };
    let drafts: Option<Vec<Draft>> = kept.findings.into_iter().zip(&kept.open).map(draft).collect();
    Some(Observed { drafts: drafts.filter(|drafts| !drafts.is_empty())?, picture: kept.picture })
}
