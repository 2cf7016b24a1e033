//! A simulated exchange: order flow, a matching engine and a public feed.
//!
//! The market is built to be *ergodic and fast mixing*: every memory in it (activity, volatility, aggressor sign, queue
//! lengths, the price's distance from its anchor) fades within about a minute, and the daily rhythm depends on the time of day
//! alone. Two seeds are then two samples of one law, and a validator may be asked to say so.

mod book;
mod config;
mod flow;
mod market;
mod orders;
mod publish;
mod venue;

pub use book::{Cancelled, Fill, OrderBook, Resting};
pub use config::{DEFAULT_START_NS, MarketConfig};
pub use market::{HOUR_NS, Market};
pub use publish::GRID_NS;
pub use venue::Venue;
