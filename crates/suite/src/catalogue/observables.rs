//! The observables: those of the `market` suite, then those that only `microstructure` asks for.

use super::microstructure::MICROSTRUCTURE;
use super::observable::Grid;
use super::panels::PANELS;
use super::patterns::PATTERNS;
use super::plugins;
use super::{Class, Display, Kind, LAW_TESTS, ObservableInfo, Sampling, Source, TestId};
use TestId::{
    Acf, Ad, Chi2, Cvm, Energy, Fano, Gpd, Hill, Js, Kl, Ks, Kuiper, Kurtosis, LKurtosis, LScale, LSkew, Mean, Mwu,
    PowerLaw, Psi, Quantile, Skewness, Std, TailQuantile, W1,
};

pub(super) const HISTOGRAM: &[TestId] = LAW_TESTS;
pub(super) const COUNTS: &[TestId] = &[
    Ks,
    W1,
    Mean,
    Std,
    Quantile,
    Fano,
    Kuiper,
    Cvm,
    Ad,
    Mwu,
    Chi2,
    Psi,
    Js,
    Hill,
    TailQuantile,
    Energy,
    Kl,
    Skewness,
    Kurtosis,
    LScale,
    LSkew,
    LKurtosis,
    Gpd,
    PowerLaw,
];
pub(super) const LAGS: &[TestId] = &[Acf];

/// What most entries share: a histogram sampled on the grid from the book.
pub(super) const BOOK: ObservableInfo = ObservableInfo {
    id: "",
    number: "",
    unit: "",
    source: Source::Book,
    sampling: Sampling::Grid,
    class: Class::Ordered,
    kind: Kind::Histogram,
    display: Display::Value,
    depends_on_cadence: false,
    tests: HISTOGRAM,
    proxy: "",
    description: "",
    formula: "",
    reference: "",
    grid: Grid::Ticks(8),
};

pub(super) const TRADE: ObservableInfo =
    ObservableInfo { source: Source::Trades, sampling: Sampling::PerTrade, class: Class::Group, ..BOOK };

const EVENTS: ObservableInfo = ObservableInfo {
    unit: "events",
    source: Source::Events,
    sampling: Sampling::PerEvent,
    depends_on_cadence: true,
    tests: COUNTS,
    grid: Grid::Ticks(0),
    ..BOOK
};

pub(super) const ORDER: ObservableInfo =
    ObservableInfo { source: Source::Orders, sampling: Sampling::PerOrder, class: Class::Ordered, ..BOOK };

/// Every observable.
pub const OBSERVABLES: &[ObservableInfo] =
    &joined::<{ MARKET.len() + MICROSTRUCTURE.len() + PATTERNS.len() + PANELS.len() }>();

const fn joined<const N: usize>() -> [ObservableInfo; N] {
    let mut all = [BOOK; N];
    let mut i = 0;
    while i < N {
        let patterns = MARKET.len() + MICROSTRUCTURE.len();
        let panels = patterns + PATTERNS.len();
        all[i] = match i {
            _ if i < MARKET.len() => MARKET[i],
            _ if i < patterns => MICROSTRUCTURE[i - MARKET.len()],
            _ if i < panels => PATTERNS[i - patterns],
            _ => PANELS[i - panels],
        };
        i += 1;
    }
    all
}

