//! One line of a capture: the envelope, the raw frame, or a bare payload, as the fields it holds.

use std::borrow::Cow;
use std::ops::{Index, IndexMut, Range};

use super::quick;
use super::scan::{Num, ScanError, Scanner};
use crate::epoch;
use verismo_market::event::NO_TIME;

/// Price and quantity in units of 10^-8.
pub(crate) type Levels = Vec<(i64, i64)>;

/// Reused between lines: no allocation per message.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) bids: Levels,
    pub(crate) asks: Levels,
    /// How the last level was written.
    pub(super) form: Option<quick::Form>,
    /// The values of the line, in order, if it could be read.
    pub(super) steps: Vec<Step>,
}

/// Where a value stands in its line, and what it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) slot: Slot,
    pub(super) range: Range<usize>,
}

/// Steps noted of a line at most; the known messages have 20.
pub(super) const STEPS_MAX: usize = 40;

/// A number that any of the known messages has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    /// Receive stamp: `capture_ns` as it stands, or the number before a raw frame, in ns.
    Receive,
    EventTime,
    TradeTime,
    TradeId,
    Price,
    Qty,
    FirstId,
    LastId,
    PrevId,
    SnapshotId,
    /// `b`, `B`, `a`, `A` of a best quote.
    BidPrice,
    BidQty,
    AskPrice,
    AskQty,
}

const FIELDS: usize = Field::AskQty as usize + 1;

/// What a value of a line is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// The number before a raw frame.
    Prefix,
    Integer(Field),
    Decimal(Field),
    Stream,
    Event,
    Symbol,
    BuyerIsMaker,
    Bids,
    Asks,
    /// The payload; its values are told apart.
    Payload,
    Skipped,
}

/// The fields of a line that any of the known messages has. Absent fields stay absent; a key given twice: the last one counts.
#[derive(Debug, PartialEq)]
pub(crate) struct Frame<'a> {
    numbers: [Num<'a>; FIELDS],
    pub(crate) stream: Option<Cow<'a, [u8]>>,
    pub(crate) event: Option<Cow<'a, [u8]>>,
    pub(crate) symbol: Option<Cow<'a, [u8]>>,
    pub(crate) buyer_is_maker: Option<bool>,
    pub(crate) has_bids: bool,
    pub(crate) has_asks: bool,
    /// Levels without an exact price and quantity: text and reason.
    pub(crate) bad_levels: Vec<(&'a [u8], &'static str)>,
}

impl Default for Frame<'_> {
    #[inline]
    fn default() -> Self {
        Self {
            numbers: [Num::Absent; FIELDS],
            stream: None,
            event: None,
            symbol: None,
            buyer_is_maker: None,
            has_bids: false,
            has_asks: false,
            bad_levels: Vec::new(),
        }
    }
}

impl<'a> Index<Field> for Frame<'a> {
    type Output = Num<'a>;

    #[inline]
    fn index(&self, field: Field) -> &Num<'a> {
        &self.numbers[field as usize]
    }
}

impl IndexMut<Field> for Frame<'_> {
    #[inline]
    fn index_mut(&mut self, field: Field) -> &mut Self::Output {
        &mut self.numbers[field as usize]
    }
}

/// Reads one line.
///
/// # Errors
/// [`ScanError`] when the line is not one JSON object, with or without a number before it.
pub(crate) fn parse<'a>(line: &'a [u8], scratch: &mut Scratch) -> Result<Frame<'a>, ScanError> {
    let mut frame = Frame::default();
    parse_into(line, &mut frame, scratch)?;
    Ok(frame)
}

/// Reads one line into an empty frame.
pub(super) fn parse_into<'a>(line: &'a [u8], frame: &mut Frame<'a>, scratch: &mut Scratch) -> Result<(), ScanError> {
    scratch.bids.clear();
    scratch.asks.clear();
    scratch.steps.clear();
    let mut scanner = Scanner::new(line, 0);
    if line.first().is_some_and(u8::is_ascii_digit) {
        read(&mut scanner, Slot::Prefix, frame, scratch, 0)?;
        scratch.steps.push(Step { slot: Slot::Prefix, range: 0..scanner.at });
    }
    if scanner.peek()? != b'{' {
        return scanner.fail("not a JSON object");
    }
    object(&mut scanner, frame, scratch, 0)?;
    scanner.end()
}

