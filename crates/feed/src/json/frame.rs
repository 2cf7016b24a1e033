//! One line of a capture: the envelope, the raw frame, or a bare payload, as the fields it holds.

use std::borrow::Cow;

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
}

/// The fields of a line that any of the known messages has. Absent fields stay absent; a key given twice: the last one counts.
#[derive(Debug, Default)]
pub(crate) struct Frame<'a> {
    /// Receive stamp: `capture_ns` as it stands, or the number before a raw frame, in ns.
    pub(crate) receive: Num<'a>,
    pub(crate) stream: Option<Cow<'a, [u8]>>,
    pub(crate) event: Option<Cow<'a, [u8]>>,
    pub(crate) symbol: Option<Cow<'a, [u8]>>,
    pub(crate) event_time: Num<'a>,
    pub(crate) trade_time: Num<'a>,
    pub(crate) trade_id: Num<'a>,
    pub(crate) price: Num<'a>,
    pub(crate) qty: Num<'a>,
    pub(crate) buyer_is_maker: Option<bool>,
    pub(crate) first_id: Num<'a>,
    pub(crate) last_id: Num<'a>,
    pub(crate) prev_id: Num<'a>,
    pub(crate) snapshot_id: Num<'a>,
    /// `b`, `B`, `a`, `A` of a best quote.
    pub(crate) best_bid: [Num<'a>; 2],
    pub(crate) best_ask: [Num<'a>; 2],
    pub(crate) has_bids: bool,
    pub(crate) has_asks: bool,
    /// Levels without an exact price and quantity: text and reason.
    pub(crate) bad_levels: Vec<(&'a [u8], &'static str)>,
}

/// Reads one line.
///
/// # Errors
/// [`ScanError`] when the line is not one JSON object, with or without a number before it.
pub(crate) fn parse<'a>(line: &'a [u8], scratch: &mut Scratch) -> Result<Frame<'a>, ScanError> {
    scratch.bids.clear();
    scratch.asks.clear();
    let mut frame = Frame::default();
    let mut scanner = Scanner::new(line, 0);
    if line.first().is_some_and(u8::is_ascii_digit) {
        let stamp = receive_prefix(&mut scanner, line)?;
        frame.receive = match epoch::to_ns(stamp).0 {
            NO_TIME => Num::Bad(&line[..scanner.at], "not an epoch stamp"),
            ns => Num::Value(ns),
        };
    }
    if scanner.peek()? != b'{' {
        return scanner.fail("not a JSON object");
    }
    object(&mut scanner, &mut frame, scratch, 0)?;
    scanner.end()?;
    Ok(frame)
}

/// The digits before a raw frame; a blank must follow.
fn receive_prefix(scanner: &mut Scanner<'_>, line: &[u8]) -> Result<i64, ScanError> {
    let n = line.iter().take_while(|b| b.is_ascii_digit()).count();
    if !matches!(line.get(n), Some(b' ' | b'\t')) {
        return scanner.fail("not a JSON object");
    }
    let stamp = std::str::from_utf8(&line[..n]).ok().and_then(|t| t.parse::<i64>().ok());
    scanner.at = n;
    stamp.map_or_else(|| scanner.fail("a receive stamp beyond the 64-bit range"), Ok)
}

/// The envelope (`level` 0) and its payload (1) are read by one function: a bare payload needs no special case.
fn object<'a>(s: &mut Scanner<'a>, frame: &mut Frame<'a>, scratch: &mut Scratch, level: u32) -> Result<(), ScanError> {
    if !s.open(b'{', b'}')? {
        return Ok(());
    }
    loop {
        let key = s.string()?;
        s.eat(b':', "expected a colon")?;
        let first = s.peek()?;
        field(s, frame, scratch, level, &key, first)?;
        if !s.more(b'}')? {
            return Ok(());
        }
    }
}

