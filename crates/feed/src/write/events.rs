//! Event trees: Parquet schema 1.2, hourly directories, a manifest.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::Compression;
use ::parquet::file::properties::WriterProperties;
use arrow::array::{ArrayRef, BooleanBuilder, Decimal128Builder, Int64Builder, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use jiff::Timestamp;
use verismo_market::event::{NO_ID, NO_TIME, Side};
use verismo_market::message::{Body, Level, Message};

use super::{HOUR_NS, Written};
use crate::decimal;
use crate::error::FeedError;
use crate::parquet::columns;

/// Options of [`EventsWriter`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EventsOptions {
    /// A file is closed once it holds this many bytes (about, before the footer).
    pub file_bytes_max: u64,
    /// Rows per row group.
    pub row_group_rows: usize,
}

impl Default for EventsOptions {
    fn default() -> Self {
        Self { file_bytes_max: 400 * 1024 * 1024, row_group_rows: 1 << 18 }
    }
}

/// Writes messages as `{directory}/{SYMBOL}/YYYY/MM/DD/HH/events_{first_ts_ns}.parquet` with a `manifest.jsonl` in `directory`.
///
/// One row per trade, per level of a depth message and per snapshot. A depth message without levels has no row. Each file is written as
/// `.tmp` and renamed when complete; a name that is taken gets `_001` and so on, nothing is overwritten.
pub struct EventsWriter {
    directory: PathBuf,
    options: EventsOptions,
    schema: SchemaRef,
    files: BTreeMap<String, OpenFile>,
    written: Written,
}

struct OpenFile {
    writer: ArrowWriter<File>,
    rows: Rows,
    temporary: PathBuf,
    target: PathBuf,
    partition: String,
    hour: i64,
    row_count: u64,
    time_range: (i64, i64),
    types: BTreeSet<&'static str>,
}

/// Rows collected before they go to the Parquet writer.
const BATCH_ROWS: usize = 8192;

impl EventsWriter {
    /// A writer into `directory`, which is made if need be.
    ///
    /// # Errors
    /// [`FeedError::Io`].
    pub fn create(directory: &Path, options: EventsOptions) -> Result<Self, FeedError> {
        fs::create_dir_all(directory).map_err(|e| FeedError::io(directory, "create", &e))?;
        Ok(Self {
            directory: directory.to_owned(),
            options,
            schema: schema(),
            files: BTreeMap::new(),
            written: Written::default(),
        })
    }

    /// Whether this message would start a new file: the caller then writes a whole-book snapshot of the same symbol before it, see
    /// [`EventsWriter::write_with_snapshot`].
    pub fn starts_file(&self, message: &Message) -> bool {
        let hour = message.t_exchange_ns.div_euclid(HOUR_NS);
        self.files.get(&message.symbol).is_none_or(|f| {
            hour > f.hour
                || f.writer.bytes_written() as u64 + f.writer.in_progress_size() as u64 >= self.options.file_bytes_max
        })
    }

    /// Appends one message; if it starts a file, the book just before it goes first, at the same time.
    ///
    /// # Errors
    /// As [`EventsWriter::write`].
    pub fn write_with_snapshot(
        &mut self,
        message: &Message,
        book: impl FnOnce() -> Option<Body>,
    ) -> Result<(), FeedError> {
        if self.starts_file(message)
            && let Some(body) = book()
        {
            let Message { t_exchange_ns, t_receive_ns, .. } = *message;
            self.write(&Message { t_exchange_ns, t_receive_ns, symbol: message.symbol.clone(), body })?;
        }
        self.write(message)
    }