/// The digits before a raw frame as a time in ns; a blank must follow.
fn receive_prefix<'a>(s: &mut Scanner<'a>) -> Result<Num<'a>, ScanError> {
    let line = s.bytes;
    let (stamp, n) = quick::leading_number(line);
    if !matches!(line.get(n), Some(b' ' | b'\t')) {
        return s.fail("not a JSON object");
    }
    s.at = n;
    let Some(stamp) = stamp else { return s.fail("a receive stamp beyond the 64-bit range") };
    Ok(match epoch::to_ns(stamp).0 {
        NO_TIME => Num::Bad(&line[..n], "not an epoch stamp"),
        ns => Num::Value(ns),
    })
}

/// The envelope (`level` 0) and its payload (1) are read by one function: a bare payload needs no special case.
fn object<'a>(s: &mut Scanner<'a>, frame: &mut Frame<'a>, scratch: &mut Scratch, level: u32) -> Result<(), ScanError> {
    if !s.open(b'{', b'}')? {
        return Ok(());
    }
    loop {
        let key = s.string()?;
        s.eat(b':', "expected a colon")?;
        let slot = slot_of(&key, s.peek()?, level);
        let start = s.at;
        read(s, slot, frame, scratch, level)?;
        if slot != Slot::Payload && scratch.steps.len() <= STEPS_MAX {
            scratch.steps.push(Step { slot, range: start..s.at });
        }
        if !s.more(b'}')? {
            return Ok(());
        }
    }
}

/// What the value of `key` that starts with `first` is for.
fn slot_of(key: &[u8], first: u8, level: u32) -> Slot {
    match key {
        b"capture_ns" => Slot::Integer(Field::Receive),
        b"stream" => Slot::Stream,
        b"data" if level == 0 && first == b'{' => Slot::Payload,
        b"e" => Slot::Event,
        b"s" | b"symbol" => Slot::Symbol,
        b"E" => Slot::Integer(Field::EventTime),
        b"T" => Slot::Integer(Field::TradeTime),
        b"t" => Slot::Integer(Field::TradeId),
        b"p" => Slot::Decimal(Field::Price),
        b"q" => Slot::Decimal(Field::Qty),
        b"m" => Slot::BuyerIsMaker,
        b"U" => Slot::Integer(Field::FirstId),
        b"u" => Slot::Integer(Field::LastId),
        b"pu" => Slot::Integer(Field::PrevId),
        b"lastUpdateId" => Slot::Integer(Field::SnapshotId),
        b"b" | b"bids" if first == b'[' => Slot::Bids,
        b"a" | b"asks" if first == b'[' => Slot::Asks,
        b"b" => Slot::Decimal(Field::BidPrice),
        b"B" => Slot::Decimal(Field::BidQty),
        b"a" => Slot::Decimal(Field::AskPrice),
        b"A" => Slot::Decimal(Field::AskQty),
        _ => Slot::Skipped,
    }
}

/// Reads the value that the scanner stands at.
#[inline]
pub(super) fn read<'a>(
    s: &mut Scanner<'a>,
    slot: Slot,
    frame: &mut Frame<'a>,
    scratch: &mut Scratch,
    level: u32,
) -> Result<(), ScanError> {
    match slot {
        Slot::Prefix => frame[Field::Receive] = receive_prefix(s)?,
        Slot::Integer(field) => frame[field] = s.integer()?,
        Slot::Decimal(field) => frame[field] = s.decimal()?,
        Slot::Stream => frame.stream = text(s)?,
        Slot::Event => frame.event = text(s)?,
        Slot::Symbol => frame.symbol = text(s)?,
        Slot::BuyerIsMaker => frame.buyer_is_maker = s.boolean()?,
        Slot::Bids => {
            scratch.bids.clear();
            frame.has_bids = true;
            s.levels(&mut scratch.form, &mut scratch.bids, &mut frame.bad_levels)?;
        }
        Slot::Asks => {
            scratch.asks.clear();
            frame.has_asks = true;
            s.levels(&mut scratch.form, &mut scratch.asks, &mut frame.bad_levels)?;
        }
        Slot::Payload => object(s, frame, scratch, 1)?,
        Slot::Skipped => s.skip_value(level + 1)?,
    }
    Ok(())
}

