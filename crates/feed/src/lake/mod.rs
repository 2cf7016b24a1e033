//! Crypto Lake tables: Parquet files `{EXCHANGE}_{SYMBOL}_{table}_{YYYYMMDD}_{YYYYMMDD}.parquet`.
//!
//! | table | columns (other spellings) |
//! |---|---|
//! | `trades` | side (`buy`, `sell`: the aggressor), price, quantity (amount), trade_id (id), origin_time (timestamp), received_time (receipt_timestamp), exchange, symbol |
//! | `book` | origin_time, received_time, sequence_number (update_id), exchange, symbol, `bid_0_price`, `bid_0_size` ... `ask_19_price`, `ask_19_size` |
//! | `book_delta_v2` | origin_time, received_time, sequence_number (update_id), side_is_bid (side: `bid`, `ask`), price, size (new_quantity), exchange, symbol |
//!
//! Times are timestamps of any unit, or integers recognised by magnitude. Prices and quantities are f64: each is read as the decimal of at
//! most 8 digits after the point that it stands for, and counted where it stands for none. Exchange and symbol of a row are its stream; where
//! the columns are missing the file name tells them.
//!
//! Traps. Rows of `book_delta_v2` that share their receive time are one update. Many rows share a sequence number and updates skip numbers,
//! so they are ids and tell no gap. A `book` row is the whole book as far as its 20 levels go: a snapshot, except beside `book_delta_v2` of
//! the same exchange and symbol, where only the first is one (deeper levels would be lost with each), together with the changes of its number and time
//! that follow at once, and the others are best quotes to check the book against. Tables are merged by receive time where all files have it,
//! else by exchange time; of one time, trades go first, then book rows, then changes.

mod chunk;
mod reader;
mod sniff;
mod tables;

pub use reader::LakeReader;
pub(crate) use sniff::sniff;
