//! One line of the full channel as its fields.

use std::borrow::Cow;

use verismo_market::event::{NO_TIME, Side};

use crate::json::scan::{Num, ScanError, Scanner};

/// The fields any of the messages has. Absent fields stay absent; a key given twice: the last one counts.
#[derive(Debug, Default)]
pub(super) struct Frame<'a> {
    pub(super) kind: Text<'a>,
    pub(super) product: Text<'a>,
    pub(super) time: Text<'a>,
    pub(super) reason: Text<'a>,
    pub(super) order: Text<'a>,
    pub(super) maker: Text<'a>,
    pub(super) side: Text<'a>,
    pub(super) sequence: Num<'a>,
    pub(super) trade_id: Num<'a>,
    pub(super) price: Num<'a>,
    pub(super) new_price: Num<'a>,
    pub(super) size: Num<'a>,
    pub(super) remaining: Num<'a>,
    pub(super) new_size: Num<'a>,
    pub(super) old_size: Num<'a>,
}

type Text<'a> = Option<Cow<'a, [u8]>>;

/// Reads one line.
///
/// # Errors
/// [`ScanError`] when the line is not one JSON object.
pub(super) fn parse(line: &[u8]) -> Result<Frame<'_>, ScanError> {
    let mut frame = Frame::default();
    let mut s = Scanner::new(line, 0);
    if s.peek()? != b'{' {
        return s.fail("not a JSON object");
    }
    if s.open(b'{', b'}')? {
        // Bounded by the length of the line.
        loop {
            let key = s.string()?;
            s.eat(b':', "expected a colon")?;
            field(&mut s, &mut frame, &key)?;
            if !s.more(b'}')? {
                break;
            }
        }
    }
    s.end()?;
    Ok(frame)
}

fn field<'a>(s: &mut Scanner<'a>, frame: &mut Frame<'a>, key: &[u8]) -> Result<(), ScanError> {
    match key {
        b"type" => frame.kind = text(s)?,
        b"product_id" => frame.product = text(s)?,
        b"time" => frame.time = text(s)?,
        b"reason" => frame.reason = text(s)?,
        b"order_id" => frame.order = text(s)?,
        b"maker_order_id" => frame.maker = text(s)?,
        b"side" => frame.side = text(s)?,
        b"sequence" => frame.sequence = s.integer()?,
        b"trade_id" => frame.trade_id = s.integer()?,
        b"price" => frame.price = s.decimal()?,
        b"new_price" => frame.new_price = s.decimal()?,
        b"size" => frame.size = s.decimal()?,
        b"remaining_size" => frame.remaining = s.decimal()?,
        b"new_size" => frame.new_size = s.decimal()?,
        b"old_size" => frame.old_size = s.decimal()?,
        _ => s.skip_value(0)?,
    }
    Ok(())
}

fn text<'a>(s: &mut Scanner<'a>) -> Result<Text<'a>, ScanError> {
    if s.peek()? == b'"' {
        return s.string().map(Some);
    }
    s.skip_value(0).map(|()| None)
}

impl Frame<'_> {
    /// What the message is.
    pub(super) fn class(&self) -> Class {
        match self.kind.as_deref() {
            Some(b"received" | b"activate") => Class::Received,
            Some(b"open") => Class::Open,
            Some(b"done") => Class::Done,
            Some(b"match") => Class::Match,
            Some(b"change") => Class::Change,
            _ => Class::Unknown,
        }
    }

    /// The side of the order the message is about.
    pub(super) fn order_side(&self) -> Side {
        match self.side.as_deref() {
            Some(b"buy") => Side::Bid,
            Some(b"sell") => Side::Ask,
            _ => Side::None,
        }
    }

    /// Its time, or [`NO_TIME`].
    pub(super) fn time_ns(&self) -> i64 {
        self.time.as_deref().map_or(NO_TIME, super::time_ns)
    }

    /// Whether this is a message of the full channel that has a place in its product's sequence.
    pub(super) fn is_sequenced(&self) -> bool {
        self.class() != Class::Unknown && self.product.is_some() && matches!(self.sequence, Num::Value(_))
    }
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Received,
    Open,
    Done,
    Match,
    Change,
    Unknown,
}

/// Time and sequence of a line, read without parsing it.
pub(super) fn peek_key(line: &[u8]) -> Option<(i64, i64)> {
    let after = |key: &[u8]| -> Option<&[u8]> {
        let at = memchr::memmem::find(line, key)? + key.len();
        line.get(at..)?.trim_ascii_start().strip_prefix(b":").map(<[u8]>::trim_ascii_start)
    };
    let time = after(b"\"time\"")?.strip_prefix(b"\"")?;
    let time_ns = super::time_ns(&time[..memchr::memchr(b'"', time)?]);
    let digits = after(b"\"sequence\"")?;
    let n = digits.iter().take_while(|b| b.is_ascii_digit()).count();
    let sequence = std::str::from_utf8(&digits[..n]).ok()?.parse().ok()?;
    (time_ns != NO_TIME).then_some((time_ns, sequence))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OPEN: &str = r#"{"order_id":"d8dc857e-db15-458c-9b4d-c3e0591cdf43","price":"6197.47000000","product_id":"BTC-USD","remaining_size":"0.10000000","sequence":6318080535,"side":"sell","time":"2018-07-13T20:47:11.025000Z","type":"open"}"#;

    #[test]
    fn a_message_as_its_fields() {
        let frame = parse(OPEN.as_bytes()).unwrap();
        assert_eq!((frame.class(), frame.order_side()), (Class::Open, Side::Ask));
        assert_eq!((frame.price, frame.remaining), (Num::Value(619_747_000_000), Num::Value(10_000_000)));
        assert_eq!(frame.time_ns(), 1_531_514_831_025_000_000);
        assert_eq!(peek_key(OPEN.as_bytes()), Some((1_531_514_831_025_000_000, 6_318_080_535)));
        assert!(frame.is_sequenced());
        for other in
            [r#"{"type":"heartbeat","sequence":5,"product_id":"X"}"#, r#"{"type":"open","product_id":"X"}"#, "{}"]
        {
            assert!(!parse(other.as_bytes()).unwrap().is_sequenced(), "{other}");
        }
    }

    proptest! {
        #[test]
        fn damaged_lines_are_an_answer(at in 0usize..250, byte in any::<u8>(), cut in 0usize..250) {
            let mut damaged = OPEN.as_bytes().to_vec();
            if let Some(b) = damaged.get_mut(at) { *b = byte; }
            damaged.truncate(cut);
            let _ = parse(&damaged);
            let _ = peek_key(&damaged);
        }

        #[test]
        fn any_bytes_are_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = parse(&bytes);
            let _ = peek_key(&bytes);
        }
    }
}
