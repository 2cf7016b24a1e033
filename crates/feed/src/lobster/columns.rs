//! Rows as whole numbers, whatever they are.

use verismo_market::lob_bench::{Book, Row};

use super::row::{time_ns, whole};
use crate::json::swar;

/// Why a row cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Bad {
    /// It has another number of fields.
    Fields { found: usize, wanted: usize },
    /// A field that is not what it should be.
    Value { column: String, text: String, expected: &'static str },
}

/// What every field but ids may be, so that sums of sizes and twice a price are whole numbers too.
const NUMBER_MAX: i64 = 999_999_999_999_999;
const NUMBER: &str = "a whole number of at most 15 digits";
const ID: &str = "a whole number of at most 18 digits";
const TIME: &str = "a time in seconds after midnight, such as 34200.015105074";

/// Fields of a message that are read; more may follow.
const MESSAGE_FIELDS: usize = 6;

/// Fields of a line.
pub(super) fn fields(line: &[u8]) -> usize {
    memchr::memchr_iter(b',', line).count() + 1
}

/// Goes through the fields of a line.
struct Fields<'a> {
    line: &'a [u8],
    /// Where the next field starts; beyond the end after the last one.
    at: usize,
}

impl<'a> Fields<'a> {
    /// The text of the next field; `None` after the last one.
    fn text(&mut self) -> Option<&'a [u8]> {
        let rest = self.line.get(self.at..)?;
        let end = memchr::memchr(b',', rest).unwrap_or(rest.len());
        self.at += end + 1;
        Some(&rest[..end])
    }

    /// The next field as a whole number; its text where it is none, `None` after the last field.
    #[inline(always)]
    fn number(&mut self) -> Result<i64, Option<&'a [u8]>> {
        // Most are digits with a comma behind them, in eight bytes.
        if let Some(word) = swar::word(self.line, self.at) {
            let n = swar::digits(word);
            if (1..8).contains(&n) && swar::byte(word, n) == b',' {
                self.at += n + 1;
                return Ok(swar::whole(word, n) as i64);
            }
        }
        let text = self.text().ok_or(None)?;
        whole(text).ok_or(Some(text))
    }
}

fn bad(column: String, text: &[u8], expected: &'static str) -> Bad {
    const SHOWN_BYTES: usize = 40;
    Bad::Value { column, text: String::from_utf8_lossy(&text[..text.len().min(SHOWN_BYTES)]).into_owned(), expected }
}

/// Reads a message into `row`, without its book.
///
/// # Errors
/// What is wrong with it.
pub(super) fn message(line: &[u8], row: &mut Row) -> Result<(), Bad> {
    let too_few = || Bad::Fields { found: fields(line), wanted: MESSAGE_FIELDS };
    let mut all = Fields { line, at: 0 };
    let time = all.text().unwrap_or_default();
    row.t_ns = time_ns(time).ok_or_else(|| match fields(line) {
        n if n < MESSAGE_FIELDS => too_few(),
        _ => bad("time".to_owned(), time, TIME),
    })?;
    let Row { kind, order, size, price, direction, .. } = row;
    // An order id may be longer than other numbers.
    let wanted = [
        (kind, "type", NUMBER_MAX),
        (order, "order id", i64::MAX),
        (size, "size", NUMBER_MAX),
        (price, "price", NUMBER_MAX),
        (direction, "direction", NUMBER_MAX),
    ];
    for (value, column, most) in wanted {
        let expected = if most == NUMBER_MAX { NUMBER } else { ID };
        *value = match all.number() {
            Ok(number) if number.abs() <= most => number,
            Ok(number) => return Err(bad(column.to_owned(), number.to_string().as_bytes(), expected)),
            Err(Some(text)) => return Err(bad(column.to_owned(), text, expected)),
            Err(None) => return Err(too_few()),
        };
    }
    Ok(())
}

