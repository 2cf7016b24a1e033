//! Damages a stream in a known way and says what it did.
//!
//! Every fault is a function of the messages, its amount and a seed. Faults of messages keep the rules of the format that they
//! do not mean to break: a book that is rounded, widened, thinned or shuffled still rebuilds without gaps and without
//! crossing. Each symbol is damaged by itself. A snapshot is the recorder's own doing: it is never lost, repeated or moved, and where a
//! fault rewrites the book, it shows the rewritten book.
//!
//! Of order-level messages, faults of presence, order, time and label damage any, `round-prices` and `widen-spread` move the orders'
//! prices; the other faults of sizes and of the book are about trades and depth messages, and leave orders alone.
//!
//! All work on messages with ns or ms clocks, with or without snapshots, first update ids and receive times.

mod book;
mod bytes;
mod fault;
mod kind;
mod label;
mod record;
mod replay;
mod shuffle;
mod sizes;
mod timing;

use verismo_market::message::Message;

pub use bytes::apply_bytes;
pub use fault::{Fault, FaultError};
pub use kind::FaultKind;
pub use record::{Affected, FaultRecord, Record, SCHEMA};

use crate::rng::Rng;
use record::Tally;

/// Applies the message-level faults among `faults` one after the other, and says what each did.
///
/// Byte-level faults ([`FaultKind::is_byte_level`]) act on the bytes of files, so they are left to [`apply_bytes`]. `messages`
/// are those of one data set in arrival order, of any number of symbols. The result depends on the arguments alone.
pub fn apply(messages: Vec<Message>, faults: &[Fault], seed: u64) -> (Vec<Message>, Record) {
    let mut record = Record::new(seed);
    let mut messages = messages;
    for (i, fault) in faults.iter().enumerate().filter(|(_, f)| !f.kind().is_byte_level()) {
        let items_before = messages.len() as u64;
        let mut tally = Tally::default();
        let rng = &mut Rng::new(seed, 1_000 + i as u64);
        messages = apply_one(messages, fault, rng, &mut tally);
        record.faults.push(tally.finish(fault, seed, items_before, messages.len() as u64));
    }
    (messages, record)
}

fn apply_one(mut messages: Vec<Message>, fault: &Fault, rng: &mut Rng, tally: &mut Tally) -> Vec<Message> {
    let amount = fault.amount();
    match fault.kind() {
        FaultKind::Drop => return timing::drop(messages, amount, rng, tally),
        FaultKind::Duplicate => return timing::duplicate(messages, amount, rng, tally),
        FaultKind::Reorder => return timing::reorder(messages, amount, rng, tally),
        FaultKind::Delay => timing::delay(&mut messages, amount, rng, tally),
        FaultKind::Jitter => timing::jitter(&mut messages, amount, rng, tally),
        FaultKind::SmoothSizes => sizes::smooth(&mut messages, amount, tally),
        FaultKind::ThinTail => sizes::thin_tail(&mut messages, amount, rng, tally),
        FaultKind::RoundPrices => book::round_prices(&mut messages, amount, tally),
        FaultKind::WidenSpread => book::widen_spread(&mut messages, amount, tally),
        FaultKind::BlockShuffle => shuffle::block_shuffle(&mut messages, amount, rng, tally),
        FaultKind::RemoveFleeting => book::remove_fleeting(&mut messages, amount, tally),
        FaultKind::StaleBook => return book::stale(messages, amount, rng, tally),
        FaultKind::WrongSymbol => label::wrong_symbol(&mut messages, amount, rng, tally),
        FaultKind::CorruptBytes | FaultKind::Truncate => {}
    }
    messages
}
