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
    kept: BTreeMap<Digest, Vec<u8>>,
}

impl<'a> Memory<'a> {
    /// Of what was judged.
    pub(crate) fn of(golden: &StreamStates, candidate: &StreamStates, place: &'a dyn Recall) -> Self {
        Self::named("pair", [golden, candidate], place)
    }

    /// Of windows that were compared.
    pub(crate) fn of_windows(golden: &StreamStates, candidate: &StreamStates, place: &'a dyn Recall) -> Self {
        Self::named("windows of a pair", [golden, candidate], place)
    }

    fn named(name: &str, sides: [&StreamStates; 2], place: &'a dyn Recall) -> Self {
        let mut fields = Fields::new(name);
        fields.text(verismo_stats::judging::RECIPE);
        for side in sides {
            facts(&mut fields, side);
        }
        let pair = fields.finish();
        Self { place, pair, kept: place.of_pair(&pair).into_iter().collect() }
    }

    /// How many windows of an observable with states of these digests are equal, and how many both sides have, if they were compared.
    pub(crate) fn equal_windows(&self, digests: [&Digest; 2]) -> Option<(u64, u64)> {
        let bytes = self.kept.get(&windows_key(digests))?.as_chunks::<8>().0;
        let &[equal, common] = bytes else { return None };
        Some((u64::from_le_bytes(equal), u64::from_le_bytes(common)))
    }

    /// Keeps such counts.
    pub(crate) fn keep_windows<'b>(&self, counts: impl Iterator<Item = ([&'b Digest; 2], (u64, u64))>) {
        let bytes = |(equal, common): (u64, u64)| [equal.to_le_bytes(), common.to_le_bytes()].concat();
        let counts: Vec<_> = counts.map(|(digests, counts)| (windows_key(digests), bytes(counts))).collect();
        if !counts.is_empty() {
            self.place.keep(&self.pair, counts);
        }
    }

    /// What every observable of the pair depends on.
    fn common(&self, pair: &Pair<'_>, suite: &Suite, replicates: u32, detail: Detail) -> Digest {
        let mut fields = Fields::new("common");
        fields.bytes(&self.pair);
        fields.bytes(&pair.golden.window_ns.to_le_bytes());
        fields.text(&format!("{:?} {replicates} {detail:?} {} {}", pair.name, pair.aligned, pair.pairs));
        rules(&mut fields, suite, pair);
        // What is seen in few windows is judged by their share of all windows, those of any observable.
        for side in [pair.golden, pair.candidate] {
            let runs = side.window_runs();
            fields.number(runs.len() as u64);
            runs.iter().for_each(|(first, last)| fields.bytes(&[first.to_le_bytes(), last.to_le_bytes()].concat()));
        }
        fields.finish()
    }

    /// What was judged before of these rules.
    pub(crate) fn remember(
        &self,
        pair: &Pair<'_>,
        (suite, rules): (&Suite, &[ObservableRule]),
        (replicates, detail): (u32, Detail),
    ) -> Remembered<'a> {
        let common = self.common(pair, suite, replicates, detail);
        let mut found = BTreeMap::new();
        for rule in rules {
            let key = key(&common, pair, suite, rule);
            found.insert(rule.id.clone(), (key, self.recall(&key)));
        }
        Remembered { place: self.place, pair: self.pair, found }
    }

    fn recall(&self, key: &Digest) -> Option<Observed> {
        observed(KeptObservable::from_json(self.kept.get(key)?)?)
    }
}

/// The key of an observable: of all that its judgement depends on.
fn key(common: &Digest, pair: &Pair<'_>, suite: &Suite, rule: &ObservableRule) -> Digest {
    let mut fields = Fields::new("judged");
    fields.bytes(common);
    fields.text(&format!("{rule:?} {}", suite.unit(&rule.id)));
    // Those of plug-ins are numbered as they come.
    rule.margins.keys().chain([&rule.decide]).for_each(|test| fields.text(test.as_str()));
    for (digests, stream) in pair.digests.iter().zip([pair.golden, pair.candidate]) {
        fields.bytes(&digests.get(rule.id.as_str()).copied().unwrap_or_default());
        fields.number(windows_most(stream) as u64);
    }
    fields.finish()
}

fn windows_key([golden, candidate]: [&Digest; 2]) -> Digest {
    let mut fields = Fields::new("windows");
    fields.bytes(golden);
    fields.bytes(candidate);
    fields.finish()
}

/// What was judged before of a pair of streams, by observable, each with its key.
pub(crate) struct Remembered<'a> {
    place: &'a dyn Recall,
    pair: Digest,
    found: BTreeMap<String, (Digest, Option<Observed>)>,
}

impl Remembered<'_> {
    /// Whether an observable has to be judged.
    pub(crate) fn needs(&self, observable: &str) -> bool {
        self.found.get(observable).is_some_and(|(_, observed)| observed.is_none())
    }

    /// What was judged of an observable, once.
    pub(crate) fn take(&mut self, observable: &str) -> Option<Observed> {
        self.found.get_mut(observable).and_then(|(_, observed)| observed.take())
    }

    /// Keeps what was judged; what could not be computed is tried again another time.
    pub(crate) fn keep<'b>(&self, judged: impl Iterator<Item = (&'b str, &'b Observed)>) {
        let is_computed = |draft: &Draft| draft.open.is_some() || draft.finding.verdict != FindingVerdict::Error;
        let kept: Vec<(Digest, Vec<u8>)> = judged
            .filter(|(_, observed)| observed.drafts.iter().all(is_computed))
            .filter_map(|(id, observed)| Some((self.found.get(id)?.0, kept(observed).to_json()?)))
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
        known: _,
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
