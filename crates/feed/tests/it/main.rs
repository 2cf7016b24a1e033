//! Files in, events out: real captures, round trips, cuts, damage.
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs)]

mod binance;
mod binance_csv;
mod binance_days;
mod bitstamp;
mod carries;
mod coinbase;
mod common;
mod crypto_lake;
mod cuts;
mod damage;
mod dbn_schemas;
mod dbn_vectors;
mod lobster;
mod lobster_days;
mod manifests;
mod order_formats;
mod overlaps;
mod parquet_types;
mod repeats;
mod round_trip;
mod snapshots;
mod tables;
mod vanishing;
