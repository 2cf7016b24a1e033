//! Of single orders: size, life, place in the queue.

use super::Pointwise;
use crate::observe::frame::{Frame, Timed};
use crate::observe::registry::Observable;

/// Quantity of each new order.
pub fn order_event_size(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Pointwise::boxed(
        "order_event_size",
        window_ns,
        |frame| times(&frame.orders.size),
        |_, frame, keys| {
            keys.extend_from_slice(&frame.orders.size.value);
        },
    )
}

/// Time from an order's beginning to its end, at the end.
pub fn order_lifetime(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Pointwise::boxed(
        "order_lifetime",
        window_ns,
        |frame| times(&frame.orders.lifetime),
        |_, frame, keys| {
            keys.extend_from_slice(&frame.orders.lifetime.value);
        },
    )
}

/// Time from an order's beginning to the first time its owner took some of it away, or all.
pub fn time_to_cancel(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Pointwise::boxed(
        "time_to_cancel",
        window_ns,
        |frame| times(&frame.orders.time_to_cancel),
        |_, frame, keys| {
            keys.extend_from_slice(&frame.orders.time_to_cancel.value);
        },
    )
}

/// Quantity at its price before each new order.
pub fn queue_ahead(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Pointwise::boxed(
        "queue_ahead",
        window_ns,
        |frame| times(&frame.orders.queue_ahead),
        |_, frame: &Frame, keys| {
            keys.extend_from_slice(&frame.orders.queue_ahead.value);
        },
    )
}

fn times(table: &Timed) -> &[i64] {
    &table.t_ns
}
