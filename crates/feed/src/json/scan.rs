//! A strict one-pass JSON scanner over borrowed bytes: only what the frames need, no tree.

use std::borrow::Cow;

use crate::decimal::{self, DecimalError};

/// Where and why a text is not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ScanError {
    /// Byte offset in the line.
    pub(crate) at: usize,
    pub(crate) what: &'static str,
}

/// Deepest nesting that is followed; real frames need 4.
const DEPTH_MAX: u32 = 64;

pub(crate) struct Scanner<'a> {
    pub(super) bytes: &'a [u8],
    pub(crate) at: usize,
}

/// A number or a string that should hold one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Num<'a> {
    #[default]
    Absent,
    Value(i64),
    /// Well-formed JSON, but no exact value; the text and the reason.
    Bad(&'a [u8], &'static str),
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    pub(crate) fn fail<T>(&self, what: &'static str) -> Result<T, ScanError> {
        Err(ScanError { at: self.at, what })
    }

    /// The next byte that is not white space, not consumed.
    #[inline]
    pub(crate) fn peek(&mut self) -> Result<u8, ScanError> {
        loop {
            match self.bytes.get(self.at) {
                Some(b' ' | b'\t' | b'\r' | b'\n') => self.at += 1,
                Some(&b) => return Ok(b),
                None => return self.fail("the line ends inside the JSON text"),
            }
        }
    }

    #[inline]
    pub(crate) fn eat(&mut self, byte: u8, what: &'static str) -> Result<(), ScanError> {
        if self.peek()? == byte {
            self.at += 1;
            return Ok(());
        }
        self.fail(what)
    }

    /// After an element: `true` if another follows, `false` if `close` was consumed.
    #[inline]
    pub(crate) fn more(&mut self, close: u8) -> Result<bool, ScanError> {
        match self.peek()? {
            b',' => {
                self.at += 1;
                Ok(true)
            }
            b if b == close => {
                self.at += 1;
                Ok(false)
            }
            _ => self.fail("expected a comma or the closing bracket"),
        }
    }

    /// Opens an object or array; `true` unless it is empty (then it is consumed).
    #[inline]
    pub(crate) fn open(&mut self, open: u8, close: u8) -> Result<bool, ScanError> {
        self.eat(open, "expected an object or an array")?;
        if self.peek()? == close {
            self.at += 1;
            return Ok(false);
        }
        Ok(true)
    }

    /// Nothing but white space may follow.
    pub(crate) fn end(&mut self) -> Result<(), ScanError> {
        if self.peek().is_ok() {
            return self.fail("text after the end of the JSON value");
        }
        Ok(())
    }

    /// A string; borrowed unless it has escapes.
    pub(crate) fn string(&mut self) -> Result<Cow<'a, [u8]>, ScanError> {
        if let Some(text) = self.quick_text() {
            return Ok(Cow::Borrowed(text));
        }
        let raw = self.raw_string()?;
        if memchr::memchr(b'\\', raw).is_none() {
            return Ok(Cow::Borrowed(raw));
        }
        let from = self.at - raw.len() - 2;
        match serde_json::from_slice::<String>(&self.bytes[from..self.at]) {
            Ok(text) => Ok(Cow::Owned(text.into_bytes())),
            Err(_) => self.fail("a string with a bad escape"),
        }
    }

    /// The bytes between the quotes, escapes not resolved; checked to be UTF-8 without control characters.
    #[inline]
    fn raw_string(&mut self) -> Result<&'a [u8], ScanError> {
        self.eat(b'"', "expected a string")?;
        let start = self.at;
        let mut ascii = true;
        while let Some(&b) = self.bytes.get(self.at) {
            match b {
                b'"' => {
                    let raw = &self.bytes[start..self.at];
                    self.at += 1;
                    if !ascii && std::str::from_utf8(raw).is_err() {
                        return self.fail("a string that is not UTF-8");
                    }
                    return Ok(raw);
                }
                b'\\' => self.at += 2,
                0..=0x1f => return self.fail("a control character inside a string"),
                _ => {
                    ascii &= b < 0x80;
                    self.at += 1;
                }
            }
        }
        self.at = self.at.min(self.bytes.len());
        self.fail("the line ends inside a string")
    }

    /// The characters of a number, checked against the JSON grammar.
    fn number(&mut self) -> Result<&'a [u8], ScanError> {
        let start = self.at;
        if self.bytes.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        let whole = self.digits();
        if whole == 0 || (whole > 1 && self.bytes[self.at - whole] == b'0') {
            return self.fail("expected a value");
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return self.fail("a number that ends with its point");
            }
        }
        if let Some(b'e' | b'E') = self.bytes.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.bytes.get(self.at) {
                self.at += 1;
            }
            if self.digits() == 0 {
                return self.fail("a number without exponent digits");
            }
        }
        Ok(&self.bytes[start..self.at])
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        self.at - start
    }

    /// An integer, as a number or a string of one; null is absent.
    #[inline]
    pub(crate) fn integer(&mut self) -> Result<Num<'a>, ScanError> {
        if let Some(value) = self.quick_integer() {
            return Ok(Num::Value(value));
        }
        self.slow_number(|text| {
            // Exact also for forms like 1.7e12: value * 10^8 would overflow, so plain integers go through i64 first.
            if let Some(value) = std::str::from_utf8(text).ok().and_then(|t| t.parse::<i64>().ok()) {
                return Ok(value);
            }
            match decimal::parse(text) {
                Ok(scaled) if scaled % 100_000_000 == 0 => Ok(scaled / 100_000_000),
                Ok(_) => Err("not an integer"),
                Err(DecimalError::Overflow) => Err("beyond the 64-bit range"),
                Err(_) => Err("not an integer"),
            }
        })
    }

    /// A decimal in units of 10^-8, as a string or a number; null is absent.
    #[inline]
    pub(crate) fn decimal(&mut self) -> Result<Num<'a>, ScanError> {
        if let Some(value) = self.quick_decimal() {
            return Ok(Num::Value(value));
        }
        self.slow_number(|text| decimal::parse(text).map_err(DecimalError::reason))
    }

    fn slow_number(
        &mut self,
        convert: impl FnOnce(&'a [u8]) -> Result<i64, &'static str>,
    ) -> Result<Num<'a>, ScanError> {
        let text = match self.peek()? {
            b'"' => {
                let raw = self.raw_string()?;
                if memchr::memchr(b'\\', raw).is_some() {
                    return Ok(Num::Bad(raw, "a number written with escapes"));
                }
                raw
            }
            b'n' => {
                self.literal(b"null")?;
                return Ok(Num::Absent);
            }
            b'-' | b'0'..=b'9' => self.number()?,
            _ => {
                let start = self.at;
                self.skip_value(0)?;
                return Ok(Num::Bad(&self.bytes[start..self.at], "not a number"));
            }
        };
        Ok(convert(text).map_or_else(|reason| Num::Bad(text, reason), Num::Value))
    }

    pub(crate) fn literal(&mut self, word: &'static [u8]) -> Result<(), ScanError> {
        if self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            self.at += word.len();
            return Ok(());
        }
        self.fail("expected a value")
    }

    /// A boolean; anything else well-formed is `None`.
    pub(crate) fn boolean(&mut self) -> Result<Option<bool>, ScanError> {
        match self.peek()? {
            b't' => self.literal(b"true").map(|()| Some(true)),
            b'f' => self.literal(b"false").map(|()| Some(false)),
            _ => self.skip_value(0).map(|()| None),
        }
    }

    /// Any value, checked and thrown away.
    pub(crate) fn skip_value(&mut self, depth: u32) -> Result<(), ScanError> {
        if depth >= DEPTH_MAX {
            return self.fail("nested deeper than 64 levels");
        }
        match self.peek()? {
            b'"' => {
                // Escapes are checked too, by the same code that reads strings.
                self.string().map(|_| ())
            }
            b'{' => {
                if !self.open(b'{', b'}')? {
                    return Ok(());
                }
                loop {
                    self.string()?;
                    self.eat(b':', "expected a colon")?;
                    self.skip_value(depth + 1)?;
                    if !self.more(b'}')? {
                        return Ok(());
                    }
                }
            }
            b'[' => {
                if !self.open(b'[', b']')? {
                    return Ok(());
                }
                loop {
                    self.skip_value(depth + 1)?;
                    if !self.more(b']')? {
                        return Ok(());
                    }
                }
            }
            b't' => self.literal(b"true"),
            b'f' => self.literal(b"false"),
            b'n' => self.literal(b"null"),
            _ => self.number().map(|_| ()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn accepts(text: &[u8]) -> bool {
        let mut scanner = Scanner::new(text, 0);
        scanner.skip_value(0).and_then(|()| scanner.end()).is_ok()
    }

    #[test]
    fn grammar_agrees_with_serde_json() {
        for text in [
            "{}",
            "[]",
            "[1,2]",
            "[1,]",
            "[,1]",
            "{\"a\":1}",
            "{\"a\":1,}",
            "{a:1}",
            "01",
            "-0",
            "-",
            "1.",
            ".5",
            "1e5",
            "1e",
            "1E+5",
            "\"\\u0041\"",
            "\"\\x\"",
            "\"\\",
            "\"a",
            "true",
            "tru",
            "null",
            "nul",
            "NaN",
            "Infinity",
            " 1 ",
            "1 2",
            "",
            " ",
            "[1 2]",
            "{\"a\" 1}",
            "{\"a\":}",
            "[[[]]]",
            "[[]",
            "\"\u{7f}\"",
            "\"\t\"",
            "{\"a\":1}}",
            "\"\\ud800\"",
        ] {
            let serde = serde_json::from_str::<serde_json::Value>(text).is_ok();
            assert_eq!(accepts(text.as_bytes()), serde, "{text:?}");
        }
    }

    #[test]
    fn deep_nesting_is_refused_without_recursion_trouble() {
        assert!(accepts(b"[[[[[[[[]]]]]]]]"));
        assert!(!accepts(&b"[".repeat(1_000_000)));
        assert!(!accepts(&b"{\"a\":".repeat(1_000_000)));
    }

    #[test]
    fn decimals_in_all_dresses() {
        for (text, want) in [
            ("\"61837.63000000\"", Num::Value(6_183_763_000_000)),
            ("\"1E-8\"", Num::Value(1)),
            ("5", Num::Value(500_000_000)),
            ("5.25", Num::Value(525_000_000)),
            ("null", Num::Absent),
            ("\"NaN\"", Num::Bad(b"NaN", "not a decimal number")),
            ("\"0.123456789\"", Num::Bad(b"0.123456789", "has digits below 10^-8")),
            ("\"9999999999.99999999\"", Num::Value(999_999_999_999_999_999)),
            ("\"99999999999\"", Num::Bad(b"99999999999", "beyond 92233720368.54775807")),
            ("\"\"", Num::Bad(b"", "not a decimal number")),
            ("{\"x\":1}", Num::Bad(b"{\"x\":1}", "not a number")),
        ] {
            assert_eq!(Scanner::new(text.as_bytes(), 0).decimal(), Ok(want), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let agrees = accepts(&bytes) == serde_json::from_slice::<serde_json::Value>(&bytes).is_ok();
            prop_assert!(agrees, "{:?}", bytes);
        }

        #[test]
        fn json_like_text_is_judged_like_serde(text in "[\\[\\]{}:,\"0-9eE.+\\-a\\\\ntrue ]{0,24}") {
            // IgnoredAny does not look at the magnitude of numbers, as we do not.
            let serde = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
            prop_assert_eq!(accepts(text.as_bytes()), serde, "{}", text);
        }
    }
}
