//! CSV files of Binance data: the public archive's, and streams written row by row.
//!
//! | layout | columns | header |
//! |---|---|---|
//! | `trades` | id, price, qty, quote or base qty, time, is_buyer_maker[, is_best_match] | spot: none; futures: newer files |
//! | `aggTrades` | agg_trade_id, price, quantity, first_trade_id, last_trade_id, transact_time, is_buyer_maker[, is_best_match] | as above |
//! | `bookTicker` | update_id, best_bid_price, best_bid_qty, best_ask_price, best_ask_qty, transaction_time, event_time | newer files |
//! | `T_DEPTH` | symbol, timestamp, first_update_id, last_update_id, side (`a`, `b`), update_type (`set`, `snap`), price, qty, pu | yes |
//! | streams | TimestampOfReceive, Stream, EventType, EventTime, TransactionTime (futures), Symbol, and of a trade TradeId, Price, Quantity, IsBuyerMarketMaker; of a depth change FirstUpdateId, FinalUpdateId, FinalUpdateIdInLastStream (futures), IsAsk, Price, Quantity: one row per level | yes |
//!
//! Columns with a header are found by name, in any order, with any others between them; lines that start with `#` before it are skipped.
//! Times are epoch stamps in ms (µs on spot since 2025), recognised by magnitude; prices and quantities are exact decimals; a quantity is
//! in base units, on coin-margined futures in contracts. Rows with equal ids and times that follow each other are one book update.
//! A stream's rows give the events that the same messages give as JSON lines.
//!
//! Traps. The archive's rows have no symbol: it is told by the file name (`BTCUSDT-trades-2024-08-08.csv`) or by an option. Archives come
//! as `.zip`, which is not read: unpack them. Aggregated trades are not read where a file with plain trades of the same symbol, archive or
//! stream, covers their time from its first line to its last: both tell of the same fills. Depth changes without a snapshot need a warm-up. Files of one stream are merged by receive time where all rows
//! have it, else by exchange time; of one time, trades go first, then depth, then quotes.

mod fields;
mod layout;
mod reader;
mod sniff;
mod told;

pub use reader::BinanceCsvReader;
pub(crate) use sniff::sniff;
