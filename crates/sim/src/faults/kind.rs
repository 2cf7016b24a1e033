//! The kinds of faults: names, default amounts, and what must notice them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// Messages are lost.
    Drop,
    /// Messages come twice.
    Duplicate,
    /// Messages come after later ones.
    Reorder,
    /// Messages bear a later time, and stand where it belongs.
    Delay,
    /// Times are noisy.
    Jitter,
    /// Trade sizes are averages of their neighbours.
    SmoothSizes,
    /// The largest trade sizes are replaced by smaller ones.
    ThinTail,
    /// Prices are rounded away from the mid price, on a coarser grid.
    RoundPrices,
    /// Both sides of the book stand further apart.
    WidenSpread,
    /// Blocks of content change places; times and ids stay.
    BlockShuffle,
    /// Price levels that live shortly are missing.
    RemoveFleeting,
    /// The book stands still for stretches, and catches up after each.
    StaleBook,
    /// A stretch of a stream bears another symbol.
    WrongSymbol,
    /// Bytes of the file are overwritten.
    CorruptBytes,
    /// The end of the file is missing.
    Truncate,
}

/// What the amount of a fault counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Share,
    Milliseconds,
    Ticks,
    Seconds,
}

struct Spec {
    kind: FaultKind,
    name: &'static str,
    default: f64,
    unit: Unit,
    of: &'static str,
    description: &'static str,
    caught_by: &'static [&'static str],
}

const SPECS: [Spec; 15] = [
    Spec {
        kind: FaultKind::Drop,
        name: "drop",
        default: 0.05,
        unit: Unit::Share,
        of: "share of messages",
        description: "loses trades and depth messages",
        caught_by: &["sequence_gap", "missing_id", "crossed_book", "spread"],
    },
    Spec {
        kind: FaultKind::Duplicate,
        name: "duplicate",
        default: 0.02,
        unit: Unit::Share,
        of: "share of messages",
        description: "repeats trades and depth messages right after themselves",
        caught_by: &["duplicate"],
    },
    Spec {
        kind: FaultKind::Reorder,
        name: "reorder",
        default: 0.02,
        unit: Unit::Share,
        of: "share of messages",
        description: "moves messages behind up to 32 later ones, times unchanged",
        caught_by: &["out_of_order", "sequence_gap"],
    },
    Spec {
        kind: FaultKind::Delay,
        name: "delay",
        default: 0.2,
        unit: Unit::Share,
        of: "share of messages",
        description: "moves messages 0.1 to 1 s later in time and sorts again by time",
        caught_by: &["out_of_order", "sequence_gap", "inter_trade_time", "inter_event_time", "price_coherence"],
    },
    Spec {
        kind: FaultKind::Jitter,
        name: "jitter",
        default: 5.0,
        unit: Unit::Milliseconds,
        of: "ms, standard deviation",
        description: "adds normal noise to exchange times, order unchanged",
        caught_by: &["out_of_order", "inter_trade_time", "inter_event_time"],
    },
    Spec {
        kind: FaultKind::SmoothSizes,
        name: "smooth-sizes",
        default: 0.5,
        unit: Unit::Share,
        of: "weight of the average",
        description: "draws each trade size towards the moving average of those before it",
        caught_by: &["trade_size"],
    },
    Spec {
        kind: FaultKind::ThinTail,
        name: "thin-tail",
        default: 0.2,
        unit: Unit::Share,
        of: "share of trades",
        description: "replaces the largest trade sizes by sizes of other trades",
        caught_by: &["trade_size"],
    },
    Spec {
        kind: FaultKind::RoundPrices,
        name: "round-prices",
        default: 10.0,
        unit: Unit::Ticks,
        of: "ticks",
        description: "rounds bids down and asks up to a coarser grid",
        caught_by: &["spread", "depth_bid_l1", "depth_ask_l1", "mid_log_return_1s"],
    },
    Spec {
        kind: FaultKind::WidenSpread,
        name: "widen-spread",
        default: 1.0,
        unit: Unit::Ticks,
        of: "ticks a side",
        description: "moves all bids down and all asks up, trades unchanged",
        caught_by: &["spread", "microprice_offset", "price_coherence"],
    },
    Spec {
        kind: FaultKind::BlockShuffle,
        name: "block-shuffle",
        default: 5.0,
        unit: Unit::Seconds,
        of: "s, block length",
        description: "permutes blocks of book history, and trades, within 10 minutes; times and ids stay, marginals too",
        caught_by: &["abs_return_1s_acf", "aggressor_sign_acf", "id_agreement"],
    },
    Spec {
        kind: FaultKind::RemoveFleeting,
        name: "remove-fleeting",
        default: 500.0,
        unit: Unit::Milliseconds,
        of: "ms, life",
        description: "leaves out price levels that live less long",
        caught_by: &["spread", "microprice_offset", "price_coherence", "depth_bid_l1", "depth_ask_l1"],
    },
    Spec {
        kind: FaultKind::StaleBook,
        name: "stale-book",
        default: 0.3,
        unit: Unit::Share,
        of: "share of time",
        description: "freezes the book for stretches of 5 s, each ended by one message that catches up",
        caught_by: &["mid_log_return_1s", "event_count_1s", "inter_event_time", "price_coherence"],
    },
    Spec {
        kind: FaultKind::WrongSymbol,
        name: "wrong-symbol",
        default: 0.1,
        unit: Unit::Share,
        of: "share of a stream",
        description: "labels one stretch of the largest stream with another symbol",
        caught_by: &["sequence_gap", "missing_id", "extra_stream"],
    },
    Spec {
        kind: FaultKind::CorruptBytes,
        name: "corrupt-bytes",
        default: 0.0001,
        unit: Unit::Share,
        of: "share of bytes",
        description: "overwrites bytes of each file at random places",
        caught_by: &["unreadable", "invalid_value", "truncated_file"],
    },
    Spec {
        kind: FaultKind::Truncate,
        name: "truncate",
        default: 0.1,
        unit: Unit::Share,
        of: "share of bytes",
        description: "cuts off the end of each file",
        caught_by: &["truncated_file", "unreadable", "manifest"],
    },
];

