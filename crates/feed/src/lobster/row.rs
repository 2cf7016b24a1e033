//! Rows of the two files.

use verismo_market::event::{NO_ID, Side};
use verismo_market::message::Level;

/// Units of 10^-8 in a price of 1, which is 10^-4 dollars.
pub(crate) const PRICE_UNIT: i64 = 10_000;
/// Units of 10^-8 in a share.
const SHARE: i64 = 100_000_000;
/// The price of an ask level that is not there; of a bid level it is the opposite number.
pub(crate) const EMPTY_ASK: i64 = 9_999_999_999;
/// Levels of a row at most; LOBSTER sells up to 200.
const LEVELS_MAX: usize = 1_000;
/// Times after midnight at most: a day of 25 hours.
const SECONDS_MAX: i64 = 90_000;

/// What a message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Add,
    Reduce,
    Delete,
    Exec,
    ExecHidden,
    Cross,
    Status,
}

/// A message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MessageRow {
    /// Time after midnight, ns.
    pub(super) since_midnight_ns: i64,
    pub(super) kind: Type,
    /// Order id; [`NO_ID`] where none is told.
    pub(super) id: i64,
    /// 10^-8.
    pub(super) qty: i64,
    /// 10^-8; of a status the code as written.
    pub(super) price: i64,
    /// Of the resting order.
    pub(super) side: Side,
}

/// Why a row cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Bad {
    /// It has another number of fields.
    Fields(usize),
    /// A field that is not what it should be.
    Value { field: &'static str, text: String, reason: &'static str },
}

impl std::fmt::Display for Bad {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fields(n) => write!(f, "{n} fields"),
            Self::Value { field, text, reason } => write!(f, "{field} {text:?} {reason}"),
        }
    }
}

fn bad(field: &'static str, text: &[u8], reason: &'static str) -> Bad {
    const SHOWN_BYTES: usize = 40;
    Bad::Value { field, text: String::from_utf8_lossy(&text[..text.len().min(SHOWN_BYTES)]).into_owned(), reason }
}

/// A whole number; `1.0` is one too, as tables written from floats have it.
pub(super) fn whole(text: &[u8]) -> Option<i64> {
    let text = text.trim_ascii();
    let (text, fraction) = match text.iter().position(|b| *b == b'.') {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, &b""[..]),
    };
    let (is_negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    if digits.is_empty() || digits.len() > 18 || fraction.iter().any(|b| *b != b'0') {
        return None;
    }
    let mut value = 0i64;
    for b in digits {
        // At most 18 digits cannot overflow.
        value = value * 10 + i64::from(Some(b.wrapping_sub(b'0')).filter(|d| *d < 10)?);
    }
    Some(if is_negative { -value } else { value })
}

/// `34200.017459617` in ns; digits beyond the ninth decimal are cut off.
pub(super) fn time_ns(text: &[u8]) -> Option<i64> {
    let text = text.trim_ascii();
    let (seconds, fraction) = match text.iter().position(|b| *b == b'.') {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, &b""[..]),
    };
    let seconds = whole(seconds).filter(|s| (0..SECONDS_MAX).contains(s))?;
    if !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let nanos = (0..9).fold(0, |n, i| n * 10 + i64::from(fraction.get(i).map_or(0, |b| b - b'0')));
    Some(seconds * 1_000_000_000 + nanos)
}

/// A price in 10^-4 dollars above zero, as 10^-8.
fn price(text: &[u8], field: &'static str) -> Result<i64, Bad> {
    let value = whole(text).ok_or_else(|| bad(field, text, "is not a whole number"))?;
    if !(1..EMPTY_ASK).contains(&value) {
        return Err(bad(field, text, "is no price"));
    }
    // Below 10^14.
    Ok(value * PRICE_UNIT)
}

/// A number of shares above zero, as 10^-8.
fn shares(text: &[u8], field: &'static str) -> Result<i64, Bad> {
    let value = whole(text).ok_or_else(|| bad(field, text, "is not a whole number"))?;
    if value <= 0 {
        return Err(bad(field, text, "is not above zero"));
    }
    value.checked_mul(SHARE).ok_or_else(|| bad(field, text, "is beyond the range"))
}