    /// Appends one message.
    ///
    /// # Errors
    /// [`FeedError::Io`]; [`FeedError::NotExpressible`] for a message without exchange time, with a symbol that is no directory name, or
    /// of single orders.
    pub fn write(&mut self, message: &Message) -> Result<(), FeedError> {
        super::refuse_orders(&self.directory, message)?;
        if self.starts_file(message) {
            if let Some(file) = self.files.remove(&message.symbol) {
                self.close(file)?;
            }
            let file = self.open(message)?;
            self.files.insert(message.symbol.clone(), file);
        }
        let Some(file) = self.files.get_mut(&message.symbol) else {
            return Ok(());
        };
        let n = file.rows.push(message);
        file.row_count += n;
        self.written.messages += 1;
        self.written.rows += n;
        if n > 0 {
            let (low, high) = file.time_range;
            file.time_range = (low.min(message.t_exchange_ns), high.max(message.t_exchange_ns));
            file.types.insert(type_name(&message.body));
        }
        if file.rows.len() >= BATCH_ROWS {
            file.write_rows(&self.schema)?;
        }
        Ok(())
    }

    /// Completes all files and their manifest lines.
    ///
    /// # Errors
    /// [`FeedError::Io`].
    pub fn finish(mut self) -> Result<Written, FeedError> {
        for (_, file) in std::mem::take(&mut self.files) {
            self.close(file)?;
        }
        Ok(self.written)
    }

    fn open(&self, message: &Message) -> Result<OpenFile, FeedError> {
        let not_expressible =
            |what, value: String| FeedError::NotExpressible { path: self.directory.display().to_string(), what, value };
        let symbol = &message.symbol;
        let is_name = |c: char| !c.is_control() && !matches!(c, '/' | '\\');
        if symbol.is_empty() || symbol.starts_with('.') || !symbol.chars().all(is_name) {
            return Err(not_expressible("the symbol", symbol.clone()));
        }
        let t_ns = message.t_exchange_ns;
        if t_ns == NO_TIME {
            return Err(not_expressible("a message without exchange time", format!("{:?}", message.body)));
        }
        let time = Timestamp::from_nanosecond(i128::from(t_ns))
            .map_err(|_| not_expressible("the exchange time", t_ns.to_string()))?;
        let partition = format!("{symbol}/{}", time.strftime("%Y/%m/%d/%H"));
        let directory = self.directory.join(&partition);
        fs::create_dir_all(&directory).map_err(|e| FeedError::io(&directory, "create", &e))?;
        let target = super::free_path(|n| match n {
            0 => directory.join(format!("events_{t_ns}.parquet")),
            n => directory.join(format!("events_{t_ns}_{n:03}.parquet")),
        })?;
        let temporary = super::temporary(&target);
        let file = File::create(&temporary).map_err(|e| FeedError::io(&temporary, "create", &e))?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_dictionary_enabled(false)
            .set_max_row_group_row_count(Some(self.options.row_group_rows.max(1)))
            .build();
        let writer = ArrowWriter::try_new(file, self.schema.clone(), Some(properties))
            .map_err(|e| FeedError::parquet_write(&temporary, &e))?;
        Ok(OpenFile {
            writer,
            rows: Rows::default(),
            temporary,
            target,
            partition,
            hour: t_ns.div_euclid(HOUR_NS),
            row_count: 0,
            time_range: (i64::MAX, i64::MIN),
            types: BTreeSet::new(),
        })
    }

    fn close(&mut self, mut file: OpenFile) -> Result<(), FeedError> {
        file.write_rows(&self.schema)?;
        file.writer.close().map_err(|e| FeedError::parquet_write(&file.temporary, &e))?;
        if file.row_count == 0 {
            return fs::remove_file(&file.temporary).map_err(|e| FeedError::io(&file.temporary, "remove", &e));
        }
        let bytes = super::rename(&file.temporary, &file.target)?;
        self.written.bytes += bytes;
        self.written.files += 1;
        let line = manifest_line(&file.partition, &file.target, file.row_count, bytes, file.time_range, &file.types);
        let path = self.directory.join("manifest.jsonl");
        let opened = OpenOptions::new().create(true).append(true).open(&path);
        opened.and_then(|mut f| f.write_all(line.as_bytes())).map_err(|e| FeedError::io(&path, "append to", &e))
    }
}

