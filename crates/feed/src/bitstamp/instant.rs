//! All rows of one exchange time, and what they do to the book.

use std::collections::BTreeMap;

use verismo_market::event::{Kind, NO_ID, Side};
use verismo_stats::carry;

use super::resting::{Order, Resting};
use super::row::{Action, OrderRow, Stamps, TradeRow};

/// An instant with at least this many created rows of one receive stamp is a REST book; the busiest instant of live rows we know has 37.
pub(crate) const WHOLE_BOOK_ROWS_MIN: usize = 64;
/// What the venue writes as the price of a market order that buys: 999,999,999.
const MARKET_BUY_PRICE: i64 = 999_999_999 * 100_000_000;

/// Where a row comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) source: u32,
    pub(super) position: u64,
}

/// The rows of one instant, in the order of arrival.
#[derive(Debug, Default)]
pub(super) struct Instant {
    pub(super) orders: Vec<(OrderRow, Place)>,
    pub(super) trades: Vec<(TradeRow, Place)>,
}

/// One row of a message.
pub(super) type Cell = (Kind, Order);

/// What comes of an instant; every call is one message, or one count.
pub(super) trait Sink {
    /// A message of one or two rows.
    fn message(&mut self, rows: &[Cell], stamps: Stamps, place: Place);
    /// A whole book.
    fn book(&mut self, orders: &[Order], stamps: Stamps, place: Place);
    /// A row that is no market event, by what it is.
    fn not_an_event(&mut self, what: &'static str, place: Place);
}

/// The state between instants.
#[derive(Debug, Default)]
pub(super) struct State {
    resting: Resting,
    /// Whether a trades file that covers the time of the instant says which losses are trades.
    pub(super) has_trades: bool,
}

carry!(State: resting);

/// Aggressive orders of the current instant.
#[derive(Debug, Default)]
struct Held {
    by_id: BTreeMap<i64, (Order, Stamps, Place)>,
    /// Volumes they lost and no resting order has answered for, by side; of market orders that buy for a sum none is told.
    losses: Vec<(Side, Option<i64>)>,
}

impl Held {
    /// Takes the loss of an order of `side` that a resting order's loss of `qty` answers.
    fn take_loss(&mut self, side: Side, qty: i64) -> bool {
        let told = self.losses.iter().position(|loss| *loss == (side, Some(qty)));
        if let Some(at) = told {
            self.losses.swap_remove(at);
        }
        told.is_some() || self.losses.contains(&(side, None))
    }
}

impl Instant {
    pub(super) fn is_empty(&self) -> bool {
        self.orders.is_empty() && self.trades.is_empty()
    }

    fn clear(&mut self) {
        self.orders.clear();
        self.trades.clear();
    }

    /// The receive stamp under which the rows of a REST book stand, if there is one.
    fn book_stamp(&self) -> Option<i64> {
        if self.orders.len() < WHOLE_BOOK_ROWS_MIN {
            return None;
        }
        let mut created: BTreeMap<i64, usize> = BTreeMap::new();
        for (row, _) in self.orders.iter().filter(|(row, _)| row.action == Action::Created) {
            *created.entry(row.stamps.receive_ns).or_default() += 1;
        }
        created.into_iter().find(|(_, n)| *n >= WHOLE_BOOK_ROWS_MIN).map(|(stamp, _)| stamp)
    }
}

impl State {
    /// Applies an instant and empties it.
    pub(super) fn apply(&mut self, instant: &mut Instant, sink: &mut impl Sink) {
        // Arrival says which trade came first only within a file; ids do in any.
        instant.trades.sort_by_key(|(trade, place)| (trade.id, place.source, place.position));
        let from_book = instant.book_stamp().map_or(0, |stamp| self.book(instant, stamp, sink));
        if from_book == 0 && self.is_closing(instant) {
            for (_, place) in &instant.orders {
                sink.not_an_event("deletion made up by the recorder at its end", *place);
            }
            self.resting.clear();
            instant.clear();
            return;
        }
        let mut held = Held::default();
        let orders = std::mem::take(&mut instant.orders);
        for (row, place) in &orders {
            match row.action {
                Action::Created => self.created(row, *place, &mut held, sink),
                Action::Changed => self.lessened(row, *place, &mut held, &mut instant.trades, sink),
                Action::Deleted => self.lessened(row, *place, &mut held, &mut instant.trades, sink),
            }
        }
        // Trades whose resting order shows no loss at this instant.
        for (trade, place) in instant.trades.drain(..) {
            sink.message(&[(Kind::Trade, trade_cell(&trade))], trade.stamps, place);
        }
        for (order, stamps, place) in held.by_id.into_values() {
            self.settle(order, stamps, place, sink);
        }
        instant.orders = orders;
        instant.clear();
    }