#[inline]
fn text<'a>(s: &mut Scanner<'a>) -> Result<Option<Cow<'a, [u8]>>, ScanError> {
    if s.peek()? == b'"' {
        return s.string().map(Some);
    }
    s.skip_value(0).map(|()| None)
}

impl<'a> Frame<'a> {
    /// Exchange time as it stands in the message: of the trade, or of the event.
    pub(crate) fn exchange_stamp(&self, trade: bool) -> Num<'a> {
        let (first, second) =
            if trade { (Field::TradeTime, Field::EventTime) } else { (Field::EventTime, Field::TradeTime) };
        match self[first] {
            Num::Absent => self[second],
            given => given,
        }
    }

    /// The message type: what follows the first `@` of the stream name.
    pub(crate) fn suffix(&self) -> Option<&[u8]> {
        let stream = self.stream.as_deref()?;
        memchr::memchr(b'@', stream).map(|i| &stream[i + 1..])
    }

    /// What kind of message this is.
    pub(crate) fn class(&self) -> Class {
        let suffix = || self.suffix().unwrap_or_default();
        match self.event.as_deref() {
            Some(b"trade") => Class::Trade,
            Some(b"depthUpdate") if is_partial_book(suffix()) => Class::PartialBook,
            Some(b"depthUpdate") => Class::Depth,
            Some(b"bookTicker") => Class::BestQuote,
            Some(_) => Class::Unknown,
            None if self[Field::SnapshotId] != Num::Absent => {
                if is_partial_book(suffix()) {
                    Class::PartialBook
                } else {
                    Class::Snapshot
                }
            }
            None => match suffix() {
                b"trade" => Class::Trade,
                b"bookTicker" => Class::BestQuote,
                partial if is_partial_book(partial) => Class::PartialBook,
                depth if depth == b"depth" || depth.starts_with(b"depth@") => Class::Depth,
                _ => Class::Unknown,
            },
        }
    }
}

/// What a line turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Trade,
    Depth,
    /// The first 5, 10 or 20 levels as a whole.
    PartialBook,
    /// A REST depth snapshot.
    Snapshot,
    BestQuote,
    Unknown,
}

/// `depth5`, `depth10@100ms`, ...: the first levels as a whole, not changes.
fn is_partial_book(suffix: &[u8]) -> bool {
    suffix.strip_prefix(b"depth").is_some_and(|rest| rest.first().is_some_and(u8::is_ascii_digit))
}

/// The key by which lines of several files are merged, read without parsing the line: the receive stamp, else the exchange time.
#[inline]
pub(crate) fn peek_key(line: &[u8]) -> Option<i64> {
    // As recorders write it.
    if let Some(rest) = line.strip_prefix(b"{\"capture_ns\":")
        && let Some(stamp) = Scanner::new(rest, 0).quick_integer()
    {
        return Some(stamp);
    }
    find_key(line)
}

fn find_key(line: &[u8]) -> Option<i64> {
    if line.first().is_some_and(u8::is_ascii_digit) {
        let stamp = quick::leading_number(line).0?;
        return Some(epoch::to_ns(stamp).0).filter(|ns| *ns != NO_TIME);
    }
    if let Some(stamp) = number_after(line, b"\"capture_ns\"") {
        return Some(stamp);
    }
    let stamp = number_after(line, b"\"E\"").or_else(|| number_after(line, b"\"T\""))?;
    Some(epoch::to_ns(stamp).0).filter(|ns| *ns != NO_TIME)
}

