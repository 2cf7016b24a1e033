//! Writers: messages to golden captures and to event trees, in the exact shape the decoders and other tools read.

mod binance;
mod bitstamp;
mod coinbase;
mod dbn;
mod events;
mod golden;
mod lake;
mod lobster;
mod orders;
mod text;

pub use binance::BinanceCsvWriter;
pub use bitstamp::BitstampWriter;
pub use coinbase::CoinbaseWriter;
pub use dbn::DbnWriter;
pub use events::{EventsOptions, EventsWriter};
pub use golden::GoldenWriter;
pub use lake::LakeWriter;
pub use lobster::LobsterWriter;
pub use text::GoldenCompression;

/// A writer of messages in some format; see [`crate::Format::writer`].
pub trait MessageWriter {
    /// Appends one message.
    ///
    /// # Errors
    /// [`FeedError::Io`]; [`FeedError::NotExpressible`] for what the format cannot hold.
    fn write(&mut self, message: &Message) -> Result<(), FeedError>;

    /// Completes all files.
    ///
    /// # Errors
    /// [`FeedError::Io`].
    fn finish(self: Box<Self>) -> Result<Written, FeedError>;
}

/// Options of writers.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WriteOptions {
    /// How text files are packed.
    pub compression: GoldenCompression,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self { compression: GoldenCompression::Plain }
    }
}

impl WriteOptions {
    /// Options with text files packed like this.
    pub fn with_compression(compression: GoldenCompression) -> Self {
        Self { compression }
    }
}

impl MessageWriter for GoldenWriter {
    fn write(&mut self, message: &Message) -> Result<(), FeedError> {
        GoldenWriter::write(self, message)
    }

    fn finish(self: Box<Self>) -> Result<Written, FeedError> {
        GoldenWriter::finish(*self)
    }
}

impl MessageWriter for EventsWriter {
    fn write(&mut self, message: &Message) -> Result<(), FeedError> {
        EventsWriter::write(self, message)
    }

    fn finish(self: Box<Self>) -> Result<Written, FeedError> {
        EventsWriter::finish(*self)
    }
}

impl MessageWriter for CoinbaseWriter {
    fn write(&mut self, message: &Message) -> Result<(), FeedError> {
        CoinbaseWriter::write(self, message)
    }

    fn finish(self: Box<Self>) -> Result<Written, FeedError> {
        CoinbaseWriter::finish(*self)
    }
}

impl MessageWriter for BitstampWriter {
    fn write(&mut self, message: &Message) -> Result<(), FeedError> {
        BitstampWriter::write(self, message)
    }

    fn finish(self: Box<Self>) -> Result<Written, FeedError> {
        BitstampWriter::finish(*self)
    }
}

impl MessageWriter for DbnWriter {
    fn write(&mut self, message: &Message) -> Result<(), FeedError> {
        DbnWriter::write(self, message)
    }

    fn finish(self: Box<Self>) -> Result<Written, FeedError> {
        DbnWriter::finish(*self)
    }
}

impl MessageWriter for LobsterWriter {
    fn write(&mut self, message: &Message) -> Result<(), FeedError> {
        LobsterWriter::write(self, message)
    }

    fn finish(self: Box<Self>) -> Result<Written, FeedError> {
        LobsterWriter::finish(*self)
    }
}

/// What a writer wrote.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Messages taken.
    pub messages: u64,
    /// Lines or rows written.
    pub rows: u64,
    /// Files finished.
    pub files: u64,
    /// Their bytes on disk.
    pub bytes: u64,
}

const HOUR_NS: i64 = 3_600_000_000_000;
const DAY_NS: i64 = 24 * HOUR_NS;

use std::fs;
use std::path::{Path, PathBuf};

use verismo_market::message::Message;

use crate::error::FeedError;

/// Files of one name and number at most.
const NUMBERED_MAX: u32 = 1_000_000;

/// The first path of the series that does not exist: nothing is ever overwritten.
fn free_path(path: impl Fn(u32) -> PathBuf) -> Result<PathBuf, FeedError> {
    (0..NUMBERED_MAX).map(&path).find(|p| !p.exists()).ok_or_else(|| FeedError::NotExpressible {
        path: path(0).display().to_string(),
        what: "another file",
        value: format!("{NUMBERED_MAX} exist already"),
    })
}

/// A format of levels has no place for single orders.
fn refuse_orders(directory: &Path, message: &Message) -> Result<(), FeedError> {
    if !message.body.is_order_level() {
        return Ok(());
    }
    Err(FeedError::NotExpressible {
        path: directory.display().to_string(),
        what: "an order-level message in a format of price levels",
        value: format!("{:?}", message.body).chars().take(200).collect(),
    })
}

/// The name while the file is being written.
fn temporary(target: &Path) -> PathBuf {
    let mut name = target.file_name().map(std::ffi::OsStr::to_owned).unwrap_or_default();
    name.push(".tmp");
    target.with_file_name(name)
}

/// Gives a complete file its name; returns its size.
fn rename(temporary: &Path, target: &Path) -> Result<u64, FeedError> {
    fs::rename(temporary, target).map_err(|e| FeedError::io(target, "rename to", &e))?;
    Ok(fs::metadata(target).map_err(|e| FeedError::io(target, "look at", &e))?.len())
}
