//! Crypto Lake tables.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::Compression;
use ::parquet::file::properties::WriterProperties;
use arrow::array::{
    ArrayRef, BooleanBuilder, Float64Builder, Int64Builder, RecordBatch, StringBuilder, TimestampNanosecondBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use jiff::Timestamp;
use verismo_market::event::{NO_ID, NO_TIME, Side};
use verismo_market::message::{Body, Level, Message};

use super::{DAY_NS, MessageWriter, Written, refuse_orders};
use crate::decimal;
use crate::error::FeedError;

/// Levels of a `book` row on each side.
const BOOK_LEVELS: usize = 20;
/// Rows collected before they go to the Parquet writer.
const BATCH_ROWS: usize = 8192;

/// Writes messages as `{SYMBOL}_{table}_{YYYYMMDD}_{YYYYMMDD}.parquet`: tables `trades`, `book_delta_v2` and `book`, one file each per symbol
/// and day of exchange time (UTC), written as `.tmp` and renamed when complete.
///
/// Messages name no exchange, so that column is empty and the name has none. A snapshot is a row of `book` with the best 20 levels of each
/// side; deeper ones of a symbol's first follow as changes of the same number and time. First update ids and depth messages without levels have no place in these tables. Single orders
/// cannot be written.
pub struct LakeWriter {
    directory: PathBuf,
    files: BTreeMap<(String, Table), OpenFile>,
    /// Symbols whose first snapshot was written.
    anchored: BTreeSet<String>,
    written: Written,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Table {
    Trades,
    Delta,
    Book,
}

struct OpenFile {
    writer: ArrowWriter<File>,
    schema: SchemaRef,
    rows: Rows,
    temporary: PathBuf,
    target: PathBuf,
    day: i64,
}

impl LakeWriter {
    /// A writer into `directory`, which is made if need be.
    ///
    /// # Errors
    /// [`FeedError::Io`].
    pub fn create(directory: &Path) -> Result<Self, FeedError> {
        fs::create_dir_all(directory).map_err(|e| FeedError::io(directory, "create", &e))?;
        let directory = directory.to_owned();
        Ok(Self { directory, files: BTreeMap::new(), anchored: BTreeSet::new(), written: Written::default() })
    }

    fn not_expressible(&self, what: &'static str, value: String) -> FeedError {
        FeedError::NotExpressible { path: self.directory.display().to_string(), what, value }
    }

    /// # Errors
    /// [`FeedError::NotExpressible`] if a price or quantity is no f64 that reads back as it is.
    fn check(&self, message: &Message) -> Result<(), FeedError> {
        refuse_orders(&self.directory, message)?;
        if message.t_exchange_ns == NO_TIME {
            return Err(self.not_expressible("a message without exchange time", format!("{:?}", message.body)));
        }
        let symbol = &message.symbol;
        let is_name = |c: char| !c.is_control() && !matches!(c, '/' | '\\');
        if symbol.is_empty() || symbol.starts_with('.') || !symbol.chars().all(is_name) {
            return Err(self.not_expressible("the symbol", symbol.clone()));
        }
        let levels = match &message.body {
            Body::Trade { price, qty, .. } => return self.check_levels(&[(*price, *qty)]),
            Body::Depth { bids, asks, .. } | Body::Snapshot { bids, asks, .. } => [bids, asks],
            Body::Order(_) | Body::OrderSnapshot { .. } => return Ok(()),
        };
        levels.into_iter().try_for_each(|side| self.check_levels(side))
    }

    fn check_levels(&self, levels: &[Level]) -> Result<(), FeedError> {
        let bad =
            levels.iter().flat_map(|(price, qty)| [price, qty]).find(|v| decimal::from_f64(float(**v)) != Ok(**v));
        match bad {
            Some(value) => Err(self.not_expressible("a value finer than f64", format!("{value} units of 1e-8"))),
            None => Ok(()),
        }
    }

    fn file(&mut self, message: &Message, table: Table) -> Result<&mut OpenFile, FeedError> {
        let day = message.t_exchange_ns.div_euclid(DAY_NS);
        let key = (message.symbol.clone(), table);
        if self.files.get(&key).is_none_or(|f| f.day < day) {
            if let Some(file) = self.files.remove(&key) {
                self.close(file)?;
            }
            let file = self.open(message, table, day)?;
            self.files.insert(key.clone(), file);
        }
        let missing = self.not_expressible("a file", table.name().to_owned());
        self.files.get_mut(&key).ok_or(missing)
    }

    fn open(&self, message: &Message, table: Table, day: i64) -> Result<OpenFile, FeedError> {
        let date = |day: i64| {
            Timestamp::from_nanosecond(i128::from(day) * i128::from(DAY_NS))
                .map(|t| t.strftime("%Y%m%d").to_string())
                .map_err(|_| self.not_expressible("the exchange time", message.t_exchange_ns.to_string()))
        };
        let stem = format!("{}_{}_{}_{}", message.symbol, table.name(), date(day)?, date(day + 1)?);
        let target = super::free_path(|n| match n {
            0 => self.directory.join(format!("{stem}.parquet")),
            n => self.directory.join(format!("{stem}_{n:03}.parquet")),
        })?;
        let temporary = super::temporary(&target);
        let file = File::create(&temporary).map_err(|e| FeedError::io(&temporary, "create", &e))?;
        let schema = table.schema();
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let writer = ArrowWriter::try_new(file, schema.clone(), Some(properties))
            .map_err(|e| FeedError::parquet_write(&temporary, &e))?;
        Ok(OpenFile { writer, schema, rows: Rows::default(), temporary, target, day })
    }

    fn close(&mut self, mut file: OpenFile) -> Result<(), FeedError> {
        file.write_rows()?;
        file.writer.close().map_err(|e| FeedError::parquet_write(&file.temporary, &e))?;
        self.written.bytes += super::rename(&file.temporary, &file.target)?;
        self.written.files += 1;
        Ok(())
    }

    /// Appends levels as rows of `book_delta_v2`.
    fn deltas(&mut self, message: &Message, id: i64, bids: &[Level], asks: &[Level]) -> Result<(), FeedError> {
        if bids.is_empty() && asks.is_empty() {
            return Ok(());
        }
        let file = self.file(message, Table::Delta)?;
        for (is_bid, level) in bids.iter().map(|l| (true, l)).chain(asks.iter().map(|l| (false, l))) {
            file.rows.head(message, id);
            file.rows.is_bid.append_value(is_bid);
            file.rows.price.append_value(float(level.0));
            file.rows.qty.append_value(float(level.1));
        }
        file.write_if_full()?;
        self.written.rows += (bids.len() + asks.len()) as u64;
        Ok(())
    }
}

impl MessageWriter for LakeWriter {
    fn write(&mut self, message: &Message) -> Result<(), FeedError> {
        self.check(message)?;
        match &message.body {
            Body::Trade { id, price, qty, side } => {
                let file = self.file(message, Table::Trades)?;
                file.rows.head(message, *id);
                file.rows.side.append_option(match side {
                    Side::Bid => Some("buy"),
                    Side::Ask => Some("sell"),
                    Side::None => None,
                });
                file.rows.price.append_value(float(*price));
                file.rows.qty.append_value(float(*qty));
                file.write_if_full()?;
                self.written.rows += 1;
            }
            Body::Depth { last_id, bids, asks, .. } => self.deltas(message, *last_id, bids, asks)?,
            Body::Snapshot { last_id, bids, asks } => {
                let file = self.file(message, Table::Book)?;
                file.rows.head(message, *last_id);
                file.rows.levels.resize_with(4 * BOOK_LEVELS, Float64Builder::new);
                for (columns, side) in file.rows.levels.chunks_mut(2 * BOOK_LEVELS).zip([bids, asks]) {
                    for (i, pair) in columns.chunks_mut(2).enumerate() {
                        let level = side.get(i);
                        pair[0].append_option(level.map(|l| float(l.0)));
                        pair[1].append_option(level.map(|l| float(l.1)));
                    }
                }
                file.write_if_full()?;
                self.written.rows += 1;
                // Readers start from the first book of a symbol; changes lead on from there.
                if self.anchored.insert(message.symbol.clone()) {
                    let deeper = |side: &[Level]| side.get(BOOK_LEVELS..).unwrap_or_default().to_vec();
                    self.deltas(message, *last_id, &deeper(bids), &deeper(asks))?;
                }
            }
            Body::Order(_) | Body::OrderSnapshot { .. } => {}
        }
        self.written.messages += 1;
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Written, FeedError> {
        for (_, file) in std::mem::take(&mut self.files) {
            self.close(file)?;
        }
        Ok(self.written)
    }
}

fn float(value: i64) -> f64 {
    value as f64 / 1e8
}

/// Columns of any of the tables; those of the others stay empty.
#[derive(Default)]
struct Rows {
    n: usize,
    origin: TimestampNanosecondBuilder,
    received: TimestampNanosecondBuilder,
    id: Int64Builder,
    exchange: StringBuilder,
    symbol: StringBuilder,
    side: StringBuilder,
    is_bid: BooleanBuilder,
    price: Float64Builder,
    qty: Float64Builder,
    levels: Vec<Float64Builder>,
}

impl Rows {
    fn head(&mut self, message: &Message, id: i64) {
        self.n += 1;
        self.origin.append_value(message.t_exchange_ns);
        self.received.append_option((message.t_receive_ns != NO_TIME).then_some(message.t_receive_ns));
        self.id.append_option((id != NO_ID).then_some(id));
        self.exchange.append_value("");
        self.symbol.append_value(&message.symbol);
    }
}

impl OpenFile {
    fn write_if_full(&mut self) -> Result<(), FeedError> {
        if self.rows.n >= BATCH_ROWS { self.write_rows() } else { Ok(()) }
    }

    fn write_rows(&mut self) -> Result<(), FeedError> {
        if self.rows.n == 0 {
            return Ok(());
        }
        let mut rows = std::mem::take(&mut self.rows);
        let columns: Vec<ArrayRef> = self.schema.fields().iter().map(|field| rows.column(field.name())).collect();
        let batch = RecordBatch::try_new(self.schema.clone(), columns)
            .map_err(|e| FeedError::parquet_write(&self.temporary, &e.into()))?;
        self.writer.write(&batch).map_err(|e| FeedError::parquet_write(&self.temporary, &e))
    }
}

impl Rows {
    fn column(&mut self, name: &str) -> ArrayRef {
        match name {
            "origin_time" => Arc::new(self.origin.finish()),
            "received_time" => Arc::new(self.received.finish()),
            "trade_id" | "sequence_number" => Arc::new(self.id.finish()),
            "exchange" => Arc::new(self.exchange.finish()),
            "symbol" => Arc::new(self.symbol.finish()),
            "side" => Arc::new(self.side.finish()),
            "side_is_bid" => Arc::new(self.is_bid.finish()),
            "price" => Arc::new(self.price.finish()),
            "quantity" | "size" => Arc::new(self.qty.finish()),
            // Columns of levels come in their order.
            _ => {
                let mut column = if self.levels.is_empty() { Float64Builder::new() } else { self.levels.remove(0) };
                Arc::new(column.finish())
            }
        }
    }
}

impl Table {
    fn name(self) -> &'static str {
        match self {
            Self::Trades => "trades",
            Self::Delta => "book_delta_v2",
            Self::Book => "book",
        }
    }

    fn schema(self) -> SchemaRef {
        let time = || DataType::Timestamp(TimeUnit::Nanosecond, None);
        let head = |id: &str| {
            vec![
                Field::new("origin_time", time(), true),
                Field::new("received_time", time(), true),
                Field::new(id, DataType::Int64, true),
                Field::new("exchange", DataType::Utf8, true),
                Field::new("symbol", DataType::Utf8, true),
            ]
        };
        let number = |name: String| Field::new(name, DataType::Float64, true);
        let fields = match self {
            Self::Trades => {
                let mut fields = head("trade_id");
                fields.push(Field::new("side", DataType::Utf8, true));
                fields.extend(["price", "quantity"].map(|n| number(n.to_owned())));
                fields
            }
            Self::Delta => {
                let mut fields = head("sequence_number");
                fields.push(Field::new("side_is_bid", DataType::Boolean, true));
                fields.extend(["price", "size"].map(|n| number(n.to_owned())));
                fields
            }
            Self::Book => {
                let mut fields = head("sequence_number");
                for side in ["bid", "ask"] {
                    for i in 0..BOOK_LEVELS {
                        fields.extend(["price", "size"].map(|what| number(format!("{side}_{i}_{what}"))));
                    }
                }
                fields
            }
        };
        Arc::new(Schema::new(fields))
    }
}
