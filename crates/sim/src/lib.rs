//! Simulated exchange and fault injector.
//!
//! [`exchange`] makes a market whose law is known and mixes fast: a matching limit order book under self-exciting order flow,
//! published as a real venue would. [`faults`] damages a stream in known ways and records what it did. Both are functions of
//! a seed alone: the same seed gives the same bytes on every machine.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod exchange;
pub mod faults;
pub mod rng;

pub use exchange::{Market, MarketConfig, Venue};
pub use faults::{Fault, FaultError, FaultKind, Record, apply, apply_bytes};