/// Reads the best `levels` of a row of the order book that has `there` of them.
///
/// # Errors
/// What is wrong with it.
pub(super) fn book(line: &[u8], levels: usize, there: usize, book: &mut Book) -> Result<(), Bad> {
    let wrong_number = || Bad::Fields { found: fields(line), wanted: 4 * there };
    let mut all = Fields { line, at: 0 };
    let Book { ask_prices, ask_sizes, bid_prices, bid_sizes } = book;
    let all_levels = ask_prices.iter_mut().zip(ask_sizes).zip(bid_prices.iter_mut().zip(bid_sizes)).enumerate();
    for (level, ((ask, ask_size), (bid, bid_size))) in all_levels.take(levels) {
        for (value, name) in [(ask, "ask price"), (ask_size, "ask size"), (bid, "bid price"), (bid_size, "bid size")] {
            *value = match all.number() {
                Ok(number) if number.abs() <= NUMBER_MAX => number,
                Ok(number) => {
                    return Err(bad(format!("{name} {}", level + 1), number.to_string().as_bytes(), NUMBER));
                }
                Err(Some(text)) if fields(line) == 4 * there => {
                    return Err(bad(format!("{name} {}", level + 1), text, NUMBER));
                }
                Err(_) => return Err(wrong_number()),
            };
        }
    }
    let is_whole = match line.get(all.at..) {
        // Nothing follows the last field, not even nothing behind a comma.
        None => true,
        Some(rest) => fields(rest) + fields(&line[..all.at.saturating_sub(1)]) == 4 * there,
    };
    if is_whole { Ok(()) } else { Err(wrong_number()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn messages_are_whole_numbers_and_a_time() {
        let mut row = Row::default();
        message(b"34200.015105074,4,15818974,4,5794000,1", &mut row).unwrap();
        let want = Row {
            t_ns: 34_200_015_105_074,
            kind: 4,
            order: 15_818_974,
            size: 4,
            price: 5_794_000,
            direction: 1,
            ..Row::default()
        };
        assert_eq!(row, want);
        message(b"34200,9,-1,0,-99.0,0,more", &mut row).unwrap();
        assert_eq!((row.kind, row.order, row.size, row.price, row.direction), (9, -1, 0, -99, 0));
        let value = |column: &str, text: &str, expected| Bad::Value {
            column: column.to_owned(),
            text: text.to_owned(),
            expected,
        };
        for (line, want) in [
            ("34200,1,2,3,4", Bad::Fields { found: 5, wanted: 6 }),
            ("", Bad::Fields { found: 1, wanted: 6 }),
            ("x,1,2,3,4,1", value("time", "x", TIME)),
            ("34200,1,a,3,4,1", value("order id", "a", ID)),
            ("34200,1,2,,4,1", value("size", "", NUMBER)),
            ("34200,1,2,3,4,buy", value("direction", "buy", NUMBER)),
            ("34200,1,2,3,1234567890123456,1", value("price", "1234567890123456", NUMBER)),
        ] {
            assert_eq!(message(line.as_bytes(), &mut row), Err(want), "{line}");
        }
    }

    #[test]
    fn books_have_four_numbers_a_level() {
        let mut found = Book::default();
        book(b"5802300,100,5794000,496,9999999999,0,-9999999999,0", 2, 2, &mut found).unwrap();
        assert_eq!(found.ask_prices[..2], [5_802_300, 9_999_999_999]);
        assert_eq!(found.bid_prices[..2], [5_794_000, -9_999_999_999]);
        assert_eq!((found.ask_sizes[0], found.bid_sizes[0]), (100, 496));
        // Of more levels only the best are read.
        book(b"5,1,4,2,x,y,z,0", 1, 2, &mut found).unwrap();
        let number = |column: &str, text: &str| Bad::Value {
            column: column.to_owned(),
            text: text.to_owned(),
            expected: NUMBER,
        };
        for (line, want) in [
            ("5,1,4,2", Bad::Fields { found: 4, wanted: 8 }),
            ("5,1,4,2,6,1,3", Bad::Fields { found: 7, wanted: 8 }),
            ("5,1,4,2,6,1,3,1,", Bad::Fields { found: 9, wanted: 8 }),
            ("5,1,4,2,6,1,3,1,9", Bad::Fields { found: 9, wanted: 8 }),
            ("5,1,4,2,6,1,q,1", number("bid price 2", "q")),
            ("5,1234567890123456,4,2,6,1,3,1", number("ask size 1", "1234567890123456")),
        ] {
            assert_eq!(book(line.as_bytes(), 2, 2, &mut found), Err(want), "{line}");
        }
    }

    proptest! {
        #[test]
        fn numbers_are_read_as_any_other_way(numbers in proptest::collection::vec(-99_999_999_999_i64..99_999_999_999, 8)) {
            let line = numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
            let mut found = Book::default();
            book(line.as_bytes(), 2, 2, &mut found).unwrap();
            let read = (0..2).flat_map(|l| [found.ask_prices[l], found.ask_sizes[l], found.bid_prices[l], found.bid_sizes[l]]);
            prop_assert_eq!(read.collect::<Vec<_>>(), numbers);
        }

        #[test]
        fn any_line_is_an_answer(line in proptest::collection::vec(any::<u8>(), 0..80), text in "[-0-9.,]{0,60}", levels in 0..4_usize) {
            for line in [&line[..], text.as_bytes()] {
                let _ = message(line, &mut Row::default());
                let _ = book(line, levels, fields(line) / 4, &mut Book::default());
            }
        }
    }
}
