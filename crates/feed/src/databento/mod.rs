//! Databento Binary Encoding (DBN), versions 1 to 3: market by order, market by price (1 and 10 levels) and trades.
//!
//! # Files
//! `.dbn` and `.dbn.zst`: a header with the data set and the symbols of instrument ids, then records of fixed layout. Each
//! (publisher, symbol) is a stream; its venue is the data set, with the number of the publisher behind it: `XNAS.ITCH.2`. Files are merged by
//! `ts_recv`, the index of the format.
//!
//! A symbol holds from the first to the day before the last of the dates of its mapping, UTC days of the index: an instrument whose symbol
//! changes goes on in the stream of the new one, and a stream that another instrument takes over starts with an empty book.
//!
//! Files of several schemas may lie side by side. Of one instrument the richest is read: orders, then ten levels, one level, trades, tops with
//! trades. What the others say up to a minute behind it, on the same day, is counted as `unknown_stream` and left out.
//!
//! # Fields
//! `ts_event` is the exchange time, `ts_recv` the receive time, both ns. Prices are units of 10^-9 and become 10^-8; a finer price is counted
//! as invalid. Sizes are whole units. Order ids keep their low 63 bits. There are no trade ids, and `sequence` is shared by all
//! instruments of a channel, so that a gap shows only in the flag `F_MAYBE_BAD_BOOK`, which is counted under `sequence_gap`.
//!
//! # Records of one event
//! Records up to one with `F_LAST` are one message, and the book is observed there. By order: A adds; C takes away part or all; M is a loss in
//! place if only the size shrinks, else the order goes and comes anew; R empties the book; T is the trade, with the aggressor's side;
//! F says which resting order it filled; N does nothing. By price each record carries the levels after it: what differs from the record before
//! is set. A level that leaves the 1 or 10 shown counts as gone.
//!
//! # Traps
//! * T and F do not change the book, the C or M after them does. Here the execution row moves it, so what a C takes
//!   that F has told before is not taken twice.
//! * A file ends cleanly only after a whole record: the rest is counted as truncated.
//! * `tbbo` has records of the same type as `mbp-1`, with the quote *before* the trade: only its trades are read.
//! * Version 4 has another record header and is refused with a clear word.

mod file;
mod instrument;
pub(crate) mod layout;
mod reader;
mod sniff;

pub use reader::DbnReader;
pub(crate) use sniff::sniff;
