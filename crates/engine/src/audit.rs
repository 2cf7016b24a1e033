//! Some pieces of a run computed again from their files, and held against the states that the run left; its verdict, held against what all
//! states come to.

mod canary;
mod tables;

use std::collections::BTreeSet;

use rayon::prelude::*;
use verismo_feed::{Format, ReaderGroup, ReaderOptions};
use verismo_suite::audit::{Audit, AuditedPiece, AuditedVerdict, SCHEMA};
use verismo_suite::report::Side;
use verismo_suite::suite::Suite;
use verismo_suite::trace::{Trace, TraceGroup, TraceSide};
use verismo_suite::verdict::Verdict;

use crate::chain::{Before, Chain, Recorded, Tally, Trail, Vault};
use crate::error::EngineError;
use crate::identity::Identities;
use crate::meter::Meter;
use crate::plan;
use crate::rejudge::{JudgeAgain, RecallRequest, Recalled, options_of, recall_states, suite_of};
use crate::store::{Digest, Store, hex};
use crate::trace;
use crate::validate::{Kept, StoreRequest};

pub use canary::canary;
use tables::Held;

/// What to audit.
#[derive(Debug, Clone)]
pub struct AuditRequest {
    /// The run.
    pub run: String,
    /// What it left.
    pub trace: Trace,
    /// Where its states are.
    pub store: StoreRequest,
    /// What the choice is made from.
    pub seed: String,
    /// Share of the pieces that are computed again; at least one is.
    pub share: f64,
    /// Threads.
    pub threads: usize,
}

/// What was said of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertifiedVerdict {
    /// Its verdict.
    pub verdict: Verdict,
    /// Its digest.
    pub digest: String,
    /// The recipe that it was judged by.
    pub recipe: String,
}

/// Why a piece cannot be computed by itself.
const OTHER_TAPE: &str =
    "its states were observed together with other observables, by the run that it was judged from: audit that one";

/// Why a piece whose states are the same is not called equal.
const OTHER_REPLAY: &str =
    "its states are the same, but not what goes on from it: it was observed together with other observables";

const OTHER_IN_STORE: &str = "the states in the store are not those of the run";
const OTHER_STATES: &str = "its files yield other states than those of the run";
const OTHER_NEIGHBOURS: &str = "the files beside it are others, so that it cannot be read as it was";
const UNREADABLE: &str = "its files cannot be read";

/// A group of the run, and the places of its pieces among all.
struct Group<'a> {
    side: &'a TraceSide,
    format: Option<Format>,
    group: &'a TraceGroup,
    first: u64,
}

#[derive(Default)]
struct Outcome {
    equal: u64,
    different: Vec<AuditedPiece>,
    unchecked: Vec<AuditedPiece>,
}

/// Computes the chosen pieces again from their files, all of which are read, whatever is remembered of them, and judges all states again if a
/// verdict is told.
///
/// # Errors
/// [`EngineError::Interrupted`]. What is gone or different is in the audit.
pub fn audit(
    request: &AuditRequest,
    certified: Option<&CertifiedVerdict>,
    meter: &Meter,
) -> Result<Audit, EngineError> {
    let AuditRequest { run, trace, store, seed, share, threads } = request;
    let pieces = trace.pieces();
    let wanted = ((pieces as f64 * share).ceil() as u64).clamp(1, pieces.max(1));
    let chosen = choose(blake3::hash(seed.as_bytes()).as_bytes(), pieces, wanted);
    meter.set_parts_total(chosen.len() as u64);
    let groups = groups(trace);
    let kept = Kept::open(store);
    let opened = kept.as_ref().and_then(|kept| kept.store.as_ref().ok());
    let suite = suite_of(trace);
    let outcomes: Vec<Outcome> = match opened.zip(suite.as_ref()) {
        Some((store, suite)) => {
            // Of what is remembered nothing is believed.
            let identities = Identities::open(None, true);
            let present = trace.sides.iter().map(|side| (side.side, present(side, trace))).collect::<Vec<_>>();
            let one = |group: &Group<'_>| {
                let present = present.iter().find(|(side, _)| *side == group.side.side);
                let present = present.and_then(|(_, groups)| own(groups, trace, group.group));
                audit_group((trace, group), (store, suite), present, &identities, &chosen, meter)
            };
            match rayon::ThreadPoolBuilder::new().num_threads(*threads).build() {
                Ok(pool) => pool.install(|| groups.par_iter().map(one).collect()),
                Err(_) => groups.iter().map(one).collect(),
            }
        }
        None => {
            let why = if opened.is_none() { "the store cannot be opened" } else { "the suite is of another version" };
            groups.iter().map(|group| all_unchecked(trace, group, &chosen, 0, why)).collect()
        }
    };
    if meter.is_cancelled() {
        return Err(EngineError::Interrupted { messages: meter.messages() });
    }
    let mut audit = Audit {
        schema: SCHEMA.to_owned(),
        run: run.clone(),
        root: trace.root.clone().unwrap_or_default(),
        seed: seed.clone(),
        pieces,
        chosen: chosen.len() as u64,
        equal: 0,
        different: Vec::new(),
        unchecked: Vec::new(),
        judged: certified.map(|certified| judged(request, certified, suite, meter)).transpose()?,
    };
    for Outcome { equal, different, unchecked } in outcomes {
        audit.equal += equal;
        audit.different.extend(different);
        audit.unchecked.extend(unchecked);
    }
    Ok(audit)
}