impl FaultKind {
    /// All kinds, in the order in which they are listed to users.
    pub fn all() -> impl Iterator<Item = Self> {
        SPECS.iter().map(|spec| spec.kind)
    }

    /// Name as users write it, e.g. `widen-spread`.
    pub fn name(self) -> &'static str {
        self.spec().name
    }

    /// Amount used where none is given: large enough to be caught in 600 thousand messages at the usual margins.
    pub fn default_amount(self) -> f64 {
        self.spec().default
    }

    /// What the amount counts, e.g. `share of messages` or `ms, standard deviation`.
    pub fn unit(self) -> &'static str {
        self.spec().of
    }

    /// What the fault does, in one line.
    pub fn description(self) -> &'static str {
        self.spec().description
    }

    /// Ids of the checks and observables that should notice the fault at its default amount, the surest first.
    pub fn caught_by(self) -> &'static [&'static str] {
        self.spec().caught_by
    }

    /// Whether the fault acts on the bytes of files, not on messages.
    pub fn is_byte_level(self) -> bool {
        matches!(self, Self::CorruptBytes | Self::Truncate)
    }

    /// The kind of that name.
    pub(super) fn named(name: &str) -> Option<Self> {
        SPECS.iter().find(|spec| spec.name == name).map(|spec| spec.kind)
    }

    /// What kind of number the amount is.
    pub(super) fn amount_unit(self) -> Unit {
        self.spec().unit
    }

    fn spec(self) -> &'static Spec {
        // The discriminants number the table's entries; a test says so.
        &SPECS[self as usize]
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
