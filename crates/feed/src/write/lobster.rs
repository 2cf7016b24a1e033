//! LOBSTER messages and order books.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use verismo_market::book::Book;
use verismo_market::event::{NO_ID, NO_TIME, Side};
use verismo_market::message::{Body, Message, OrderAction, OrderEvent, RestingOrder};
use verismo_market::orders::Orders;

use super::orders::{self, TextFile};
use super::{GoldenCompression, Written};
use crate::error::FeedError;
use crate::lobster::{EMPTY_ASK, PRICE_UNIT, TIME_ZONE, midnight_ns};

/// Levels a side of the order book files.
const LEVELS: usize = 10;
/// Units of 10^-8 in a share.
const SHARE: i64 = 100_000_000;
/// The order book's sides, in the order of its columns, with the sign of the price of a level that is not there.
const SIDES: [(Side, i64); 2] = [(Side::Ask, EMPTY_ASK), (Side::Bid, -EMPTY_ASK)];

/// Writes messages as `{symbol}_{date}_0_86400000_message_10.csv[.gz]` and the `orderbook` file of the same name, one pair of files per
/// symbol and day of New York.
///
/// All messages are written, also those behind the tenth level. A trade without a resting order is a cross trade (type 6). Trade ids and
/// receive times are not written. A snapshot of orders can stand at the start only: what it holds is seen in the order book from the
/// first message on. Prices finer than 10^-4, sizes that are not whole and price levels cannot be expressed.
pub struct LobsterWriter {
    directory: PathBuf,
    compression: GoldenCompression,
    zone: TimeZone,
    instruments: BTreeMap<String, Instrument>,
    line: Vec<u8>,
    written: Written,
}

#[derive(Default)]
struct Instrument {
    day: Option<Day>,
    book: Book,
    orders: Orders,
}

struct Day {
    messages: TextFile,
    book: TextFile,
    midnight_ns: i64,
    end_ns: i64,
}

impl LobsterWriter {
    /// A writer into `directory`, which is made if need be.
    ///
    /// # Errors
    /// [`FeedError::Io`].
    pub fn create(directory: &Path, compression: GoldenCompression) -> Result<Self, FeedError> {
        let directory = orders::directory(directory)?;
        let zone = TimeZone::get(TIME_ZONE)
            .map_err(|_| orders::not_expressible(&directory, "times of an unknown time zone", TIME_ZONE.to_owned()))?;
        let (instruments, written) = (BTreeMap::new(), Written::default());
        Ok(Self { directory, compression, zone, instruments, line: Vec::new(), written })
    }

    /// Appends one message.
    ///
    /// # Errors
    /// [`FeedError::Io`]; [`FeedError::NotExpressible`] for what the format cannot hold.
    pub fn write(&mut self, message: &Message) -> Result<(), FeedError> {
        orders::check(&self.directory, message)?;
        if !self.instruments.contains_key(&message.symbol) {
            self.instruments.insert(message.symbol.clone(), Instrument::default());
        }
        let Some(instrument) = self.instruments.get_mut(&message.symbol) else { return Ok(()) };
        let row = match &message.body {
            Body::OrderSnapshot { orders, .. } => {
                for &RestingOrder { id, side, price, qty } in orders {
                    Row { kind: 1, id, side, price, qty }.check(&self.directory)?;
                }
                if !instrument.start(orders) {
                    let what = "a snapshot of orders after other messages";
                    return Err(orders::not_expressible(&self.directory, what, format!("{} orders", orders.len())));
                }
                self.written.messages += 1;
                return Ok(());
            }
            Body::Order(order) => instrument.row(order),
            Body::Trade { price, qty, side, .. } => {
                let side = side.opposite();
                Row { kind: 6, id: -1, side, price: *price, qty: *qty }
            }
            // Refused before.
            Body::Depth { .. } | Body::Snapshot { .. } => return Ok(()),
        };
        row.check(&self.directory)?;
        let t_ns = message.t_exchange_ns;
        if instrument.day.as_ref().is_none_or(|day| !(day.midnight_ns..day.end_ns).contains(&t_ns)) {
            let day = open(&self.directory, self.compression, &self.zone, message)?;
            if let Some(before) = instrument.day.replace(day) {
                before.close(&mut self.written)?;
            }
        }
        if let Body::Order(order) = &message.body {
            instrument.orders.apply(&mut instrument.book, order, NO_TIME);
        }
        let Some(day) = &mut instrument.day else { return Ok(()) };
        self.line.clear();
        row.push(t_ns - day.midnight_ns, &mut self.line);
        day.messages.write(&self.line)?;
        self.line.clear();
        push_book(&instrument.book, &mut self.line);
        day.book.write(&self.line)?;
        self.written.messages += 1;
        self.written.rows += 2;
        Ok(())
    }

    /// Completes all files.
    ///
    /// # Errors
    /// [`FeedError::Io`].
    pub fn finish(mut self) -> Result<Written, FeedError> {
        for day in std::mem::take(&mut self.instruments).into_values().filter_map(|i| i.day) {
            day.close(&mut self.written)?;
        }
        Ok(self.written)
    }
}

