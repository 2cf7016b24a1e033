//! What this version of the code makes of pieces whose states another version may have left.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use verismo_feed::{Format, ReaderGroup};
use verismo_suite::audit::AuditedPiece;
use verismo_suite::canary::{Canary, CanaryObservable, SCHEMA};
use verismo_suite::suite::Suite;
use verismo_suite::trace::Trace;

use super::tables::{self, Held};
use super::{
    AuditRequest, Group, OTHER_NEIGHBOURS, OTHER_TAPE, UNREADABLE, all_unchecked, changed, choose, files, groups, own,
    present,
};
use crate::chain::{Before, Chain, Compared, Recorded, Tally, Trail, Vault, is_code_of};
use crate::error::EngineError;
use crate::identity::Identities;
use crate::meter::Meter;
use crate::rejudge::{options_of, suite_of};
use crate::store::Store;
use crate::table;
use crate::trace;
use crate::validate::Kept;

#[derive(Default)]
struct Outcome {
    computed: u64,
    replays_changed: u64,
    changed: BTreeMap<String, u64>,
    unchecked: Vec<AuditedPiece>,
}

impl Outcome {
    fn computed(&mut self, compared: Compared) {
        self.computed += 1;
        self.replays_changed += u64::from(!compared.is_same_replay);
        for id in compared.changed {
            *self.changed.entry(id).or_default() += 1;
        }
    }
}