/// Every observable of the `market` suite.
pub(crate) const MARKET: &[ObservableInfo] = &[
    ObservableInfo {
        id: "trade_size",
        number: "M-29",
        unit: "base units",
        description: "How much each trade exchanged.",
        formula: "q of every trade",
        reference: "Gopikrishnan et al. (2000), Statistical properties of share volume",
        ..TRADE
    },
    ObservableInfo {
        id: "aggressor_sign",
        number: "M-75",
        unit: "+-1",
        description: "Who crossed the spread: buyers or sellers.",
        formula: "+1 if the aggressor bought, -1 if it sold",
        reference: "Lee and Ready (1991), here as the venue reports it",
        grid: Grid::Ticks(0),
        ..TRADE
    },
    ObservableInfo {
        id: "aggressor_sign_acf",
        number: "M-57",
        unit: "",
        class: Class::Ordered,
        kind: Kind::Lags(&[1, 5, 20]),
        tests: LAGS,
        description: "How long buying follows buying: the memory of order flow.",
        formula: "autocorrelation of the aggressor sign at lags 1, 5, 20 trades",
        reference: "Lillo and Farmer (2004), The long memory of the efficient market",
        grid: Grid::Ticks(0),
        ..TRADE
    },
    ObservableInfo {
        id: "inter_event_time",
        number: "M-34",
        unit: "s",
        source: Source::Events,
        sampling: Sampling::PerEvent,
        depends_on_cadence: true,
        description: "Time between events: trades and book updates.",
        formula: "t_i - t_(i-1) over normal events, at the coarser side's clock",
        reference: "Engle and Russell (1998), Autoregressive conditional duration",
        grid: Grid::Ticks(9),
        ..BOOK
    },
    ObservableInfo {
        id: "inter_trade_time",
        number: "M-34",
        unit: "s",
        class: Class::Ordered,
        description: "Time between trades.",
        formula: "t_i - t_(i-1) over trades, at the coarser side's clock",
        reference: "Engle and Russell (1998), Autoregressive conditional duration",
        grid: Grid::Ticks(9),
        ..TRADE
    },
    ObservableInfo {
        id: "spread",
        number: "M-58",
        unit: "ticks",
        display: Display::PriceTicks,
        description: "The cost of immediacy.",
        formula: "best ask - best bid, on the time grid",
        reference: "Bouchaud et al. (2018), Trades, Quotes and Prices, ch. 4",
        ..BOOK
    },
    ObservableInfo {
        id: "depth_bid_l1",
        number: "M-62",
        unit: "base units",
        description: "How much rests at the best bid.",
        formula: "quantity at the best bid, on the time grid",
        reference: "Bouchaud, Mezard and Potters (2002), Statistical properties of stock order books",
        ..BOOK
    },
    ObservableInfo {
        id: "depth_ask_l1",
        number: "M-62",
        unit: "base units",
        description: "How much rests at the best ask.",
        formula: "quantity at the best ask, on the time grid",
        reference: "Bouchaud, Mezard and Potters (2002), Statistical properties of stock order books",
        ..BOOK
    },
    ObservableInfo {
        id: "imbalance_l1",
        number: "M-65",
        unit: "",
        description: "Which side of the best prices is heavier; it predicts the next move.",
        formula: "(V_bid - V_ask) / (V_bid + V_ask) at the best prices, on the time grid",
        reference: "Gould and Bonart (2016), Queue imbalance as a one-tick-ahead predictor",
        grid: Grid::UnitInterval,
        ..BOOK
    },
    ObservableInfo {
        id: "imbalance_l5",
        number: "M-65",
        unit: "",
        description: "Which side is heavier over the best five levels.",
        formula: "(V_bid - V_ask) / (V_bid + V_ask) summed over five levels a side, fewer where there are fewer, on the time grid",
        reference: "Gould and Bonart (2016), Queue imbalance as a one-tick-ahead predictor",
        grid: Grid::UnitInterval,
        ..BOOK
    },
    ObservableInfo {
        id: "microprice_offset",
        number: "M-74",
        unit: "price",
        description: "Where, between bid and ask, the weight of the queues puts the price.",
        formula: "(V_ask bid + V_bid ask) / (V_bid + V_ask) - (bid + ask) / 2, on the time grid",
        reference: "Stoikov (2018), The micro-price",
        grid: Grid::Float(14),
        ..BOOK
    },
    ObservableInfo {
        id: "ofi_1s",
        number: "M-66",
        unit: "base units",
        description: "Net pressure at the best prices in one second.",
        formula: "sum over grid steps of 1[b>=b']q_b - 1[b<=b']q_b' - 1[a<=a']q_a + 1[a>=a']q_a', primes = step before",
        reference: "Cont, Kukanov and Stoikov (2014), The price impact of order book events",
        ..BOOK
    },
    ObservableInfo {
        id: "mid_log_return_1s",
        number: "M-33",
        unit: "",
        description: "Price moves over one second.",
        formula: "ln(mid_t / mid_(t-1s)) on the grid",
        reference: "Cont (2001), Empirical properties of asset returns",
        // Returns of one tick differ by the price level only: wide cells would hold a tenth of all returns each.
        grid: Grid::Float(24),
        ..BOOK
    },
    ObservableInfo {
        id: "mid_log_return_10s",
        number: "M-33",
        unit: "",
        description: "Price moves over ten seconds.",
        formula: "ln(mid_t / mid_(t-10s)) on the grid",
        reference: "Cont (2001), Empirical properties of asset returns",
        // Returns of one tick differ by the price level only: wide cells would hold a tenth of all returns each.
        grid: Grid::Float(24),
        ..BOOK
    },
    ObservableInfo {
        id: "abs_return_1s_acf",
        number: "M-47",
        unit: "",
        kind: Kind::Lags(&[1, 5, 10]),
        tests: LAGS,
        description: "Volatility clustering: large moves follow large moves.",
        formula: "autocorrelation of round(|ln return over 1 s| * 1e9) at lags 1, 5, 10 s",
        reference: "Ding, Granger and Engle (1993), A long memory property of stock market returns",
        grid: Grid::Ticks(9),
        ..BOOK
    },
    ObservableInfo {
        id: "event_count_100ms",
        number: "M-52",
        description: "How bursty the flow is at the pace of the feed.",
        formula: "normal events per bin of 100 ms, empty bins inside the span count as 0",
        reference: "Fano (1947); Filimonov and Sornette (2012) on clustering",
        ..EVENTS
    },
    ObservableInfo {
        id: "event_count_1s",
        number: "M-52",
        description: "How bursty the flow is at the pace of a second.",
        formula: "normal events per bin of 1 s, empty bins inside the span count as 0",
        reference: "Fano (1947); Filimonov and Sornette (2012) on clustering",
        ..EVENTS
    },
    ObservableInfo {
        id: "order_event_size",
        unit: "base units",
        class: Class::Group,
        description: "How much each new limit order offers.",
        formula: "q of every order that begins to rest; orders of snapshots do not count",
        reference: "Bouchaud, Mezard and Potters (2002), Statistical properties of stock order books",
        ..ORDER
    },
    ObservableInfo {
        id: "order_lifetime",
        number: "M-83",
        unit: "s",
        description: "How long orders rest before they are filled or cancelled.",
        formula: "t(gone) - t(added) of every order whose beginning was seen, at its end, at the coarser side's clock",
        reference: "Hasbrouck and Saar (2009), Technology and liquidity provision: the blurring of traditional definitions",
        grid: Grid::Ticks(9),
        ..ORDER
    },
    ObservableInfo {
        id: "time_to_cancel",
        number: "M-83",
        unit: "s",
        description: "How soon owners take back what they offered.",
        formula: "t(first reduction or deletion) - t(added) of every order whose beginning was seen, at the coarser side's clock",
        reference: "Lo, MacKinlay and Zhang (2002), Econometric models of limit-order executions",
        grid: Grid::Ticks(9),
        ..ORDER
    },
    ObservableInfo {
        id: "queue_ahead",
        number: "M-78",
        unit: "base units",
        description: "How much a new order finds before it at its price.",
        formula: "quantity at the price of every new order just before it, while the book is known",
        reference: "Moallemi and Yuan (2016), A model for queue position valuation in a limit order book",
        ..ORDER
    },
    ObservableInfo {
        id: "spread_bps",
        number: "M-58",
        unit: "bp",
        description: "The cost of immediacy, relative to the price: comparable across price levels.",
        formula: "10^4 (best ask - best bid) / mid, on the time grid",
        reference: "Bouchaud et al. (2018), Trades, Quotes and Prices, ch. 4",
        // One tick differs by the price level only, as for returns.
        grid: Grid::Float(24),
        ..BOOK
    },
    ObservableInfo {
        id: "spread_l5",
        number: "M-58",
        unit: "ticks",
        display: Display::PriceTicks,
        description: "How far five levels of the book reach.",
        formula: "fifth best ask - fifth best bid, on the time grid, where both sides show five levels",
        reference: "Biais, Hillion and Spatt (1995), An empirical analysis of the limit order book",
        ..BOOK
    },
    ObservableInfo {
        id: "spread_l10",
        number: "M-58",
        unit: "ticks",
        display: Display::PriceTicks,
        description: "How far ten levels of the book reach.",
        formula: "tenth best ask - tenth best bid, on the time grid, where both sides show ten levels",
        reference: "Biais, Hillion and Spatt (1995), An empirical analysis of the limit order book",
        ..BOOK
    },
    ObservableInfo {
        id: "depth_bid_l5",
        number: "M-62",
        unit: "base units",
        description: "How much rests at the best five bids.",
        formula: "sum of the quantities of the best five bids, on the time grid, where there are five",
        reference: "Bouchaud, Mezard and Potters (2002), Statistical properties of stock order books",
        ..BOOK
    },
    ObservableInfo {
        id: "depth_ask_l5",
        number: "M-62",
        unit: "base units",
        description: "How much rests at the best five asks.",
        formula: "sum of the quantities of the best five asks, on the time grid, where there are five",
        reference: "Bouchaud, Mezard and Potters (2002), Statistical properties of stock order books",
        ..BOOK
    },
    ObservableInfo {
        id: "depth_bid_l10",
        number: "M-62",
        unit: "base units",
        description: "How much rests at the best ten bids.",
        formula: "sum of the quantities of the best ten bids, on the time grid, where there are ten",
        reference: "Bouchaud, Mezard and Potters (2002), Statistical properties of stock order books",
        ..BOOK
    },
    ObservableInfo {
        id: "depth_ask_l10",
        number: "M-62",
        unit: "base units",
        description: "How much rests at the best ten asks.",
        formula: "sum of the quantities of the best ten asks, on the time grid, where there are ten",
        reference: "Bouchaud, Mezard and Potters (2002), Statistical properties of stock order books",
        ..BOOK
    },
    ObservableInfo {
        id: "depth_bid_l20",
        number: "M-62",
        unit: "base units",
        description: "How much rests at the best twenty bids.",
        formula: "sum of the quantities of the best twenty bids, on the time grid, where there are twenty",
        reference: "Bouchaud, Mezard and Potters (2002), Statistical properties of stock order books",
        ..BOOK
    },
    ObservableInfo {
        id: "depth_ask_l20",
        number: "M-62",
        unit: "base units",
        description: "How much rests at the best twenty asks.",
        formula: "sum of the quantities of the best twenty asks, on the time grid, where there are twenty",
        reference: "Bouchaud, Mezard and Potters (2002), Statistical properties of stock order books",
        ..BOOK
    },
    ObservableInfo {
        id: "imbalance_l10",
        number: "M-65",
        unit: "",
        description: "Which side is heavier over the best ten levels.",
        formula: "(V_bid - V_ask) / (V_bid + V_ask) summed over ten levels a side, on the time grid, where both show ten",
        reference: "Gould and Bonart (2016), Queue imbalance as a one-tick-ahead predictor",
        grid: Grid::UnitInterval,
        ..BOOK
    },
    ObservableInfo {
        id: "mid_log_return_1m",
        number: "M-33",
        unit: "",
        description: "Price moves over one minute.",
        formula: "ln(mid_t / mid_(t-60s)) on the grid, at full minutes",
        reference: "Cont (2001), Empirical properties of asset returns",
        // As the returns above.
        grid: Grid::Float(24),
        ..BOOK
    },
    ObservableInfo {
        id: "best_quote_changes_1s",
        number: "M-89",
        unit: "changes",
        description: "How restless the best prices and quantities are.",
        formula: "number of grid steps within each second over which best bid, best ask or a quantity there changed; a feed that publishes less often than the grid shows fewer",
        reference: "Hasbrouck and Saar (2013), Low-latency trading",
        grid: Grid::Ticks(0),
        ..BOOK
    },
    ObservableInfo {
        id: "level_change_size",
        unit: "base units",
        sampling: Sampling::PerEvent,
        depends_on_cadence: true,
        description: "How much is added to or taken from a price level at a time.",
        formula: "|q_after - q_before| of every level that a book update changes, while the book is known",
        reference: "Biais, Hillion and Spatt (1995), An empirical analysis of the limit order book",
        ..BOOK
    },
    ObservableInfo {
        id: "book_age",
        unit: "s",
        depends_on_cadence: true,
        description: "How old the book is that a reader sees: how long ago it was last updated.",
        formula: "t - time of the last book update at or before t, on the time grid, at the coarser side's clock; a snapshot counts only where no update came before",
        reference: "sawtooth of the renewal age, Cox (1962), Renewal Theory",
        grid: Grid::Ticks(9),
        ..BOOK
    },
    ObservableInfo {
        id: "notional",
        unit: "quote units",
        description: "How much money each trade moved.",
        formula: "p q of every trade",
        reference: "Gopikrishnan et al. (2000), Statistical properties of share volume",
        grid: Grid::Float(14),
        ..TRADE
    },
    ObservableInfo {
        id: "trade_through",
        number: "M-07",
        unit: "0 or 1",
        source: Source::BookAndTrades,
        class: Class::Ordered,
        depends_on_cadence: true,
        description: "The share of trades at prices worse than the best price that stood before them.",
        formula: "1 if price > best ask (buy) or < best bid (sell) of the last grid sample before the trade, else 0",
        reference: "Hendershott and Jones (2005), Trade-through prohibitions and market quality",
        grid: Grid::Ticks(0),
        ..TRADE
    },
    ObservableInfo {
        id: "trade_at_touch",
        number: "M-07",
        unit: "0 or 1",
        source: Source::BookAndTrades,
        class: Class::Ordered,
        depends_on_cadence: true,
        description: "The share of trades at just the best price that stood before them.",
        formula: "1 if price = best ask (buy) or best bid (sell) of the last grid sample before the trade, else 0",
        reference: "Lee and Ready (1991), Inferring trade direction from intraday data",
        grid: Grid::Ticks(0),
        ..TRADE
    },
];

/// Every observable, those of plug-ins last.
pub fn all_observables() -> impl Iterator<Item = &'static ObservableInfo> {
    OBSERVABLES.iter().chain(plugins::observables())
}

/// The observable of that name.
pub fn observable(id: &str) -> Option<&'static ObservableInfo> {
    let own = OBSERVABLES.iter().find(|o| o.id == id);
    own.or_else(|| plugins::observables().into_iter().find(|o| o.id == id))
}