impl Day {
    fn close(self, written: &mut Written) -> Result<(), FeedError> {
        self.messages.close(written)?;
        self.book.close(written)
    }
}

/// Opens the files of the day of a message.
fn open(
    directory: &Path,
    compression: GoldenCompression,
    zone: &TimeZone,
    message: &Message,
) -> Result<Day, FeedError> {
    let beyond = || orders::not_expressible(directory, "the exchange time", message.t_exchange_ns.to_string());
    let at = Timestamp::from_nanosecond(i128::from(message.t_exchange_ns)).map_err(|_| beyond())?;
    let date = zone.to_datetime(at).date();
    let tomorrow = date.tomorrow().map_err(|_| beyond())?;
    let midnight_ns = |date| midnight_ns(date, zone).ok_or_else(beyond);
    let file = |kind: &str| {
        let stem = format!("{}_{date}_0_86400000_{kind}_{LEVELS}", message.symbol);
        TextFile::create(directory, &stem, "csv", compression)
    };
    let (midnight_ns, end_ns) = (midnight_ns(date)?, midnight_ns(tomorrow)?);
    Ok(Day { messages: file("message")?, book: file("orderbook")?, midnight_ns, end_ns })
}

impl Instrument {
    /// Takes a snapshot; `false` where it would change what was written before.
    fn start(&mut self, orders: &[RestingOrder]) -> bool {
        if self.day.is_some() {
            let key = |o: &RestingOrder| (o.id, o.side, o.price, o.qty);
            let (mut ours, mut theirs) = (self.orders.resting(), orders.to_vec());
            ours.sort_by_key(key);
            theirs.sort_by_key(key);
            return ours == theirs;
        }
        self.book.clear();
        self.orders.clear();
        for &RestingOrder { id, side, price, qty } in orders {
            let event = OrderEvent { action: OrderAction::Add, id, side, price, qty, trade_id: NO_ID };
            self.orders.apply(&mut self.book, &event, NO_TIME);
        }
        true
    }

    /// The row of a change that is not yet applied.
    fn row(&self, order: &OrderEvent) -> Row {
        let &OrderEvent { action, id, side, price, mut qty, .. } = order;
        let kind = match action {
            OrderAction::Add => 1,
            OrderAction::Reduce => 2,
            OrderAction::Delete => 3,
            OrderAction::Exec => 4,
            OrderAction::ExecHidden => 5,
        };
        if action == OrderAction::Delete
            && let Some(known) = self.orders.get(id)
        {
            qty = known.remaining;
        }
        Row { kind, id: if action == OrderAction::ExecHidden { id.max(0) } else { id }, side, price, qty }
    }
}

/// A message.
#[derive(Debug, Clone, Copy)]
struct Row {
    kind: u8,
    id: i64,
    side: Side,
    price: i64,
    qty: i64,
}

impl Row {
    /// # Errors
    /// [`FeedError::NotExpressible`] for what no row can say.
    fn check(&self, directory: &Path) -> Result<(), FeedError> {
        let what = if self.qty <= 0 || self.qty % SHARE != 0 {
            "a size that is not whole and above zero"
        } else if self.price <= 0 || self.price % PRICE_UNIT != 0 || self.price / PRICE_UNIT >= EMPTY_ASK {
            "a price that is not a multiple of 10^-4 above zero and below 999999.9999"
        } else if self.side == Side::None && self.kind != 6 {
            "an order without a side"
        } else {
            return Ok(());
        };
        Err(orders::not_expressible(directory, what, format!("{self:?}")))
    }

    /// Writing to a Vec cannot fail, so the result is dropped.
    fn push(&self, since_midnight_ns: i64, out: &mut Vec<u8>) {
        let (seconds, nanos) = (since_midnight_ns / 1_000_000_000, since_midnight_ns % 1_000_000_000);
        let direction = match self.side {
            Side::Bid => 1,
            Side::Ask => -1,
            Side::None => 0,
        };
        let Self { kind, id, price, qty, .. } = self;
        let (shares, price) = (qty / SHARE, price / PRICE_UNIT);
        let _ = writeln!(out, "{seconds}.{nanos:09},{kind},{id},{shares},{price},{direction}");
    }
}

/// The row of the order book; writing to a Vec cannot fail, so results are dropped.
fn push_book(book: &Book, out: &mut Vec<u8>) {
    let tops = SIDES.map(|(side, empty)| (book.top(side), empty));
    for level in 0..LEVELS {
        for (top, empty) in &tops {
            let (price, shares) = match top.levels().get(level) {
                Some((price, qty)) => (price / PRICE_UNIT, qty / SHARE),
                None => (*empty, 0),
            };
            let _ = write!(out, "{price},{shares},");
        }
    }
    if let Some(last) = out.last_mut() {
        *last = b'\n';
    }
}