fn type_name(body: &Body) -> &'static str {
    match body {
        Body::Trade { .. } => "TRADE",
        Body::Depth { .. } => "BOOK_DELTA",
        Body::Snapshot { .. } => "BOOK_SNAPSHOT",
        // Refused before anything is written.
        Body::Order(_) | Body::OrderSnapshot { .. } => "",
    }
}

/// One line, fields in the order the format gives them. The write time is the last event's: equal messages make equal trees.
fn manifest_line(
    partition: &str,
    target: &Path,
    rows: u64,
    bytes: u64,
    (low, high): (i64, i64),
    types: &BTreeSet<&'static str>,
) -> String {
    let types: Vec<String> = types.iter().map(|t| format!("\"{t}\"")).collect();
    let partition = serde_json::Value::from(partition);
    let name = serde_json::Value::from(crate::inventory::file_name(target));
    let written = Timestamp::from_nanosecond(i128::from(high)).unwrap_or(Timestamp::UNIX_EPOCH);
    format!(
        "{{\"partition_path\":{partition},\"file_name\":{name},\"row_count\":{rows},\"file_size_bytes\":{bytes},\
         \"timestamp_min\":{low},\"timestamp_max\":{high},\"event_types\":[{}],\"write_timestamp\":\"{}+00:00\",\"checksum\":null}}\n",
        types.join(","),
        written.strftime("%Y-%m-%dT%H:%M:%S%.6f"),
    )
}

impl OpenFile {
    fn write_rows(&mut self, schema: &SchemaRef) -> Result<(), FeedError> {
        if self.rows.len() == 0 {
            return Ok(());
        }
        let batch = RecordBatch::try_new(schema.clone(), self.rows.take())
            .map_err(|e| FeedError::parquet_write(&self.temporary, &e.into()))?;
        self.writer.write(&batch).map_err(|e| FeedError::parquet_write(&self.temporary, &e))
    }
}

/// The schema: decimals are decimal(38, 18), book sides are JSON text.
fn schema() -> SchemaRef {
    let decimal = DataType::Decimal128(38, 18);
    let field = |name, t: &DataType, nullable| Field::new(name, t.clone(), nullable);
    Arc::new(Schema::new(vec![
        field(columns::TIME, &DataType::Int64, false),
        field(columns::TYPE, &DataType::Utf8, false),
        field(columns::UPDATE_ID, &DataType::Int64, true),
        field(columns::TRADE_ID, &DataType::Int64, true),
        field(columns::TRADE_PRICE, &decimal, true),
        field(columns::TRADE_QTY, &decimal, true),
        field(columns::TRADE_SIDE, &DataType::Utf8, true),
        field(columns::BIDS, &DataType::Utf8, true),
        field(columns::ASKS, &DataType::Utf8, true),
        field(columns::IS_SNAPSHOT, &DataType::Boolean, true),
        field(columns::DELTA_SIDE, &DataType::Utf8, true),
        field(columns::DELTA_PRICE, &decimal, true),
        field(columns::DELTA_QTY, &decimal, true),
    ]))
}

#[derive(Default)]
struct Rows {
    time: Int64Builder,
    kind: StringBuilder,
    update_id: Int64Builder,
    trade_id: Int64Builder,
    trade_price: Decimal128Builder,
    trade_qty: Decimal128Builder,
    trade_side: StringBuilder,
    bids: StringBuilder,
    asks: StringBuilder,
    is_snapshot: BooleanBuilder,
    delta_side: StringBuilder,
    delta_price: Decimal128Builder,
    delta_qty: Decimal128Builder,
}

/// From units of 10^-8 to units of 10^-18.
fn to_scale_18(value: i64) -> i128 {
    i128::from(value) * 10_000_000_000
}

impl Rows {
    fn len(&self) -> usize {
        arrow::array::ArrayBuilder::len(&self.time)
    }