/// The verdict that all states of the run come to, which are judged by themselves: what was judged before is not believed.
fn judged(
    request: &AuditRequest,
    certified: &CertifiedVerdict,
    suite: Option<Suite>,
    meter: &Meter,
) -> Result<AuditedVerdict, EngineError> {
    let AuditRequest { trace, store, threads, .. } = request;
    let untold = |why: String| Ok(AuditedVerdict { is_same: None, why });
    let recipe = verismo_stats::judging::RECIPE;
    if certified.recipe != recipe {
        return untold(format!("it was judged by the recipe {}, this version has {recipe}", certified.recipe));
    }
    let Some(suite) = suite else { return untold("the suite is of another version".to_owned()) };
    let recall = RecallRequest {
        trace: trace.clone(),
        suite: suite.clone(),
        store: StoreRequest { program: None, ..store.clone() },
        threads: *threads,
    };
    let mut states = match recall_states(&recall, meter)? {
        Recalled::States(states) => states,
        Recalled::Missing(missing) => {
            let (file, why, _) = missing.first.into_iter().next().unwrap_or_default();
            return untold(format!("not all states are in the store: {file}: {why}"));
        }
    };
    let again = JudgeAgain {
        suite,
        maps: trace.asked.maps.clone(),
        inputs: Vec::new(),
        settings: Default::default(),
        threads: *threads,
        started: std::time::Instant::now(),
    };
    let report = states.judge(&again);
    let is_same = (report.verdict, &report.digest) == (certified.verdict, &certified.digest);
    Ok(AuditedVerdict { is_same: Some(is_same), why: format!("{}, digest {}", report.verdict, report.digest) })
}

/// The numbers of `wanted` of `pieces` pieces: those whose hash with the seed is smallest.
fn choose(seed: &Digest, pieces: u64, wanted: u64) -> BTreeSet<u64> {
    let rank = |piece: u64| *blake3::hash(&[&seed[..], &piece.to_le_bytes()].concat()).as_bytes();
    let mut ranked: Vec<(Digest, u64)> = (0..pieces).map(|piece| (rank(piece), piece)).collect();
    ranked.sort_unstable();
    ranked.into_iter().take(usize::try_from(wanted).unwrap_or(usize::MAX)).map(|(_, piece)| piece).collect()
}

fn groups(trace: &Trace) -> Vec<Group<'_>> {
    let mut first = 0;
    let all = trace.sides.iter().flat_map(|side| side.groups.iter().map(move |group| (side, group)));
    all.map(|(side, group)| {
        let here = first;
        first += group.pieces.len() as u64;
        Group { side, format: trace::format(side), group, first: here }
    })
    .collect()
}

/// The groups that the files of a side are now; none where they cannot be read.
fn present(side: &TraceSide, trace: &Trace) -> Vec<ReaderGroup> {
    let name = if side.side == Side::Golden { "golden" } else { "candidate" };
    let paths: Vec<std::path::PathBuf> = side.paths.iter().map(Into::into).collect();
    let asked = &trace.asked;
    let days = ReaderOptions::default().with_day(asked.tz.clone(), asked.date.clone());
    let days = days.with_segments(asked.segment_bytes);
    let inventory = plan::scan(name, &paths, asked.format.as_deref().and_then(Format::from_name));
    let inventory = inventory.map(|inventory| inventory.with_limits(trace::limits(&asked.limits)));
    inventory.ok().and_then(|inventory| inventory.reader_groups(&days).ok()).unwrap_or_default()
}

/// The group of just these files, in this order.
fn own<'a>(groups: &'a [ReaderGroup], trace: &Trace, recorded: &TraceGroup) -> Option<&'a ReaderGroup> {
    let wanted: Vec<String> = recorded.sources.iter().map(|source| trace.path_of(source)).collect();
    let paths = |group: &ReaderGroup| -> Vec<String> {
        group.sources().iter().map(|source| trace.path_of(&source.path.display().to_string())).collect()
    };
    groups.iter().find(|group| paths(group) == wanted)
}

