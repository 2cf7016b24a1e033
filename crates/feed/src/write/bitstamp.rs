//! Bitstamp order events and trades.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use verismo_market::event::{NO_ID, NO_TIME, Side};
use verismo_market::message::{Body, Message, OrderAction, OrderEvent, RestingOrder};

use super::orders::{self, Resting, TextFile, buy_or_sell};
use super::{GoldenCompression, Written};
use crate::bitstamp::WHOLE_BOOK_ROWS_MIN;
use crate::decimal;
use crate::error::FeedError;

/// Writes messages as `{symbol}_orders.csv[.gz]` and `{symbol}_trades.csv[.gz]`, one pair of files per symbol.
///
/// Times are in whole us. An execution is a row in both files; the aggressor's own rows are not written. A hidden execution is a row among
/// the trades and reads back as a plain trade. A snapshot is created rows of one receive stamp; one of fewer than 64 orders can only
/// stand at the start. A trade without a side has none there. Orders without a side and price levels cannot be expressed.
pub struct BitstampWriter {
    directory: PathBuf,
    compression: GoldenCompression,
    instruments: BTreeMap<String, Instrument>,
    line: Vec<u8>,
    written: Written,
}

struct Instrument {
    orders: TextFile,
    trades: TextFile,
    resting: Resting,
    is_at_start: bool,
}

impl BitstampWriter {
    /// A writer into `directory`, which is made if need be.
    ///
    /// # Errors
    /// [`FeedError::Io`].
    pub fn create(directory: &Path, compression: GoldenCompression) -> Result<Self, FeedError> {
        let directory = orders::directory(directory)?;
        Ok(Self { directory, compression, instruments: BTreeMap::new(), line: Vec::new(), written: Written::default() })
    }

    /// Appends one message.
    ///
    /// # Errors
    /// [`FeedError::Io`]; [`FeedError::NotExpressible`] for what the format cannot hold.
    pub fn write(&mut self, message: &Message) -> Result<(), FeedError> {
        orders::check(&self.directory, message)?;
        orders::check_sides(&self.directory, message)?;
        if message.symbol.contains('_') {
            let what = "a symbol with the sign that ends it in file names";
            return Err(orders::not_expressible(&self.directory, what, message.symbol.clone()));
        }
        if !self.instruments.contains_key(&message.symbol) {
            let instrument = self.open(&message.symbol.to_lowercase())?;
            self.instruments.insert(message.symbol.clone(), instrument);
        }
        let Some(instrument) = self.instruments.get_mut(&message.symbol) else { return Ok(()) };
        let is_at_start = std::mem::take(&mut instrument.is_at_start);
        let stamps = Stamps::of(message);
        self.line.clear();
        let out = &mut self.line;
        match &message.body {
            Body::Trade { id, price, qty, side } => {
                push_trade(*id, stamps, (*price, *qty), *side, 0, out);
                instrument.trades.write(out)?;
            }
            Body::Order(order) => self.written.rows += instrument.write_order(order, stamps, out)?,
            Body::OrderSnapshot { orders, .. } => {
                let is_seen_as_one =
                    orders.len() >= WHOLE_BOOK_ROWS_MIN || (is_at_start && instrument.resting.is_empty());
                if !is_seen_as_one {
                    let what = "a snapshot of few orders after other messages";
                    return Err(orders::not_expressible(&self.directory, what, format!("{} orders", orders.len())));
                }
                instrument.resting.reset(orders);
                for order in orders {
                    push_order_row(order, "created", stamps, out);
                }
                instrument.orders.write(out)?;
                self.written.rows += orders.len() as u64;
            }
            Body::Depth { .. } | Body::Snapshot { .. } => {}
        }
        self.written.rows += u64::from(matches!(message.body, Body::Trade { .. }));
        self.written.messages += 1;
        Ok(())
    }

