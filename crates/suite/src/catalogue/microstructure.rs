//! The observables that the `market` suite does not ask for: trades against the book, the form of the book, order flow.

use super::observable::Grid;
use super::observables::{BOOK, LAGS, ORDER, TRADE};
use super::{Class, Display, Kind, ObservableInfo, Sampling, Source};

/// A trade against the book before it, or after it.
pub(super) const AGAINST: ObservableInfo = ObservableInfo {
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
    ObservableInfo {
        id: "imbalance_l20",
        number: "M-65",
        unit: "",
        description: "Which side is heavier over the best twenty levels.",
        formula: "(V_bid - V_ask) / (V_bid + V_ask) summed over twenty levels a side, on the time grid, where both show twenty",
        reference: "Gould and Bonart (2016), Queue imbalance as a one-tick-ahead predictor",
        grid: Grid::UnitInterval,
        ..BOOK
    },
    ObservableInfo {
        id: "vamp_offset_l5",
        number: "M-74",
        unit: "price",
        description: "Where the weight of five levels a side puts the price, from the mid.",
        formula: "(P_bid V_ask + P_ask V_bid) / (V_bid + V_ask) - mid; P and V = mean price by quantity and quantity of the best five levels, on the time grid, where both sides show five",
        reference: "Stoikov (2018), The micro-price, with five levels in place of one",
        grid: Grid::Float(14),
        ..BOOK
    },
    ObservableInfo {
        id: "slippage_buy",
        number: "M-80",
        unit: "bp",
        description: "What a purchase that walks the book pays: half of the quantity of the best ten asks at once.",
        formula: "(mean price paid - mid) / mid * 10^4 of an order for half the quantity of the best ten asks, which walks them; on the time grid, where there are ten",
        reference: "Biais, Hillion and Spatt (1995), An empirical analysis of the limit order book; Bouchaud et al. (2018), Trades, Quotes and Prices, ch. 4",
        // One tick differs by the price level only, as for returns.
        grid: Grid::Float(24),
        ..BOOK
    },
    ObservableInfo {
        id: "slippage_sell",
        number: "M-80",
        unit: "bp",
        description: "What a sale that walks the book pays: half of the quantity of the best ten bids at once.",
        formula: "(mid - mean price got) / mid * 10^4 of an order for half the quantity of the best ten bids, which walks them; on the time grid, where there are ten",
        reference: "Biais, Hillion and Spatt (1995), An empirical analysis of the limit order book; Bouchaud et al. (2018), Trades, Quotes and Prices, ch. 4",
        // One tick differs by the price level only, as for returns.
        grid: Grid::Float(24),
        ..BOOK
    },
    ObservableInfo {
        id: "depth_share_l1",
        number: "M-62",
        unit: "",
        description: "How much of the book stands at its best prices: its slope.",
        formula: "(q_bid + q_ask) / (V_bid + V_ask); q = quantity at the best price, V = quantity of the best ten levels, on the time grid, where both sides show ten",
        reference: "Bouchaud, Mezard and Potters (2002), Statistical properties of stock order books",
        grid: Grid::UnitInterval,
        ..BOOK
    },
    ObservableInfo {
        id: "spread_change_1s",
        number: "M-61",
        unit: "ticks",
        description: "How the spread moves within a second.",
        formula: "spread_t - spread_(t-1s) at full seconds of the grid",
        reference: "Bouchaud et al. (2018), Trades, Quotes and Prices, ch. 4",
        display: Display::PriceTicks,
        ..BOOK
    },
    ObservableInfo {
        id: "spread_acf",
        number: "M-61",
        unit: "",
        description: "How slowly the spread returns to its mean.",
        formula: "autocorrelation of the spread at full seconds of the grid, at lags 1, 10, 60 s",
        reference: "Plerou, Gopikrishnan and Stanley (2005), Quantifying fluctuations in market liquidity",
        kind: Kind::Lags(&[1, 10, 60]),
        tests: LAGS,
        ..BOOK
    },
    ObservableInfo {
        id: "realised_vol_1m",
        number: "M-50",
        unit: "bp",
        description: "Volatility, minute by minute.",
        formula: "10^4 sqrt(sum of r^2) over the 60 log-returns of the mid over 1 s in each absolute minute, at its end, where all 60 are defined",
        reference: "Andersen, Bollerslev, Diebold and Labys (2003), Modeling and forecasting realized volatility",
        grid: Grid::Float(14),
        ..BOOK
    },
    ObservableInfo {
        id: "bipower_ratio_1m",
        number: "M-55",
        unit: "",
        description: "How much of the variance of a minute comes without jumps: about 1 where there are none.",
        formula: "pi / 2 * 60 / 59 * sum of |r_i| |r_(i-1)| / sum of r_i^2 over the 60 log-returns of the mid over 1 s in each absolute minute, at its end, where all are defined and one is not 0",
        reference: "Barndorff-Nielsen and Shephard (2004), Power and bipower variation with stochastic volatility and jumps",
        grid: Grid::Float(14),
        ..BOOK
    },
    ObservableInfo {
        id: "variance_ratio_10s",
        number: "M-50",
        unit: "",
        description: "Whether moves of seconds add up or revert within a minute: 1 for a random walk, less where they revert.",
        formula: "sum of squared log-returns of the mid over 10 s / sum of those over 1 s in each absolute minute, at its end, where all are defined and one is not 0",
        reference: "Lo and MacKinlay (1988), Stock market prices do not follow random walks; Andersen, Bollerslev, Diebold and Labys (2000), Great realizations, on signature plots",
        grid: Grid::Float(14),
        ..BOOK
    },
    ObservableInfo {
        id: "return_1s_acf",
        number: "M-46",
        unit: "",
        description: "Whether moves go on or revert: the bounce of the price.",
        formula: "autocorrelation of round(ln return over 1 s * 1e9) at lags 1, 5, 10 s",
        reference: "Roll (1984), A simple implicit measure of the effective bid-ask spread",
        kind: Kind::Lags(&[1, 5, 10]),
        tests: LAGS,
        grid: Grid::Ticks(9),
        ..BOOK
    },
    ObservableInfo {
        id: "return_sq_1s_acf",
        number: "M-47",
        unit: "",
        description: "Volatility clustering in squares: large moves count for more than in abs_return_1s_acf.",
        formula: "autocorrelation of round(squared ln return over 1 s * 1e15), 1e12 at most, at lags 1, 5, 10 s",
        reference: "Engle (1982), Autoregressive conditional heteroscedasticity",
        kind: Kind::Lags(&[1, 5, 10]),
        tests: LAGS,
        grid: Grid::Ticks(15),
        ..BOOK
    },
    ObservableInfo {
        id: "ofi_1s_acf",
        number: "M-66",
        unit: "",
        description: "How long pressure at the best prices lasts.",
        formula: "autocorrelation of ofi_1s, rounded towards 0 to 10^-4 base units and at most 10^8 of them, at lags 1, 5, 10 s",
        reference: "Cont, Kukanov and Stoikov (2014), The price impact of order book events",
        kind: Kind::Lags(&[1, 5, 10]),
        tests: LAGS,
        grid: Grid::Ticks(4),
        ..BOOK
    },
    ObservableInfo {
        id: "cancel_share_1s",
        number: "M-84",
        unit: "",
        description: "How much of what leaves the book is taken back, not traded.",
        formula: "max(0, 1 - V / D) in each whole second with D > 0; D = what levels lost in the book updates of the second, V = what was traded in it",
        reference: "Hautsch and Huang (2012), Limit order flow, market impact and optimal order sizes",
        proxy: "levels do not say why they shrink: what no trade of the second explains is taken for cancelled; what is cancelled and replaced within one update is not seen, and trades with hidden orders explain too much",
        sampling: Sampling::PerEvent,
        grid: Grid::UnitInterval,
        ..AGAINST
    },
    ObservableInfo {
        id: "queue_traded_1s",
        number: "M-77",
        unit: "base units",
        description: "How much the best queues lose to trades in one second.",
        formula: "sum over the grid steps of a whole second, and over both sides, of min(D, V); D = what the best price of the step's start lost: the fall of its quantity where the price stands, all of it where the best is worse at the step's end, none where it is better; V = what trades took at that price meanwhile",
        reference: "Cont and de Larrard (2013), Price dynamics in a Markovian limit order market",
        proxy: "levels do not say why they shrink: what joins a queue within a step hides as much that leaves it, and trades with hidden orders explain too much",
        sampling: Sampling::Grid,
        grid: Grid::Ticks(8),
        ..AGAINST
    },
    ObservableInfo {
        id: "queue_cancelled_1s",
        number: "M-77",
        unit: "base units",
        description: "How much the best queues lose in one second that no trade explains.",
        formula: "sum over the grid steps of a whole second, and over both sides, of D - min(D, V), see queue_traded_1s",
        reference: "Cont and de Larrard (2013), Price dynamics in a Markovian limit order market",
        proxy: "levels do not say why they shrink: what no trade explains is taken for cancelled, and what joins a queue within a step hides as much that leaves it",
        sampling: Sampling::Grid,
        grid: Grid::Ticks(8),
        ..AGAINST
    },
    ObservableInfo {
        id: "order_to_trade_1s",
        number: "M-84",
        unit: "updates per trade",
        description: "How much the book is updated for each trade.",
        formula: "book updates / trades in each whole second with trades, while the book is known",
        reference: "Hendershott, Jones and Menkveld (2011), Does algorithmic trading improve liquidity? on message traffic",
        sampling: Sampling::PerEvent,
        grid: Grid::Float(14),
        ..AGAINST
    },
    ObservableInfo {
        id: "best_bid_lifetime",
        number: "M-83",
        unit: "s",
        description: "How long a best bid price stands until it changes.",
        formula: "t(best bid price changes) - t(it became the best) at ends of book updates, at its end, at the coarser side's clock; prices whose beginning was not seen do not count",
        reference: "Hasbrouck and Saar (2013), Low-latency trading",
        sampling: Sampling::PerEvent,
        depends_on_cadence: true,
        grid: Grid::Ticks(9),
        ..BOOK
    },
    ObservableInfo {
        id: "best_ask_lifetime",
        number: "M-83",
        unit: "s",
        description: "How long a best ask price stands until it changes.",
        formula: "t(best ask price changes) - t(it became the best) at ends of book updates, at its end, at the coarser side's clock; prices whose beginning was not seen do not count",
        reference: "Hasbrouck and Saar (2013), Low-latency trading",
        sampling: Sampling::PerEvent,
        depends_on_cadence: true,
        grid: Grid::Ticks(9),
        ..BOOK
    },
    ObservableInfo {
        id: "fleeting_100ms",
        number: "M-83",
        unit: "0 or 1",
        description: "The share of price improvements that are gone within 100 ms without a trade.",
        formula: "for each best bid or ask that is better than at the grid time before: 1 if the best is worse again at most 100 ms later and no trade met it, else 0; one a side at a time",
        reference: "Hasbrouck and Saar (2009), Technology and liquidity provision: the blurring of traditional definitions",
        proxy: "levels do not show single orders: an improvement between two grid times is not seen, and one that is replaced at its price counts as standing; a grid of more than 100 ms sees none",
        sampling: Sampling::Grid,
        grid: Grid::Ticks(0),
        ..AGAINST
    },
    ObservableInfo {
        id: "resilience_time",
        number: "M-73",
        unit: "s",
        description: "How soon the spread is back after a trade that widened it.",
        formula: "t(spread <= its value before the trade) - t(trade) for the first trade after each grid time if the spread at the next one is wider, at its end; 60 s if it takes longer; one at a time",
        reference: "Degryse, de Jong, van Ravenswaaij and Wuyts (2005), Aggressive orders and the resiliency of a limit order market; Large (2007), Measuring the resiliency of an electronic limit order book",
        sampling: Sampling::Grid,
        grid: Grid::Ticks(9),
        ..AGAINST
    },
    ObservableInfo {
        id: "virtual_bid_fill_time",
        number: "M-79",
        unit: "s",
        description: "How long an order at the back of the best bid would wait for its fill.",
        formula: "for an order placed at the best bid at each full 10 s: time until sells at its price exceed the quantity displayed before it, or one goes through its price, at its end; 60 s if it takes longer",
        reference: "Lo, MacKinlay and Zhang (2002), Econometric models of limit-order executions",
        proxy: "no order was there: a lot at the back of the best queue, displayed quantity is before it, what is cancelled before it does not help it, hidden orders and its own effect are not seen; fills come later than for a real order",
        sampling: Sampling::Grid,
        grid: Grid::Ticks(9),
        ..AGAINST
    },
    ObservableInfo {
        id: "virtual_ask_fill_time",
        number: "M-79",
        unit: "s",
        description: "How long an order at the back of the best ask would wait for its fill.",
        formula: "for an order placed at the best ask at each full 10 s: time until buys at its price exceed the quantity displayed before it, or one goes through its price, at its end; 60 s if it takes longer",
        reference: "Lo, MacKinlay and Zhang (2002), Econometric models of limit-order executions",
        proxy: "no order was there: a lot at the back of the best queue, displayed quantity is before it, what is cancelled before it does not help it, hidden orders and its own effect are not seen; fills come later than for a real order",
        sampling: Sampling::Grid,
        grid: Grid::Ticks(9),
        ..AGAINST
    },
    ObservableInfo {
        id: "virtual_fill_10s",
        number: "M-79",
        unit: "0 or 1",
        description: "The share of orders at the back of a best queue that would be filled within 10 s.",
        formula: "for an order placed at each best price at each full 10 s: 1 if trades at its price exceed the quantity displayed before it within 10 s, or one goes through its price, else 0; 10 s after it was placed",
        reference: "Lo, MacKinlay and Zhang (2002), Econometric models of limit-order executions",
        proxy: "no order was there: a lot at the back of the best queue, displayed quantity is before it, what is cancelled before it does not help it, hidden orders and its own effect are not seen; fills come later than for a real order",
        sampling: Sampling::Grid,
        grid: Grid::Ticks(0),
        ..AGAINST
    },
    ObservableInfo {
        id: "virtual_fill_share_10s",
        number: "M-82",
        unit: "",
        description: "How much of an order as large as the best queue that it joins would be filled within 10 s: nothing, a part, or all.",
        formula: "for an order placed at each best price at each full 10 s, as large as the quantity Q displayed before it: (V - Q) / Q between 0 and 1, V what trades at its price take within 10 s; 1 if one goes through its price; 10 s after it was placed",
        reference: "Lo, MacKinlay and Zhang (2002), Econometric models of limit-order executions; Maglaras, Moallemi and Wang (2022), A deep learning approach to estimating fill probabilities in a limit order book",
        proxy: "no order was there: displayed quantity is before it, what is cancelled before it does not help it, hidden orders and its own effect are not seen; what it would take from others behind it is not known",
        sampling: Sampling::Grid,
        grid: Grid::UnitInterval,
        ..AGAINST
    },
    ObservableInfo {
        id: "queue_error",
        number: "M-78",
        unit: "share of the queue",
        description: "How wrong a book of levels is about places in queues: defined only where single orders are seen. One minus the mean of its size is the accuracy.",
        formula: "at the first fill of every order that joined a queue: what a book of levels infers to be left before it, over what stood there when it came; from that, each trade at the price takes its quantity, and each cancel of c of Q the share c/Q. The truth is 0, for what is filled is first; above 0 it was filled sooner than inferred, below 0 later, by the share of its queue that traded since, -1 at least. Orders that a snapshot shows have no place",
        reference: "Moallemi and Yuan (2016), A model for queue position valuation in a limit order book; Cont, Stoikov and Talreja (2010), A stochastic model for order book dynamics",
        grid: Grid::Ticks(3),
        ..ORDER
    },
];
