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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assemble::{Place, blank};
    use crate::block::Block;
    use proptest::prelude::*;
    use verismo_market::event::Event;

    const BAD: i64 = i64::MIN + 1;

    /// One of few times, ids, sides and prices, so that everything repeats.
    fn row() -> impl Strategy<Value = (RowKind, Option<Side>, [i64; 4])> {
        let kind = prop_oneof![
            6 => Just(RowKind::Delta),
            2 => Just(RowKind::Trade),
            1 => Just(RowKind::Snapshot),
        ];
        let side = prop_oneof![4 => Just(Some(Side::Bid)), 4 => Just(Some(Side::Ask)), 1 => Just(None)];
        let number = || prop_oneof![8 => 1i64..4, 1 => Just(BAD)];
        let id = prop_oneof![Just(5i64), Just(6), Just(NO_ID)];
        (kind, side, number(), number(), prop_oneof![4 => Just(7i64), 1 => Just(8)], id)
            .prop_map(|(kind, side, price, qty, t, id)| (kind, side, [t, id, price, qty]))
    }

    /// What the reader does with a row that is not appended in a run.
    fn one_by_one(assembler: &mut Assembler, rows: &Rows<'_>, at: usize) {
        let place = Place { stream: 0, source: rows.source, position: rows.position + at as u64 };
        let (t, id, price, qty) = (rows.t_exchange_ns[at], rows.id[at], rows.price[at], rows.qty[at]);
        let is_bad = price <= rows.bad || qty <= rows.bad;
        match (rows.kind[at], rows.side[at]) {
            (RowKind::Delta, Some(side)) if !is_bad => assembler.level(place, update(t, id), Some((side, price, qty))),
            (RowKind::Trade, side) if !is_bad => {
                let event = Event { t_exchange_ns: t, id, price, qty, side: side.unwrap_or_default(), ..blank(0) };
                assembler.trade(place, Event { position: place.position, ..event });
            }
            (RowKind::Snapshot, _) => {
                // An update of another sort, left open.
                let update = Update { is_snapshot: true, ..update(t, id) };
                assembler.level(place, update, None);
            }
            _ => {}
        }
    }

    fn blocks(all: &[(RowKind, Option<Side>, [i64; 4])], cut: usize, in_runs: bool) -> Vec<(u64, EventBatch)> {
        let mut assembler = Assembler::new(&[]);
        assembler.add_stream("", "X");
        for (i, part) in all.chunks(cut).enumerate() {
            let kind: Vec<_> = part.iter().map(|row| row.0).collect();
            let side: Vec<_> = part.iter().map(|row| row.1).collect();
            let column = |c: usize| part.iter().map(|row| row.2[c]).collect::<Vec<_>>();
            let (t, id, price, qty) = (column(0), column(1), column(2), column(3));
            let mut at = 0;
            while at < part.len() {
                let rows = Rows {
                    kind: &kind[at..],
                    side: &side[at..],
                    t_exchange_ns: &t[at..],
                    id: &id[at..],
                    price: &price[at..],
                    qty: &qty[at..],
                    bad: BAD,
                    source: (i / 2) as u32,
                    position: (i * cut + at) as u64,
                };
                at += if in_runs { assembler.rows(0, &rows) } else { 0 };
                if at < part.len() {
                    let skipped = rows.kind.len() - (part.len() - at);
                    one_by_one(&mut assembler, &rows, skipped);
                    at += 1;
                }
            }
        }
        assembler.finish();
        let labels: Vec<std::sync::Arc<str>> = (0..100).map(|i| i.to_string().into()).collect();
        let (mut out, mut block) = (Vec::new(), Block::default());
        while assembler.pop(&mut block, &labels) {
            block.batch.assert_rectangular();
            out.push((block.messages, block.batch.clone()));
        }
        out
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn runs_are_what_their_rows_are(rows in proptest::collection::vec(row(), 1..60), cut in 1usize..20) {
            prop_assert_eq!(blocks(&rows, cut, true), blocks(&rows, cut, false));
        }
    }
}
