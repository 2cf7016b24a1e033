//! Databento binary encoding, market by order.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use verismo_market::event::{NO_TIME, Side};
use verismo_market::message::{Body, Message, OrderAction, OrderEvent};

use super::orders::{self, Resting};
use super::{GoldenCompression, Written};
use crate::databento::layout::{
    DATASET_BYTES, F_LAST, F_SNAPSHOT, MBO_BYTES, METADATA_BYTES, PRELUDE_BYTES, RTYPE_MBO, SCHEMA_MBO,
    STYPE_INSTRUMENT_ID, STYPE_RAW_SYMBOL, SYMBOL_BYTES, VERSION_MAX,
};
use crate::error::FeedError;

/// Writes messages as `{symbol}.mbo.dbn`, or `.dbn.zst` where packed, version 3, one file per symbol.
///
/// Each message is one event. An execution is the records T, F and C, a hidden one T alone, which reads back as a plain trade. There are no
/// trade ids. Quantities must be whole and fit 32 bits; price levels cannot be expressed.
pub struct DbnWriter {
    directory: PathBuf,
    is_packed: bool,
    bytes: Vec<u8>,
    files: BTreeMap<String, OpenFile>,
    written: Written,
}

struct OpenFile {
    output: Output,
    temporary: PathBuf,
    target: PathBuf,
    resting: Resting,
    sequence: u32,
}

enum Output {
    Plain(BufWriter<File>),
    Zstd(Box<zstd::stream::Encoder<'static, BufWriter<File>>>),
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(file) => file.write(bytes),
            Self::Zstd(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Plain(file) => file.flush(),
            Self::Zstd(file) => file.flush(),
        }
    }
}

/// The one instrument of a file.
const INSTRUMENT: u32 = 1;
/// No publisher of the format's list: the venue is then the data set.
const PUBLISHER: u16 = 0;
const DATASET: &str = "VERISMO";
/// Level of zstd, the format's default.
const ZSTD_LEVEL: i32 = 3;

impl DbnWriter {
    /// A writer into `directory`, which is made if need be. Any packing is zstd, as the format's own.
    ///
    /// # Errors
    /// [`FeedError::Io`].
    pub fn create(directory: &Path, compression: GoldenCompression) -> Result<Self, FeedError> {
        let is_packed = compression != GoldenCompression::Plain;
        let directory = orders::directory(directory)?;
        Ok(Self { directory, is_packed, bytes: Vec::new(), files: BTreeMap::new(), written: Written::default() })
    }

    /// Appends one message.
    ///
    /// # Errors
    /// [`FeedError::Io`]; [`FeedError::NotExpressible`] for what the format cannot hold.
    pub fn write(&mut self, message: &Message) -> Result<(), FeedError> {
        orders::check(&self.directory, message)?;
        if !message.symbol.is_ascii() || message.symbol.len() >= SYMBOL_BYTES {
            let what = "a symbol that is not ASCII or longer than 70 bytes";
            return Err(orders::not_expressible(&self.directory, what, message.symbol.clone()));
        }
        if !self.files.contains_key(&message.symbol) {
            let file = self.open(message)?;
            self.files.insert(message.symbol.clone(), file);
        }
        let Some(file) = self.files.get_mut(&message.symbol) else { return Ok(()) };
        let mut records = Vec::new();
        file.records(message, &mut records)
            .map_err(|(what, value)| orders::not_expressible(&self.directory, what, value))?;
        if let Some(last) = records.last_mut() {
            last.flags |= F_LAST;
        }
        self.bytes.clear();
        records.iter().for_each(|record| record.push(&mut self.bytes));
        file.output.write_all(&self.bytes).map_err(|e| FeedError::io(&file.temporary, "write", &e))?;
        self.written.rows += records.len() as u64;
        self.written.messages += 1;
        Ok(())
    }

