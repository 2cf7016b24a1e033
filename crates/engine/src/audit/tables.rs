//! Parts of tables, held against what a run left of them.

use std::collections::BTreeSet;

use verismo_feed::{Format, Source};
use verismo_suite::report::Side;
use verismo_suite::suite::Suite;
use verismo_suite::trace::{Trace, TraceGroup, TraceSide};

use super::{Group, OTHER_IN_STORE, OTHER_NEIGHBOURS, changed, files};
use crate::chain::{Compared, Why};
use crate::identity::Identities;
use crate::meter::Meter;
use crate::plan;
use crate::store::Store;
use crate::table::RecordedTable;
use crate::trace;

/// What came of a part.
pub(super) enum Held {
    /// It was read again.
    Compared(Compared),
    /// The store, or the file, has something else.
    Other(String),
    /// It cannot be told.
    Unchecked(String),
}

/// The files of every part that was chosen, and where `looks_at_all` of those of which the store has other states, and what came of it.
pub(super) fn hold(
    (trace, of): (&Trace, &Group<'_>),
    (store, suite): (&Store, &Suite),
    identities: &Identities,
    (chosen, looks_at_all): (&BTreeSet<u64>, bool),
    meter: &Meter,
) -> Vec<(Vec<String>, Held)> {
    let told = |source: usize, held: Held| (files(trace, of.group, source..source + 1), held);
    let table = match RecordedTable::new(store, of.group, suite) {
        Ok(table) => table,
        Err(error) => return vec![told(0, Held::Unchecked(error.to_string()))],
    };
    let (mut all, mut read) = (Vec::new(), Vec::new());
    for (piece, (source, is_as_recorded)) in table.states_of_parts().enumerate() {
        let is_chosen = chosen.contains(&(of.first + piece as u64));
        if meter.is_cancelled() || !(is_chosen || looks_at_all) {
            continue;
        }
        match is_as_recorded() {
            Some(false) => all.push(told(source, Held::Other(OTHER_IN_STORE.to_owned()))),
            _ if !is_chosen => continue,
            None => all.push(told(source, Held::Unchecked(Why::Gone.text()))),
            Some(true) => match changed(trace, of, source..source + 1, identities) {
                Some(Ok(changed)) => all.push(told(source, Held::Other(changed))),
                Some(Err(gone)) => all.push(told(source, Held::Unchecked(gone))),
                None => read.push((source, piece)),
            },
        }
        if is_chosen {
            meter.add_part();
        }
    }
    if read.is_empty() {
        return all;
    }
    let Some(sources) = sources(trace, (of.side, of.group)) else {
        all.extend(read.iter().map(|(source, _)| told(*source, Held::Unchecked(OTHER_NEIGHBOURS.to_owned()))));
        return all;
    };
    let pieces: Vec<usize> = read.iter().map(|(_, piece)| *piece).collect();
    let compared = table.compare(&pieces, (&sources, &trace.asked), meter);
    for ((source, _), compared) in read.into_iter().zip(compared) {
        let held = match compared {
            Ok(Some(compared)) => Held::Compared(compared),
            Ok(None) => Held::Unchecked(OTHER_NEIGHBOURS.to_owned()),
            Err(error) => Held::Unchecked(error.to_string()),
        };
        all.push(told(source, held));
    }
    all
}

/// The files of a side as they are now; `None` if they are others.
fn sources(trace: &Trace, (side, group): (&TraceSide, &TraceGroup)) -> Option<Vec<Source>> {
    let name = if side.side == Side::Golden { "golden" } else { "candidate" };
    let paths: Vec<std::path::PathBuf> = side.paths.iter().map(Into::into).collect();
    let inventory = plan::scan(name, &paths, trace.asked.format.as_deref().and_then(Format::from_name)).ok()?;
    let sources = inventory.with_limits(trace::limits(&trace.asked.limits)).sources;
    let now: Vec<String> = sources.iter().map(|source| trace.path_of(&source.path.display().to_string())).collect();
    (now == files(trace, group, 0..group.sources.len())).then_some(sources)
}
