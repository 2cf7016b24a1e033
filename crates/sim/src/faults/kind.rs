//! The kinds of faults, their amounts, and how they are written: `KIND[:AMOUNT]`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

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
enum Unit {
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

/// A kind of fault and its amount, which is within the kind's range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fault {
    kind: FaultKind,
    amount: f64,
}

/// Why a text is no fault.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum FaultError {
    /// There is no such kind.
    #[error("there is no fault `{name}`; there are: {}", kind_names())]
    UnknownKind {
        /// What stands before the colon.
        name: String,
    },
    /// The amount is no number.
    #[error("the amount `{text}` of fault `{kind}` is not a number ({}), e.g. `{kind}:{}`", kind.unit(), kind.default_amount())]
    BadAmount {
        /// The kind.
        kind: FaultKind,
        /// What stands after the colon.
        text: String,
    },
    /// The amount is a number without meaning for this kind.
    #[error("the amount of fault `{kind}` ({}) must be {}, not {amount}", kind.unit(), range_words(*kind))]
    AmountOutOfRange {
        /// The kind.
        kind: FaultKind,
        /// The amount.
        amount: f64,
    },
}

impl FaultError {
    /// A stable name of the error in kebab case.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownKind { .. } => "unknown-fault",
            Self::BadAmount { .. } => "bad-fault-amount",
            Self::AmountOutOfRange { .. } => "fault-amount-out-of-range",
        }
    }
}

fn kind_names() -> String {
    let names: Vec<&str> = SPECS.iter().map(|spec| spec.name).collect();
    names.join(", ")
}

/// The largest amount of a unit: all of it; a day; a hundred thousand ticks.
fn amount_max(unit: Unit) -> f64 {
    match unit {
        Unit::Share => 1.0,
        Unit::Milliseconds => 86_400_000.0,
        Unit::Ticks => 100_000.0,
        Unit::Seconds => 86_400.0,
    }
}

fn range_words(kind: FaultKind) -> String {
    let unit = kind.spec().unit;
    let whole = if unit == Unit::Ticks { "a whole number " } else { "" };
    format!("{whole}above 0 and at most {}", amount_max(unit))
}

impl Fault {
    /// A fault of `kind` with `amount` in the unit of [`FaultKind::unit`].
    ///
    /// # Errors
    /// [`FaultError::AmountOutOfRange`] if the amount is not above 0, is too large, or not whole for ticks.
    pub fn new(kind: FaultKind, amount: f64) -> Result<Self, FaultError> {
        let unit = kind.spec().unit;
        let is_whole = unit != Unit::Ticks || (amount - amount.floor()).abs() <= 0.0;
        if amount > 0.0 && amount <= amount_max(unit) && is_whole {
            Ok(Self { kind, amount })
        } else {
            Err(FaultError::AmountOutOfRange { kind, amount })
        }
    }

    /// A fault of `kind` with its default amount.
    pub fn default_of(kind: FaultKind) -> Self {
        Self { kind, amount: kind.default_amount() }
    }

    /// The kind.
    pub fn kind(&self) -> FaultKind {
        self.kind
    }

    /// The amount, in the unit of [`FaultKind::unit`].
    pub fn amount(&self) -> f64 {
        self.amount
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.amount)
    }
}

impl FromStr for Fault {
    type Err = FaultError;

    /// Parses `KIND` or `KIND:AMOUNT`. An amount may carry its unit: `%` for shares, `ms` and `s` for times.
    fn from_str(text: &str) -> Result<Self, FaultError> {
        let (name, amount) = match text.split_once(':') {
            Some((name, amount)) => (name.trim(), Some(amount.trim())),
            None => (text.trim(), None),
        };
        let Some(spec) = SPECS.iter().find(|spec| spec.name == name) else {
            return Err(FaultError::UnknownKind { name: name.to_owned() });
        };
        let kind = spec.kind;
        let Some(text) = amount else { return Ok(Self::default_of(kind)) };
        let bad = || FaultError::BadAmount { kind, text: text.to_owned() };
        let (number, divisor) = match spec.unit {
            Unit::Share => text.strip_suffix('%').map_or((text, 1.0), |number| (number, 100.0)),
            Unit::Milliseconds => (text.strip_suffix("ms").unwrap_or(text), 1.0),
            Unit::Seconds => (text.strip_suffix('s').unwrap_or(text), 1.0),
            Unit::Ticks => (text, 1.0),
        };
        let amount: f64 = number.trim().parse().map_err(|_| bad())?;
        if amount.is_finite() { Self::new(kind, amount / divisor) } else { Err(bad()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_kinds() {
        for (i, kind) in FaultKind::all().enumerate() {
            assert_eq!(kind as usize, i);
            assert_eq!(Fault::new(kind, kind.default_amount()), Ok(Fault::default_of(kind)));
            assert!(!kind.caught_by().is_empty());
            let json = serde_json::to_string(&kind).unwrap();
            assert_eq!(json, format!("\"{kind}\""));
        }
    }

    #[test]
    fn texts_round_trip() {
        for kind in FaultKind::all() {
            let fault = Fault::default_of(kind);
            assert_eq!(fault.to_string().parse(), Ok(fault));
            assert_eq!(kind.name().parse(), Ok(fault));
        }
        for (text, amount) in [("drop:5%", 0.05), ("drop: 0.5", 0.5), ("jitter:2.5ms", 2.5), ("block-shuffle:3s", 3.0)]
        {
            let fault: Fault = text.parse().unwrap();
            assert!((fault.amount() - amount).abs() < 1e-12, "{text}");
        }
    }

    #[test]
    fn errors_say_what_is_wrong() {
        let message = |text: &str| text.parse::<Fault>().unwrap_err().to_string();
        assert!(message("dorp").contains("`dorp`") && message("dorp").contains("drop, duplicate"));
        assert!(message("drop:much").contains("`much`") && message("drop:much").contains("share of messages"));
        for text in
            ["drop:0", "drop:1.5", "drop:-1", "widen-spread:1.5", "truncate:101%", "drop:NaN", "drop:inf", "drop:"]
        {
            assert!(text.parse::<Fault>().is_err(), "{text}");
        }
        assert!(message("widen-spread:1.5").contains("a whole number above 0"));
        assert_eq!("x".parse::<Fault>().unwrap_err().code(), "unknown-fault");
    }
}
