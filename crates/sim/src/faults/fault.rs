//! A fault as users write it: `KIND[:AMOUNT]`.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::kind::{FaultKind, Unit};

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
    let names: Vec<&str> = FaultKind::all().map(FaultKind::name).collect();
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
    let unit = kind.amount_unit();
    let whole = if unit == Unit::Ticks { "a whole number " } else { "" };
    format!("{whole}above 0 and at most {}", amount_max(unit))
}

impl Fault {
    /// A fault of `kind` with `amount` in the unit of [`FaultKind::unit`].
    ///
    /// # Errors
    /// [`FaultError::AmountOutOfRange`] if the amount is not above 0, is too large, or not whole for ticks.
    pub fn new(kind: FaultKind, amount: f64) -> Result<Self, FaultError> {
        let unit = kind.amount_unit();
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
        let Some(kind) = FaultKind::named(name) else {
            return Err(FaultError::UnknownKind { name: name.to_owned() });
        };
        let Some(text) = amount else { return Ok(Self::default_of(kind)) };
        let bad = || FaultError::BadAmount { kind, text: text.to_owned() };
        let (number, divisor) = match kind.amount_unit() {
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