#[inline]
fn field<'a>(
    s: &mut Scanner<'a>,
    frame: &mut Frame<'a>,
    scratch: &mut Scratch,
    level: u32,
    key: &[u8],
    first: u8,
) -> Result<(), ScanError> {
    match key {
        b"capture_ns" => frame.receive = s.integer()?,
        b"stream" => frame.stream = text(s, first)?,
        b"data" if level == 0 && first == b'{' => return object(s, frame, scratch, 1),
        b"e" => frame.event = text(s, first)?,
        b"s" | b"symbol" => frame.symbol = text(s, first)?,
        b"E" => frame.event_time = s.integer()?,
        b"T" => frame.trade_time = s.integer()?,
        b"t" => frame.trade_id = s.integer()?,
        b"p" => frame.price = s.decimal()?,
        b"q" => frame.qty = s.decimal()?,
        b"m" => frame.buyer_is_maker = s.boolean()?,
        b"U" => frame.first_id = s.integer()?,
        b"u" => frame.last_id = s.integer()?,
        b"pu" => frame.prev_id = s.integer()?,
        b"lastUpdateId" => frame.snapshot_id = s.integer()?,
        b"b" | b"bids" if first == b'[' => {
            scratch.bids.clear();
            frame.has_bids = true;
            s.levels(&mut scratch.bids, &mut frame.bad_levels)?;
        }
        b"a" | b"asks" if first == b'[' => {
            scratch.asks.clear();
            frame.has_asks = true;
            s.levels(&mut scratch.asks, &mut frame.bad_levels)?;
        }
        b"b" => frame.best_bid[0] = s.decimal()?,
        b"B" => frame.best_bid[1] = s.decimal()?,
        b"a" => frame.best_ask[0] = s.decimal()?,
        b"A" => frame.best_ask[1] = s.decimal()?,
        _ => s.skip_value(level + 1)?,
    }
    Ok(())
}

fn text<'a>(s: &mut Scanner<'a>, first: u8) -> Result<Option<Cow<'a, [u8]>>, ScanError> {
    if first == b'"' {
        return s.string().map(Some);
    }
    s.skip_value(0).map(|()| None)
}

impl<'a> Frame<'a> {
    /// Exchange time as it stands in the message: of the trade, or of the event.
    pub(crate) fn exchange_stamp(&self, trade: bool) -> Num<'a> {
        let (first, second) =
            if trade { (self.trade_time, self.event_time) } else { (self.event_time, self.trade_time) };
        match first {
            Num::Absent => second,
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
        let suffix = self.suffix().unwrap_or_default();
        let is_partial = is_partial_book(suffix);
        match self.event.as_deref() {
            Some(b"trade") => Class::Trade,
            Some(b"depthUpdate") if is_partial => Class::PartialBook,
            Some(b"depthUpdate") => Class::Depth,
            Some(b"bookTicker") => Class::BestQuote,
            Some(_) => Class::Unknown,
            None if self.snapshot_id != Num::Absent => {
                if is_partial {
                    Class::PartialBook
                } else {
                    Class::Snapshot
                }
            }
            None => match suffix {
                b"trade" => Class::Trade,
                b"bookTicker" => Class::BestQuote,
                _ if is_partial => Class::PartialBook,
                _ if suffix == b"depth" || suffix.starts_with(b"depth@") => Class::Depth,
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
pub(crate) fn peek_key(line: &[u8]) -> Option<i64> {
    if line.first().is_some_and(u8::is_ascii_digit) {
        let n = line.iter().take_while(|b| b.is_ascii_digit()).count();
        let stamp = std::str::from_utf8(&line[..n]).ok()?.parse::<i64>().ok()?;
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
    let n = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    std::str::from_utf8(&rest[..n]).ok()?.parse().ok()
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
            assert_eq!(f.receive, Num::Value(17));
            assert_eq!(f.trade_id, Num::Value(3_735_683_259));
            assert_eq!((f.price, f.qty), (Num::Value(6_183_763_000_000), Num::Value(2_000_000)));
            assert_eq!(f.exchange_stamp(true), Num::Value(1_723_161_255_342));
            assert_eq!(f.buyer_is_maker, Some(true));
        });
    }

    #[test]
    fn keys_given_twice_and_escaped() {
        let line = r#"{"stream":"x@depth","data":{"\u0065":"depthUpdate","u":1,"u":2,"b":[["1","2"]],"b":[["3","4"],["NaN","1"],[],7],"a":[]}}"#;
        with(line, |f, bids, asks| {
            assert_eq!(f.class(), Class::Depth);
            assert_eq!(f.last_id, Num::Value(2));
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
                assert_eq!(f.receive, Num::Value(1_723_161_254_206_000_000));
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
            let _ = peek_key(&bytes);
        }

        #[test]
        fn damaged_frames_are_an_answer(at in 0usize..250, byte in any::<u8>(), cut in 0usize..250) {
            let line = br#"{"capture_ns":17,"stream":"btcusdt@depth","data":{"e":"depthUpdate","E":1723161255343,"s":"BTCUSDT","U":5,"u":7,"b":[["61837.63","0.02"],["1","0"]],"a":[["61838.5","1"]]}}"#;
            let mut damaged = line.to_vec();
            if let Some(b) = damaged.get_mut(at) { *b = byte; }
            damaged.truncate(cut);
            let _ = parse(&damaged, &mut Scratch::default());
        }
    }
}
