//! Lines that are written like lines before them: what stands between the values is compared, not read.
//!
//! A recorder writes every kind of message in one way, down to the blanks. Once the general scanner has read a line, its texts between
//! the values and what each value is for are kept in a tree. A later line with the same texts has the same values in the same places,
//! and they are read by the very functions that the general scanner calls; at the first difference the line is the general scanner's.

use std::borrow::Cow;

use super::frame::{self, Frame, STEPS_MAX, Scratch, Slot, Step};
use super::scan::{Num, ScanError, Scanner};
use super::swar;

/// Nodes kept; the messages of a venue need about 50. A hostile file may write every line in another way.
const NODES_MAX: usize = 512;
/// Longest text between two values that is kept, in bytes.
const TEXT_BYTES_MAX: usize = 256;

/// How the lines so far were written.
#[derive(Debug, Default)]
pub(super) struct Shapes {
    starts: Vec<Node>,
    nodes: usize,
}

/// A text and the value behind it.
#[derive(Debug, PartialEq, Eq)]
struct Node {
    text: Box<[u8]>,
    value: Value,
    /// What has been seen to follow.
    next: Vec<Node>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value {
    Of(Slot),
    /// The message type: its quotes and what they hold are the end of the text, for they tell the messages apart.
    Event(usize),
    /// Nothing: the line ends.
    End,
}

impl Node {
    /// Whether it is what stands at `at`.
    #[inline]
    fn fits(&self, line: &[u8], at: usize) -> bool {
        let Some(rest) = line.get(at..).and_then(|rest| swar::strip_prefix(rest, &self.text)) else { return false };
        match self.value {
            Value::Of(slot) => rest.first().is_some_and(|first| is_plain(slot, *first)),
            Value::Event(_) => true,
            Value::End => rest.is_empty(),
        }
    }
}

/// Reads a value of the usual form straight into its place, without a result in between; `false`, with nothing read, for any other.
#[inline(always)]
fn read_usual<'a>(scanner: &mut Scanner<'a>, slot: Slot, frame: &mut Frame<'a>) -> bool {
    match slot {
        Slot::Integer(field) => scanner.quick_integer().map(|value| frame[field] = Num::Value(value)),
        Slot::Decimal(field) => scanner.quick_decimal().map(|value| frame[field] = Num::Value(value)),
        Slot::Stream => scanner.quick_text().map(|text| frame.stream = Some(Cow::Borrowed(text))),
        Slot::Symbol => scanner.quick_text().map(|text| frame.symbol = Some(Cow::Borrowed(text))),
        _ => None,
    }
    .is_some()
}

/// Whether a value that starts like this is for the same slot whatever it is.
#[inline]
fn is_plain(slot: Slot, first: u8) -> bool {
    match slot {
        Slot::Bids | Slot::Asks => first == b'[',
        Slot::Stream | Slot::Event | Slot::Symbol => first == b'"',
        // The start of the line, where the digits make it a prefix.
        Slot::Prefix => first.is_ascii_digit(),
        // Where a key can hold levels or a payload too, other values start otherwise.
        Slot::Integer(_) | Slot::Decimal(_) | Slot::BuyerIsMaker | Slot::Skipped => !matches!(first, b'[' | b'{'),
        Slot::Payload => false,
    }
}

impl Shapes {
    /// Reads one line into an empty frame, as [`frame::parse`] does.
    #[inline]
    pub(super) fn parse<'a>(
        &mut self,
        line: &'a [u8],
        frame: &mut Frame<'a>,
        scratch: &mut Scratch,
    ) -> Result<(), ScanError> {
        if self.read(line, frame, scratch).is_some() {
            return Ok(());
        }
        *frame = Frame::default();
        frame::parse_into(line, frame, scratch)?;
        self.learn(line, &scratch.steps);
        Ok(())
    }

    /// Reads a line written like one before; `None` if it is not, or not well-formed, and then the frame means nothing.
    #[inline]
    fn read<'a>(&self, line: &'a [u8], frame: &mut Frame<'a>, scratch: &mut Scratch) -> Option<()> {
        scratch.bids.clear();
        scratch.asks.clear();
        let mut scanner = Scanner::new(line, 0);
        let mut nodes = &self.starts;
        // Bounded by the depth of the tree.
        loop {
            let node = nodes.iter().find(|node| node.fits(line, scanner.at))?;
            scanner.at += node.text.len();
            match node.value {
                Value::Of(slot) => {
                    if !read_usual(&mut scanner, slot, frame) {
                        frame::read(&mut scanner, slot, frame, scratch, 1).ok()?;
                    }
                }
                Value::Event(bytes) => {
                    frame.event = Some(Cow::Borrowed(&line[scanner.at - 1 - bytes..scanner.at - 1]));
                }
                Value::End => return Some(()),
            }
            nodes = &node.next;
        }
    }

    /// Keeps how a line is written that the general scanner has read.
    #[cold]
    fn learn(&mut self, line: &[u8], steps: &[Step]) {
        if steps.len() > STEPS_MAX || self.nodes + steps.len() >= NODES_MAX {
            return;
        }
        let Some(path) = path(line, steps) else { return };
        let mut nodes = &mut self.starts;
        for node in path {
            let at = nodes.iter().position(|n| (&n.text, n.value) == (&node.text, node.value));
            let at = at.unwrap_or_else(|| {
                self.nodes += 1;
                nodes.push(node);
                nodes.len() - 1
            });
            nodes = &mut nodes[at].next;
        }
    }
}

