//! One instrument: the rows of its records, event by event.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use verismo_market::event::{Event, Kind, NO_ID, Side, flags};
use verismo_stats::state::{Carry, DecodeError, Reader};

use super::file::{Body, Pair, Record, Schema};
use super::layout::{F_LAST, F_SNAPSHOT, NO_PRICE};
use crate::decimal;

/// Rows of one event at most; beyond that it is handed out in parts. A whole book is one event.
const EVENT_ROWS_MAX: usize = 1 << 20;
/// What a schema has told holds so long: a poorer one is left out until then. Records of one event have one receive time in every schema,
/// so that this need not be long; it ends with the day, as files do.
const TOLD_NS: i64 = 60_000_000_000;

/// A resting order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Order {
    side: Side,
    price: i64,
    qty: i64,
}

/// What an instrument's records have told so far.
#[derive(Debug, Default)]
pub(super) struct Instrument {
    resting: FxHashMap<i64, Order>,
    /// Executed in the open event and not yet taken away by a C of it, by order.
    filled: BTreeMap<i64, i64>,
    /// The levels of the record before, bids and asks.
    levels: [BTreeMap<i64, i64>; 2],
    has_levels: bool,
    /// Whose book that is: the instrument's id and what its records are.
    book_of: Option<(u32, Schema)>,
    /// The schema that is read, and the last time that it told.
    best: Option<(Schema, i64)>,
    /// Rows of the open event.
    pub(super) rows: Vec<Event>,
}

/// What a record does to the open event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// It goes on.
    Open,
    /// The rows are complete.
    Close,
}

/// An order by its id, with its side (1 a bid, -1 an ask), price and quantity.
type SavedOrder = ((i64, i64), (i64, i64));

/// What goes on between files. Rows of an open event do not: none is open then.
impl Carry for Instrument {
    fn save(&self, out: &mut Vec<u8>) {
        let sign = |side| i64::from(side == Side::Bid) - i64::from(side == Side::Ask);
        let order = |(id, order): (&i64, &Order)| ((*id, sign(order.side)), (order.price, order.qty));
        let mut resting: Vec<SavedOrder> = self.resting.iter().map(order).collect();
        resting.sort_unstable();
        resting.save(out);
        let pairs = |map: &BTreeMap<i64, i64>| map.iter().map(|(key, value)| (*key, *value)).collect::<Vec<_>>();
        pairs(&self.filled).save(out);
        self.levels.iter().for_each(|side| pairs(side).save(out));
        self.has_levels.save(out);
        self.book_of.map(|(id, schema)| (id, schema as u32)).save(out);
        self.best.map(|(schema, t_ns)| (schema as u32, t_ns)).save(out);
    }

    fn load(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        let mut resting: Vec<SavedOrder> = Vec::new();
        resting.load(input)?;
        let order = |((id, sign), (price, qty)): SavedOrder| {
            let side = [Side::None, Side::Bid, Side::Ask][sign.rem_euclid(3) as usize];
            (id, Order { side, price, qty })
        };
        self.resting = resting.into_iter().map(order).collect();
        let [mut filled, mut bids, mut asks] = [(); 3].map(|()| Vec::<(i64, i64)>::new());
        [&mut filled, &mut bids, &mut asks].into_iter().try_for_each(|pairs| pairs.load(input))?;
        self.filled = filled.into_iter().collect();
        self.levels = [bids, asks].map(|side| side.into_iter().collect());
        self.has_levels.load(input)?;
        let (mut book_of, mut best) = (None::<(u32, u32)>, None::<(u32, i64)>);
        book_of.load(input)?;
        best.load(input)?;
        let schema = |n: u32| Schema::ALL.get(n as usize).copied().ok_or_else(|| input.invalid("a schema"));
        self.book_of = book_of.map(|(id, n)| schema(n).map(|schema| (id, schema))).transpose()?;
        self.best = best.map(|(n, t_ns)| schema(n).map(|schema| (schema, t_ns))).transpose()?;
        Ok(())
    }
}

impl Instrument {
    /// Whether records of this schema are to be read at this time, and not those of a richer one.
    pub(super) fn reads(&mut self, schema: Schema, t_ns: i64) -> bool {
        if let Some((best, last_ns)) = &mut self.best {
            let is_told = t_ns.saturating_sub(*last_ns) <= TOLD_NS && day_of(t_ns) <= day_of(*last_ns);
            if *best < schema && is_told {
                return false;
            }
            if *best == schema {
                *last_ns = t_ns.max(*last_ns);
                return true;
            }
        }
        self.best = Some((schema, t_ns));
        true
    }

    /// Whether a record tells another book than the records before: of an instrument that took over the symbol, or in another schema.
    pub(super) fn is_other_book(&self, record: &Record) -> bool {
        let schema = record.body.schema();
        schema.has_book() && self.book_of.is_some_and(|book| book != (record.instrument, schema))
    }

