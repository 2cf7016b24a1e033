//! Binance streams as CSV rows.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use verismo_market::event::{NO_ID, NO_TIME, Side};
use verismo_market::message::{Body, Level, Message};

use super::text::TextFile;
use super::{DAY_NS, GoldenCompression, MessageWriter, Written, refuse_orders};
use crate::decimal;
use crate::error::FeedError;

/// Writes messages as `{SYMBOL}-stream-{YYYY-MM-DD}.csv[.gz]`, one file per symbol and day of exchange time (UTC), each written as `.tmp`
/// and renamed when complete: trades, one row per level of a depth update and of a snapshot, in the order in which they came.
///
/// Exchange times are written in whole us; finer digits are cut off. The receive time is in the column `CaptureNs`, as it is. A snapshot's
/// rows have the event type `depthSnapshot`, which Binance itself does not send. A message without levels is a row without side, price and
/// quantity. Single orders cannot be written.
pub struct BinanceCsvWriter {
    directory: PathBuf,
    compression: GoldenCompression,
    files: BTreeMap<String, OpenFile>,
    rows: Vec<u8>,
    written: Written,
}

struct OpenFile {
    file: TextFile,
    day: i64,
}

const HEADER: &[u8] =
    b"CaptureNs,Stream,EventType,EventTime,TransactionTime,Symbol,FirstUpdateId,FinalUpdateId,IsAsk,Price,Quantity,\
TradeId,IsBuyerMarketMaker\n";

impl BinanceCsvWriter {
    /// A writer into `directory`, which is made if need be.
    ///
    /// # Errors
    /// [`FeedError::Io`].
    pub fn create(directory: &Path, compression: GoldenCompression) -> Result<Self, FeedError> {
        fs::create_dir_all(directory).map_err(|e| FeedError::io(directory, "create", &e))?;
        Ok(Self {
            directory: directory.to_owned(),
            compression,
            files: BTreeMap::new(),
            rows: Vec::new(),
            written: Written::default(),
        })
    }

    fn open(&self, message: &Message, day: i64) -> Result<OpenFile, FeedError> {
        let not_expressible =
            |what, value: String| FeedError::NotExpressible { path: self.directory.display().to_string(), what, value };
        if message.t_exchange_ns == NO_TIME {
            return Err(not_expressible("a message without exchange time", format!("{:?}", message.body)));
        }
        let symbol = &message.symbol;
        let is_name = |c: char| !c.is_control() && !matches!(c, '/' | '\\' | '"' | '@' | ',' | '#');
        if symbol.trim().is_empty() || symbol.trim() != symbol || !symbol.chars().all(is_name) {
            return Err(not_expressible("the symbol", symbol.clone()));
        }
        let time = Timestamp::from_nanosecond(i128::from(message.t_exchange_ns))
            .map_err(|_| not_expressible("the exchange time", message.t_exchange_ns.to_string()))?;
        let stem = format!("{symbol}-stream-{}", time.strftime("%Y-%m-%d"));
        let mut file = TextFile::create(&self.directory, &stem, "csv", self.compression)?;
        file.write(HEADER)?;
        Ok(OpenFile { file, day })
    }

    fn close(&mut self, file: OpenFile) -> Result<(), FeedError> {
        file.file.close(&mut self.written)
    }
}

impl MessageWriter for BinanceCsvWriter {
    fn write(&mut self, message: &Message) -> Result<(), FeedError> {
        refuse_orders(&self.directory, message)?;
        let day = message.t_exchange_ns.div_euclid(DAY_NS);
        if self.files.get(&message.symbol).is_none_or(|f| f.day < day) {
            if let Some(file) = self.files.remove(&message.symbol) {
                self.close(file)?;
            }
            let file = self.open(message, day)?;
            self.files.insert(message.symbol.clone(), file);
        }
        let Some(open) = self.files.get_mut(&message.symbol) else {
            return Ok(());
        };
        self.rows.clear();
        let n = push_rows(message, &mut self.rows);
        open.file.write(&self.rows)?;
        self.written.messages += 1;
        self.written.rows += n;
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Written, FeedError> {
        for (_, file) in std::mem::take(&mut self.files) {
            self.close(file)?;
        }
        Ok(self.written)
    }
}

/// The rows of a message and their number. Writing to a Vec cannot fail, so results are dropped.
fn push_rows(message: &Message, out: &mut Vec<u8>) -> u64 {
    match &message.body {
        Body::Trade { id, price, qty, side } => {
            head(message, "trade", "trade", out);
            out.extend_from_slice(b",,");
            value(*price, out);
            value(*qty, out);
            out.push(b',');
            number(*id, out);
            out.extend_from_slice(match side {
                Side::Bid => b",0\n",
                Side::Ask => b",1\n",
                Side::None => b",\n",
            });
            1
        }
        Body::Depth { first_id, last_id, bids, asks } => {
            let ids = (*first_id, *last_id);
            push_levels(message, ("depth@100ms", "depthUpdate"), ids, bids, asks, out)
        }
        Body::Snapshot { last_id, bids, asks } => {
            push_levels(message, ("depth", "depthSnapshot"), (NO_ID, *last_id), bids, asks, out)
        }
        Body::Order(_) | Body::OrderSnapshot { .. } => 0,
    }
}

fn push_levels(
    message: &Message,
    (stream, event): (&str, &str),
    (first_id, last_id): (i64, i64),
    bids: &[Level],
    asks: &[Level],
    out: &mut Vec<u8>,
) -> u64 {
    let mut row = |level: Option<(u8, &Level)>| {
        head(message, stream, event, out);
        number(first_id, out);
        out.push(b',');
        number(last_id, out);
        match level {
            Some((side, (price, qty))) => {
                out.extend_from_slice(&[b',', side]);
                value(*price, out);
                value(*qty, out);
            }
            None => out.extend_from_slice(b",,,"),
        }
        out.extend_from_slice(b",,\n");
    };
    let n = bids.len() + asks.len();
    if n == 0 {
        row(None);
        return 1;
    }
    bids.iter().map(|l| (b'0', l)).chain(asks.iter().map(|l| (b'1', l))).for_each(|level| row(Some(level)));
    n as u64
}

/// The columns that every row has, up to the symbol.
fn head(message: &Message, stream: &str, event: &str, out: &mut Vec<u8>) {
    number(message.t_receive_ns, out);
    let us = message.t_exchange_ns.div_euclid(1_000);
    let symbol = &message.symbol;
    let _ = write!(out, ",{}@{stream},{event},{us},{us},{symbol},", symbol.to_lowercase());
}

/// A number that may be absent: no id and no time are the same mark.
fn number(number: i64, out: &mut Vec<u8>) {
    if number != NO_ID {
        let _ = write!(out, "{number}");
    }
}

fn value(value: i64, out: &mut Vec<u8>) {
    out.push(b',');
    decimal::write(value, out);
}