/// The texts and values of a line; `None` if its values are of a kind that tells nothing of the next line's.
fn path(line: &[u8], steps: &[Step]) -> Option<Vec<Node>> {
    let mut path = Vec::with_capacity(steps.len() + 1);
    let mut from = 0;
    for Step { slot, range } in steps {
        let value =
            line.get(range.clone()).filter(|value| value.first().is_some_and(|first| is_plain(*slot, *first)))?;
        let (end, value) = match slot {
            Slot::Event if value.contains(&b'\\') => return None,
            Slot::Event => (range.end, Value::Event(value.len() - 2)),
            _ => (range.start, Value::Of(*slot)),
        };
        path.push(Node { text: line[from..end].into(), value, next: Vec::new() });
        from = range.end;
    }
    path.push(Node { text: line[from..].into(), value: Value::End, next: Vec::new() });
    path.iter().all(|node| node.text.len() <= TEXT_BYTES_MAX).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LINES: [&str; 10] = [
        r#"{"capture_ns":3849929279453386,"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1753070410500,"s":"BTCUSDT","U":61030075639,"u":61030075680,"b":[["117999.00000000","0.00000000"],["117998.90000000","0.00000000"],["99998.60000000","12.02297000"]],"a":[["117999.10000000","0.18628000"]]}}"#,
        r#"{"capture_ns":3849929293144875,"stream":"btcusdt@trade","data":{"e":"trade","E":1753070410516,"s":"BTCUSDT","t":3935973147,"p":"117998.80000000","q":"0.00434000","T":1753070410516,"m":true,"M":true}}"#,
        r#"1723161254206000123 {"stream":"btcusdt@depth@0ms","data":{"e":"depthUpdate","E":1723161255343,"T":1723161255340,"s":"BTCUSDT","U":5,"u":7,"pu":4,"b":[["61837.63","0.02"],["1","0"]],"a":[]}}"#,
        r#"1723161254206 {"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,"p":"61837.63","q":"0.02","b":28088,"a":28089,"T":1723161255342,"m":false,"M":true,"X":"MARKET"}}"#,
        r#"{"stream":"btcusdt@bookTicker","data":{"u":50093,"s":"BTCUSDT","b":"61837.63","B":"3.1","a":"61837.64","A":"0.5"}}"#,
        r#"{"e":"depthUpdate","E":1723161255343,"s":"BTCUSDT","U":5,"u":7,"b":[["61837.63","0.02","x"]],"a":[[]]}"#,
        r#"1723161254206 {"lastUpdateId":5,"bids":[["1.5","2"]],"asks":[["1.6","2"]]}"#,
        r#"{ "capture_ns" : 17, "stream" : "btcusdt@depth5" , "data" : {"lastUpdateId": 5, "bids": [], "asks": [["1.6","2"]]} }"#,
        r#"{"capture_ns":17,"data":{"e":"tr\u0061de","E":null,"s":5,"p":"NaN","q":1e3,"u":1,"u":"2","X":[1,{"e":"x"}]},"stream":null}"#,
        r#"{"capture_ns":17,"data":5,"b":"1","b":[["1","2"]],"e":"trade"}"#,
    ];

    /// What a line says, by itself and after all the lines.
    fn check(shapes: &mut Shapes, line: &[u8]) {
        let (mut own, mut theirs) = (Scratch::default(), Scratch::default());
        let mut frame = Frame::default();
        let read = shapes.parse(line, &mut frame, &mut own);
        match (read, frame::parse(line, &mut theirs)) {
            (Ok(()), Ok(expected)) => {
                assert_eq!(frame, expected);
                assert_eq!((&own.bids, &own.asks), (&theirs.bids, &theirs.asks));
            }
            (read, expected) => assert_eq!(read.err(), expected.err()),
        }
    }

    fn learned() -> Shapes {
        let mut shapes = Shapes::default();
        for line in LINES {
            check(&mut shapes, line.as_bytes());
        }
        shapes
    }

    #[test]
    fn lines_like_lines_before_are_read_without_the_general_scanner() {
        let shapes = learned();
        let nodes = shapes.nodes;
        for line in &LINES[..8] {
            let mut frame = Frame::default();
            let longer = line.replace("BTCUSDT", "1000SHIBUSDT").replace("\"0.02\"", "\"123456789.5\"");
            assert!(shapes.read(longer.as_bytes(), &mut frame, &mut Scratch::default()).is_some(), "{longer}");
        }
        let mut again = learned();
        for line in LINES {
            check(&mut again, line.as_bytes());
        }
        assert_eq!(again.nodes, nodes, "what is known is not kept twice");
    }

    #[test]
    fn another_message_type_is_another_shape() {
        let mut shapes = learned();
        for line in LINES {
            check(&mut shapes, line.replace("depthUpdate", "depthupdate").replace("\"trade\"", "\"grade\"").as_bytes());
            check(&mut shapes, line.replace("[[", "[ [").replace("true", "null").as_bytes());
            check(&mut shapes, format!("{line} ").as_bytes());
            check(&mut shapes, format!("{line}}}").as_bytes());
        }
    }

    #[test]
    fn shapes_without_end_are_not_all_kept() {
        let mut shapes = Shapes::default();
        for i in 0..10_000 {
            check(&mut shapes, format!(r#"{{"stream":"a@trade","k{i}":1,"data":{{"e":"trade","t":{i}}}}}"#).as_bytes());
        }
        assert!(shapes.nodes <= NODES_MAX);
        let long = format!(r#"{{"stream":"a@trade","{}":1}}"#, "k".repeat(TEXT_BYTES_MAX));
        check(&mut Shapes::default(), long.as_bytes());
    }

    /// A change to a line: at a place, drop some bytes and put others there.
    fn change() -> impl Strategy<Value = (prop::sample::Index, usize, Vec<u8>)> {
        let bytes = prop_oneof![
            4 => proptest::collection::vec(prop_oneof![
                prop::sample::select(b"0123456789.,:\"[]{} \\-+eEtfn\t".to_vec()),
                any::<u8>(),
            ], 0..3),
            1 => prop::sample::select(vec![
                "\"]", "],", "[\"1.5\",\"2\"],", "null", "\"u\":9,", "\"e\":\"trade\",", "\"b\":[],", "\\u0062", "\u{e9}", "00", "e-3",
            ]).prop_map(|text| text.as_bytes().to_vec()),
        ];
        (any::<prop::sample::Index>(), 0usize..3, bytes)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]
        #[test]
        fn changed_lines_are_judged_as_by_the_general_scanner(
            lines in proptest::collection::vec((0..LINES.len(), proptest::collection::vec(change(), 0..4)), 1..4),
        ) {
            let mut shapes = learned();
            for (which, changes) in lines {
                let mut line = LINES[which].as_bytes().to_vec();
                for (at, drop, put) in changes {
                    let at = at.index(line.len() + 1);
                    line.splice(at..(at + drop).min(line.len()), put);
                }
                check(&mut shapes, &line);
            }
        }

        #[test]
        fn leading_numbers_agree_with_the_library(text in "[0-9]{0,22}[ ,}a]?[0-9]{0,3}") {
            let n = text.bytes().take_while(u8::is_ascii_digit).count();
            prop_assert_eq!(crate::json::quick::leading_number(text.as_bytes()), (text[..n].parse().ok(), n));
        }

        #[test]
        fn levels_agree_with_numbers_read_one_by_one(
            levels in prop_oneof![
                proptest::collection::vec(("[0-9]{1,10}([.][0-9]{0,9})?", "[0-9]{1,9}[.][0-9]{1,8}"), 0..6),
                proptest::collection::vec(("[0-9]{5,6}[.][0-9]", "[0-9]{1,2}"), 0..9),
                proptest::collection::vec(("[0-9]{7}[.][0-9]{8}", "[0-9]{7}[.][0-9]{8}"), 0..9),
            ],
            blank in prop_oneof![9 => Just(""), 1 => Just(" ")],
            before in ("[0-9]{1,9}([.][0-9]{0,8})?", "[0-9]{1,2}[.][0-9]{1,8}"),
            behind in prop_oneof![Just("}"), Just("}    }                                                    \"]]   ")],
        ) {
            let text_of = |(p, q): &(String, String)| format!("[\"{p}\",\"{q}\"]");
            let (mut form, mut read, mut bad) = (None, Vec::new(), Vec::new());
            // Levels of another message, whose form is tried first.
            let other = format!("[{}]", text_of(&before));
            prop_assert_eq!(Scanner::new(other.as_bytes(), 0).levels(&mut form, &mut read, &mut bad), Ok(()));
            (read, bad) = (Vec::new(), Vec::new());
            let text: Vec<String> = levels.iter().map(text_of).collect();
            let text = format!("[{}]", text.join(&format!(",{blank}")));
            let line = format!("{text}{behind}");
            let mut scanner = Scanner::new(line.as_bytes(), 0);
            prop_assert_eq!(scanner.levels(&mut form, &mut read, &mut bad), Ok(()));
            prop_assert_eq!(scanner.at, text.len());
            let number = |text: &str| crate::decimal::parse(text.as_bytes()).ok();
            let expected: Vec<_> = levels.iter().filter_map(|(p, q)| number(p).zip(number(q))).collect();
            prop_assert_eq!(bad.len(), levels.len() - expected.len());
            prop_assert_eq!(read, expected);
        }
    }
}
