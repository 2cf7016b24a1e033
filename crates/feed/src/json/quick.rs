//! The usual forms of numbers, texts and levels, read by words; anything else is left to the general scanner, unread.

use super::scan::{Num, ScanError, Scanner};
use super::swar;

const SCALE_UP: [u64; 9] = [100_000_000, 10_000_000, 1_000_000, 100_000, 10_000, 1_000, 100, 10, 1];

/// Digits before and after the points of price and quantity. Levels are mostly alike, so the next one is read at the places where it
/// ends if it is like the last one, and then it is looked whether it was.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Form {
    price: Digits,
    qty: Digits,
}

#[derive(Debug, Clone, Copy)]
struct Digits {
    /// 1 to 7.
    whole: usize,
    /// 1, or 0 if there is no point.
    point: usize,
    /// 0 to 8.
    fraction: usize,
}

impl Digits {
    #[inline(always)]
    fn len(self) -> usize {
        self.whole + self.point + self.fraction
    }

    /// What differs between `byte` and the point, if there is to be one.
    #[inline(always)]
    fn misses_point(self, byte: u8) -> u64 {
        u64::from(byte ^ b'.') * self.point as u64
    }
}

/// A decimal between quotes whose first digit is at `at`, and its form; `None` if it is none, or of an unusual form.
#[inline]
fn decimal_at(text: &[u8], at: usize) -> Option<(i64, Digits)> {
    let word = swar::word(text, at)?;
    let whole = swar::digits(word);
    if !(1..swar::WORD_DIGITS).contains(&whole) {
        return None;
    }
    let units = swar::whole(word, whole) * 100_000_000;
    match swar::byte(word, whole) {
        b'"' => return Some((units as i64, Digits { whole, point: 0, fraction: 0 })),
        b'.' => {}
        _ => return None,
    }
    let fraction_word = swar::word(text, at + whole + 1)?;
    let form = Digits { whole, point: 1, fraction: swar::digits(fraction_word) };
    let value = units + swar::fraction(fraction_word, form.fraction);
    (text.get(at + form.len()) == Some(&b'"')).then_some((value as i64, form))
}

#[inline(always)]
fn stands_at(text: &[u8], at: usize, what: &[u8]) -> bool {
    text.get(at..at + what.len()) == Some(what)
}

/// `["price","quantity"]` at `at`, its form, and where it ends.
#[inline]
fn level_at(text: &[u8], at: usize) -> Option<((i64, i64), Form, usize)> {
    let (price, price_form) = decimal_at(text, at + 2)?;
    let middle = at + 2 + price_form.len();
    let (qty, qty_form) = decimal_at(text, middle + 3)?;
    let end = middle + 3 + qty_form.len() + 2;
    let is_level = stands_at(text, at, b"[\"") && stands_at(text, middle, b"\",\"") && stands_at(text, end - 2, b"\"]");
    is_level.then_some(((price, qty), Form { price: price_form, qty: qty_form }, end))
}

/// Where a level of the usual form ends at most, from its first digit on: two numbers of 7 and 8 digits and what stands between them.
const END_MAX: usize = 2 * (7 + 1 + 8) + 3;
/// Bytes looked at together.
const WINDOW: usize = END_MAX + 8;

/// The word at `at`, which is no more than [`END_MAX`]: the compiler need not be told twice.
#[inline(always)]
fn within(window: &[u8; WINDOW], at: usize) -> u64 {
    swar::word(&window[at.min(END_MAX)..], 0).unwrap_or_default()
}

