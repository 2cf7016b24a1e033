//! Golden captures: Binance spot frames in the recorder's envelope, rotated hourly.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use verismo_market::event::{NO_ID, NO_TIME, Side};
use verismo_market::message::{Body, Level, Message};

use super::text::TextFile;
use super::{GoldenCompression, HOUR_NS, Written};
use crate::decimal;
use crate::error::FeedError;

/// Writes messages as a golden capture: `{symbol}_capture_{unix_s}_{YYYYMMDD_HHMMSS}.jsonl[.gz]`, one file per symbol and hour of exchange
/// time, each written as `.tmp` and renamed when complete.
///
/// Exchange times are written in whole ms, as Binance sends them; finer digits are cut off. A snapshot is written as the REST answer
/// in a `@depth` envelope, with its time as `E`.
pub struct GoldenWriter {
    directory: PathBuf,
    compression: GoldenCompression,
    files: BTreeMap<String, OpenFile>,
    line: Vec<u8>,
    written: Written,
}

struct OpenFile {
    file: TextFile,
    hour: i64,
    stream_name: String,
}

impl GoldenWriter {
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
            line: Vec::new(),
            written: Written::default(),
        })
    }

    /// Appends one message.
    ///
    /// # Errors
    /// [`FeedError::Io`]; [`FeedError::NotExpressible`] for a message without any time, with a symbol that is no name, or of single
    /// orders.
    pub fn write(&mut self, message: &Message) -> Result<(), FeedError> {
        super::refuse_orders(&self.directory, message)?;
        let hour = message.t_exchange_ns.div_euclid(HOUR_NS);
        let is_current = self.files.get(&message.symbol).is_some_and(|f| f.hour >= hour);
        if !is_current {
            if let Some(file) = self.files.remove(&message.symbol) {
                self.close(file)?;
            }
            let file = self.open(message, hour)?;
            self.files.insert(message.symbol.clone(), file);
        }
        let Some(file) = self.files.get_mut(&message.symbol) else {
            return Ok(());
        };
        self.line.clear();
        push_line(message, &file.stream_name, &mut self.line);
        file.file.write(&self.line)?;
        self.written.messages += 1;
        self.written.rows += 1;
        Ok(())
    }

    /// Completes all files.
    ///
    /// # Errors
    /// [`FeedError::Io`].
    pub fn finish(mut self) -> Result<Written, FeedError> {
        for (_, file) in std::mem::take(&mut self.files) {
            self.close(file)?;
        }
        Ok(self.written)
    }

    fn open(&self, message: &Message, hour: i64) -> Result<OpenFile, FeedError> {
        let not_expressible =
            |what, value: String| FeedError::NotExpressible { path: self.directory.display().to_string(), what, value };
        if message.t_exchange_ns == NO_TIME {
            return Err(not_expressible("a message without exchange time", format!("{:?}", message.body)));
        }
        let is_name = |c: char| !c.is_control() && !matches!(c, '/' | '\\' | '"' | '@' | ' ');
        if message.symbol.is_empty() || !message.symbol.chars().all(is_name) {
            return Err(not_expressible("the symbol", message.symbol.clone()));
        }
        let timestamp = Timestamp::from_nanosecond(i128::from(message.t_exchange_ns))
            .map_err(|_| not_expressible("the exchange time", message.t_exchange_ns.to_string()))?;
        let symbol = message.symbol.to_lowercase();
        let stem = format!("{symbol}_capture_{}_{}", timestamp.as_second(), timestamp.strftime("%Y%m%d_%H%M%S"));
        let file = TextFile::create(&self.directory, &stem, "jsonl", self.compression)?;
        Ok(OpenFile { file, hour, stream_name: symbol })
    }

    fn close(&mut self, file: OpenFile) -> Result<(), FeedError> {
        file.file.close(&mut self.written)
    }
}

/// One line of the capture, with its line end. Writing to a Vec cannot fail, so results are dropped.
fn push_line(message: &Message, stream_name: &str, out: &mut Vec<u8>) {
    let ms = message.t_exchange_ns.div_euclid(1_000_000);
    let symbol = &message.symbol;
    out.push(b'{');
    if message.t_receive_ns != NO_TIME {
        let _ = write!(out, "\"capture_ns\":{},", message.t_receive_ns);
    }
    match &message.body {
        Body::Trade { id, price, qty, side } => {
            let _ = write!(
                out,
                "\"stream\":\"{stream_name}@trade\",\"data\":{{\"e\":\"trade\",\"E\":{ms},\"s\":\"{symbol}\""
            );
            push_id("t", *id, out);
            out.extend_from_slice(b",\"p\":\"");
            decimal::write(*price, out);
            out.extend_from_slice(b"\",\"q\":\"");
            decimal::write(*qty, out);
            let _ = write!(out, "\",\"T\":{ms}");
            match side {
                Side::Bid => out.extend_from_slice(b",\"m\":false"),
                Side::Ask => out.extend_from_slice(b",\"m\":true"),
                Side::None => {}
            }
            out.extend_from_slice(b",\"M\":true}}\n");
        }
        Body::Depth { first_id, last_id, bids, asks } => {
            let head = "@depth@100ms\",\"data\":{\"e\":\"depthUpdate\"";
            let _ = write!(out, "\"stream\":\"{stream_name}{head},\"E\":{ms},\"s\":\"{symbol}\"");
            push_id("U", *first_id, out);
            push_id("u", *last_id, out);
            push_levels("b", bids, out);
            push_levels("a", asks, out);
            out.extend_from_slice(b"}}\n");
        }
        Body::Snapshot { last_id, bids, asks } => {
            let _ = write!(out, "\"stream\":\"{stream_name}@depth\",\"data\":{{\"E\":{ms},\"s\":\"{symbol}\"");
            // Without this key the line would not be a snapshot.
            let _ = write!(out, ",\"lastUpdateId\":{}", if *last_id == NO_ID { 0 } else { *last_id });
            push_levels("bids", bids, out);
            push_levels("asks", asks, out);
            out.extend_from_slice(b"}}\n");
        }
        // Refused before.
        Body::Order(_) | Body::OrderSnapshot { .. } => {}
    }
}

fn push_id(key: &str, id: i64, out: &mut Vec<u8>) {
    if id != NO_ID {
        let _ = write!(out, ",\"{key}\":{id}");
    }
}

fn push_levels(key: &str, levels: &[Level], out: &mut Vec<u8>) {
    let _ = write!(out, ",\"{key}\":[");
    for (i, (price, qty)) in levels.iter().enumerate() {
        out.extend_from_slice(if i == 0 { b"[\"" } else { b",[\"" });
        decimal::write(*price, out);
        out.extend_from_slice(b"\",\"");
        decimal::write(*qty, out);
        out.extend_from_slice(b"\"]");
    }
    out.push(b']');
}
