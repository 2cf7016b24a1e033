//! Coinbase full channel: messages, and a book for each snapshot.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use verismo_market::event::{NO_ID, Side};
use verismo_market::message::{Body, Message, OrderAction, OrderEvent, RestingOrder};

use super::orders::{self, Resting, TextFile, buy_or_sell};
use super::{GoldenCompression, Written};
use crate::coinbase::order_uuid;
use crate::decimal;
use crate::error::FeedError;

/// Writes messages as `{symbol}_full.jsonl[.gz]`, one file per symbol, and each order snapshot as `{symbol}_book_{sequence}.json[.gz]`.
///
/// The sequence of a symbol rises by one per line; each symbol has a range of its own, since a book does not say whose it is. Times are in
/// whole us, receive times are not written. An addition is an `open`, an execution a `match` and, where nothing is left, a `done` with
/// reason `filled`. Ids become UUIDs that carry them, see [`crate::coinbase_order_uuid`]. Trades without a visible order, hidden
/// executions, orders without a side and price levels cannot be expressed.
pub struct CoinbaseWriter {
    directory: PathBuf,
    compression: GoldenCompression,
    products: BTreeMap<String, Product>,
    line: Vec<u8>,
    written: Written,
}

struct Product {
    file: TextFile,
    sequence: i64,
    resting: Resting,
}

/// Sequences of one product; 2^13 products stay below 2^53, up to which any reader of JSON is exact.
const SEQUENCES_PER_PRODUCT: i64 = 1 << 40;

impl CoinbaseWriter {
    /// A writer into `directory`, which is made if need be.
    ///
    /// # Errors
    /// [`FeedError::Io`].
    pub fn create(directory: &Path, compression: GoldenCompression) -> Result<Self, FeedError> {
        let directory = orders::directory(directory)?;
        Ok(Self { directory, compression, products: BTreeMap::new(), line: Vec::new(), written: Written::default() })
    }

    /// Appends one message.
    ///
    /// # Errors
    /// [`FeedError::Io`]; [`FeedError::NotExpressible`] for what the format cannot hold.
    pub fn write(&mut self, message: &Message) -> Result<(), FeedError> {
        orders::check(&self.directory, message)?;
        orders::check_sides(&self.directory, message)?;
        let refuse = |what| orders::not_expressible(&self.directory, what, format!("{:?}", message.body));
        if matches!(&message.body, Body::Trade { .. })
            || matches!(&message.body, Body::Order(order) if order.action == OrderAction::ExecHidden)
        {
            return Err(refuse("a trade without a visible order"));
        }
        let time = Timestamp::from_nanosecond(i128::from(message.t_exchange_ns))
            .map_err(|_| refuse("the exchange time"))?
            .strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
            .to_string();
        if !self.products.contains_key(&message.symbol) {
            let stem = format!("{}_full", message.symbol.to_lowercase());
            let file = TextFile::create(&self.directory, &stem, "jsonl", self.compression)?;
            let sequence = self.products.len() as i64 * SEQUENCES_PER_PRODUCT;
            self.products.insert(message.symbol.clone(), Product { file, sequence, resting: Resting::default() });
        }
        let Some(product) = self.products.get_mut(&message.symbol) else { return Ok(()) };
        self.written.messages += 1;
        match &message.body {
            Body::Order(order) => {
                self.line.clear();
                let lines = product.push_order(order, &message.symbol, &time, &mut self.line);
                product.file.write(&self.line)?;
                self.written.rows += lines;
            }
            Body::OrderSnapshot { orders, .. } => {
                product.resting.reset(orders);
                let stem = format!("{}_book_{}", message.symbol.to_lowercase(), product.sequence);
                let mut file = TextFile::create(&self.directory, &stem, "json", self.compression)?;
                file.write(&book(orders, product.sequence))?;
                file.close(&mut self.written)?;
                self.written.rows += 1;
            }
            Body::Trade { .. } | Body::Depth { .. } | Body::Snapshot { .. } => {}
        }
        Ok(())
    }

    /// Completes all files.
    ///
    /// # Errors
    /// [`FeedError::Io`].
    pub fn finish(mut self) -> Result<Written, FeedError> {
        for (_, product) in std::mem::take(&mut self.products) {
            product.file.close(&mut self.written)?;
        }
        Ok(self.written)
    }
}

impl Product {
    /// The lines of a change, and how many there are. Writing to a Vec cannot fail, so results are dropped.
    fn push_order(&mut self, order: &OrderEvent, symbol: &str, time: &str, out: &mut Vec<u8>) -> u64 {
        let &OrderEvent { action, id, side, price, qty, trade_id } = order;
        let (before, after) = self.resting.apply(order);
        let id = order_uuid(id);
        let mut begin = |kind: &str, out: &mut Vec<u8>| {
            self.sequence += 1;
            let side = buy_or_sell(side);
            let sequence = self.sequence;
            let _ = write!(out, "{{\"type\":\"{kind}\",\"side\":\"{side}\",\"product_id\":\"{symbol}\"");
            let _ = write!(out, ",\"sequence\":{sequence},\"time\":\"{time}\"");
            push_number("price", price, out);
        };
        match action {
            OrderAction::Add => {
                begin("open", out);
                push_number("remaining_size", qty, out);
                let _ = writeln!(out, ",\"order_id\":\"{id}\"}}");
            }
            OrderAction::Reduce => {
                begin("change", out);
                push_number("new_size", after, out);
                push_number("old_size", before, out);
                let _ = writeln!(out, ",\"order_id\":\"{id}\"}}");
            }
            OrderAction::Delete => {
                begin("done", out);
                push_number("remaining_size", before, out);
                let _ = writeln!(out, ",\"order_id\":\"{id}\",\"reason\":\"canceled\"}}");
            }
            OrderAction::Exec | OrderAction::ExecHidden => {
                begin("match", out);
                push_number("size", qty, out);
                if trade_id != NO_ID {
                    let _ = write!(out, ",\"trade_id\":{trade_id}");
                }
                let _ = writeln!(out, ",\"maker_order_id\":\"{id}\",\"taker_order_id\":\"{}\"}}", order_uuid(0));
                if after == 0 {
                    begin("done", out);
                    push_number("remaining_size", 0, out);
                    let _ = writeln!(out, ",\"order_id\":\"{id}\",\"reason\":\"filled\"}}");
                    return 2;
                }
            }
        }
        1
    }
}

fn push_number(key: &str, value: i64, out: &mut Vec<u8>) {
    let _ = write!(out, ",\"{key}\":\"");
    decimal::write(value, out);
    out.push(b'"');
}

/// A level-3 book.
fn book(orders: &[RestingOrder], sequence: i64) -> Vec<u8> {
    let mut out = Vec::with_capacity(orders.len() * 100);
    for (key, side) in [("{\"bids\":[", Side::Bid), ("],\"asks\":[", Side::Ask)] {
        out.extend_from_slice(key.as_bytes());
        for (i, order) in orders.iter().filter(|order| order.side == side).enumerate() {
            out.extend_from_slice(if i == 0 { b"[\"" } else { b",[\"" });
            decimal::write(order.price, &mut out);
            out.extend_from_slice(b"\",\"");
            decimal::write(order.qty, &mut out);
            let _ = write!(out, "\",\"{}\"]", order_uuid(order.id));
        }
    }
    let _ = write!(out, "],\"sequence\":{sequence}}}");
    out
}