/// Reads the levels of this form from `at` on; where it ends, and whether the closing bracket was consumed. `EIGHT`: both fractions have 8
/// digits.
#[inline(always)]
fn alike<const EIGHT: bool>(form: Form, text: &[u8], at: usize, levels: &mut Vec<(i64, i64)>) -> (usize, bool) {
    const MIDDLE: u64 = u64::from_le_bytes(*b"\",\"\0\0\0\0\0");
    const NEXT: u64 = u64::from_le_bytes(*b"\"],[\"\0\0\0");
    const LAST: u64 = u64::from_le_bytes(*b"\"]]\0\0\0\0\0");
    let mut form = form;
    if EIGHT {
        (form.price.point, form.price.fraction) = (1, 8);
        (form.qty.point, form.qty.fraction) = (1, 8);
    }
    let Form { price: price_form, qty: qty_form } = form;
    let (point, middle) = (price_form.whole, price_form.len());
    let qty = middle + 3;
    let (qty_point, end) = (qty + qty_form.whole, qty + qty_form.len());
    if !stands_at(text, at, b"[\"") {
        return (at, false);
    }
    let mut at = at + 2;
    // Bounded: every turn consumes a level.
    while let Some(window) = text.get(at..).and_then(|text| text.first_chunk::<WINDOW>()) {
        let words = [within(window, 0), within(window, point + 1), within(window, qty), within(window, qty_point + 1)];
        let others = swar::others_before(words[0], price_form.whole)
            | price_form.misses_point(window[point.min(END_MAX)])
            | swar::others_before(words[1], price_form.fraction)
            | swar::others_before(words[2], qty_form.whole)
            | qty_form.misses_point(window[qty_point.min(END_MAX)])
            | swar::others_before(words[3], qty_form.fraction)
            | ((within(window, middle) ^ MIDDLE) & swar::first_bytes(3));
        let behind = within(window, end);
        let is_last = (behind ^ LAST) & swar::first_bytes(3) == 0;
        if others != 0 || !(is_last || (behind ^ NEXT) & swar::first_bytes(5) == 0) {
            break;
        }
        // At most 7 digits before the point: below 10^15.
        let price =
            swar::whole(words[0], price_form.whole) * 100_000_000 + swar::fraction(words[1], price_form.fraction);
        let qty = swar::whole(words[2], qty_form.whole) * 100_000_000 + swar::fraction(words[3], qty_form.fraction);
        levels.push((price as i64, qty as i64));
        if is_last {
            return (at + end + 3, true);
        }
        at += end + 4 + 1;
    }
    (at - 2, false)
}

impl<'a> Scanner<'a> {
    /// `[["price","qty"], ...]` into `levels`; further items of a level are skipped, levels without exact values go to `bad`. `form` is
    /// that of levels before, of this message or another.
    pub(crate) fn levels(
        &mut self,
        form: &mut Option<Form>,
        levels: &mut Vec<(i64, i64)>,
        bad: &mut Vec<(&'a [u8], &'static str)>,
    ) -> Result<(), ScanError> {
        if !self.open(b'[', b']')? {
            return Ok(());
        }
        loop {
            if self.usual_levels(form, levels) {
                return Ok(());
            }
            self.level(levels, bad)?;
            if !self.more(b']')? {
                return Ok(());
            }
        }
    }

    /// Reads levels for as long as they are of the usual form; `true` if the closing bracket was consumed, else a level is to follow.
    #[inline]
    fn usual_levels(&mut self, known: &mut Option<Form>, levels: &mut Vec<(i64, i64)>) -> bool {
        let text = self.bytes;
        // Bounded: every turn consumes a level or ends.
        loop {
            if let Some(form) = *known {
                let is_done;
                (self.at, is_done) = if form.price.fraction == 8 && form.qty.fraction == 8 {
                    alike::<true>(form, text, self.at, levels)
                } else {
                    alike::<false>(form, text, self.at, levels)
                };
                if is_done {
                    return true;
                }
            }
            let Some((level, form, end)) = level_at(text, self.at) else { return false };
            let is_last = match text.get(end) {
                Some(b',') => false,
                Some(b']') => true,
                _ => return false,
            };
            levels.push(level);
            self.at = end + 1;
            *known = Some(form);
            if is_last {
                return true;
            }
        }
    }

    fn level(
        &mut self,
        levels: &mut Vec<(i64, i64)>,
        bad: &mut Vec<(&'a [u8], &'static str)>,
    ) -> Result<(), ScanError> {
        let start = self.at;
        if self.peek()? != b'[' {
            self.skip_value(0)?;
            bad.push((&self.bytes[start..self.at], "not a [price, quantity] pair"));
            return Ok(());
        }
        self.at += 1;
        let mut pair = [Num::Absent; 2];
        let mut n = 0;
        if self.peek()? == b']' {
            self.at += 1;
        } else {
            loop {
                match pair.get_mut(n) {
                    Some(slot) => {
                        self.peek()?;
                        *slot = self.decimal()?;
                    }
                    None => self.skip_value(0)?,
                }
                n += 1;
                if !self.more(b']')? {
                    break;
                }
            }
        }
        match pair {
            [Num::Value(price), Num::Value(qty)] => levels.push((price, qty)),
            [Num::Bad(text, reason), _] | [_, Num::Bad(text, reason)] => bad.push((text, reason)),
            _ => bad.push((&self.bytes[start..self.at], "a level without price or quantity")),
        }
        Ok(())
    }

    /// A decimal between quotes: at most 10 digits, and after a point at most 8, the form of nearly every price.
    #[inline]
    pub(super) fn quick_decimal(&mut self) -> Option<i64> {
        if self.bytes.get(self.at) != Some(&b'"') {
            return None;
        }
        if let Some((value, form)) = decimal_at(self.bytes, self.at + 1) {
            self.at += form.len() + 2;
            return Some(value);
        }
        self.decimal_by_bytes()
    }

