//! Facts about the rows of streams that no state keeps: kinds, prices, the busiest second.
//!
//! A [`CensusReader`] passes blocks through and counts on the way. Everything counted adds up in any order, so cuts and threads
//! do not change it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use verismo_feed::{Block, EventReader, FeedCounters, FeedError, StreamName};
use verismo_market::event::{EventBatch, Kind, NO_TIME, flags};

/// One second, ns.
const SECOND_NS: i64 = 1_000_000_000;

/// What was counted of a stream.
#[derive(Debug, Clone, Default)]
pub(crate) struct Census {
    /// Rows by kind of event.
    pub(crate) kinds: BTreeMap<&'static str, u64>,
    /// Messages by second of exchange time.
    pub(crate) seconds: BTreeMap<i64, u64>,
    /// Greatest common divisor of the distances of exchange times and of one second, ns; 0 before the first time.
    pub(crate) time_step_ns: i64,
    /// Whether a row has a receive time.
    pub(crate) has_receive_time: bool,
    /// Lowest and highest price of a trade, 10^-8.
    pub(crate) trade_prices: Option<(i64, i64)>,
}

impl Census {
    /// Counts a message, or a row of a table, at this time.
    pub(crate) fn message(&mut self, t_ns: i64) {
        *self.seconds.entry(t_ns.div_euclid(SECOND_NS)).or_default() += 1;
        self.time(t_ns);
    }

    fn time(&mut self, t_ns: i64) {
        if self.time_step_ns == 1 {
            return;
        }
        let step = if self.time_step_ns == 0 { SECOND_NS } else { self.time_step_ns };
        self.time_step_ns = gcd(step, t_ns.rem_euclid(SECOND_NS));
    }

    fn batch(&mut self, batch: &EventBatch) {
        for i in 0..batch.len() {
            let event = batch.row(i);
            *self.kinds.entry(kind_name(event.kind)).or_default() += 1;
            self.has_receive_time |= event.t_receive_ns != NO_TIME;
            if event.kind == Kind::Trade && event.price > 0 {
                let (low, high) = self.trade_prices.unwrap_or((event.price, event.price));
                self.trade_prices = Some((low.min(event.price), high.max(event.price)));
            }
            if event.flags & flags::FIRST_OF_MESSAGE != 0 && event.t_exchange_ns != NO_TIME {
                self.message(event.t_exchange_ns);
            }
        }
    }

    /// Adds another part of the same stream.
    pub(crate) fn merge(&mut self, other: Self) {
        for (kind, n) in other.kinds {
            *self.kinds.entry(kind).or_default() += n;
        }
        for (second, n) in other.seconds {
            *self.seconds.entry(second).or_default() += n;
        }
        self.time_step_ns = gcd(self.time_step_ns, other.time_step_ns);
        self.has_receive_time |= other.has_receive_time;
        self.trade_prices = match (self.trade_prices, other.trade_prices) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (one, other) => one.or(other),
        };
    }
}

/// Greatest common divisor; 0 stands for nothing. Euclid: at most 91 turns for 64 bits.
fn gcd(mut a: i64, mut b: i64) -> i64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Trade => "trade",
        Kind::LevelSet => "level_set",
        Kind::SnapshotStart => "snapshot_start",
        Kind::Quote => "quote",
        Kind::OrderAdd => "order_add",
        Kind::OrderReduce => "order_reduce",
        Kind::OrderDelete => "order_delete",
        Kind::OrderExec => "order_exec",
        Kind::OrderExecHidden => "order_exec_hidden",
        Kind::Status => "status",
        _ => "other",
    }
}

/// Where readers leave what they counted, by stream.
pub(crate) type Ledger = Arc<Mutex<BTreeMap<StreamName, Census>>>;

/// A reader that counts what it passes on.
pub(crate) struct CensusReader {
    inner: Box<dyn EventReader>,
    counted: BTreeMap<usize, Census>,
    ledger: Ledger,
}

impl CensusReader {
    /// Counts what `inner` yields; the counts are in `ledger` once it has come to its end.
    pub(crate) fn new(inner: Box<dyn EventReader>, ledger: Ledger) -> Self {
        Self { inner, counted: BTreeMap::new(), ledger }
    }

    fn enter(&mut self) {
        let counted = std::mem::take(&mut self.counted);
        let Ok(mut ledger) = self.ledger.lock() else { return };
        for (stream, census) in counted {
            if let Some(name) = self.inner.streams().get(stream) {
                ledger.entry(name.clone()).or_default().merge(census);
            }
        }
    }
}

impl EventReader for CensusReader {
    fn streams(&self) -> &[StreamName] {
        self.inner.streams()
    }

    fn next_block(&mut self, block: &mut Block) -> Result<bool, FeedError> {
        let more = self.inner.next_block(block)?;
        if more {
            self.counted.entry(block.stream).or_default().batch(&block.batch);
        } else {
            self.enter();
        }
        Ok(more)
    }

    fn counters(&self) -> &FeedCounters {
        self.inner.counters()
    }

    fn messages(&self) -> u64 {
        self.inner.messages()
    }

    fn bytes(&self) -> u64 {
        self.inner.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up_in_any_order() {
        let times = [1_500_000_000, 1_700_000_000, 9_000_000_000, -100_000_000];
        let of = |times: &[i64]| {
            let mut census = Census::default();
            times.iter().for_each(|&t| census.message(t));
            census
        };
        let whole = of(&times);
        assert_eq!(whole.time_step_ns, 100_000_000);
        assert_eq!(whole.seconds, [(-1, 1), (1, 2), (9, 1)].into());
        for cut in 0..=times.len() {
            let (mut right, left) = (of(&times[cut..]), of(&times[..cut]));
            right.merge(left);
            assert_eq!((right.time_step_ns, &right.seconds), (100_000_000, &whole.seconds), "{cut}");
        }
    }
}
