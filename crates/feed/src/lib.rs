//! Decoders and writers of every format: golden captures, unified event trees, tables, the level formats [`binance`] and
//! [`lake`], and the order-level formats [`coinbase`], [`bitstamp`], [`databento`] and [`lobster`].
//!
//! ```text
//! paths -> Inventory::scan -> sources in the order of their contents -> EventReader -> Block { stream, EventBatch }
//!                                                                    -> TableReader -> TableBatch
//! ```
//!
//! Nothing is dropped silently: what cannot be used is in [`FeedCounters`] with its position. This is the only crate that knows JSON,
//! CSV, Parquet and Arrow; none of their types is public.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod ahead;
mod assemble;
mod batch;
pub mod binance;
pub mod bitstamp;
mod block;
pub mod coinbase;
mod counters;
pub mod databento;
mod decimal;
mod epoch;
mod error;
mod input;
mod inventory;
mod json;
pub mod lake;
mod limits;
pub mod lobster;
mod merge;
mod outbox;
mod parquet;
mod rests;
mod runs;
pub mod table;
pub mod write;

pub use binance::BinanceCsvReader;
pub use bitstamp::BitstampReader;
pub use block::{BLOCK_EVENTS, Block, EventReader, Rest, Spot, StreamName};
pub use coinbase::{CoinbaseReader, order_id as coinbase_order_id, order_uuid as coinbase_order_uuid};
pub use counters::{EXAMPLES_MAX, FeedCounter, FeedCounters, FeedExample, checks};
pub use databento::DbnReader;
pub use decimal::{DecimalError, parse as parse_decimal};
pub use epoch::{EpochUnit, to_ns as epoch_to_ns};
pub use error::FeedError;
pub use input::{Compression, LINE_BYTES_MAX};
pub use inventory::{
    FirstKey, Format, Ignored, Inventory, Listing, ReaderGroup, ReaderOptions, SEGMENT_BYTES, SEGMENT_BYTES_MIN,
    Sniffed, Source, UNKNOWN_SYMBOL, reader, segment_end, sniff,
};
pub use json::JsonReader;
pub use lake::LakeReader;
pub use limits::Limits;
pub use lobster::LobsterReader;
pub use parquet::{ParquetReader, parquet_rows};
