//! The observables that hold several numbers at one time.

use super::observable::Grid;
use super::observables::{BOOK, TRADE};
use super::{Class, Display, Kind, ObservableInfo, PanelColumn, Sampling, Source, TestId};
use TestId::{
    BarMismatch, Classifier, Copula, Correlation, CorrelationDistance, DepthCorrelation, FlowImpact, FlowPrediction,
    GarchAlpha, GarchHalfLife, HawkesBranching, HawkesDecay, HawkesMatrix, HawkesRadius, ImbalancePrediction,
    JointEnergy, JumpShare, Kendall, KyleLambda, LeadLag, MeanCorrelation, Mmd, NoiseToSignal, QuoteRmse,
    RankCorrelation, SignChanges, Signature, SignaturePlot, SlicedAd, Spectrum, SquaredCorrelation, TailDependence,
    UpGivenFlow, UpGivenImbalance, VwapError,
};

const fn column(name: &'static str, unit: &'static str) -> PanelColumn {
    PanelColumn { name, unit }
}

/// What panels share.
const PANEL: ObservableInfo =
    ObservableInfo { source: Source::BookAndTrades, class: Class::Ordered, grid: Grid::Ticks(8), ..BOOK };

const RETURN: PanelColumn = column("return", "bp");
const SPREAD: PanelColumn = column("spread", "bp");
const IMBALANCE: PanelColumn = column("imbalance", "-1 to 1");
const OFI: PanelColumn = column("ofi", "base units");
const SIGNED: PanelColumn = column("signed_volume", "base units");
const VOLUME: PanelColumn = column("volume", "base units");
const BID_SIZE: PanelColumn = column("bid_size", "base units");
const ASK_SIZE: PanelColumn = column("ask_size", "base units");
const LOG_MID: PanelColumn = column("log_mid", "bp");

/// Every observable that is a panel.
pub(super) const PANELS: &[ObservableInfo] = &[
    ObservableInfo {
        id: "joint_state_1s",
        number: "M-35",
        kind: Kind::Panel(&[RETURN, SPREAD, IMBALANCE, BID_SIZE, ASK_SIZE, OFI, VOLUME]),
        tests: &[JointEnergy, SlicedAd, Mmd, Copula, Signature, Classifier],
        description: "What the market looks like each second, all numbers together: a simulator may match every law alone and none of them together.",
        formula: "at each full second: ln(mid_t / mid_(t-1s)), (a - b)/mid, (q_b - q_a)/(q_b + q_a), q_b, q_a, order flow imbalance and traded volume of the second; a number that is not known has none",
        reference: "Szekely and Rizzo (2004), Testing for equal distributions in high dimension; Cont, Kukanov and Stoikov (2014) for order flow",
        ..PANEL
    },
    ObservableInfo {
        id: "dependence_1s",
        number: "M-40",
        kind: Kind::Panel(&[RETURN, SPREAD, IMBALANCE, OFI, SIGNED, VOLUME, column("trades", "trades")]),
        tests: &[
            RankCorrelation,
            Kendall,
            Correlation,
            TailDependence,
            Spectrum,
            CorrelationDistance,
            MeanCorrelation,
            SquaredCorrelation,
            LeadLag,
        ],
        description: "How returns, spreads and flows of one second depend on each other.",
        formula: "at each full second: ln(mid_t / mid_(t-1s)), (a - b)/mid, (q_b - q_a)/(q_b + q_a), order flow imbalance, signed volume, volume and number of trades of the second; a number that is not known has none",
        reference: "Cont, Kukanov and Stoikov (2014), The price impact of order book events; Karpoff (1987), The relation between price changes and trading volume",
        ..PANEL
    },
    ObservableInfo {
        id: "price_response_1s",
        number: "M-67",
        kind: Kind::Panel(&[LOG_MID, OFI, SIGNED, IMBALANCE]),
        tests: &[FlowImpact, KyleLambda, FlowPrediction, ImbalancePrediction, UpGivenFlow, UpGivenImbalance],
        description: "What moves the price, second by second: order flow, signed volume, imbalance.",
        formula: "at each full second: ln(mid), order flow imbalance and signed volume of the second, (q_b - q_a)/(q_b + q_a)",
        reference: "Kyle (1985), Continuous auctions and insider trading; Cont, Kukanov and Stoikov (2014), The price impact of order book events",
        ..PANEL
    },
    ObservableInfo {
        id: "mid_path_1s",
        number: "M-50",
        kind: Kind::Panel(&[LOG_MID]),
        tests: &[SignaturePlot, NoiseToSignal, JumpShare, GarchHalfLife, GarchAlpha, SignChanges],
        source: Source::Book,
        description: "The path of the mid, second by second.",
        formula: "ln(mid) at each full second at which the book is defined",
        reference: "Andersen, Bollerslev, Diebold and Labys (2003), Modeling and forecasting realized volatility",
        ..PANEL
    },
    ObservableInfo {
        id: "trade_arrivals",
        number: "M-53",
        kind: Kind::Panel(&[column("buy", "trades"), column("sell", "trades")]),
        tests: &[HawkesBranching, HawkesDecay, HawkesMatrix, HawkesRadius],
        description: "When trades come, and from which side: whether one excites the next.",
        formula: "a row at the time of every trade: 1 under buy if a buyer took, 1 under sell if a seller did, none of both where the side is not known",
        reference: "Hawkes (1971), Spectra of some self-exciting and mutually exciting point processes; Bacry, Mastromatteo and Muzy (2015), Hawkes processes in finance",
        class: Class::Group,
        grid: Grid::Ticks(8),
        ..TRADE
    },
    ObservableInfo {
        id: "quotes_1s",
        number: "M-64",
        kind: Kind::Panel(&[
            column("bid", "ticks"),
            column("ask", "ticks"),
            BID_SIZE,
            ASK_SIZE,
            column("bid_depth_5", "base units"),
            column("ask_depth_5", "base units"),
            column("bid_depth_10", "base units"),
            column("ask_depth_10", "base units"),
            column("bid_depth_20", "base units"),
            column("ask_depth_20", "base units"),
        ]),
        tests: &[QuoteRmse, DepthCorrelation],
        display: Display::PriceTicks,
        source: Source::Book,
        description: "How far best prices and depths are off, second by second, where both sides saw the same market.",
        formula: "best bid and ask, their quantities, and the quantity of five, ten and twenty levels of each side where it shows so many, at each full second",
        reference: "root mean square error on a common clock; Pearson's correlation",
        ..PANEL
    },
    ObservableInfo {
        id: "bars_1m",
        number: "M-08",
        kind: Kind::Panel(&[
            column("open", "ticks"),
            column("high", "ticks"),
            column("low", "ticks"),
            column("close", "ticks"),
            VOLUME,
            column("notional", "quote units"),
            column("trades", "trades"),
        ]),
        tests: &[BarMismatch, VwapError],
        display: Display::PriceTicks,
        sampling: Sampling::PerMinute,
        description: "Whether minute bars of trades are the same on both sides.",
        formula: "open, high, low, close, volume, sum of p q and number of the trades of each minute that has any and lies between known trades",
        reference: "bars as exchanges publish them",
        grid: Grid::Ticks(8),
        ..TRADE
    },
];
