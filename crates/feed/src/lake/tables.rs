//! Which table a file is, and the names of its columns.

use arrow::datatypes::Schema;

/// The tables that are read, in the order of rows of one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Table {
    Trades,
    Book,
    Delta,
}

impl Table {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Trades => "trades",
            Self::Book => "book",
            Self::Delta => "delta",
        }
    }
}

/// Levels of a book row at most.
const LEVELS_MAX: usize = 100;

/// The columns of a file.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    pub(super) table: Table,
    pub(super) origin: String,
    pub(super) received: Option<String>,
    pub(super) id: Option<String>,
    pub(super) price: String,
    pub(super) qty: String,
    pub(super) side: String,
    /// Price and size columns of the bids, best first, then of the asks.
    pub(super) levels: [Vec<(String, String)>; 2],
}

pub(super) const EXCHANGE: &str = "exchange";
pub(super) const SYMBOL: &str = "symbol";

impl Columns {
    /// The columns of a file with this schema; `None` if it is none of the tables.
    pub(super) fn of(schema: &Schema) -> Option<Self> {
        let first = |names: &[&str]| {
            names.iter().find(|name| schema.field_with_name(name).is_ok()).map(|name| (*name).to_owned())
        };
        let received = first(&["received_time", "receipt_timestamp"]);
        // `timestamp` alone is anybody's.
        let origin = first(&["origin_time"]).or_else(|| first(&["timestamp"]).filter(|_| received.is_some()))?;
        let sequence = first(&["sequence_number", "update_id"]);
        let levels = ["bid", "ask"].map(|side| {
            (0..LEVELS_MAX)
                .map_while(|i| Some((first(&[&format!("{side}_{i}_price")])?, first(&[&format!("{side}_{i}_size")])?)))
                .collect::<Vec<_>>()
        });
        let nothing = String::new;
        if levels.iter().all(|side| !side.is_empty()) {
            let (price, qty, side) = (nothing(), nothing(), nothing());
            return Some(Self { table: Table::Book, origin, received, id: sequence, price, qty, side, levels });
        }
        let levels = [Vec::new(), Vec::new()];
        let price = first(&["price"])?;
        let side = first(&["side_is_bid", "side"])?;
        if let (Some(qty), Some(_)) = (first(&["size", "new_quantity"]), &sequence) {
            return Some(Self { table: Table::Delta, origin, received, id: sequence, price, qty, side, levels });
        }
        let qty = first(&["quantity", "amount"])?;
        let id = first(&["trade_id", "id"]);
        Some(Self { table: Table::Trades, origin, received, id, price, qty, side, levels })
    }

    /// All columns to read.
    pub(super) fn wanted(&self) -> Vec<&str> {
        let mut wanted = vec![self.origin.as_str(), EXCHANGE, SYMBOL];
        wanted.extend(self.received.as_deref());
        wanted.extend(self.id.as_deref());
        if self.table == Table::Book {
            wanted.extend(self.levels.iter().flatten().flat_map(|(price, size)| [price.as_str(), size.as_str()]));
        } else {
            wanted.extend([self.price.as_str(), self.qty.as_str(), self.side.as_str()]);
        }
        wanted
    }
}
