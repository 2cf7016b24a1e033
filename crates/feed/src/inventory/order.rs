//! The order of sources: by content, never by name.

use verismo_market::event::NO_TIME;

use super::formats::Grouping;
use super::{Format, Source};
use crate::json::CLOCK_TOLERANCE_NS;

/// Sorts sources and numbers the sessions of captures.
pub(super) fn order(sources: &mut [Source], format: Format) {
    if format.row().grouping == Grouping::Capture {
        number_sessions(sources);
        sources.sort_by_cached_key(|s| (s.session, s.onset().typical_ns, s.first, s.bytes));
        return;
    }
    sources.sort_by_cached_key(|s| (s.symbol.as_deref().map(normal_symbol), s.first, s.bytes));
}

/// Upper case without `-`, `_` and `/`, as streams are paired.
pub(super) fn normal_symbol(symbol: &str) -> String {
    symbol.chars().filter(|c| !matches!(c, '-' | '_' | '/')).flat_map(char::to_uppercase).collect()
}

/// Files whose receive clock keeps the same distance from exchange time share a session.
///
/// A monotonic clock's origin is arbitrary, so that distance is all that tells clocks apart. Drift adds to the tolerance: 10^-4 of the
/// time between the files is ten times that of a bad quartz.
fn number_sessions(sources: &mut [Source]) {
    let mut by_time: Vec<usize> = (0..sources.len()).collect();
    by_time.sort_by_key(|&i| (sources[i].first.t_exchange_ns, sources[i].first, sources[i].bytes));
    // (latest offset, its exchange time) of each session.
    let mut sessions: Vec<(i64, i64)> = Vec::new();
    let mut latest: u32 = 0;
    for i in by_time {
        let source = &mut sources[i];
        let Some(offset) = source.clock_offset_ns else {
            source.session = latest;
            continue;
        };
        let at = source.first.t_exchange_ns;
        let found = sessions.iter().position(|&(theirs, their_time)| {
            let elapsed = at.saturating_sub(their_time).saturating_abs();
            offset.saturating_sub(theirs).saturating_abs() <= CLOCK_TOLERANCE_NS.saturating_add(elapsed / 10_000)
        });
        let session = match found {
            Some(session) => session,
            None => {
                sessions.push((offset, at));
                sessions.len() - 1
            }
        };
        sessions[session] = (offset, at);
        latest = session as u32;
        source.session = latest;
    }
    debug_assert!(sources.iter().all(|s| s.first.t_exchange_ns == NO_TIME || (s.session as usize) <= sessions.len()));
}