    /// Near the end of the line, or with 8 digits and more before the point.
    fn decimal_by_bytes(&mut self) -> Option<i64> {
        let text = self.bytes.get(self.at + 1..)?;
        let (mut value, whole) = digits(0, text);
        let mut n = whole;
        let mut fraction = 0;
        if text.get(n) == Some(&b'.') {
            (value, fraction) = digits(value, &text[n + 1..]);
            n += 1 + fraction;
        }
        // 18 digits fit 64 bits, 10 digits before the point stay in range after scaling to 10^-8.
        if text.get(n) != Some(&b'"') || whole == 0 || whole > 10 || fraction > 8 {
            return None;
        }
        self.at += n + 2;
        Some((value * SCALE_UP[fraction]) as i64)
    }

    /// A plain integer of at most 19 digits with a delimiter behind it.
    #[inline]
    pub(super) fn quick_integer(&mut self) -> Option<i64> {
        let text = self.bytes.get(self.at..)?;
        if let Some((value, n)) = middling_integer(text) {
            self.at += n;
            return Some(value);
        }
        let (value, at) = words_of_digits(text);
        // Near the end of the line, and behind two words.
        let (value, rest) = digits(value, &text[at..]);
        let n = at + rest;
        let is_plain =
            (1..=19).contains(&n) && (n == 1 || text[0] != b'0') && matches!(text.get(n), Some(b',' | b'}' | b']'));
        let value = i64::try_from(value).ok().filter(|_| is_plain)?;
        self.at += n;
        Some(value)
    }

    /// A string of plain ASCII without escapes: the bytes between the quotes.
    #[inline]
    pub(super) fn quick_text(&mut self) -> Option<&'a [u8]> {
        if self.bytes.get(self.at) != Some(&b'"') {
            return None;
        }
        let start = self.at + 1;
        let mut end = start;
        // Bounded: every turn passes eight bytes or ends.
        while let Some(word) = swar::word(self.bytes, end) {
            let n = swar::plain(word);
            end += n;
            if n < 8 {
                break;
            }
        }
        if self.bytes.get(end) != Some(&b'"') {
            return None;
        }
        self.at = end + 1;
        Some(&self.bytes[start..end])
    }
}

/// An integer of 8 to 16 digits that does not start with a zero, and a delimiter behind it: stamps and ids.
#[inline(always)]
fn middling_integer(text: &[u8]) -> Option<(i64, usize)> {
    let head: &[u8; 2 * swar::WORD_DIGITS + 1] = text.first_chunk()?;
    let [first, second] = [0, swar::WORD_DIGITS].map(|at| swar::word(head, at).unwrap_or_default());
    let rest = swar::digits(second);
    let n = swar::WORD_DIGITS + rest;
    let is_plain = swar::digits(first) == swar::WORD_DIGITS && head[0] != b'0' && matches!(head[n], b',' | b'}' | b']');
    let value = swar::whole(first, swar::WORD_DIGITS) * POWERS[rest] + swar::whole_or_none(second, rest);
    is_plain.then_some((value as i64, n))
}

const POWERS: [u64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// The number that `text` starts with, and its digits; no number if there are none, or beyond the 64-bit range.
#[inline]
pub(super) fn leading_number(text: &[u8]) -> (Option<i64>, usize) {
    let (value, at) = words_of_digits(text);
    let (value, rest) = digits(value, &text[at..]);
    let n = at + rest;
    // 19 digits fit 64 bits; of more the library knows best.
    let value = if (1..=19).contains(&n) { i64::try_from(value).ok() } else { parsed(&text[..n]) };
    (value, n)
}

#[cold]
fn parsed(digits: &[u8]) -> Option<i64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The digits that `text` starts with, two words at most.
#[inline(always)]
fn words_of_digits(text: &[u8]) -> (u64, usize) {
    let (mut value, mut at) = (0, 0);
    while let Some(word) = swar::word(text, at).filter(|_| at < 2 * swar::WORD_DIGITS) {
        let n = swar::digits(word);
        if n > 0 {
            value = value * POWERS[n] + swar::whole(word, n);
            at += n;
        }
        if n < swar::WORD_DIGITS {
            break;
        }
    }
    (value, at)
}

/// The digits that `text` starts with behind those of `value`, and how many they are; beyond 19 together the value means nothing.
#[inline]
fn digits(value: u64, text: &[u8]) -> (u64, usize) {
    let (mut value, mut n) = (value, 0);
    while let Some(d) = text.get(n).map(|b| b.wrapping_sub(b'0')).filter(|d| *d < 10) {
        value = value.wrapping_mul(10).wrapping_add(u64::from(d));
        n += 1;
    }
    (value, n)
}