fn audit_group(
    (trace, of): (&Trace, &Group<'_>),
    (store, suite): (&Store, &Suite),
    present: Option<&ReaderGroup>,
    identities: &Identities,
    chosen: &BTreeSet<u64>,
    meter: &Meter,
) -> Outcome {
    let Some(format) = of.format else { return all_unchecked(trace, of, chosen, 0, "its format is not known") };
    let mut outcome = Outcome::default();
    if format == Format::Table {
        for (files, held) in tables::hold((trace, of), (store, suite), identities, (chosen, true), meter) {
            let told = |why: String| AuditedPiece { files: files.clone(), why };
            match held {
                Held::Compared(compared) if compared.is_same_key && compared.changed.is_empty() => outcome.equal += 1,
                Held::Compared(_) => outcome.different.push(told(OTHER_STATES.to_owned())),
                Held::Other(why) => outcome.different.push(told(why)),
                Held::Unchecked(why) => outcome.unchecked.push(told(why)),
            }
        }
        return outcome;
    }
    let options = options_of(of.group, suite);
    let (tally, trail) = (Tally::default(), Trail::default());
    let vault = Vault { store, identities, tally: &tally, trail: &trail, reads: true };
    let then = suite.observable_ids();
    let recorded = Recorded {
        store,
        group: of.group,
        format,
        options: options.clone(),
        observables_then: &then,
        versions_then: None,
        reads: true,
    };
    let look = |i: usize, before: &Before<'_>| {
        let told = |why: &str| AuditedPiece { files: files(trace, of.group, before.sources()), why: why.to_owned() };
        if !before.is_as_recorded {
            outcome.different.push(told(OTHER_IN_STORE));
            return;
        }
        if !chosen.contains(&(of.first + i as u64)) || meter.is_cancelled() {
            return;
        }
        meter.add_part();
        if let Some(why) = changed(trace, of, before.sources(), identities) {
            match why {
                Ok(changed) => outcome.different.push(told(&changed)),
                Err(gone) => outcome.unchecked.push(told(&gone)),
            }
            return;
        }
        if !before.is_own_tape {
            outcome.unchecked.push(told(OTHER_TAPE));
            return;
        }
        let Some(group) = present else {
            outcome.unchecked.push(told(OTHER_NEIGHBOURS));
            return;
        };
        let symbol = trace.asked.symbol.clone();
        let chain = Chain::by_itself(group, (options.clone(), symbol), &vault, meter);
        match before.compared(&chain) {
            Ok(Some(compared)) if compared.is_same_key && compared.changed.is_empty() => outcome.equal += 1,
            // What goes on from a piece knows more where observables beside these asked for more.
            Ok(Some(compared)) if compared.changed.is_empty() => outcome.unchecked.push(told(OTHER_REPLAY)),
            Ok(Some(_)) => outcome.different.push(told(OTHER_STATES)),
            Ok(None) => outcome.unchecked.push(told(UNREADABLE)),
            Err(error) => outcome.unchecked.push(told(&error.to_string())),
        }
    };
    let walked = recorded.walk(look);
    if let Err(lost) = walked {
        let gone = all_unchecked(trace, of, chosen, lost.piece, &lost.why);
        outcome.unchecked.extend(gone.unchecked);
    }
    outcome
}

/// Whether files of a piece changed (in words), or are gone.
fn changed(
    trace: &Trace,
    of: &Group<'_>,
    sources: std::ops::Range<usize>,
    identities: &Identities,
) -> Option<Result<String, String>> {
    files(trace, of.group, sources).into_iter().find_map(|path| {
        let then = of.side.files.iter().find(|file| file.path == path).and_then(|file| file.digest.clone());
        let now = identities.digest_of(std::path::Path::new(&path)).map(|digest| hex(&digest));
        match (then, now) {
            (_, None) => Some(Err(format!("{path} is gone"))),
            (Some(then), Some(now)) if then == now => None,
            _ => Some(Ok(format!("the bytes of {path} changed"))),
        }
    })
}

fn files(trace: &Trace, group: &TraceGroup, sources: std::ops::Range<usize>) -> Vec<String> {
    group.sources.get(sources).unwrap_or_default().iter().map(|source| trace.path_of(source)).collect()
}

/// All chosen pieces of a group from one on.
fn all_unchecked(trace: &Trace, of: &Group<'_>, chosen: &BTreeSet<u64>, from: usize, why: &str) -> Outcome {
    let mut outcome = Outcome::default();
    let mut source = 0_usize;
    for (i, piece) in of.group.pieces.iter().enumerate() {
        let next = source.saturating_add(usize::try_from(piece.files).unwrap_or(0));
        if i >= from && chosen.contains(&(of.first + i as u64)) {
            let all = source..source.saturating_add(piece.touched());
            outcome.unchecked.push(AuditedPiece { files: files(trace, of.group, all), why: why.to_owned() });
        }
        source = next;
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_made_from_the_seed_alone_and_every_piece_may_be_chosen() {
        assert_eq!(choose(&[1; 32], 100, 5), choose(&[1; 32], 100, 5));
        assert_ne!(choose(&[1; 32], 100, 5), choose(&[2; 32], 100, 5));
        assert_eq!(choose(&[1; 32], 3, 9).len(), 3);
        let mut seen = BTreeSet::new();
        for seed in 0..60 {
            let chosen = choose(&[seed; 32], 20, 2);
            assert_eq!(chosen.len(), 2);
            seen.extend(chosen);
        }
        assert_eq!(seen.len(), 20);
    }
}
