//! Event model, order book replay, integrity counters, and observables as columns.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod event;
pub mod message;