    /// Takes the rows of a REST book out of the instant; how many there were.
    fn book(&mut self, instant: &mut Instant, receive_ns: i64, sink: &mut impl Sink) -> usize {
        let is_book = |row: &OrderRow| row.action == Action::Created && row.stamps.receive_ns == receive_ns;
        self.resting.clear();
        let mut orders = Vec::new();
        let mut first = None;
        instant.orders.retain(|(row, place)| {
            if !is_book(row) {
                return true;
            }
            let order = order_of(row);
            first.get_or_insert((row.stamps, *place));
            if self.resting.get(order.id).is_none() {
                self.resting.insert(order);
                orders.push(order);
            }
            false
        });
        if let Some((stamps, place)) = first {
            sink.book(&orders, stamps, place);
        }
        orders.len()
    }

    /// Whether the rows are deletions that a recorder made up: all at its own time, and nothing is left after them.
    fn is_closing(&self, instant: &Instant) -> bool {
        let is_made_up =
            |row: &OrderRow| row.action == Action::Deleted && row.stamps.receive_ns == row.stamps.exchange_ns;
        let rows = &instant.orders;
        rows.len() >= WHOLE_BOOK_ROWS_MIN
            && rows.len() >= self.resting.len()
            && rows.iter().all(|(row, _)| is_made_up(row))
            && rows.iter().filter(|(row, _)| self.resting.get(row.id).is_some()).count() == self.resting.len()
    }

    fn created(&mut self, row: &OrderRow, place: Place, held: &mut Held, sink: &mut impl Sink) {
        let order = order_of(row);
        if row.qty == 0 || is_market(&order) || self.resting.crossed_by(&order).is_some() {
            if row.qty == 0 {
                held.losses.push((row.side, None));
            }
            held.by_id.insert(row.id, (order, row.stamps, place));
            return;
        }
        let add = (Kind::OrderAdd, order);
        match self.resting.remove(row.id) {
            Some(before) => sink.message(&[(Kind::OrderDelete, before), add], row.stamps, place),
            None => sink.message(&[add], row.stamps, place),
        }
        self.resting.insert(order);
    }

    /// An order has less, or nothing, or another price.
    fn lessened(
        &mut self,
        row: &OrderRow,
        place: Place,
        held: &mut Held,
        trades: &mut Vec<(TradeRow, Place)>,
        sink: &mut impl Sink,
    ) {
        let is_deleted = row.action == Action::Deleted;
        if let Some((order, ..)) = held.by_id.get_mut(&row.id) {
            // The aggressor: its losses are the resting orders' executions, its price in between that of the trade.
            let lost = order.qty - row.qty;
            order.qty = row.qty;
            if lost > 0 {
                held.losses.push((row.side, Some(lost)));
            }
            if is_deleted {
                held.by_id.remove(&row.id);
                sink.not_an_event("aggressive order that never rests: traded, market or refused", place);
            }
            return;
        }
        let Some(before) = self.resting.get(row.id) else {
            return unknown(row, place, trades, sink);
        };
        let left = if is_deleted && row.qty == before.qty { 0 } else { row.qty };
        let lost = before.qty - left;
        let is_loss = lost > 0 && !(is_deleted && row.qty == before.qty);
        let trade = if is_loss { self.execution(&before, lost, row, held, trades) } else { None };
        let is_gone = is_deleted || left == 0;
        // Deletions and trades may show another price than the order's.
        let price = if is_gone || trade.is_some() { before.price } else { row.price };
        let after = Order { qty: left, price, ..before };
        self.resting.remove(row.id);
        if !is_gone {
            self.resting.insert(after);
        }
        match trade {
            Some(trade) => {
                let exec = (Kind::OrderExec, Order { qty: lost, ..before });
                sink.message(&[(Kind::Trade, trade), exec], row.stamps, place);
                // A filled order is gone with its execution; a deletion at another time takes the rest.
                if is_deleted && lost < before.qty {
                    let rest = Order { qty: before.qty - lost, ..before };
                    sink.message(&[(Kind::OrderDelete, rest)], row.stamps, place);
                }
            }
            None if is_gone => sink.message(&[(Kind::OrderDelete, before)], row.stamps, place),
            None if after.price == before.price && lost > 0 => {
                sink.message(&[(Kind::OrderReduce, Order { qty: lost, ..before })], row.stamps, place);
            }
            None if after == before => {}
            None => sink.message(&[(Kind::OrderDelete, before), (Kind::OrderAdd, after)], row.stamps, place),
        }
    }

