//! The observables that the `market` suite does not ask for: trades against the book, the form of the book, order flow.

use super::observable::Grid;
use super::observables::TRADE;
use super::{Class, ObservableInfo, Sampling, Source};

/// A trade against the book before it, or after it.
const AGAINST: ObservableInfo = ObservableInfo {
    unit: "bp",
    source: Source::BookAndTrades,
    class: Class::Ordered,
    depends_on_cadence: true,
    // One tick differs by the price level only, as for returns.
    grid: Grid::Float(24),
    ..TRADE
};

/// Every observable that `market` does not ask for.
pub(super) const MICROSTRUCTURE: &[ObservableInfo] = &[
    ObservableInfo {
        id: "effective_spread",
        number: "M-59",
        unit: "bp",
        description: "What a trade paid for immediacy, there and back.",
        formula: "2 e (p - m) / m * 10^4; e = +1 if the aggressor bought, -1 if it sold, m = mid of the last grid sample before the trade",
        reference: "Huang and Stoll (1996), Dealer versus auction markets",
        ..AGAINST
    },
    ObservableInfo {
        id: "realised_spread_1s",
        number: "M-60",
        unit: "bp",
        description: "What the maker of a trade kept, there and back, once the price had 1 s to move.",
        formula: "2 e (p - m') / m * 10^4; e = aggressor's sign, m = mid of the last grid sample before the trade, m' = mid at the first grid time at or after 1 s later",
        reference: "Huang and Stoll (1996), Dealer versus auction markets",
        ..AGAINST
    },
    ObservableInfo {
        id: "realised_spread_5s",
        number: "M-60",
        unit: "bp",
        description: "What the maker of a trade kept, there and back, once the price had 5 s to move.",
        formula: "2 e (p - m') / m * 10^4; e = aggressor's sign, m = mid of the last grid sample before the trade, m' = mid at the first grid time at or after 5 s later",
        reference: "Huang and Stoll (1996), Dealer versus auction markets",
        ..AGAINST
    },
    ObservableInfo {
        id: "markout_1s",
        number: "M-71",
        unit: "bp",
        description: "What the maker of a trade had gained or lost 1 s later; half the realised spread at that time, relative to the price paid.",
        formula: "-e (m' - p) / p * 10^4; e = aggressor's sign, m' = mid at the first grid time at or after 1 s later",
        reference: "Glosten and Milgrom (1985), Bid, ask and transaction prices; Cartea, Jaimungal and Penalva (2015), Algorithmic and High-Frequency Trading, ch. 10",
        ..AGAINST
    },
    ObservableInfo {
        id: "markout_10s",
        number: "M-71",
        unit: "bp",
        description: "What the maker of a trade had gained or lost 10 s later; half the realised spread at that time, relative to the price paid.",
        formula: "-e (m' - p) / p * 10^4; e = aggressor's sign, m' = mid at the first grid time at or after 10 s later",
        reference: "Glosten and Milgrom (1985), Bid, ask and transaction prices; Cartea, Jaimungal and Penalva (2015), Algorithmic and High-Frequency Trading, ch. 10",
        ..AGAINST
    },
    ObservableInfo {
        id: "impact_1s",
        number: "M-70",
        unit: "bp",
        description: "How far the mid had moved with a trade 1 s later; its mean is the response function.",
        formula: "e (m' - m) / m * 10^4; e = aggressor's sign, m = mid of the last grid sample before the trade, m' = mid at the first grid time at or after 1 s later",
        reference: "Bouchaud, Gefen, Potters and Wyart (2004), Fluctuations and response in financial markets",
        ..AGAINST
    },
    ObservableInfo {
        id: "impact_10s",
        number: "M-70",
        unit: "bp",
        description: "How far the mid had moved with a trade 10 s later; its mean is the response function.",
        formula: "e (m' - m) / m * 10^4; e = aggressor's sign, m = mid of the last grid sample before the trade, m' = mid at the first grid time at or after 10 s later",
        reference: "Bouchaud, Gefen, Potters and Wyart (2004), Fluctuations and response in financial markets",
        ..AGAINST
    },
    ObservableInfo {
        id: "impact_60s",
        number: "M-70",
        unit: "bp",
        description: "How far the mid had moved with a trade 60 s later; its mean is the response function.",
        formula: "e (m' - m) / m * 10^4; e = aggressor's sign, m = mid of the last grid sample before the trade, m' = mid at the first grid time at or after 60 s later",
        reference: "Bouchaud, Gefen, Potters and Wyart (2004), Fluctuations and response in financial markets",
        ..AGAINST
    },
    ObservableInfo {
        id: "trade_run_length",
        number: "M-57",
        unit: "trades",
        description: "How many trades in a row come from one side.",
        formula: "number of trades in each whole run of equal aggressor signs, at its last trade; a run is whole if the trades on both ends are known",
        reference: "Biais, Hillion and Spatt (1995), An empirical analysis of the limit order book; Wald and Wolfowitz (1940) on runs",
        class: Class::Ordered,
        grid: Grid::Ticks(0),
        ..TRADE
    },
    ObservableInfo {
        id: "flow_toxicity_50",
        number: "M-72",
        unit: "",
        description: "How one-sided trading is: the imbalance of each bucket of 50 trades.",
        formula: "|V_sell - V_buy| / (V_sell + V_buy) over each 50 trades in a row, at the last of them",
        reference: "Easley, Lopez de Prado and O'Hara (2012), Flow toxicity and liquidity in a high-frequency world. DIFFERENCE: buckets of 50 trades, since buckets of equal volume need the day's volume before the first trade; true aggressors instead of bulk classification",
        class: Class::Ordered,
        grid: Grid::UnitInterval,
        ..TRADE
    },
    ObservableInfo {
        id: "signed_volume_1s",
        number: "M-68",
        unit: "base units",
        description: "Net volume that aggressors bought in one second.",
        formula: "sum of e q over the trades of each second, e = aggressor's sign; seconds without trades inside the span count as 0, for 60 s after a trade at most",
        reference: "Kyle (1985), Continuous auctions and insider trading; Chordia, Roll and Subrahmanyam (2002), Order imbalance, liquidity, and market returns",
        class: Class::Ordered,
        ..TRADE
    },
    ObservableInfo {
        id: "amihud_1m",
        number: "M-69",
        unit: "bp per million quote units",
        description: "How far the price moves per money traded: illiquidity, minute by minute.",
        formula: "|ln(mid_t / mid_(t-60s))| * 10^4 / (sum of p q in the minute / 10^6), at full minutes with trades",
        reference: "Amihud (2002), Illiquidity and stock returns. DIFFERENCE: minutes instead of days",
        sampling: Sampling::Grid,
        grid: Grid::Float(14),
        ..AGAINST
    },
];