    /// Completes all files.
    ///
    /// # Errors
    /// [`FeedError::Io`].
    pub fn finish(mut self) -> Result<Written, FeedError> {
        for (_, file) in std::mem::take(&mut self.files) {
            let io = |e: &std::io::Error| FeedError::io(&file.temporary, "write", e);
            match file.output {
                Output::Plain(mut file) => file.flush().map_err(|e| io(&e))?,
                Output::Zstd(file) => file.finish().and_then(|mut file| file.flush()).map_err(|e| io(&e))?,
            }
            self.written.bytes += super::rename(&file.temporary, &file.target)?;
            self.written.files += 1;
        }
        Ok(self.written)
    }

    fn open(&self, message: &Message) -> Result<OpenFile, FeedError> {
        let stem = message.symbol.to_lowercase();
        let ending = if self.is_packed { "mbo.dbn.zst" } else { "mbo.dbn" };
        let target = super::free_path(|n| match n {
            0 => self.directory.join(format!("{stem}.{ending}")),
            n => self.directory.join(format!("{stem}_{n:03}.{ending}")),
        })?;
        let temporary = super::temporary(&target);
        let io = |e: &std::io::Error| FeedError::io(&temporary, "create", e);
        let file = BufWriter::with_capacity(1 << 16, File::create(&temporary).map_err(|e| io(&e))?);
        let mut output = if self.is_packed {
            Output::Zstd(Box::new(zstd::stream::Encoder::new(file, ZSTD_LEVEL).map_err(|e| io(&e))?))
        } else {
            Output::Plain(file)
        };
        output.write_all(&header(message)).map_err(|e| io(&e))?;
        Ok(OpenFile { output, temporary, target, resting: Resting::default(), sequence: 0 })
    }
}

/// Prelude and metadata: the data set, the schema, and the symbol of the one instrument for all days.
fn header(message: &Message) -> Vec<u8> {
    let mut m = Vec::new();
    let text = |text: &str, bytes: usize, m: &mut Vec<u8>| {
        m.extend_from_slice(text.as_bytes());
        m.resize(m.len() + bytes - text.len(), 0);
    };
    text(DATASET, DATASET_BYTES, &mut m);
    m.extend_from_slice(&SCHEMA_MBO.to_le_bytes());
    let start = u64::try_from(message.t_exchange_ns).unwrap_or_default();
    // No end and no limit are told.
    for number in [start, u64::MAX, 0] {
        m.extend_from_slice(&number.to_le_bytes());
    }
    m.extend_from_slice(&[STYPE_RAW_SYMBOL, STYPE_INSTRUMENT_ID, 0]);
    m.extend_from_slice(&(SYMBOL_BYTES as u16).to_le_bytes());
    m.resize(METADATA_BYTES, 0);
    // No layout, one symbol asked for, none in part or not found, one mapping of one interval.
    for (n, symbol) in [(0, ""), (1, message.symbol.as_str()), (0, ""), (0, ""), (1, message.symbol.as_str()), (1, "")]
    {
        m.extend_from_slice(&u32::to_le_bytes(n));
        if !symbol.is_empty() {
            text(symbol, SYMBOL_BYTES, &mut m);
        }
    }
    for day in [19_700_101u32, 99_991_231] {
        m.extend_from_slice(&day.to_le_bytes());
    }
    text(&INSTRUMENT.to_string(), SYMBOL_BYTES, &mut m);
    // Records start at a multiple of eight bytes.
    m.resize((PRELUDE_BYTES + m.len()).next_multiple_of(8) - PRELUDE_BYTES, 0);
    let mut out = b"DBN".to_vec();
    out.push(VERSION_MAX);
    out.extend_from_slice(&(m.len() as u32).to_le_bytes());
    out.extend_from_slice(&m);
    out
}

/// A record of one order.
#[derive(Debug, Clone)]
struct Record {
    t_event: u64,
    t_receive: u64,
    order_id: u64,
    price: i64,
    size: u32,
    flags: u8,
    action: u8,
    side: u8,
    sequence: u32,
}