/// Reads a message.
///
/// # Errors
/// What is wrong with it.
pub(super) fn message(line: &[u8]) -> Result<MessageRow, Bad> {
    let mut fields = [&b""[..]; 6];
    let mut n = 0;
    for field in line.split(|b| *b == b',') {
        if let Some(place) = fields.get_mut(n) {
            *place = field;
        }
        n += 1;
    }
    if !(6..=7).contains(&n) {
        return Err(Bad::Fields(n));
    }
    let [time, kind, id, size, at, direction] = fields;
    let since_midnight_ns = time_ns(time).ok_or_else(|| bad("time", time, "is not in seconds after midnight"))?;
    let kind = match whole(kind) {
        Some(1) => Type::Add,
        Some(2) => Type::Reduce,
        Some(3) => Type::Delete,
        Some(4) => Type::Exec,
        Some(5) => Type::ExecHidden,
        Some(6) => Type::Cross,
        Some(7) => Type::Status,
        _ => return Err(bad("type", kind, "is not 1 to 7")),
    };
    let id = whole(id).ok_or_else(|| bad("order id", id, "is not a whole number"))?;
    if kind == Type::Status {
        let code = whole(at).filter(|code| (-1..=1).contains(code));
        let code = code.ok_or_else(|| bad("status", at, "is not -1, 0 or 1"))?;
        return Ok(MessageRow { since_midnight_ns, kind, id: NO_ID, qty: 0, price: code, side: Side::None });
    }
    let side = match whole(direction) {
        Some(1) => Side::Bid,
        Some(-1) => Side::Ask,
        Some(0) if kind == Type::Cross => Side::None,
        _ => return Err(bad("direction", direction, "is not 1 or -1")),
    };
    let has_order = !matches!(kind, Type::ExecHidden | Type::Cross);
    if has_order && id < 0 {
        return Err(bad("order id", fields[2], "is below zero"));
    }
    let id = if has_order || (kind == Type::ExecHidden && id > 0) { id } else { NO_ID };
    let (qty, price) = (shares(size, "size")?, price(at, "price")?);
    Ok(MessageRow { since_midnight_ns, kind, id, qty, price, side })
}

/// The best levels after a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct View {
    /// Levels a side can show.
    pub(super) depth: usize,
    /// Best first, 10^-8.
    pub(super) bids: Vec<Level>,
    /// Best first, 10^-8.
    pub(super) asks: Vec<Level>,
}

impl View {
    pub(super) fn side(&self, side: Side) -> &[Level] {
        if side == Side::Ask { &self.asks } else { &self.bids }
    }

    pub(super) fn side_mut(&mut self, side: Side) -> &mut Vec<Level> {
        if side == Side::Ask { &mut self.asks } else { &mut self.bids }
    }

