//! A level-3 book: the REST answer in one file.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use verismo_market::event::{NO_ID, Side};
use verismo_stats::state::Carry;

use crate::input;
use crate::inventory::Source;
use crate::json::reader_sample;
use crate::json::scan::{Num, ScanError, Scanner};

/// Unpacked bytes of a book at most; an entry takes about 100, so that is above a million orders.
const BOOK_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// One resting order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) side: Side,
    pub(super) price: i64,
    pub(super) qty: i64,
    pub(super) id: i64,
}

/// A whole book.
#[derive(Debug, Default)]
pub(super) struct Book {
    /// The sequence of the last message that is in it.
    pub(super) sequence: i64,
    /// The orders as the file has them, bids first: within a price in order of time.
    pub(super) orders: Vec<Order>,
    /// Entries that are no order, and why.
    pub(super) bad: Vec<String>,
}

impl Book {
    /// A digest of its sequence and orders.
    pub(super) fn digest(&self) -> String {
        let mut bytes = Vec::new();
        self.sequence.save(&mut bytes);
        for &Order { side, price, qty, id } in &self.orders {
            (side as u32).save(&mut bytes);
            [price, qty, id].save(&mut bytes);
        }
        blake3::hash(&bytes).to_hex().to_string()
    }
}

/// Reads a book.
///
/// # Errors
/// In words: what in the file is no book.
pub(super) fn read(source: &Source, consumed: Arc<AtomicU64>) -> Result<Book, String> {
    let mut bytes = Vec::new();
    let opened = input::open_source(source, consumed).map_err(|e| format!("cannot be opened: {e}"))?;
    opened.take(BOOK_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    if bytes.len() as u64 > BOOK_BYTES_MAX {
        return Err(format!("a book of more than {BOOK_BYTES_MAX} bytes"));
    }
    parse(&bytes).map_err(|e| format!("byte {}: {}", e.at + 1, e.what))
}

fn parse(bytes: &[u8]) -> Result<Book, ScanError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut book = Book { sequence: NO_ID, ..Book::default() };
    let (mut bids, mut asks) = (None, None);
    let mut s = Scanner::new(bytes, 0);
    if s.open(b'{', b'}')? {
        // Bounded by the length of the file.
        loop {
            let key = s.string()?;
            s.eat(b':', "expected a colon")?;
            match &*key {
                b"bids" => bids = Some(side(&mut s, Side::Bid, &mut book.bad)?),
                b"asks" => asks = Some(side(&mut s, Side::Ask, &mut book.bad)?),
                b"sequence" => {
                    if let Num::Value(sequence) = s.integer()? {
                        book.sequence = sequence;
                    }
                }
                _ => s.skip_value(0)?,
            }
            if !s.more(b'}')? {
                break;
            }
        }
    }
    s.end()?;
    let (Some(bids), Some(asks)) = (bids, asks) else {
        return s.fail("a book without bids or asks");
    };
    if book.sequence == NO_ID {
        return s.fail("a book without a sequence");
    }
    book.orders = bids;
    book.orders.extend(asks);
    Ok(book)
}

/// Bad entries described at most; all are counted.
const BAD_SHOWN_MAX: usize = 1_000;

fn side(s: &mut Scanner<'_>, side: Side, bad: &mut Vec<String>) -> Result<Vec<Order>, ScanError> {
    let mut orders = Vec::new();
    if !s.open(b'[', b']')? {
        return Ok(orders);
    }
    loop {
        match entry(s)? {
            Ok((price, qty, id)) => orders.push(Order { side, price, qty, id }),
            Err(why) if bad.len() < BAD_SHOWN_MAX => bad.push(why),
            Err(_) => return s.fail("a book with more than 1000 entries that are no orders"),
        }
        if !s.more(b']')? {
            return Ok(orders);
        }
    }
}

