//! What is said of each observable, and in which words.

use super::{LatticeSpec, TestId, plugins};

/// What the source must carry for an observable to exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Trades.
    Trades,
    /// Book updates.
    Book,
    /// Trades or book updates, whatever there is.
    Events,
    /// Both trades and book updates.
    BookAndTrades,
    /// Single orders: what rests, what becomes of it.
    Orders,
}

/// When the observable is sampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sampling {
    /// At each trade.
    PerTrade,
    /// At each normal event: one trade or one book update.
    PerEvent,
    /// On the common time grid, so that states weigh by their duration.
    Grid,
    /// At each new order, or at each end of one.
    PerOrder,
    /// Each minute with trades.
    PerMinute,
    /// Each whole minute over which the book is defined.
    WholeMinutes,
}

/// How the states of the observable combine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Adding, merging and subtracting histograms: order does not matter.
    Group,
    /// Associative; a cut hands on what the next piece needs.
    Ordered,
    /// Minimum, maximum, sample: mergeable, idempotent.
    Semilattice,
}

/// The form of the states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Histograms over a lattice.
    Histogram,
    /// Lag moments at these lags (in samples).
    Lags(&'static [u32]),
    /// Rows of these numbers, in order of time.
    Panel(&'static [PanelColumn]),
}

/// A number of each row of a panel; it is kept in 10^-8 of its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PanelColumn {
    /// Its name.
    pub name: &'static str,
    /// Its unit.
    pub unit: &'static str,
}

/// How keys are shown to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Display {
    /// The value of the lattice.
    Value,
    /// Divided by the price tick of the golden stream.
    PriceTicks,
}

/// The lattice of a catalogued observable, as a constant; [`ObservableInfo::lattice`] gives the full form.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Grid {
    /// Exact, in 10^-n.
    Ticks(u8),
    /// So many bits of the mantissa.
    Float(u8),
    /// Ten bits; twenty where 0.9 <= |x| < 1, since imbalances crowd there.
    UnitInterval,
}

/// An observable of the catalogue.
#[derive(Debug, Clone, Copy)]
pub struct ObservableInfo {
    /// Name in suites and reports.
    pub id: &'static str,
    /// Number of the requirement it answers, `M-58` and so on; empty where it answers none.
    pub number: &'static str,
    /// Unit in which it is shown.
    pub unit: &'static str,
    /// What the source must carry.
    pub source: Source,
    /// When it is sampled.
    pub sampling: Sampling,
    /// How its states combine.
    pub class: Class,
    /// The form of its states.
    pub kind: Kind,
    /// How keys are shown.
    pub display: Display,
    /// Whether its law depends on how book updates are aggregated, so that it cannot be compared across granularities.
    pub depends_on_cadence: bool,
    /// The tests that apply.
    pub tests: &'static [TestId],
    /// For what it stands in, and why only that: the data do not show the thing itself. Empty where they do.
    pub proxy: &'static str,
    /// One sentence for people.
    pub description: &'static str,
    /// Its definition.
    pub formula: &'static str,
    /// Where the definition comes from.
    pub reference: &'static str,
    /// Its lattice.
    pub grid: Grid,
}

impl ObservableInfo {
    /// What an observable is that says nothing else: a histogram of exact values at each trade. A plug-in names what differs.
    pub const TEMPLATE: Self = Self {
        id: "",
        number: "",
        unit: "",
        source: Source::Trades,
        sampling: Sampling::PerTrade,
        class: Class::Group,
        kind: Kind::Histogram,
        display: Display::Value,
        depends_on_cadence: false,
        tests: super::LAW_TESTS,
        proxy: "",
        description: "",
        formula: "",
        reference: "",
        grid: Grid::Ticks(8),
    };

    /// The tests that apply to it, those of plug-ins too.
    pub fn all_tests(&self) -> Vec<TestId> {
        let mut all = self.tests.to_vec();
        all.extend(plugins::metrics().iter().filter(|m| m.reads.applies_to(self.kind)).map(|m| m.info.id));
        all
    }

    /// Its lattice.
    pub fn lattice(&self) -> LatticeSpec {
        match self.grid {
            Grid::Ticks(scale) => LatticeSpec::Ticks { scale },
            Grid::Float(bits) => LatticeSpec::float(bits),
            Grid::UnitInterval => LatticeSpec::Float {
                mantissa_bits: 10,
                origin: 0.0,
                splits: vec![
                    super::Split { from: -1.0, to: -0.9, mantissa_bits: 20 },
                    super::Split { from: 0.9, to: 1.0, mantissa_bits: 20 },
                ],
            },
        }
    }

    /// The lattice as a suite writes it, and the lags of a lag series.
    pub fn lattice_text(&self) -> String {
        let lattice = self.lattice();
        match self.kind {
            Kind::Histogram => lattice.to_string(),
            Kind::Lags(lags) => {
                let lags: Vec<String> = lags.iter().map(u32::to_string).collect();
                format!("{lattice}, lag moments at lags {}", lags.join(", "))
            }
            Kind::Panel(columns) => {
                let columns: Vec<String> = columns.iter().map(|c| format!("{} ({})", c.name, c.unit)).collect();
                format!("rows of {}, each in 10^-8 of its unit", columns.join(", "))
            }
        }
    }
}

impl Source {
    /// What the source must carry, in words.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Trades => "trades",
            Self::Book => "the order book",
            Self::Events => "trades and book updates",
            Self::BookAndTrades => "trades and the order book",
            Self::Orders => "single orders",
        }
    }
}

impl Sampling {
    /// When it is sampled, in words.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::PerTrade => "at each trade",
            Self::PerEvent => "at each event: one trade or one book update",
            Self::Grid => "on the common time grid, so that states weigh by their duration",
            Self::PerOrder => "at each new order, or at each end of one",
            Self::PerMinute => "each minute with trades",
            Self::WholeMinutes => "each whole minute over which the book is defined",
        }
    }
}

impl Class {
    /// How states combine, in words.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Group => "group: states add and subtract in any order",
            Self::Ordered => "ordered: a cut hands on what the next piece needs",
            Self::Semilattice => "semilattice: states merge in any order, repeats do no harm",
        }
    }
}
