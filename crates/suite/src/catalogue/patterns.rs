//! The observables of what is rare: hidden quantity, bursts, and what looks like a strategy that moves prices for its own sake.

use super::microstructure::AGAINST;
use super::observable::Grid;
use super::observables::{BOOK, COUNTS, TRADE};
use super::{Class, ObservableInfo, Sampling, Source};

/// A count of each whole minute.
const MINUTE: ObservableInfo = ObservableInfo {
    unit: "per minute",
    sampling: Sampling::WholeMinutes,
    tests: COUNTS,
    grid: Grid::Ticks(0),
    ..AGAINST
};

const BURST: ObservableInfo = ObservableInfo {
    number: "M-87",
    unit: "s",
    source: Source::Events,
    sampling: Sampling::PerEvent,
    depends_on_cadence: true,
    grid: Grid::Ticks(9),
    reference: "Hasbrouck and Saar (2013), Low-latency trading; Egginton, Van Ness and Van Ness (2016), Quote stuffing",
    ..BOOK
};

/// Every observable of what is rare.
pub(super) const PATTERNS: &[ObservableInfo] = &[
    ObservableInfo {
        id: "hidden_share",
        number: "M-76",
        unit: "",
        description: "How much of what trades take at a best price does not leave the display: hidden orders, icebergs, and orders that refill at once.",
        formula: "(V - D) / V, D between 0 and V, for each burst of trades at the best price of the grid sample before each, closed by the first grid time 100 ms or more after the last; V = what they took, D = what the price displayed before the first minus then (0 where the best is worse by then); none where it is better, or where the book was undefined",
        reference: "Bessembinder, Panayides and Venkataraman (2009), Hidden liquidity; Hautsch and Huang (2012), On the dark side of the market",
        proxy: "levels do not show hidden orders: displayed orders that join the price during the burst count as hidden, and those that are cancelled hide as much; trades beyond the best price are not looked at",
        sampling: Sampling::Grid,
        grid: Grid::UnitInterval,
        ..AGAINST
    },
    ObservableInfo {
        id: "refill_count",
        number: "M-76",
        unit: "refills",
        description: "How often a best price was traded at and then displayed as much as before, while it stood.",
        formula: "for each stretch of grid times over which the best price of a side stands and is traded at, at its end: how many bursts of trades (see hidden_share) after which it displays at least what it did before them; prices whose beginning was not seen do not count",
        reference: "Frey and Sandas (2009), The impact of iceberg orders in limit order books",
        proxy: "levels do not show single orders: other orders that join the price refill it as an iceberg does, and a best price that goes and comes back is another one",
        sampling: Sampling::Grid,
        tests: COUNTS,
        grid: Grid::Ticks(0),
        ..AGAINST
    },
    ObservableInfo {
        id: "spoof_like_1m",
        number: "M-85",
        description: "How often depth near the touch comes in one large piece, is gone untraded within 1 s and followed by a trade on the other side.",
        formula: "count per whole minute of: the quantity of a side's best five levels grows over a step of the grid by at least 5 times the running mean of such growths (of the last 1000 or so, both sides, at least 50), three quarters of it are gone at a grid time at most 1 s later, its best price the same and no trade met the side meanwhile, and a trade meets the other side at most 1 s after that; one a side at a time",
        reference: "Lee, Eom and Park (2013), Microstructure-based manipulation: strategic behavior and performance of spoofing traders",
        proxy: "neither owners nor intentions are in the data, and levels do not show single orders: honest orders that are moved look the same; what passes between two grid times, at a new best price or beyond five levels is not seen",
        ..MINUTE
    },
    ObservableInfo {
        id: "layering_like_1m",
        number: "M-86",
        source: Source::Book,
        description: "How often at least three neighbouring levels of a side grow together and are back together within 1 s.",
        formula: "count per whole minute of: at least 3 neighbouring ones of a side's best five levels each grow over a step of the grid by at least 2 times what one of them holds on average (running mean of the side, of the last 3000 grid times or so, at least 50), and all of them are back to a quarter of that or less at the first grid time at which any of them is, at most 1 s later; one a side at a time",
        reference: "Lee, Eom and Park (2013), Microstructure-based manipulation: strategic behavior and performance of spoofing traders; FINRA Rule 5210 on layering",
        proxy: "neither owners nor intentions are in the data, and levels do not show single orders: makers who quote several levels at once look the same, and so does a trade that takes the levels; what passes between two grid times is not seen",
        ..MINUTE
    },
    ObservableInfo {
        id: "ignition_1m",
        number: "M-88",
        description: "How often trades of one side drive the price far within a second, and half of it is undone within 5 s.",
        formula: "count per whole minute of: |mid_t - mid_(t-1s)| >= 3 spreads of t - 1 s and >= 5 times the running mean of such moves over full seconds (of the last 600 s or so, at least 30), buys minus sells of (t - 1 s, t] at least half of all that was traded and of the move's sign, and the mid is back by half of its furthest from mid_(t-1s) at a grid time at most 5 s after t; one at a time",
        reference: "Kirilenko, Kyle, Samadi and Tuzun (2017), The flash crash: high-frequency trading in an electronic market; Osler (2005), Stop-loss orders and price cascades in currency markets",
        proxy: "neither owners nor intentions are in the data: stop orders that are run over, an ignited momentum and news that is taken back look the same",
        ..MINUTE
    },
    ObservableInfo {
        id: "burst_length",
        description: "How long bursts of events last.",
        formula: "0.1 s times the length of each run of bins of 100 ms with more than 5 max(m, 1) events; m = running mean of the bins before (of the last 3000 or so, at least 100), empty bins count for at most 60 s of silence; bursts without an end do not count",
        ..BURST
    },
    ObservableInfo {
        id: "burst_gap",
        description: "How long it is calm between two bursts of events.",
        formula: "0.1 s times the number of bins of 100 ms between two runs with more than 5 max(m, 1) events; m = running mean of the bins before (of the last 3000 or so, at least 100), empty bins count for at most 60 s of silence; none across a longer one",
        ..BURST
    },
    ObservableInfo {
        id: "sweep_levels",
        number: "M-88",
        unit: "prices",
        class: Class::Ordered,
        description: "How many prices a run of trades by one side goes through at once.",
        formula: "1 + number of trades at a price beyond (buy: above, sell: below) those of all before in the run; run = neighbouring trades of one side at most 100 ms after its first, at the time of its last; a run that a break or the end of the data cuts short does not count",
        reference: "Bouchaud, Farmer and Lillo (2009), How markets slowly digest changes in supply and demand; Osler (2005), Stop-loss orders and price cascades in currency markets",
        proxy: "trades do not show whose they are: several orders within 100 ms are one run; the last price need not be used up, and levels that hold no visible order are not counted",
        tests: COUNTS,
        grid: Grid::Ticks(0),
        ..TRADE
    },
];