/// `[price, size, order id]`; further items are skipped.
fn entry(s: &mut Scanner<'_>) -> Result<Result<(i64, i64, i64), String>, ScanError> {
    let mut numbers = [Num::Absent; 2];
    let mut id = None;
    let mut n = 0;
    if s.open(b'[', b']')? {
        loop {
            match n {
                0 | 1 => numbers[n] = s.decimal()?,
                2 if s.peek()? == b'"' => id = Some(super::order_id(&s.string()?)),
                _ => s.skip_value(0)?,
            }
            n += 1;
            if !s.more(b']')? {
                break;
            }
        }
    }
    Ok(match (numbers, id) {
        ([Num::Value(price), Num::Value(qty)], Some(id)) => Ok((price, qty, id)),
        ([Num::Bad(text, why), _] | [_, Num::Bad(text, why)], _) => Err(format!("{:?}: {why}", reader_sample(text))),
        (_, None) => Err("an entry without an order id".to_owned()),
        _ => Err("an entry without price and size".to_owned()),
    })
}

/// Whether a text that starts like this is a level-3 book.
pub(super) fn is_book_start(start: &[u8]) -> bool {
    let mut s = Scanner::new(start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start), 0);
    starts_like_book(&mut s).unwrap_or(false)
}

/// The keys up to the first side that has an entry: `[text, text, text]`. An empty book has all its keys.
fn starts_like_book(s: &mut Scanner<'_>) -> Result<bool, ScanError> {
    if !s.open(b'{', b'}')? {
        return Ok(false);
    }
    const KEYS: [&[u8]; 3] = [b"bids", b"asks", b"sequence"];
    let mut seen = [false; 3];
    // Bounded by the length of the text.
    loop {
        let key = s.string()?;
        s.eat(b':', "expected a colon")?;
        if let Some(at) = KEYS.iter().position(|name| **name == *key) {
            seen[at] = true;
        }
        if !matches!(&*key, b"bids" | b"asks") {
            s.skip_value(0)?;
        } else if s.open(b'[', b']')? {
            return Ok(entry(s)?.is_ok());
        }
        if !s.more(b'}')? {
            return Ok(seen == [true; 3]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BOOK: &str = r#"{"asks":[["6190.85","0.5","72723e79-b06d-49bc-903d-611079911544"],["6191","1","x"]],"bids":[["6190.84","2","y"]],"sequence":17}"#;

    #[test]
    fn a_book_is_bids_then_asks() {
        let book = parse(BOOK.as_bytes()).unwrap();
        assert_eq!((book.sequence, book.orders.len(), book.bad.len()), (17, 3, 0));
        let first =
            Order { side: Side::Bid, price: 619_084_000_000, qty: 200_000_000, id: super::super::order_id(b"y") };
        assert_eq!(book.orders[0], first);
        assert!(is_book_start(&BOOK.as_bytes()[..80]));
    }

    #[test]
    fn what_is_no_book_says_why() {
        for (text, why) in [
            ("[]", "expected an object or an array"),
            (r#"{"bids":[],"asks":[]}"#, "a book without a sequence"),
            (r#"{"bids":[],"sequence":1}"#, "a book without bids or asks"),
            (r#"{"bids":[["1","#, "the line ends inside the JSON text"),
        ] {
            assert_eq!(parse(text.as_bytes()).unwrap_err().what, why, "{text}");
        }
        // A level-2 book has a count of orders where an id should be.
        let level_2 = r#"{"bids":[["1","2",3],["x","1","id"]],"asks":[],"sequence":1}"#;
        assert_eq!(parse(level_2.as_bytes()).unwrap().bad.len(), 2);
        assert!(!is_book_start(level_2.as_bytes()));
        assert!(is_book_start(br#"{"bids":[],"asks":[],"sequence":0}"#));
        assert!(!is_book_start(br#"{"bids":[],"asks":[]}"#));
    }

    proptest! {
        #[test]
        fn damaged_books_are_an_answer(at in 0usize..160, byte in any::<u8>(), cut in 0usize..160) {
            let mut damaged = BOOK.as_bytes().to_vec();
            if let Some(b) = damaged.get_mut(at) { *b = byte; }
            damaged.truncate(cut);
            let _ = parse(&damaged);
            let _ = is_book_start(&damaged);
        }
    }
}
