//! Lattices, mergeable states, statistics and the noise of dependent data.
//!
//! Pure functions and plain data: no I/O, no clock, no threads, no serde. Everything a verdict is computed from lives here.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod classic;
pub mod column;
pub mod divisor;
pub mod histogram;
pub mod joint;
pub mod judging;
pub mod lags;
pub mod lattice;
pub mod panel;
pub mod pooled;
pub mod sample;
pub mod special;
pub mod state;
mod sum;
pub mod temporal;
