//! Column-wise operations on event batches.

use std::iter::repeat_n;
use std::ops::Range;

use verismo_market::event::{Event, EventBatch, Kind, Side, flags};

/// Appends the levels of an update: every row is `base` with its side, and price and quantity of its level.
#[inline]
fn extend_levels(base: Event, bids: &[(i64, i64)], asks: &[(i64, i64)], out: &mut EventBatch) {
    let n = bids.len() + asks.len();
    out.kind.extend(repeat_n(base.kind, n));
    out.side.extend(repeat_n(Side::Bid, bids.len()).chain(repeat_n(Side::Ask, asks.len())));
    out.flags.extend(repeat_n(base.flags, n));
    out.t_exchange_ns.extend(repeat_n(base.t_exchange_ns, n));
    out.t_receive_ns.extend(repeat_n(base.t_receive_ns, n));
    for levels in [bids, asks] {
        out.price.extend(levels.iter().map(|l| l.0));
        out.qty.extend(levels.iter().map(|l| l.1));
    }
    out.id.extend(repeat_n(base.id, n));
    out.first_id.extend(repeat_n(base.first_id, n));
    out.prev_id.extend(repeat_n(base.prev_id, n));
    out.position.extend(repeat_n(base.position, n));
}

/// Appends a depth update; the same rows as `Message::push_events` makes, with the `prev_id` of `base` added.
pub(crate) fn push_depth(base: Event, bids: &[(i64, i64)], asks: &[(i64, i64)], out: &mut EventBatch) {
    let start = out.len();
    let base = Event { kind: Kind::LevelSet, side: Side::None, price: 0, qty: 0, flags: 0, ..base };
    if bids.is_empty() && asks.is_empty() {
        out.push(base);
    } else {
        extend_levels(base, bids, asks, out);
    }
    mark_message(start, out);
}

/// Appends a snapshot: its start row, then its levels.
pub(crate) fn push_snapshot(base: Event, bids: &[(i64, i64)], asks: &[(i64, i64)], out: &mut EventBatch) {
    let start = out.len();
    let base = Event { kind: Kind::SnapshotStart, side: Side::None, price: 0, qty: 0, flags: flags::SNAPSHOT, ..base };
    out.push(base);
    extend_levels(Event { kind: Kind::LevelSet, ..base }, bids, asks, out);
    mark_message(start, out);
}

/// Appends the best bid and ask as two quote rows.
pub(crate) fn push_quotes(base: Event, bid: (i64, i64), ask: (i64, i64), out: &mut EventBatch) {
    let start = out.len();
    let base = Event { kind: Kind::Quote, flags: 0, ..base };
    out.push(Event { side: Side::Bid, price: bid.0, qty: bid.1, ..base });
    out.push(Event { side: Side::Ask, price: ask.0, qty: ask.1, ..base });
    mark_message(start, out);
}

/// Marks the rows from `start` on as one message.
pub(crate) fn mark_message(start: usize, out: &mut EventBatch) {
    if let Some(first) = out.flags.get_mut(start) {
        *first |= flags::FIRST_OF_MESSAGE;
    }
    if let Some(last) = out.flags.last_mut() {
        *last |= flags::LAST_OF_UPDATE;
    }
}

/// Appends rows `range` of `from`.
pub(crate) fn append(from: &EventBatch, range: Range<usize>, out: &mut EventBatch) {
    out.kind.extend_from_slice(&from.kind[range.clone()]);
    out.side.extend_from_slice(&from.side[range.clone()]);
    out.flags.extend_from_slice(&from.flags[range.clone()]);
    out.t_exchange_ns.extend_from_slice(&from.t_exchange_ns[range.clone()]);
    out.t_receive_ns.extend_from_slice(&from.t_receive_ns[range.clone()]);
    out.price.extend_from_slice(&from.price[range.clone()]);
    out.qty.extend_from_slice(&from.qty[range.clone()]);
    out.id.extend_from_slice(&from.id[range.clone()]);
    out.first_id.extend_from_slice(&from.first_id[range.clone()]);
    out.prev_id.extend_from_slice(&from.prev_id[range.clone()]);
    out.position.extend_from_slice(&from.position[range]);
}

/// Keeps the first `n` rows.
pub(crate) fn truncate(batch: &mut EventBatch, n: usize) {
    batch.kind.truncate(n);
    batch.side.truncate(n);
    batch.flags.truncate(n);
    batch.t_exchange_ns.truncate(n);
    batch.t_receive_ns.truncate(n);
    batch.price.truncate(n);
    batch.qty.truncate(n);
    batch.id.truncate(n);
    batch.first_id.truncate(n);
    batch.prev_id.truncate(n);
    batch.position.truncate(n);
}