    /// Reads a row of the order book.
    ///
    /// # Errors
    /// What is wrong with it; half of it may have been read then.
    pub(super) fn read(&mut self, line: &[u8]) -> Result<(), Bad> {
        self.bids.clear();
        self.asks.clear();
        let mut fields = line.split(|b| *b == b',');
        let n = memchr::memchr_iter(b',', line).count() + 1;
        if !n.is_multiple_of(4) || n / 4 > LEVELS_MAX {
            return Err(Bad::Fields(n));
        }
        self.depth = n / 4;
        for _ in 0..self.depth {
            for (side, names) in [(Side::Ask, ["ask price", "ask size"]), (Side::Bid, ["bid price", "bid size"])] {
                let (at, size) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
                if whole(size) == Some(0) {
                    if whole(at).is_none_or(|p| p.abs() != EMPTY_ASK) {
                        return Err(bad(names[0], at, "has no size"));
                    }
                    continue;
                }
                let level = (price(at, names[0])?, shares(size, names[1])?);
                let levels = self.side_mut(side);
                let is_deeper = |&(last, _): &Level| if side == Side::Ask { level.0 > last } else { level.0 < last };
                if !levels.last().is_none_or(is_deeper) {
                    return Err(bad(names[0], at, "is not behind the level before"));
                }
                levels.push(level);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn messages_of_each_type() {
        let row = message(b"34200.18960767,1,11885113,21,2238100,1").unwrap();
        let want = MessageRow {
            since_midnight_ns: 34_200_189_607_670,
            kind: Type::Add,
            id: 11_885_113,
            qty: 21 * SHARE,
            price: 22_381_000_000,
            side: Side::Bid,
        };
        assert_eq!(row, want);
        let hidden = message(b"34200.017459617,5,0,1,2238200,-1,\"MPID\"").unwrap();
        assert_eq!((hidden.kind, hidden.id, hidden.side), (Type::ExecHidden, NO_ID, Side::Ask));
        let cross = message(b"34200,6,-1,500,2238200,-1\r".trim_ascii()).unwrap();
        assert_eq!((cross.kind, cross.id, cross.since_midnight_ns), (Type::Cross, NO_ID, 34_200_000_000_000));
        let halt = message(b"36023,7,0,0,-1,-1").unwrap();
        assert_eq!((halt.kind, halt.price, halt.qty, halt.side), (Type::Status, -1, 0, Side::None));
        for (line, want) in [
            ("34200,1,1,1,1", "5 fields"),
            ("34200,1,1,1,1,1,1,1", "8 fields"),
            ("x,1,1,1,1,1", "time \"x\" is not in seconds after midnight"),
            ("90000,1,1,1,1,1", "time \"90000\" is not in seconds after midnight"),
            ("-1,1,1,1,1,1", "time \"-1\" is not in seconds after midnight"),
            ("1,8,1,1,1,1", "type \"8\" is not 1 to 7"),
            ("1,1,-3,1,1,1", "order id \"-3\" is below zero"),
            ("1,1,1,0,1,1", "size \"0\" is not above zero"),
            ("1,1,1,999999999999,1,1", "size \"999999999999\" is beyond the range"),
            ("1,1,1,1,0,1", "price \"0\" is no price"),
            ("1,1,1,1,1,0", "direction \"0\" is not 1 or -1"),
            ("1,1,1,1.5,1,1", "size \"1.5\" is not a whole number"),
            ("1,7,0,0,4,-1", "status \"4\" is not -1, 0 or 1"),
        ] {
            assert_eq!(message(line.as_bytes()).unwrap_err().to_string(), want, "{line}");
        }
    }

    #[test]
    fn rows_of_the_order_book() {
        let mut view = View::default();
        view.read(b"5802300,100,5794000,496,9999999999,0,5787000,400").unwrap();
        assert_eq!((view.depth, view.asks.len(), view.bids.len()), (2, 1, 2));
        assert_eq!(view.bids[1], (57_870_000_000, 400 * SHARE));
        view.read(b"9999999999,0,-9999999999,0").unwrap();
        assert_eq!(view, View { depth: 1, ..View::default() });
        for (line, want) in [
            ("1,2,3", "3 fields"),
            ("5,1,4,1,5,1,3,1", "ask price \"5\" is not behind the level before"),
            ("5,1,4,1,6,1,4,1", "bid price \"4\" is not behind the level before"),
            ("5,0,4,1", "ask price \"5\" has no size"),
            ("5,-1,4,1", "ask size \"-1\" is not above zero"),
            ("5,1,,1", "bid price \"\" is not a whole number"),
        ] {
            assert_eq!(view.read(line.as_bytes()).unwrap_err().to_string(), want, "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_line_is_an_answer(line in proptest::collection::vec(any::<u8>(), 0..80), text in "[-0-9.,]{0,60}") {
            let mut view = View::default();
            for line in [&line[..], text.as_bytes()] {
                let _ = message(line);
                let _ = view.read(line);
            }
        }
    }
}
