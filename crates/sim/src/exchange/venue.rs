//! Several markets as one feed.

use std::iter::Peekable;

use verismo_market::message::Message;

use super::config::MarketConfig;
use super::market::Market;

/// Several markets of one seed, merged in order of exchange time (of symbol number at equal times).
#[derive(Debug, Clone)]
pub struct Venue {
    markets: Vec<Peekable<Market>>,
}

impl Venue {
    /// The first `symbols` markets of `seed`, from [`super::DEFAULT_START_NS`].
    pub fn new(seed: u64, symbols: usize) -> Self {
        Self::of((0..symbols).map(|k| Market::new(MarketConfig::for_symbol(seed, k))))
    }

    /// As [`Venue::new`], each market with snapshots every `every_ns`: see [`Market::with_snapshots`].
    pub fn with_snapshots(seed: u64, symbols: usize, every_ns: i64) -> Self {
        Self::of((0..symbols).map(|k| Market::new(MarketConfig::for_symbol(seed, k)).with_snapshots(every_ns)))
    }

    /// As [`Venue::new`], told order by order: see [`Market::with_orders`]; with snapshots of all orders if `every_ns` is given.
    pub fn with_orders(seed: u64, symbols: usize, every_ns: Option<i64>) -> Self {
        Self::of((0..symbols).map(|k| {
            let market = Market::new(MarketConfig::for_symbol(seed, k)).with_orders();
            match every_ns {
                Some(every_ns) => market.with_snapshots(every_ns),
                None => market,
            }
        }))
    }

    /// Merges the given markets, each in time order.
    pub fn of(markets: impl IntoIterator<Item = Market>) -> Self {
        Self { markets: markets.into_iter().map(Iterator::peekable).collect() }
    }
}

impl Iterator for Venue {
    type Item = Message;

    fn next(&mut self) -> Option<Message> {
        let mut earliest: Option<(i64, usize)> = None;
        for (k, market) in self.markets.iter_mut().enumerate() {
            if let Some(message) = market.peek()
                && earliest.is_none_or(|(t, _)| message.t_exchange_ns < t)
            {
                earliest = Some((message.t_exchange_ns, k));
            }
        }
        let (_, k) = earliest?;
        self.markets.get_mut(k)?.next()
    }
}