    /// Forgets the book before that of a record, which starts a new event. Levels say by themselves that they are a new book.
    pub(super) fn forget_book(&mut self, record: &Record, base: Event) {
        self.has_levels = false;
        self.levels = [BTreeMap::new(), BTreeMap::new()];
        self.clear_orders();
        if matches!(record.body, Body::Order { .. }) && record.action != b'R' {
            self.rows.push(start_of_book(base));
        }
    }

    fn clear_orders(&mut self) {
        self.resting.clear();
        self.filled.clear();
    }

    /// Adds the rows of a record; `base` has its times and position. Also says what in the record cannot be expressed; it then gives
    /// no rows. A book that is emptied starts a new event: the caller asks [`Self::starts_event`] first.
    pub(super) fn record(&mut self, record: &Record, base: Event) -> (After, Option<String>) {
        let schema = record.body.schema();
        if schema.has_book() {
            self.book_of = Some((record.instrument, schema));
        }
        let bad = self.rows_of(record, base).err();
        let is_last = record.flags & F_LAST != 0;
        if is_last {
            self.filled.clear();
        }
        let after = if is_last || self.rows.len() >= EVENT_ROWS_MAX { After::Close } else { After::Open };
        (after, bad)
    }

    fn rows_of(&mut self, record: &Record, base: Event) -> Result<(), String> {
        let side = side_of(record.side);
        let qty = i64::from(record.size) * 100_000_000;
        if record.action == b'T' {
            let price = price_of(record.price)?;
            self.rows.push(Event { kind: Kind::Trade, side, price, qty, id: NO_ID, ..base });
        }
        match &record.body {
            Body::Order { id } => {
                // A cast of 63 bits keeps its sign.
                let id = (id & i64::MAX as u64) as i64;
                self.order(record, Event { side, qty, id, ..base })
            }
            Body::Levels(pairs) => self.set_levels(pairs, base),
            Body::Trade | Body::TradeOfTop => Ok(()),
        }
    }

    fn order(&mut self, record: &Record, row: Event) -> Result<(), String> {
        let snapshot = if record.flags & F_SNAPSHOT == 0 { 0 } else { flags::SNAPSHOT };
        match record.action {
            b'A' => {
                let price = price_of(record.price)?;
                self.resting.insert(row.id, Order { side: row.side, price, qty: row.qty });
                self.rows.push(Event { kind: Kind::OrderAdd, price, flags: snapshot, ..row });
            }
            b'C' => self.cancel(record, row)?,
            b'M' => self.modify(record, row)?,
            b'F' => self.fill(record, row)?,
            b'R' => {
                self.clear_orders();
                self.rows.push(start_of_book(row));
            }
            b'T' | b'N' => {}
            other => return Err(format!("action {:?}", char::from(other))),
        }
        Ok(())
    }

    fn fill(&mut self, record: &Record, row: Event) -> Result<(), String> {
        let known = self.resting.get_mut(&row.id);
        let (side, price) = match &known {
            Some(order) => (order.side, order.price),
            None => (row.side, price_of(record.price)?),
        };
        if let Some(order) = known {
            order.qty = order.qty.saturating_sub(row.qty);
        }
        let filled = self.filled.entry(row.id).or_default();
        *filled = filled.saturating_add(row.qty);
        self.rows.push(Event { kind: Kind::OrderExec, side, price, ..row });
        Ok(())
    }

    fn cancel(&mut self, record: &Record, row: Event) -> Result<(), String> {
        // What a fill of this event has taken already.
        let filled = self.filled.get_mut(&row.id).map_or(0, |filled| {
            let taken = (*filled).min(row.qty);
            *filled -= taken;
            taken
        });
        let by_owner = row.qty - filled;
        let Some(order) = self.resting.get_mut(&row.id) else {
            if by_owner > 0 {
                let price = price_of(record.price)?;
                self.rows.push(Event { kind: Kind::OrderDelete, price, qty: by_owner, ..row });
            }
            return Ok(());
        };
        let before = *order;
        order.qty = before.qty.saturating_sub(by_owner);
        let is_gone = order.qty <= 0;
        if is_gone {
            self.resting.remove(&row.id);
        }
        // An order whose fills left nothing is gone with them.
        if by_owner > 0 && before.qty > 0 {
            let (kind, qty) = if is_gone { (Kind::OrderDelete, before.qty) } else { (Kind::OrderReduce, by_owner) };
            self.rows.push(Event { kind, side: before.side, price: before.price, qty, ..row });
        }
        Ok(())
    }

