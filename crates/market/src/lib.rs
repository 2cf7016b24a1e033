//! Event model, order book replay, integrity counters, and observables as columns.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod book;
pub mod event;
pub mod lob_bench;
pub mod message;
pub mod observe;
pub mod orders;