/// Computes a share of the pieces again, at least one of each group of files, from the books and carries that the run left before them, and
/// compares with the states that it left.
///
/// # Errors
/// [`EngineError::Interrupted`]. What is gone is in the canary.
pub fn canary(request: &AuditRequest, meter: &Meter) -> Result<Canary, EngineError> {
    let AuditRequest { run, trace, store, seed, share, threads } = request;
    let groups = groups(trace);
    let chosen: Vec<BTreeSet<u64>> = groups.iter().map(|group| of_group(group, seed, *share)).collect();
    let wanted: u64 = chosen.iter().map(|chosen| chosen.len() as u64).sum();
    meter.set_parts_total(wanted);
    let kept = Kept::open(store);
    let opened = kept.as_ref().and_then(|kept| Some((kept, kept.store.as_ref().ok()?)));
    let suite = suite_of(trace);
    let work: Vec<(&Group<'_>, &BTreeSet<u64>)> = groups.iter().zip(&chosen).collect();
    let outcomes: Vec<Outcome> = match opened.zip(suite.as_ref()) {
        Some(((kept, store), suite)) => {
            let present = trace.sides.iter().map(|side| (side.side, present(side, trace))).collect::<Vec<_>>();
            let one = |(group, chosen): &(&Group<'_>, &BTreeSet<u64>)| {
                let present = present.iter().find(|(side, _)| *side == group.side.side);
                let present = present.and_then(|(_, groups)| own(groups, trace, group.group));
                of_pieces((trace, group), (store, suite), present, &kept.identities, chosen, meter)
            };
            match rayon::ThreadPoolBuilder::new().num_threads(*threads).build() {
                Ok(pool) => pool.install(|| work.par_iter().map(one).collect()),
                Err(_) => work.iter().map(one).collect(),
            }
        }
        None => {
            let why = if opened.is_none() { "the store cannot be opened" } else { "the suite is of another version" };
            let gone = |(group, chosen): &(&Group<'_>, &BTreeSet<u64>)| Outcome {
                unchecked: all_unchecked(trace, group, chosen, 0, why).unchecked,
                ..Outcome::default()
            };
            work.iter().map(gone).collect()
        }
    };
    if meter.is_cancelled() {
        return Err(EngineError::Interrupted { messages: meter.messages() });
    }
    let mut all = Outcome::default();
    for outcome in outcomes {
        all.computed += outcome.computed;
        all.replays_changed += outcome.replays_changed;
        all.unchecked.extend(outcome.unchecked);
        for (id, n) in outcome.changed {
            *all.changed.entry(id).or_default() += n;
        }
    }
    let now = suite.as_ref().map(trace::versions).unwrap_or_default();
    let told = |(id, version_now): (&String, &u32)| {
        let (version_then, changed) = (trace.versions.get(id).copied(), all.changed.get(id).copied().unwrap_or(0));
        let is_told = changed > 0 || version_then.is_some_and(|then| then != *version_now);
        is_told.then(|| CanaryObservable { id: id.clone(), version_then, version_now: *version_now, changed })
    };
    Ok(Canary {
        schema: SCHEMA.to_owned(),
        run: run.clone(),
        is_same_code: groups.iter().all(is_same_code),
        pieces: trace.pieces(),
        chosen: wanted,
        computed: all.computed,
        replays_changed: all.replays_changed,
        states: all.computed * now.len() as u64,
        states_changed: all.changed.values().sum(),
        observables: now.iter().filter_map(told).collect(),
        unchecked: all.unchecked,
    })
}

fn is_same_code(group: &Group<'_>) -> bool {
    match group.format {
        Some(Format::Table) => table::is_code_of(group.group),
        Some(format) => is_code_of(group.group, format),
        None => false,
    }
}

/// The numbers, among all pieces, of some pieces of a group.
fn of_group(group: &Group<'_>, seed: &str, share: f64) -> BTreeSet<u64> {
    let pieces = group.group.pieces.len() as u64;
    let wanted = ((pieces as f64 * share).ceil() as u64).clamp(1, pieces.max(1));
    let seed = blake3::hash(format!("{seed} {}", group.first).as_bytes());
    choose(seed.as_bytes(), pieces, wanted).into_iter().map(|piece| group.first + piece).collect()
}

fn of_pieces(
    (trace, of): (&Trace, &Group<'_>),
    (store, suite): (&Store, &Suite),
    present: Option<&ReaderGroup>,
    identities: &Identities,
    chosen: &BTreeSet<u64>,
    meter: &Meter,
) -> Outcome {
    let mut outcome = Outcome::default();
    let Some(format) = of.format else {
        outcome.unchecked = all_unchecked(trace, of, chosen, 0, "its format is not known").unchecked;
        return outcome;
    };
    if format == Format::Table {
        for (files, held) in tables::hold((trace, of), (store, suite), identities, (chosen, false), meter) {
            match held {
                Held::Compared(compared) => outcome.computed(compared),
                Held::Other(why) | Held::Unchecked(why) => outcome.unchecked.push(AuditedPiece { files, why }),
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
        versions_then: Some(&trace.versions),
        reads: true,
    };
    let look = |i: usize, before: &Before<'_>| {
        if !chosen.contains(&(of.first + i as u64)) || meter.is_cancelled() {
            return;
        }
        meter.add_part();
        let files = files(trace, of.group, before.sources());
        if let Some(why) = changed(trace, of, before.sources(), identities) {
            let why = why.unwrap_or_else(|gone| gone);
            outcome.unchecked.push(AuditedPiece { files, why });
            return;
        }
        if !before.is_own_tape {
            outcome.unchecked.push(AuditedPiece { files, why: OTHER_TAPE.to_owned() });
            return;
        }
        let Some(group) = present else {
            outcome.unchecked.push(AuditedPiece { files, why: OTHER_NEIGHBOURS.to_owned() });
            return;
        };
        let symbol = trace.asked.symbol.clone();
        let chain = Chain::by_itself(group, (options.clone(), symbol), &vault, meter);
        match before.compared(&chain) {
            Ok(Some(compared)) => outcome.computed(compared),
            Ok(None) => outcome.unchecked.push(AuditedPiece { files, why: UNREADABLE.to_owned() }),
            // What went on from the piece before has another form now: all behind it is computed anew.
            Err(error) => outcome.unchecked.push(AuditedPiece { files, why: error.to_string() }),
        }
    };
    if let Err(lost) = recorded.walk(look) {
        outcome.unchecked.extend(all_unchecked(trace, of, chosen, lost.piece, &lost.why).unchecked);
    }
    outcome
}