    fn modify(&mut self, record: &Record, row: Event) -> Result<(), String> {
        let price = price_of(record.price)?;
        self.filled.remove(&row.id);
        let after = Order { side: row.side, price, qty: row.qty };
        let before = self.resting.insert(row.id, after);
        let add = Event { kind: Kind::OrderAdd, price, ..row };
        match before {
            // An order from before the recording.
            None => self.rows.push(add),
            Some(before) if before == after => {}
            Some(before) if before.side == after.side && before.price == price && before.qty > row.qty => {
                self.rows.push(Event { kind: Kind::OrderReduce, price, qty: before.qty - row.qty, ..row });
            }
            Some(before) => {
                if before.qty > 0 {
                    let Order { side, price, qty } = before;
                    self.rows.push(Event { kind: Kind::OrderDelete, side, price, qty, ..row });
                }
                self.rows.push(add);
            }
        }
        Ok(())
    }

    /// Sets what differs from the levels of the record before; the first levels are a snapshot.
    fn set_levels(&mut self, pairs: &[Pair], base: Event) -> Result<(), String> {
        let mut sides = [BTreeMap::new(), BTreeMap::new()];
        for pair in pairs {
            for (levels, (price, size)) in sides.iter_mut().zip([pair.bid, pair.ask]) {
                if price != NO_PRICE && size > 0 {
                    levels.insert(price_of(price)?, i64::from(size) * 100_000_000);
                }
            }
        }
        let is_first = !std::mem::replace(&mut self.has_levels, true);
        let level_flags = if is_first { flags::SNAPSHOT } else { 0 };
        let base = Event { kind: Kind::LevelSet, flags: level_flags, id: NO_ID, ..base };
        if is_first {
            self.rows.push(Event { kind: Kind::SnapshotStart, ..base });
        }
        for ((side, old), new) in [Side::Bid, Side::Ask].into_iter().zip(&self.levels).zip(&sides) {
            let gone = old.keys().filter(|price| !new.contains_key(price)).map(|price| (*price, 0));
            let set = new.iter().filter(|(price, qty)| old.get(price) != Some(qty)).map(|(price, qty)| (*price, *qty));
            for (price, qty) in gone.chain(set) {
                self.rows.push(Event { side, price, qty, ..base });
            }
        }
        self.levels = sides;
        Ok(())
    }

    /// Whether a record must not be in one message with rows before it: it empties the book.
    pub(super) fn starts_event(&self, record: &Record) -> bool {
        let is_first_levels = matches!(record.body, Body::Levels(_)) && !self.has_levels;
        let is_clear = matches!(record.body, Body::Order { .. }) && record.action == b'R';
        (is_clear || is_first_levels) && !self.rows.is_empty()
    }
}

/// The row that a book of orders starts with.
fn start_of_book(row: Event) -> Event {
    Event { kind: Kind::SnapshotStart, side: Side::None, qty: 0, id: NO_ID, flags: flags::SNAPSHOT, ..row }
}

/// The UTC day of a time, counted from 1970.
pub(super) fn day_of(t_ns: i64) -> i32 {
    // A time of 64 bits has fewer than 2^17 days.
    t_ns.div_euclid(86_400_000_000_000) as i32
}

fn side_of(side: u8) -> Side {
    match side {
        b'B' => Side::Bid,
        b'A' => Side::Ask,
        _ => Side::None,
    }
}

