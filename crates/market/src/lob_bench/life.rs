//! The time from an order's first message to its second.

use rustc_hash::FxHashMap;

use super::Row;

/// What is known of an order.
#[derive(Debug, Clone, Copy)]
struct Life {
    first_ns: i64,
    second_ns: Option<i64>,
    /// One of its messages was that of a new order.
    is_new: bool,
}

/// Orders by their first two messages of type 1, 2 or 3.
#[derive(Debug, Default)]
pub(super) struct Lives(FxHashMap<i64, Life>);

impl Lives {
    /// Adds a message of type 1, 2 or 3; returns the time between an order's first two, once, when they are there and one of its
    /// messages was that of a new order.
    pub(super) fn push(&mut self, row: &Row) -> Option<i64> {
        let is_new = row.kind == 1;
        let life = match self.0.entry(row.order) {
            std::collections::hash_map::Entry::Vacant(vacant) => {
                vacant.insert(Life { first_ns: row.t_ns, second_ns: None, is_new });
                return None;
            }
            std::collections::hash_map::Entry::Occupied(occupied) => occupied.into_mut(),
        };
        let was_known = life.is_new && life.second_ns.is_some();
        life.second_ns.get_or_insert(row.t_ns);
        life.is_new |= is_new;
        let time_ns = life.second_ns? - life.first_ns;
        (life.is_new && !was_known).then_some(time_ns)
    }
}
