//! Bitstamp order events and trades, as recorders of the `live_orders` and `live_trades` channels write them: CSV.
//!
//! # Files
//! Orders: `id,timestamp,exchange_timestamp,price,volume,action,direction`, one row per order event. Trades beside them:
//! `trade_id,timestamp,exchange_timestamp,price,amount,buy_order_id,sell_order_id,side`. The venue's own names are read too:
//! `microtimestamp`, `amount`, `event` (`order_created`, ...), `order_type` and `type` (0 buy, 1 sell). Columns are found by name, the kind
//! of a file by its columns.
//!
//! # Fields
//! `exchange_timestamp` is the venue's time, its unit recognised by magnitude; `timestamp` is the recorder's. Prices and volumes are
//! decimals, exponents allowed. `volume` is what is left of the order after the event. `trade_id` and a trade's
//! side may be empty.
//!
//! # How executions are told
//! Measured on half an hour of BTC/USD (314,057 order rows, 284 trades): both orders of every trade have an event at exactly the trade's
//! exchange time, the resting one always with its volume lower by exactly the traded amount, and no order ever loses volume otherwise
//! but to a trade. So a loss that a trade of the same instant names is a trade row and an execution row, once; the aggressor's own rows
//! give nothing. Where no trades file covers the time, from its first row to its last, a loss is an execution if an aggressor is there at
//! that instant.
//!
//! # Traps
//! * An aggressive order is `created` at its limit (a market order at 0 or 999,999,999), then `changed` once per trade with the *trade's*
//!   price, then `deleted`. Two thirds of all orders are created and deleted in one instant, 100,518 of 100,932 of them across the best
//!   opposite price: refused post-only orders. So an order that crosses the book when it comes does not rest before its instant is over.
//! * `deleted` may show another price than the order had; the order's own counts.
//! * The recorder's first rows are a REST book as `created` rows with one receive stamp: a snapshot. Its last rows may be `deleted` rows that it
//!   made up to close all orders; they are counted and not applied.
//! * The REST book may hold orders that are gone already. A resting order that a later one crosses and leaves in place cannot be there: it
//!   is deleted, and counted under `unknown_stream`. In the half hour there are two, without which 9 % of the states have best bid < best ask,
//!   and with which all have.
//! * Far quotes between 0 and 999,999,999 are real.

mod instant;
mod reader;
mod resting;
mod row;
mod sniff;

pub(crate) use instant::WHOLE_BOOK_ROWS_MIN;
pub use reader::BitstampReader;
pub(crate) use sniff::sniff;

/// The venue's name in stream names.
pub(crate) const VENUE: &str = "bitstamp";
