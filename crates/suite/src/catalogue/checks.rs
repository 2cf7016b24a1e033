//! The integrity checks: what is counted, and the limit a suite uses when it names none.

use crate::verdict::Severity;

/// An integrity check.
#[derive(Debug, Clone, Copy)]
pub struct CheckInfo {
    /// Name in suites and reports.
    pub id: &'static str,
    /// Number of the requirement it answers, `M-01` and so on; empty where it answers none.
    pub number: &'static str,
    /// What is counted, and out of what the ratio is taken.
    pub description: &'static str,
    /// Largest ratio count / total that passes, when the suite gives none.
    pub max_ratio: Option<f64>,
    /// Largest count that passes, when the suite gives none.
    pub max_count: Option<u64>,
    /// Severity, when the suite gives none.
    pub severity: Severity,
    /// Whether going over the limit makes the data unusable (ERROR) instead of wrong (FAIL).
    pub unusable: bool,
}

const fn counted(id: &'static str, number: &'static str, severity: Severity, description: &'static str) -> CheckInfo {
    CheckInfo { id, number, description, max_ratio: None, max_count: Some(0), severity, unusable: false }
}

const fn rated(id: &'static str, number: &'static str, max_ratio: f64, description: &'static str) -> CheckInfo {
    CheckInfo {
        id,
        number,
        description,
        max_ratio: Some(max_ratio),
        max_count: None,
        severity: Severity::Critical,
        unusable: false,
    }
}

use Severity::{Critical, Info, Warn};

/// Every check, in the order in which reports show them.
pub const CHECKS: &[CheckInfo] = &[
    counted(
        "out_of_order",
        "M-01",
        Critical,
        "events whose exchange time is before the event before, of all events; worst = largest step back in ns",
    ),
    rated(
        "sequence_gap",
        "M-02",
        0.0001,
        "book updates whose first id is not the last id before plus one, of all updates; worst = ids missing",
    ),
    counted(
        "gap_severity",
        "M-03",
        Critical,
        "gaps of more than 1000 ids: the book after them is unknown until the next snapshot",
    ),
    counted(
        "duplicate",
        "M-04",
        Critical,
        "trades or book updates whose id was seen before in the same session, of all with an id",
    ),
    rated(
        "missing_id",
        "M-05",
        0.001,
        "ids of the golden that the candidate lacks in their common span, of the golden's ids there; only when aligned",
    ),
    counted("crossed_book", "M-06", Critical, "book states with best bid above best ask, of all book states"),
    rated("locked_book", "M-06", 0.001, "book states with best bid equal to best ask, of all book states"),
    CheckInfo {
        severity: Warn,
        ..rated(
            "price_coherence",
            "M-07",
            0.01,
            "trades priced outside the book before them by more than one tick, of all trades with a book; worst in 1e-8",
        )
    },
    CheckInfo {
        unusable: true,
        ..rated("unreadable", "M-09", 0.001, "lines or rows that could not be decoded, of all")
    },
    rated(
        "invalid_value",
        "M-09",
        0.0,
        "rows with a value no market has: price <= 0, quantity < 0, null, NaN, unknown side, finer than 1e-8",
    ),
    rated("time_out_of_range", "M-09", 0.0, "rows without a time, or with one outside the years 1990 to 2100"),
    counted("time_unit", "M-10", Critical, "changes of the epoch unit (s, ms, us, ns) inside one stream"),
    CheckInfo {
        severity: Warn,
        ..rated(
            "rate_anomaly",
            "M-13",
            0.01,
            "one-second bins whose message count is far from its neighbourhood, of all bins",
        )
    },
    CheckInfo {
        max_ratio: Some(0.05),
        max_count: None,
        ..counted("message_mix", "M-14", Warn, "share of trades among the events, difference between the sides")
    },
    counted(
        "manifest",
        "M-19",
        Critical,
        "files whose rows, first and last time or size differ from the manifest, files it does not name, files it names that are absent",
    ),
    CheckInfo {
        unusable: true,
        ..counted("truncated_file", "", Critical, "files or archives that end in the middle of a record")
    },
    CheckInfo {
        max_count: None,
        ..counted("unknown_stream", "", Info, "messages of streams that are neither trades nor book, of all")
    },
    CheckInfo {
        max_count: None,
        ..counted(
            "session_overlap",
            "",
            Info,
            "messages seen twice because capture sessions overlap, counted once; of all",
        )
    },
    rated(
        "id_agreement",
        "",
        0.001,
        "common ids whose time, price or size differ between the sides, of the common ids; only when aligned",
    ),
    counted("missing_stream", "", Critical, "streams of the golden without a partner in the candidate"),
    CheckInfo {
        max_count: None,
        ..counted("extra_stream", "", Info, "streams of the candidate without a partner in the golden")
    },
    CheckInfo {
        max_count: None,
        ..counted(
            "symbol_mismatch",
            "",
            Info,
            "streams paired although their symbols differ, since each side has one stream only",
        )
    },
    CheckInfo {
        severity: Warn,
        ..rated(
            "unknown_order",
            "",
            0.01,
            "order reductions, deletions and executions of orders that were never added, of all; an order-level stream \
             that starts without a snapshot has some",
        )
    },
    counted(
        "duplicate_order",
        "",
        Critical,
        "new orders with the id of an order that still rests, of all new orders; the new one replaces it",
    ),
    counted(
        "order_overdrawn",
        "",
        Critical,
        "order reductions, deletions and executions of more than is left of the order, of all; worst = excess in 1e-8",
    ),
    counted(
        "forgotten",
        "",
        Warn,
        "levels that the cap of the book dropped, orders not told apart because too many rested at once or had no id, and trades that came too late for the book of their time or of which too many waited for it, where an observable compares them",
    ),
    CheckInfo { unusable: true, ..counted("no_events", "", Critical, "sides on which no event could be read") },
];

/// The check of that name.
pub fn check(id: &str) -> Option<&'static CheckInfo> {
    CHECKS.iter().find(|c| c.id == id)
}