    /// The trade that a loss of a resting order is, if it is one.
    fn execution(
        &self,
        before: &Order,
        lost: i64,
        row: &OrderRow,
        held: &mut Held,
        trades: &mut Vec<(TradeRow, Place)>,
    ) -> Option<Order> {
        let aggressor = opposite(before.side);
        if let Some(at) = trades.iter().position(|(trade, _)| is_maker(trade, row.id) && trade.qty == lost) {
            return Some(Order { side: aggressor, ..trade_cell(&trades.remove(at).0) });
        }
        // Where no trades file tells, the aggressor's own loss is the evidence; its row comes before the resting order's.
        let is_answered = !self.has_trades && held.take_loss(aggressor, lost);
        is_answered.then_some(Order { id: NO_ID, side: aggressor, price: before.price, qty: lost })
    }

    /// At the end of its instant an aggressive order rests with what is left of it, and what it crosses cannot be there.
    fn settle(&mut self, order: Order, stamps: Stamps, place: Place, sink: &mut impl Sink) {
        if order.qty == 0 || is_market(&order) {
            return;
        }
        // Bounded by the number of resting orders: each turn removes one.
        while let Some(stale) = self.resting.crossed_by(&order) {
            self.resting.remove(stale.id);
            sink.not_an_event("resting order that a later one crosses: gone before, its deletion is missing", place);
            sink.message(&[(Kind::OrderDelete, stale)], stamps, place);
        }
        self.resting.insert(order);
        sink.message(&[(Kind::OrderAdd, order)], stamps, place);
    }
}

/// An event of an order that was there before the recording, or whose creation is missing.
fn unknown(row: &OrderRow, place: Place, trades: &mut Vec<(TradeRow, Place)>, sink: &mut impl Sink) {
    let order = order_of(row);
    if let Some(at) = trades.iter().position(|(trade, _)| is_maker(trade, row.id)) {
        let trade = Order { side: opposite(order.side), ..trade_cell(&trades.remove(at).0) };
        let exec = (Kind::OrderExec, Order { price: trade.price, qty: trade.qty, ..order });
        sink.message(&[(Kind::Trade, trade), exec], row.stamps, place);
    } else if row.action == Action::Deleted && row.qty > 0 {
        sink.message(&[(Kind::OrderDelete, order)], row.stamps, place);
    } else {
        sink.not_an_event(
            "event of an order that is not known, of which nothing is told that a book could lose",
            place,
        );
    }
}

fn order_of(row: &OrderRow) -> Order {
    Order { id: row.id, side: row.side, price: row.price, qty: row.qty }
}

/// The trade as a row: its id, the aggressor's side.
fn trade_cell(trade: &TradeRow) -> Order {
    Order { id: trade.id, side: trade.side, price: trade.price, qty: trade.qty }
}

/// Whether `id` is the resting order of a trade, or may be where the file does not say the aggressor's side.
fn is_maker(trade: &TradeRow, id: i64) -> bool {
    match trade.side {
        Side::Bid => trade.sell == id,
        Side::Ask => trade.buy == id,
        Side::None => trade.sell == id || trade.buy == id,
    }
}

fn opposite(side: Side) -> Side {
    if side == Side::Bid { Side::Ask } else { Side::Bid }
}

/// Market orders have the price 0 or 999,999,999 and never rest.
fn is_market(order: &Order) -> bool {
    match order.side {
        Side::Bid => order.price == MARKET_BUY_PRICE,
        _ => order.price == 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::epoch::EpochUnit;

    #[derive(Default)]
    struct Seen {
        rows: Vec<(Kind, Side, i64, i64, i64)>,
        books: Vec<usize>,
        not_events: usize,
    }

    impl Sink for Seen {
        fn message(&mut self, rows: &[Cell], _: Stamps, _: Place) {
            self.rows.extend(rows.iter().map(|(kind, o)| (*kind, o.side, o.id, o.price, o.qty)));
        }
        fn book(&mut self, orders: &[Order], _: Stamps, _: Place) {
            self.books.push(orders.len());
        }
        fn not_an_event(&mut self, _: &'static str, _: Place) {
            self.not_events += 1;
        }
    }

    const PLACE: Place = Place { source: 0, position: 1 };
    const STAMPS: Stamps = Stamps { exchange_ns: 10, receive_ns: 15, unit: EpochUnit::Milli };

    fn row(action: Action, id: i64, side: Side, price: i64, qty: i64) -> (OrderRow, Place) {
        (OrderRow { action, id, side, price, qty, stamps: STAMPS }, PLACE)
    }

    fn trade(id: i64, side: Side, price: i64, qty: i64, buy: i64, sell: i64) -> (TradeRow, Place) {
        (TradeRow { id, side, price, qty, buy, sell, stamps: STAMPS }, PLACE)
    }

    fn apply(state: &mut State, orders: &[(OrderRow, Place)], trades: &[(TradeRow, Place)]) -> Seen {
        let mut seen = Seen::default();
        state.apply(&mut Instant { orders: orders.to_vec(), trades: trades.to_vec() }, &mut seen);
        seen
    }

    use Action::{Changed, Created, Deleted};
    use Side::{Ask, Bid};

    /// Two asks, at 100 and 101, of 5 each.
    fn two_asks(has_trades: bool) -> State {
        let mut state = State { has_trades, ..State::default() };
        let seen = apply(&mut state, &[row(Created, 1, Ask, 100, 5), row(Created, 2, Ask, 101, 5)], &[]);
        assert_eq!(seen.rows.len(), 2);
        state
    }

    /// An order of 8 at 102 that takes all of the first and 2 of the second, and then rests with 1.
    const SWEEP: [(Action, i64, Side, i64, i64); 5] = [
        (Created, 9, Bid, 102, 8),
        (Changed, 9, Bid, 100, 3),
        (Deleted, 1, Ask, 100, 0),
        (Changed, 9, Bid, 101, 1),
        (Changed, 2, Ask, 101, 3),
    ];

    #[test]
    fn an_aggressor_is_its_makers_losses_and_then_rests() {
        let mut state = two_asks(true);
        let orders = SWEEP.map(|(a, id, s, p, q)| row(a, id, s, p, q));
        let trades = [trade(71, Bid, 101, 2, 9, 2), trade(70, Bid, 100, 5, 9, 1)];
        let seen = apply(&mut state, &orders, &trades);
        let want = [
            (Kind::Trade, Bid, 70, 100, 5),
            (Kind::OrderExec, Ask, 1, 100, 5),
            (Kind::Trade, Bid, 71, 101, 2),
            (Kind::OrderExec, Ask, 2, 101, 2),
            // What it still crosses at the end of its instant cannot be there.
            (Kind::OrderDelete, Ask, 2, 101, 3),
            (Kind::OrderAdd, Bid, 9, 102, 1),
        ];
        assert_eq!(seen.rows, want);
        assert_eq!(seen.not_events, 1);
    }

    #[test]
    fn without_a_trades_file_the_aggressor_is_the_evidence() {
        let mut state = two_asks(false);
        let mut orders = SWEEP.map(|(a, id, s, p, q)| row(a, id, s, p, q)).to_vec();
        orders.push(row(Deleted, 9, Bid, 102, 1));
        let seen = apply(&mut state, &orders, &[]);
        let want = [
            (Kind::Trade, Bid, NO_ID, 100, 5),
            (Kind::OrderExec, Ask, 1, 100, 5),
            (Kind::Trade, Bid, NO_ID, 101, 2),
            (Kind::OrderExec, Ask, 2, 101, 2),
        ];
        assert_eq!(seen.rows, want);
        // The same loss with nobody there is the owner's.
        let seen = apply(&mut two_asks(false), &[row(Changed, 2, Ask, 101, 3)], &[]);
        assert_eq!(seen.rows, [(Kind::OrderReduce, Ask, 2, 101, 2)]);
    }

    #[test]
    fn refused_and_market_orders_never_rest() {
        let mut state = two_asks(true);
        let orders = [
            row(Created, 8, Bid, 100, 7),
            row(Deleted, 8, Bid, 100, 7),
            row(Created, 9, Bid, 99_999_999_900_000_000, 0),
            row(Created, 7, Ask, 0, 3),
        ];
        let seen = apply(&mut state, &orders, &[]);
        assert!(seen.rows.is_empty(), "{:?}", seen.rows);
        assert_eq!(state.resting.len(), 2);
    }

    #[test]
    fn what_is_not_known_is_told_as_it_stands_and_no_trade_is_lost_or_doubled() {
        let mut state = two_asks(true);
        let orders = [row(Deleted, 55, Ask, 103, 4), row(Changed, 56, Bid, 90, 1), row(Changed, 57, Bid, 90, 1)];
        let trades = [trade(3, Ask, 90, 6, 56, 9), trade(4, Ask, 80, 1, 1000, 1001)];
        let seen = apply(&mut state, &orders, &trades);
        let want = [
            (Kind::OrderDelete, Ask, 55, 103, 4),
            (Kind::Trade, Ask, 3, 90, 6),
            (Kind::OrderExec, Bid, 56, 90, 6),
            (Kind::Trade, Ask, 4, 80, 1),
        ];
        assert_eq!(seen.rows, want);
        assert_eq!(seen.not_events, 1);
    }

    #[test]
    fn a_book_at_the_start_and_made_up_deletions_at_the_end() {
        let n = WHOLE_BOOK_ROWS_MIN as i64;
        let mut state = State::default();
        let bids: Vec<_> = (0..n).map(|i| row(Created, i, Bid, 100 + i, 1)).collect();
        let seen = apply(&mut state, &bids, &[]);
        assert_eq!((seen.books, seen.rows.len(), state.resting.len()), (vec![64], 0, 64));
        let at_once = Stamps { exchange_ns: 20, receive_ns: 20, ..STAMPS };
        let mut closing: Vec<_> = (0..n).map(|i| row(Deleted, i, Bid, 100 + i, 1)).collect();
        closing.iter_mut().for_each(|(row, _)| row.stamps = at_once);
        let seen = apply(&mut state, &closing, &[]);
        assert_eq!((seen.rows.len(), seen.not_events, state.resting.len()), (0, 64, 0));
    }

    #[test]
    fn amendments_keep_the_place_only_when_they_take_away() {
        let mut state = two_asks(true);
        let orders = [
            row(Changed, 1, Ask, 100, 7),
            row(Changed, 2, Ask, 103, 5),
            row(Changed, 2, Ask, 103, 5),
            row(Deleted, 2, Ask, 999, 5),
        ];
        let seen = apply(&mut state, &orders, &[]);
        let want = [
            (Kind::OrderDelete, Ask, 1, 100, 5),
            (Kind::OrderAdd, Ask, 1, 100, 7),
            (Kind::OrderDelete, Ask, 2, 101, 5),
            (Kind::OrderAdd, Ask, 2, 103, 5),
            (Kind::OrderDelete, Ask, 2, 103, 5),
        ];
        assert_eq!(seen.rows, want);
    }
}