    /// Appends the message's rows; their number.
    fn push(&mut self, message: &Message) -> u64 {
        match &message.body {
            Body::Trade { id, price, qty, side } => {
                self.head(message, NO_ID, *id);
                self.trade_price.append_value(to_scale_18(*price));
                self.trade_qty.append_value(to_scale_18(*qty));
                self.trade_side.append_option(side_name(*side, "BUY", "SELL"));
                self.no_snapshot();
                self.no_delta();
                1
            }
            Body::Depth { last_id, bids, asks, .. } => {
                let sides = bids.iter().map(|l| ("BID", l)).chain(asks.iter().map(|l| ("ASK", l)));
                for (side, (price, qty)) in sides {
                    self.head(message, *last_id, NO_ID);
                    self.no_trade();
                    self.no_snapshot();
                    self.delta_side.append_value(side);
                    self.delta_price.append_value(to_scale_18(*price));
                    self.delta_qty.append_value(to_scale_18(*qty));
                }
                (bids.len() + asks.len()) as u64
            }
            Body::Snapshot { last_id, bids, asks } => {
                self.head(message, *last_id, NO_ID);
                self.no_trade();
                self.bids.append_option(levels_json(bids));
                self.asks.append_option(levels_json(asks));
                self.is_snapshot.append_value(true);
                self.no_delta();
                1
            }
            // Refused before.
            Body::Order(_) | Body::OrderSnapshot { .. } => 0,
        }
    }

    fn head(&mut self, message: &Message, update_id: i64, trade_id: i64) {
        let id = |id: i64| (id != NO_ID).then_some(id);
        self.time.append_value(message.t_exchange_ns);
        self.kind.append_value(type_name(&message.body));
        self.update_id.append_option(id(update_id));
        self.trade_id.append_option(id(trade_id));
    }

    fn no_trade(&mut self) {
        self.trade_price.append_null();
        self.trade_qty.append_null();
        self.trade_side.append_null();
    }

    fn no_snapshot(&mut self) {
        self.bids.append_null();
        self.asks.append_null();
        self.is_snapshot.append_null();
    }

    fn no_delta(&mut self) {
        self.delta_side.append_null();
        self.delta_price.append_null();
        self.delta_qty.append_null();
    }

    fn take(&mut self) -> Vec<ArrayRef> {
        let decimal = DataType::Decimal128(38, 18);
        let decimals = |builder: &mut Decimal128Builder| -> ArrayRef {
            Arc::new(builder.finish().with_data_type(decimal.clone()))
        };
        vec![
            Arc::new(self.time.finish()),
            Arc::new(self.kind.finish()),
            Arc::new(self.update_id.finish()),
            Arc::new(self.trade_id.finish()),
            decimals(&mut self.trade_price),
            decimals(&mut self.trade_qty),
            Arc::new(self.trade_side.finish()),
            Arc::new(self.bids.finish()),
            Arc::new(self.asks.finish()),
            Arc::new(self.is_snapshot.finish()),
            Arc::new(self.delta_side.finish()),
            decimals(&mut self.delta_price),
            decimals(&mut self.delta_qty),
        ]
    }
}

fn side_name(side: Side, bid: &'static str, ask: &'static str) -> Option<&'static str> {
    match side {
        Side::Bid => Some(bid),
        Side::Ask => Some(ask),
        Side::None => None,
    }
}

/// `[["price","qty"],...]`; an empty side is null.
fn levels_json(levels: &[Level]) -> Option<String> {
    if levels.is_empty() {
        return None;
    }
    let mut out = Vec::with_capacity(levels.len() * 32);
    for (i, (price, qty)) in levels.iter().enumerate() {
        out.extend_from_slice(if i == 0 { b"[[\"" } else { b",[\"" });
        decimal::write(*price, &mut out);
        out.extend_from_slice(b"\",\"");
        decimal::write(*qty, &mut out);
        out.extend_from_slice(b"\"]");
    }
    out.push(b']');
    String::from_utf8(out).ok()
}
