//! The full channel of Coinbase Exchange: every order of one product, message by message, and its level-3 books.
//!
//! # Files
//! Messages are JSON objects, one a line, as the websocket sends them: `received`, `open`, `match`, `change`, `done`, `activate`. A book is
//! the REST answer `{"bids":[[price,size,order_id],...],"asks":[...],"sequence":N}`, one JSON object in one file. Books are found by
//! content; a book goes to the product whose sequence it lies in and is put between the messages that its own sequence separates.
//!
//! # Fields
//! `price`, `size`, `remaining_size`, `new_size`, `old_size` are decimals; `time` is UTC with microseconds; `sequence` rises by one per message
//! and product. `side` is the side of the resting (maker) order in `match`, of the order itself elsewhere. Order ids are UUIDs and become
//! 63-bit integers, see [`order_id`]; `trade_id` stays.
//!
//! # Traps
//! * `received` is no order in the book: an order that trades at once is received and done, and never open. Neither gives a row.
//! * `match` takes from the maker; the `done` that follows a filled maker takes nothing more.
//! * `done` of a market order has no price, and often no `remaining_size`.
//! * `change` may name an order that does not rest yet.
//! * A book is fetched beside the stream: messages up to its sequence are in it already and must not be applied again.
//! * A book has no time: it gets that of the message after it.

mod book;
mod frame;
mod reader;
mod sniff;
mod stream;

pub use reader::CoinbaseReader;
pub(crate) use sniff::sniff;

use verismo_market::event::NO_TIME;

/// The venue's name in stream names.
pub(crate) const VENUE: &str = "coinbase";

/// A UUID as an order id: the first eight bytes of the BLAKE3 hash of its lower-case text, without the sign bit.
///
/// Of a million ids two become equal with probability 5 * 10^-8. UUIDs of version 8 as [`order_uuid`] writes them carry their id and give it
/// back.
pub fn order_id(uuid: &[u8]) -> i64 {
    if let Some(id) = carried_id(uuid) {
        return id;
    }
    let mut hasher = blake3::Hasher::new();
    let mut lower = [0; 64];
    for part in uuid.chunks(lower.len()) {
        let lower = &mut lower[..part.len()];
        lower.copy_from_slice(part);
        lower.make_ascii_lowercase();
        hasher.update(lower);
    }
    let mut first = [0; 8];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    (u64::from_le_bytes(first) >> 1) as i64
}

/// An id that is not negative as a UUID of version 8 (RFC 9562, section 5.8: for custom content): 63 bits of id, then zeros.
pub fn order_uuid(id: i64) -> String {
    let bits = (id as u64) << 1;
    let (a, b, c, d) = (bits >> 32, bits >> 16 & 0xffff, bits >> 4 & 0xfff, bits & 0xf);
    format!("{a:08x}-{b:04x}-8{c:03x}-8{d:03x}-000000000000")
}

fn carried_id(uuid: &[u8]) -> Option<i64> {
    let at = |range: std::ops::Range<usize>| uuid.get(range);
    let is_ours = uuid.len() == 36 && at(14..15)? == b"8" && at(19..22)? == b"800" && at(23..36)? == b"-000000000000";
    if !is_ours {
        return None;
    }
    let mut bits: u64 = 0;
    for (i, &byte) in uuid.iter().enumerate().take(23) {
        match i {
            8 | 13 | 18 if byte == b'-' => {}
            14 | 19..=21 => {}
            _ => bits = bits << 4 | u64::from(char::from(byte).to_digit(16)?),
        }
    }
    (bits & 1 == 0).then_some((bits >> 1) as i64)
}

/// A UTC time such as `2018-07-13T20:47:11.025000Z` in ns, or [`NO_TIME`].
fn time_ns(text: &[u8]) -> i64 {
    let parsed = std::str::from_utf8(text).ok().and_then(|t| t.parse::<jiff::Timestamp>().ok());
    parsed.and_then(|t| i64::try_from(t.as_nanosecond()).ok()).unwrap_or(NO_TIME)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ids_do_not_depend_on_case_and_are_not_negative() {
        let id = order_id(b"72723e79-b06d-49bc-903d-611079911544");
        assert_eq!(id, order_id(b"72723E79-B06D-49BC-903D-611079911544"));
        assert!(id > 0);
        assert_ne!(id, order_id(b"72723e79-b06d-49bc-903d-611079911545"));
        assert!(order_id(b"") >= 0 && order_id(&[0xff; 300]) >= 0);
    }

    #[test]
    fn times_are_exact() {
        assert_eq!(time_ns(b"2018-07-13T20:47:11.025000Z"), 1_531_514_831_025_000_000);
        assert_eq!(time_ns(b"2018-07-13T20:47:11.025001Z"), 1_531_514_831_025_001_000);
        assert_eq!(time_ns(b"yesterday"), NO_TIME);
    }

    proptest! {
        #[test]
        fn written_ids_come_back(id in 0..=i64::MAX) {
            prop_assert_eq!(order_id(order_uuid(id).as_bytes()), id);
        }

        #[test]
        fn any_bytes_are_an_id(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            prop_assert!(order_id(&bytes) >= 0);
        }
    }
}
