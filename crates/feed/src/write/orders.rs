//! What writers of order-level formats share: files that are renamed when complete, and the orders that rest.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::write::GzEncoder;
use rustc_hash::FxHashMap;
use verismo_market::event::{NO_TIME, Side};
use verismo_market::message::{Body, Message, OrderAction, OrderEvent, RestingOrder};

use super::{GoldenCompression, Written};
use crate::error::FeedError;

/// A text file being written as `.tmp`.
pub(super) struct TextFile {
    output: Output,
    temporary: PathBuf,
    target: PathBuf,
}

enum Output {
    Plain(BufWriter<File>),
    Gzip(Box<GzEncoder<BufWriter<File>>>),
}

const BUFFER_BYTES: usize = 1 << 16;

impl TextFile {
    /// A new file `{stem}.{ending}` in `directory`, with `.gz` where it is packed; a name that is taken gets a number.
    pub(super) fn create(
        directory: &Path,
        stem: &str,
        ending: &str,
        compression: GoldenCompression,
    ) -> Result<Self, FeedError> {
        let packed = if compression == GoldenCompression::Plain { "" } else { ".gz" };
        let target = super::free_path(|n| match n {
            0 => directory.join(format!("{stem}.{ending}{packed}")),
            n => directory.join(format!("{stem}_{n:03}.{ending}{packed}")),
        })?;
        let temporary = super::temporary(&target);
        let file = File::create(&temporary).map_err(|e| FeedError::io(&temporary, "create", &e))?;
        let file = BufWriter::with_capacity(BUFFER_BYTES, file);
        let output = match compression {
            GoldenCompression::Plain => Output::Plain(file),
            GoldenCompression::Gzip(level) => {
                Output::Gzip(Box::new(GzEncoder::new(file, flate2::Compression::new(level.clamp(1, 9)))))
            }
        };
        Ok(Self { output, temporary, target })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), FeedError> {
        let written = match &mut self.output {
            Output::Plain(file) => file.write_all(bytes),
            Output::Gzip(file) => file.write_all(bytes),
        };
        written.map_err(|e| FeedError::io(&self.temporary, "write", &e))
    }

    /// Completes the file and counts it.
    pub(super) fn close(self, written: &mut Written) -> Result<(), FeedError> {
        let done: io::Result<()> = match self.output {
            Output::Plain(mut file) => file.flush(),
            Output::Gzip(file) => file.finish().and_then(|mut file| file.flush()),
        };
        done.map_err(|e| FeedError::io(&self.temporary, "write", &e))?;
        written.bytes += super::rename(&self.temporary, &self.target)?;
        written.files += 1;
        Ok(())
    }
}

/// The directory of a writer, made if need be.
pub(super) fn directory(directory: &Path) -> Result<PathBuf, FeedError> {
    fs::create_dir_all(directory).map_err(|e| FeedError::io(directory, "create", &e))?;
    Ok(directory.to_owned())
}

/// What a format cannot hold.
pub(super) fn not_expressible(directory: &Path, what: &'static str, value: String) -> FeedError {
    FeedError::NotExpressible { path: directory.display().to_string(), what, value: value.chars().take(200).collect() }
}

/// Refuses what no order-level format holds: messages without time, symbols that are no names, levels, negative ids.
pub(super) fn check(directory: &Path, message: &Message) -> Result<(), FeedError> {
    let refuse = |what, value| Err(not_expressible(directory, what, value));
    if message.t_exchange_ns == NO_TIME {
        return refuse("a message without exchange time", format!("{:?}", message.body));
    }
    let is_name = |c: char| !c.is_control() && !matches!(c, '/' | '\\' | '"' | ',' | ' ');
    if message.symbol.is_empty() || message.symbol.starts_with('.') || !message.symbol.chars().all(is_name) {
        return refuse("the symbol", message.symbol.clone());
    }
    let bad_id = match &message.body {
        Body::Depth { .. } | Body::Snapshot { .. } => {
            return refuse("price levels in a format of single orders", format!("{:?}", message.body));
        }
        Body::Order(order) => (order.id < 0 && order.action != OrderAction::ExecHidden).then_some(order.id),
        Body::OrderSnapshot { orders, .. } => orders.iter().map(|o| o.id).find(|id| *id < 0),
        Body::Trade { .. } => None,
    };
    match bad_id {
        Some(id) => refuse("an order without an id of its own", id.to_string()),
        None => Ok(()),
    }
}

/// Orders that rest, for formats that say what is left.
#[derive(Debug, Default)]
pub(super) struct Resting(FxHashMap<i64, RestingOrder>);

impl Resting {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The orders of a snapshot are all that rest.
    pub(super) fn reset(&mut self, orders: &[RestingOrder]) {
        self.0 = orders.iter().map(|order| (order.id, *order)).collect();
    }

    /// Applies a change; what the order had before, and what it has after it. An order that is not known had what it loses.
    pub(super) fn apply(&mut self, order: &OrderEvent) -> (i64, i64) {
        let &OrderEvent { action, id, side, price, qty, .. } = order;
        if action == OrderAction::Add {
            self.0.insert(id, RestingOrder { id, side, price, qty });
            return (0, qty);
        }
        let Some(resting) = self.0.get_mut(&id) else {
            return (qty, 0);
        };
        let before = resting.qty;
        resting.qty = if action == OrderAction::Delete { 0 } else { before.saturating_sub(qty).max(0) };
        let after = resting.qty;
        if after == 0 {
            self.0.remove(&id);
        }
        (before, after)
    }
}

/// `buy` or `sell`.
pub(super) fn buy_or_sell(side: Side) -> &'static str {
    if side == Side::Bid { "buy" } else { "sell" }
}