impl Record {
    fn push(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&[(MBO_BYTES / 4) as u8, RTYPE_MBO]);
        out.extend_from_slice(&PUBLISHER.to_le_bytes());
        out.extend_from_slice(&INSTRUMENT.to_le_bytes());
        out.extend_from_slice(&self.t_event.to_le_bytes());
        out.extend_from_slice(&self.order_id.to_le_bytes());
        out.extend_from_slice(&self.price.to_le_bytes());
        out.extend_from_slice(&self.size.to_le_bytes());
        // The channel is 0.
        out.extend_from_slice(&[self.flags, 0, self.action, self.side]);
        out.extend_from_slice(&self.t_receive.to_le_bytes());
        // The time of sending is not told.
        out.extend_from_slice(&0i32.to_le_bytes());
        out.extend_from_slice(&self.sequence.to_le_bytes());
        debug_assert_eq!(out.len() - start, MBO_BYTES);
    }
}

type Refused = (&'static str, String);

impl OpenFile {
    /// The records of a message; the last is yet to be marked.
    fn records(&mut self, message: &Message, out: &mut Vec<Record>) -> Result<(), Refused> {
        self.sequence = self.sequence.wrapping_add(1);
        let base = record(message, self.sequence).ok_or(("a time before 1970", message.t_exchange_ns.to_string()))?;
        let mut push = |action: u8, id: i64, side: Side, price: i64, qty: i64| -> Result<(), Refused> {
            out.push(Record {
                action,
                side: letter(side),
                order_id: id.max(0) as u64,
                price: price.checked_mul(10).ok_or(("a price beyond the range of 10^-9", price.to_string()))?,
                size: whole(qty)?,
                ..base.clone()
            });
            Ok(())
        };
        match &message.body {
            Body::Trade { price, qty, side, .. } => push(b'T', 0, *side, *price, *qty)?,
            Body::Order(order) => {
                let &OrderEvent { action, id, side, price, qty, .. } = order;
                let (before, _) = self.resting.apply(order);
                match action {
                    OrderAction::Add => push(b'A', id, side, price, qty)?,
                    OrderAction::Reduce => push(b'C', id, side, price, qty)?,
                    OrderAction::Delete => push(b'C', id, side, price, before)?,
                    OrderAction::Exec => {
                        push(b'T', 0, side.opposite(), price, qty)?;
                        push(b'F', id, side, price, qty)?;
                        push(b'C', id, side, price, qty)?;
                    }
                    OrderAction::ExecHidden => push(b'T', 0, side.opposite(), price, qty)?,
                }
            }
            Body::OrderSnapshot { orders, .. } => {
                self.resting.reset(orders);
                push(b'R', 0, Side::None, 0, 0)?;
                for order in orders {
                    push(b'A', order.id, order.side, order.price, order.qty)?;
                }
                out.iter_mut().for_each(|record| record.flags |= F_SNAPSHOT);
            }
            Body::Depth { .. } | Body::Snapshot { .. } => {}
        }
        Ok(())
    }
}

/// A record with the times of a message and nothing else.
fn record(message: &Message, sequence: u32) -> Option<Record> {
    let t_receive = if message.t_receive_ns == NO_TIME { message.t_exchange_ns } else { message.t_receive_ns };
    Some(Record {
        t_event: u64::try_from(message.t_exchange_ns).ok()?,
        t_receive: u64::try_from(t_receive).ok()?,
        order_id: 0,
        price: 0,
        size: 0,
        flags: 0,
        action: b'N',
        side: b'N',
        sequence,
    })
}

fn letter(side: Side) -> u8 {
    match side {
        Side::Bid => b'B',
        Side::Ask => b'A',
        Side::None => b'N',
    }
}

/// A quantity of 10^-8 in whole units.
fn whole(qty: i64) -> Result<u32, Refused> {
    let refused = || ("a quantity that is not whole or beyond 32 bits", format!("{qty} * 10^-8"));
    if qty % 100_000_000 != 0 {
        return Err(refused());
    }
    u32::try_from(qty / 100_000_000).map_err(|_| refused())
}
