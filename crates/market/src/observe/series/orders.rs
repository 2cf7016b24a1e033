//! Of single orders: size, life, place in the queue.

use super::Column;
use crate::observe::frame::Timed;
use crate::observe::registry::Observable;

/// Quantity of each new order.
pub fn order_event_size(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Column::boxed("order_event_size", window_ns, |frame| columns(&frame.orders.size))
}

/// Time from an order's beginning to its end, at the end.
pub fn order_lifetime(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Column::boxed("order_lifetime", window_ns, |frame| columns(&frame.orders.lifetime))
}

/// Time from an order's beginning to the first time its owner took some of it away, or all.
pub fn time_to_cancel(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Column::boxed("time_to_cancel", window_ns, |frame| columns(&frame.orders.time_to_cancel))
}

/// Quantity at its price before each new order.
pub fn queue_ahead(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Column::boxed("queue_ahead", window_ns, |frame| columns(&frame.orders.queue_ahead))
}

fn columns(table: &Timed) -> (&[i64], &[i64]) {
    (&table.t_ns, &table.value)
}