fn number_after(line: &[u8], key: &[u8]) -> Option<i64> {
    // The key usually stands at the start; the search is the fallback.
    let at = if line.get(1..)?.starts_with(key) { 1 } else { memchr::memmem::find(line, key)? };
    let rest = line[at + key.len()..].trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
    quick::leading_number(rest).0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn with<T>(line: &str, check: impl FnOnce(Frame<'_>, &Levels, &Levels) -> T) -> T {
        let mut scratch = Scratch::default();
        let frame = parse(line.as_bytes(), &mut scratch).unwrap();
        let (bids, asks) = (scratch.bids.clone(), scratch.asks.clone());
        check(frame, &bids, &asks)
    }

    #[test]
    fn envelope_trade() {
        let line = r#"{"capture_ns":17,"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,"p":"61837.63","q":"0.02","b":88,"a":89,"T":1723161255342,"m":true,"M":true}}"#;
        with(line, |f, _, _| {
            assert_eq!(f.class(), Class::Trade);
            assert_eq!(f[Field::Receive], Num::Value(17));
            assert_eq!(f[Field::TradeId], Num::Value(3_735_683_259));
            assert_eq!((f[Field::Price], f[Field::Qty]), (Num::Value(6_183_763_000_000), Num::Value(2_000_000)));
            assert_eq!(f.exchange_stamp(true), Num::Value(1_723_161_255_342));
            assert_eq!(f.buyer_is_maker, Some(true));
        });
    }

    #[test]
    fn keys_given_twice_and_escaped() {
        let line = r#"{"stream":"x@depth","data":{"\u0065":"depthUpdate","u":1,"u":2,"b":[["1","2"]],"b":[["3","4"],["NaN","1"],[],7],"a":[]}}"#;
        with(line, |f, bids, asks| {
            assert_eq!(f.class(), Class::Depth);
            assert_eq!(f[Field::LastId], Num::Value(2));
            assert_eq!(bids, &[(300_000_000, 400_000_000)]);
            assert!(asks.is_empty() && f.has_asks);
            assert_eq!(f.bad_levels.len(), 3);
        });
    }

    #[test]
    fn raw_frames_in_three_units() {
        for stamp in ["1723161254206", "1723161254206000", "1723161254206000000"] {
            with(&format!("{stamp} {{\"lastUpdateId\":5,\"bids\":[[\"1.5\",\"2\"]],\"asks\":[]}}"), |f, bids, _| {
                assert_eq!(f.class(), Class::Snapshot);
                assert_eq!(f[Field::Receive], Num::Value(1_723_161_254_206_000_000));
                assert_eq!(bids, &[(150_000_000, 200_000_000)]);
            });
        }
    }

    #[test]
    fn what_is_no_frame_says_so() {
        let mut scratch = Scratch::default();
        for line in
            ["5", "\"a\"", "null", "[]", "17{}", "{", "{\"a\":1} x", "1723161254206 5", "", "99999999999999999999 {}"]
        {
            assert!(parse(line.as_bytes(), &mut scratch).is_err(), "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = parse(&bytes, &mut Scratch::default());
            prop_assert_eq!(peek_key(&bytes), find_key(&bytes));
        }

        #[test]
        fn damaged_frames_are_an_answer(at in 0usize..250, byte in any::<u8>(), cut in 0usize..250) {
            let line = br#"{"capture_ns":17,"stream":"btcusdt@depth","data":{"e":"depthUpdate","E":1723161255343,"s":"BTCUSDT","U":5,"u":7,"b":[["61837.63","0.02"],["1","0"]],"a":[["61838.5","1"]]}}"#;
            let mut damaged = line.to_vec();
            if let Some(b) = damaged.get_mut(at) { *b = byte; }
            damaged.truncate(cut);
            let _ = parse(&damaged, &mut Scratch::default());
            prop_assert_eq!(peek_key(&damaged), find_key(&damaged));
        }
    }
}