    /// Completes all files.
    ///
    /// # Errors
    /// [`FeedError::Io`].
    pub fn finish(mut self) -> Result<Written, FeedError> {
        for (_, instrument) in std::mem::take(&mut self.instruments) {
            instrument.orders.close(&mut self.written)?;
            instrument.trades.close(&mut self.written)?;
        }
        Ok(self.written)
    }

    fn open(&self, symbol: &str) -> Result<Instrument, FeedError> {
        let file = |kind: &str, header: &str| {
            let mut file = TextFile::create(&self.directory, &format!("{symbol}_{kind}"), "csv", self.compression)?;
            file.write(header.as_bytes())?;
            Ok(file)
        };
        Ok(Instrument {
            orders: file("orders", "id,timestamp,exchange_timestamp,price,volume,action,direction\n")?,
            trades: file(
                "trades",
                "trade_id,timestamp,exchange_timestamp,price,amount,buy_order_id,sell_order_id,side\n",
            )?,
            resting: Resting::default(),
            is_at_start: true,
        })
    }
}

/// Receive and exchange time, us.
#[derive(Clone, Copy)]
struct Stamps {
    receive_us: i64,
    exchange_us: i64,
}

impl Stamps {
    /// Without a receive time that is a time of day the exchange time stands for it.
    fn of(message: &Message) -> Self {
        let exchange_us = message.t_exchange_ns.div_euclid(1_000);
        let receive = message.t_receive_ns;
        let receive_us = if receive == NO_TIME { exchange_us } else { receive.div_euclid(1_000) };
        Self { receive_us, exchange_us }
    }
}

impl Instrument {
    fn write_order(&mut self, order: &OrderEvent, stamps: Stamps, out: &mut Vec<u8>) -> Result<u64, FeedError> {
        let &OrderEvent { action, id, side, price, qty, trade_id } = order;
        let (before, after) = self.resting.apply(order);
        let row = |qty| RestingOrder { id, side, price, qty };
        match action {
            OrderAction::Add => push_order_row(&row(qty), "created", stamps, out),
            OrderAction::Reduce => push_order_row(&row(after), "changed", stamps, out),
            OrderAction::Delete => push_order_row(&row(before), "deleted", stamps, out),
            OrderAction::Exec if after > 0 => push_order_row(&row(after), "changed", stamps, out),
            OrderAction::Exec => push_order_row(&row(0), "deleted", stamps, out),
            OrderAction::ExecHidden => {}
        }
        self.orders.write(out)?;
        let rows = u64::from(!out.is_empty());
        if !matches!(action, OrderAction::Exec | OrderAction::ExecHidden) {
            return Ok(rows);
        }
        out.clear();
        let maker = if action == OrderAction::Exec { id } else { 0 };
        push_trade(trade_id, stamps, (price, qty), side.opposite(), maker, out);
        self.trades.write(out)?;
        Ok(rows + 1)
    }
}

/// Writing to a Vec cannot fail, so results are dropped.
fn push_order_row(order: &RestingOrder, action: &str, stamps: Stamps, out: &mut Vec<u8>) {
    let _ = write!(out, "{},{},{},", order.id, stamps.receive_us, stamps.exchange_us);
    decimal::write(order.price, out);
    out.push(b',');
    decimal::write(order.qty, out);
    let _ = writeln!(out, ",{action},{}", if order.side == Side::Bid { "bid" } else { "ask" });
}

/// `side` is the aggressor's; its order has no id here, nor has a hidden maker's.
fn push_trade(id: i64, stamps: Stamps, (price, qty): (i64, i64), side: Side, maker: i64, out: &mut Vec<u8>) {
    if id != NO_ID {
        let _ = write!(out, "{id}");
    }
    let _ = write!(out, ",{},{},", stamps.receive_us, stamps.exchange_us);
    decimal::write(price, out);
    out.push(b',');
    decimal::write(qty, out);
    let (buy, sell) = if side == Side::Bid { (0, maker) } else { (maker, 0) };
    let _ = writeln!(out, ",{buy},{sell},{}", buy_or_sell(side));
}
