//! What distinguishes one simulated market from another.

use crate::rng::mix;

/// 2025-07-21T00:00:00Z, ns since the Unix epoch: where a market starts unless told otherwise.
pub const DEFAULT_START_NS: i64 = 1_753_056_000_000_000_000;

/// Symbol, anchor price, tick, lot and typical order size, all but the name in units of 10^-8; activity relative to the first.
struct Instrument {
    symbol: &'static str,
    price: i64,
    tick: i64,
    lot: i64,
    typical_lots: f64,
    activity: f64,
}

/// Prices are hundreds of thousands of ticks and more: a log-return of so many ticks then hardly depends on the price level,
/// and its law is the same for every seed.
const INSTRUMENTS: [Instrument; 6] = [
    instrument("BTCUSDT", 11_800_000_000_000, 10_000_000, 1_000, 900.0, 1.0),
    instrument("ETHUSDT", 370_000_000_000, 1_000_000, 10_000, 2_500.0, 0.9),
    instrument("SOLUSDT", 18_000_000_000, 100_000, 100_000, 5_000.0, 0.95),
    instrument("BNBUSDT", 75_000_000_000, 100_000, 100_000, 1_200.0, 0.85),
    instrument("XRPUSDT", 340_000_000, 1_000, 10_000_000, 2_800.0, 1.05),
    instrument("DOGEUSDT", 25_000_000, 100, 100_000_000, 3_600.0, 0.8),
];

const fn instrument(
    symbol: &'static str,
    price: i64,
    tick: i64,
    lot: i64,
    typical_lots: f64,
    activity: f64,
) -> Instrument {
    Instrument { symbol, price, tick, lot, typical_lots, activity }
}

/// The settings of one simulated market.
#[derive(Debug, Clone, PartialEq)]
pub struct MarketConfig {
    /// The seed: equal seeds (and equal other settings) give equal markets on every machine.
    pub seed: u64,
    /// Symbol as the venue writes it, upper case.
    pub symbol: String,
    /// Start, ns since the Unix epoch; rounded down to the 100 ms grid of the feed.
    pub start_ns: i64,
    pub(super) anchor_price: i64,
    pub(super) tick: i64,
    pub(super) lot: i64,
    pub(super) typical_lots: f64,
    pub(super) activity: f64,
}

impl MarketConfig {
    /// The market of the first symbol, BTCUSDT, from [`DEFAULT_START_NS`].
    pub fn new(seed: u64) -> Self {
        Self::for_symbol(seed, 0)
    }

    /// The market of symbol number `k` of a venue (0 is BTCUSDT) from [`DEFAULT_START_NS`]: each symbol has a price, grid and
    /// activity of its own, and random numbers unrelated to the other symbols'. Beyond the sixth they are named `SIM{k}USDT`.
    pub fn for_symbol(seed: u64, k: usize) -> Self {
        let generic = instrument("", 10_000_000_000, 10_000, 100_000, 2_000.0, 0.9);
        let (known, symbol) = match INSTRUMENTS.get(k) {
            Some(known) => (known, known.symbol.to_owned()),
            None => (&generic, format!("SIM{k}USDT")),
        };
        Self {
            seed: if k == 0 { seed } else { mix(seed ^ mix(k as u64)) },
            symbol,
            start_ns: DEFAULT_START_NS,
            anchor_price: known.price,
            tick: known.tick,
            lot: known.lot,
            typical_lots: known.typical_lots,
            activity: known.activity,
        }
    }

    /// The same market in whole shares and cents: as many lots and ticks, each lot one share, each tick 0.01.
    ///
    /// Formats of stock exchanges know no parts of a share.
    pub fn in_shares(self) -> Self {
        const SHARE: i64 = 100_000_000;
        const CENT: i64 = SHARE / 100;
        Self { anchor_price: self.anchor_price / self.tick * CENT, tick: CENT, lot: SHARE, ..self }
    }

    /// Price grid, units of 10^-8.
    pub fn tick(&self) -> i64 {
        self.tick
    }

    /// Quantity grid, units of 10^-8.
    pub fn lot(&self) -> i64 {
        self.lot
    }
}
