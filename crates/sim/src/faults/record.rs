//! The record of what was damaged.

use serde::{Deserialize, Serialize};
use verismo_market::message::{Body, Message};

use super::fault::Fault;
use super::kind::FaultKind;

/// Name and version of the record's schema.
pub const SCHEMA: &str = "verismo.faults/1";

/// Number of affected items that a record names.
const FIRST_MAX: usize = 16;

/// What was done to one data set, or to one file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// [`SCHEMA`].
    pub schema: String,
    /// The seed.
    pub seed: u64,
    /// The faults in the order in which they were applied.
    pub faults: Vec<FaultRecord>,
}

/// What one fault did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FaultRecord {
    /// The kind.
    pub kind: FaultKind,
    /// The amount.
    pub amount: f64,
    /// What the amount counts.
    pub unit: String,
    /// The seed.
    pub seed: u64,
    /// Number of messages (bytes, for byte-level faults) that the fault changed, removed, added or moved.
    pub affected: u64,
    /// Messages (bytes) before the fault.
    pub items_before: u64,
    /// Messages (bytes) after it.
    pub items_after: u64,
    /// The first affected messages (bytes), at most 16.
    pub first: Vec<Affected>,
    /// Ids of checks and observables that should notice it.
    pub caught_by: Vec<String>,
}

/// An affected message or byte, as it was before the fault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Affected {
    /// Symbol; absent for bytes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub symbol: Option<String>,
    /// What it is: `trade`, `depth`, `order`, `snapshot` or `byte`.
    pub what: String,
    /// Trade id, last update id, order id, or the byte's offset from 0.
    pub id: i64,
    /// Exchange time, ns since the Unix epoch; absent for bytes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub t_exchange_ns: Option<i64>,
}

impl Record {
    /// An empty record.
    pub(super) fn new(seed: u64) -> Self {
        Self { schema: SCHEMA.to_owned(), seed, faults: Vec::new() }
    }
}

/// Counts what a fault affects.
#[derive(Debug, Default)]
pub(super) struct Tally {
    affected: u64,
    first: Vec<Affected>,
}

impl Tally {
    /// Notes a message, as it was before the fault.
    pub(super) fn note(&mut self, message: &Message) {
        let (what, id) = match message.body {
            Body::Trade { id, .. } => ("trade", id),
            Body::Depth { last_id, .. } => ("depth", last_id),
            Body::Snapshot { last_id, .. } | Body::OrderSnapshot { last_id, .. } => ("snapshot", last_id),
            Body::Order(order) => ("order", order.id),
        };
        self.push(|| Affected {
            symbol: Some(message.symbol.clone()),
            what: what.to_owned(),
            id,
            t_exchange_ns: Some(message.t_exchange_ns),
        });
    }

    /// Notes the byte at `offset`, the first of `count` affected ones.
    pub(super) fn note_bytes(&mut self, offset: usize, count: u64) {
        self.push(|| Affected { symbol: None, what: "byte".to_owned(), id: offset as i64, t_exchange_ns: None });
        self.affected += count.saturating_sub(1);
    }

    fn push(&mut self, affected: impl FnOnce() -> Affected) {
        if self.first.len() < FIRST_MAX {
            self.first.push(affected());
        }
        self.affected += 1;
    }

    pub(super) fn finish(self, fault: &Fault, seed: u64, items_before: u64, items_after: u64) -> FaultRecord {
        FaultRecord {
            kind: fault.kind(),
            amount: fault.amount(),
            unit: fault.kind().unit().to_owned(),
            seed,
            affected: self.affected,
            items_before,
            items_after,
            first: self.first,
            caught_by: fault.kind().caught_by().iter().map(|&id| id.to_owned()).collect(),
        }
    }
}
