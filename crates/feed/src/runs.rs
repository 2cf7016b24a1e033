//! Trades and level changes that stand in columns already, appended many at a time.

use std::iter::repeat_n;

use verismo_market::event::{EventBatch, Kind, NO_ID, NO_TIME, Side, flags};

use crate::assemble::{Assembler, Open, Update};

/// What a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowKind {
    Trade,
    Delta,
    Snapshot,
    Unknown,
}

/// Columns of equal length, of one source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub(crate) kind: &'a [RowKind],
    pub(crate) side: &'a [Option<Side>],
    pub(crate) t_exchange_ns: &'a [i64],
    pub(crate) id: &'a [i64],
    pub(crate) price: &'a [i64],
    pub(crate) qty: &'a [i64],
    /// Prices and quantities up to this one stand for none.
    pub(crate) bad: i64,
    pub(crate) source: u32,
    /// Position of the first row.
    pub(crate) position: u64,
}

/// The update that the rows so far leave open, and its last level.
struct Tail {
    is_open: bool,
    t_exchange_ns: i64,
    id: i64,
    /// Its first row in the buffer.
    start: usize,
    first: Option<(Side, i64)>,
    last: (Side, i64, i64),
}

/// An update that nothing but a time and an id belongs to.
fn update(t_exchange_ns: i64, last_id: i64) -> Update {
    Update {
        is_snapshot: false,
        t_exchange_ns,
        t_receive_ns: NO_TIME,
        first_id: NO_ID,
        last_id,
        prev_id: NO_ID,
        group: None,
    }
}

impl Tail {
    fn of(open: Option<&Open>, batch: &EventBatch) -> Self {
        let plain = open.filter(|open| open.update == update(open.update.t_exchange_ns, open.update.last_id));
        let row = plain.and(batch.len().checked_sub(1));
        let last = row.map_or((Side::None, 0, 0), |row| (batch.side[row], batch.price[row], batch.qty[row]));
        Self {
            is_open: plain.is_some(),
            t_exchange_ns: plain.map_or(NO_TIME, |open| open.update.t_exchange_ns),
            id: plain.map_or(NO_ID, |open| open.update.last_id),
            start: plain.map_or(0, |open| open.start),
            first: plain.and_then(|open| open.first),
            last,
        }
    }
}

impl Assembler {
    /// Appends rows as [`Assembler::trade`] and [`Assembler::level`] would one by one, up to the first that needs a closer look: no trade or
    /// level change, without a side, price or quantity, or one that repeats the row before it. Gives the number of rows appended.
    pub(crate) fn rows(&mut self, stream: usize, rows: &Rows<'_>) -> usize {
        if self.has_repeats(stream) {
            return 0;
        }
        let (open, buffer) = self.parts(stream);
        let mut tail = Tail::of(open.as_ref(), &buffer.batch);
        // An open update of another sort ends here like any other: with the first row that is not of it.
        let mut is_other_open = open.is_some() && !tail.is_open;
        let n = mark(rows, &mut tail, &mut is_other_open, &mut buffer.batch);
        if n == 0 {
            return 0;
        }
        *open = tail.is_open.then(|| Open {
            update: update(tail.t_exchange_ns, tail.id),
            start: tail.start,
            first: tail.first,
        });
        buffer.begin_messages(rows.source, n as u64);
        extend(rows, n, &mut buffer.batch);
        n
    }
}

/// Appends the flags of the rows; their number.
fn mark(rows: &Rows<'_>, tail: &mut Tail, is_other_open: &mut bool, out: &mut EventBatch) -> usize {
    let before = out.flags.len();
    let levels = rows.price.iter().zip(rows.qty).zip(rows.side);
    let places = rows.kind.iter().zip(rows.t_exchange_ns).zip(rows.id);
    for (((&kind, &t), &id), ((&price, &qty), &side)) in places.zip(levels) {
        let is_trade = kind == RowKind::Trade;
        let (Some(side), true) = (side, (is_trade || kind == RowKind::Delta) & (price > rows.bad) & (qty > rows.bad))
        else {
            break;
        };
        let goes_on = tail.is_open & !is_trade & (tail.t_exchange_ns == t) & (tail.id == id);
        if goes_on && id != NO_ID && tail.last == (side, price, qty) {
            break;
        }
        if goes_on && tail.first != Some((side, price)) {
            out.flags.push(0);
        } else {
            if (tail.is_open || *is_other_open)
                && let Some(last) = out.flags.last_mut()
            {
                *last |= flags::LAST_OF_UPDATE;
            }
            *is_other_open = false;
            tail.is_open = !is_trade;
            (tail.t_exchange_ns, tail.id, tail.start) = (t, id, out.flags.len());
            tail.first = Some((side, price));
            out.flags.push(flags::FIRST_OF_MESSAGE);
        }
        tail.last = (side, price, qty);
    }
    out.flags.len() - before
}

/// Appends the other columns of the first `n` rows.
fn extend(rows: &Rows<'_>, n: usize, out: &mut EventBatch) {
    out.kind.extend(rows.kind[..n].iter().map(|k| if *k == RowKind::Trade { Kind::Trade } else { Kind::LevelSet }));
    out.side.extend(rows.side[..n].iter().map(|side| side.unwrap_or_default()));
    out.t_exchange_ns.extend_from_slice(&rows.t_exchange_ns[..n]);
    out.t_receive_ns.extend(repeat_n(NO_TIME, n));
    out.price.extend_from_slice(&rows.price[..n]);
    out.qty.extend_from_slice(&rows.qty[..n]);
    out.id.extend_from_slice(&rows.id[..n]);
    out.first_id.extend(repeat_n(NO_ID, n));
    out.prev_id.extend(repeat_n(NO_ID, n));
    out.position.extend(rows.position..rows.position + n as u64);
}