/// A price of 10^-9 in 10^-8.
fn price_of(price: i64) -> Result<i64, String> {
    if price == NO_PRICE {
        return Err("a record without a price".to_owned());
    }
    decimal::from_scaled(i128::from(price), 9).map_err(|e| format!("price {price} * 10^-9: {}", e.reason()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use verismo_market::event::NO_TIME;

    fn base() -> Event {
        Event {
            kind: Kind::Trade,
            side: Side::None,
            flags: 0,
            t_exchange_ns: 5,
            t_receive_ns: NO_TIME,
            price: 0,
            qty: 0,
            id: NO_ID,
            first_id: NO_ID,
            prev_id: NO_ID,
            position: 1,
        }
    }

    const P: i64 = 1_000_000_000;
    const Q: i64 = 100_000_000;

    fn order(action: u8, side: u8, id: u64, price: i64, size: u32, flags: u8) -> Record {
        let body = Body::Order { id };
        Record {
            publisher: 1,
            instrument: 1,
            t_event_ns: 5,
            t_receive_ns: 5,
            action,
            side,
            flags,
            price: price * P,
            size,
            body,
        }
    }

    fn levels(action: u8, pairs: &[(i64, u32, i64, u32)]) -> Record {
        let body = Body::Levels(
            pairs
                .iter()
                .map(|&(b, bs, a, az)| Pair { bid: (b.saturating_mul(P), bs), ask: (a.saturating_mul(P), az) })
                .collect(),
        );
        Record { body, ..order(action, b'B', 0, 100, 2, F_LAST) }
    }

    /// (kind, side, id, price, quantity) in whole units.
    fn rows(records: &[Record]) -> Vec<(Kind, Side, i64, i64, i64)> {
        let mut instrument = Instrument::default();
        for record in records {
            assert_eq!(instrument.record(record, base()).1, None);
        }
        instrument.rows.iter().map(|e| (e.kind, e.side, e.id, e.price / Q, e.qty / Q)).collect()
    }

    use Side::{Ask, Bid};

    #[test]
    fn a_fill_and_the_cancel_after_it_are_one_execution() {
        let got = rows(&[
            order(b'A', b'A', 7, 100, 10, F_LAST),
            order(b'T', b'B', 0, 100, 4, 0),
            order(b'F', b'A', 7, 100, 4, 0),
            order(b'C', b'A', 7, 100, 4, F_LAST),
            order(b'C', b'A', 7, 100, 1, F_LAST),
            order(b'T', b'B', 0, 100, 5, 0),
            order(b'F', b'A', 7, 100, 5, 0),
            order(b'C', b'A', 7, 100, 5, F_LAST),
        ]);
        let want = [
            (Kind::OrderAdd, Ask, 7, 100, 10),
            (Kind::Trade, Bid, NO_ID, 100, 4),
            (Kind::OrderExec, Ask, 7, 100, 4),
            (Kind::OrderReduce, Ask, 7, 100, 1),
            (Kind::Trade, Bid, NO_ID, 100, 5),
            (Kind::OrderExec, Ask, 7, 100, 5),
        ];
        assert_eq!(got, want);
    }

    #[test]
    fn modifications_and_unknown_orders() {
        let got = rows(&[
            order(b'A', b'B', 1, 99, 5, F_LAST),
            order(b'M', b'B', 1, 99, 3, F_LAST),
            order(b'M', b'B', 1, 99, 6, F_LAST),
            order(b'M', b'B', 1, 98, 6, F_LAST),
            // A fill that a modification to the rest follows.
            order(b'F', b'B', 1, 98, 2, 0),
            order(b'M', b'B', 1, 98, 4, F_LAST),
            order(b'M', b'B', 50, 97, 4, F_LAST),
            order(b'C', b'A', 51, 101, 4, F_LAST),
            order(b'N', b'N', 0, 1, 0, F_LAST),
        ]);
        let want = [
            (Kind::OrderAdd, Bid, 1, 99, 5),
            (Kind::OrderReduce, Bid, 1, 99, 2),
            (Kind::OrderDelete, Bid, 1, 99, 3),
            (Kind::OrderAdd, Bid, 1, 99, 6),
            (Kind::OrderDelete, Bid, 1, 99, 6),
            (Kind::OrderAdd, Bid, 1, 98, 6),
            (Kind::OrderExec, Bid, 1, 98, 2),
            (Kind::OrderAdd, Bid, 50, 97, 4),
            (Kind::OrderDelete, Ask, 51, 101, 4),
        ];
        assert_eq!(got, want);
    }

    #[test]
    fn levels_are_set_where_they_differ() {
        let none = i64::MAX;
        let got = rows(&[
            levels(b'A', &[(99, 5, 101, 6), (98, 1, none, 0)]),
            levels(b'T', &[(99, 3, 101, 6), (98, 1, none, 0)]),
            levels(b'A', &[(100, 2, 101, 6), (99, 3, 102, 1)]),
        ]);
        let want = [
            (Kind::SnapshotStart, Side::None, NO_ID, 0, 0),
            (Kind::LevelSet, Bid, NO_ID, 98, 1),
            (Kind::LevelSet, Bid, NO_ID, 99, 5),
            (Kind::LevelSet, Ask, NO_ID, 101, 6),
            (Kind::Trade, Bid, NO_ID, 100, 2),
            (Kind::LevelSet, Bid, NO_ID, 99, 3),
            (Kind::LevelSet, Bid, NO_ID, 98, 0),
            (Kind::LevelSet, Bid, NO_ID, 100, 2),
            (Kind::LevelSet, Ask, NO_ID, 102, 1),
        ];
        assert_eq!(got, want);
    }

    #[test]
    fn what_cannot_be_expressed_is_an_error() {
        let mut instrument = Instrument::default();
        let mut record = order(b'A', b'B', 1, 99, 5, 0);
        record.price += 1;
        assert!(instrument.record(&record, base()).1.unwrap().contains("below 10^-8"));
        assert!(instrument.record(&order(b'X', b'B', 1, 99, 5, 0), base()).1.unwrap().contains("'X'"));
        record.price = NO_PRICE;
        assert!(instrument.record(&record, base()).1.is_some());
        assert!(instrument.rows.is_empty());
    }
}
