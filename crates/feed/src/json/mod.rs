//! Golden captures: JSON lines, plain or compressed, in an envelope or as raw frames with a receive stamp before them.

mod cursor;
pub(crate) mod frame;
mod message;
mod quick;
mod reader;
mod rest;
pub(crate) mod scan;
mod shape;
mod snapshot;
mod sniff;
mod stream;
pub(crate) mod swar;

pub(crate) use message::CLOCK_TOLERANCE_NS;
pub use reader::JsonReader;
pub(crate) use reader::sample as reader_sample;
pub(crate) use sniff::sniff;
