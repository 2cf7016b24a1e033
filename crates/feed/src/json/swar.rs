//! Digits and quotes found eight bytes at a time, in plain 64-bit arithmetic. In a word the first byte of the text is the lowest.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x80 * ONES;
/// What is left of a digit is its value.
const VALUES: u64 = 0x0f * ONES;

/// Digits of a word at most.
pub(super) const WORD_DIGITS: usize = 8;

/// The eight bytes from `at` on; `None` if the text ends before.
#[inline(always)]
pub(crate) fn word(text: &[u8], at: usize) -> Option<u64> {
    text.get(at..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}

/// The high bit of every byte that is no digit.
#[inline(always)]
fn others(word: u64) -> u64 {
    // A digit becomes 0 to 9; 118 more reach the high bit from 10 on. No byte carries into the next.
    let low = word ^ (0x30 * ONES);
    (((low & !HIGHS) + 0x76 * ONES) | low) & HIGHS
}

/// How many digits the word starts with.
#[inline(always)]
pub(crate) fn digits(word: u64) -> usize {
    others(word).trailing_zeros() as usize / 8
}

/// Marks what is no digit among the first `n` bytes, 0 to 8; 0 if all of them are digits.
#[inline(always)]
pub(super) fn others_before(word: u64, n: usize) -> u64 {
    others(word) & first_bytes(n)
}

/// All bits of the first `n` bytes, 0 to 8.
#[inline(always)]
pub(super) fn first_bytes(n: usize) -> u64 {
    if n >= WORD_DIGITS { u64::MAX } else { (1 << (8 * n)) - 1 }
}

/// The byte at `n`, 0 to 7.
#[inline(always)]
pub(crate) fn byte(word: u64, n: usize) -> u8 {
    (word >> (8 * (n & 7))) as u8
}

/// The number that the first `n` digits, 1 to 8, are.
#[inline(always)]
pub(crate) fn whole(word: u64, n: usize) -> u64 {
    if n == 1 {
        return word & 0xf;
    }
    // The digits move to the end, zeros go before them.
    eight((word & VALUES) << (64 - 8 * n.clamp(1, WORD_DIGITS)))
}

/// The number that the first `n` digits, 0 to 8, are; 0 of none.
#[inline(always)]
pub(super) fn whole_or_none(word: u64, n: usize) -> u64 {
    // Shifted in two steps, since all 64 bits cannot be shifted out at once.
    eight((word & VALUES) << (32 - 4 * n.min(WORD_DIGITS)) << (32 - 4 * n.min(WORD_DIGITS)))
}

/// The first `n` digits, 0 to 8, as a fraction in units of 10^-8.
#[inline(always)]
pub(super) fn fraction(word: u64, n: usize) -> u64 {
    eight(word & first_bytes(n) & VALUES)
}

/// The number whose eight digits are the values of the bytes.
#[inline(always)]
fn eight(digits: u64) -> u64 {
    const EVEN: u64 = 0x0000_00ff_0000_00ff;
    // Pairs: bytes 0, 2, 4 and 6 become 10 * digit + next digit, at most 99.
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    // Each product puts the sum of two pairs, weighted, into the upper half; what overflows is not looked at.
    let outer = (pairs & EVEN).wrapping_mul(100 + (1_000_000 << 32));
    let inner = ((pairs >> 16) & EVEN).wrapping_mul(1 + (10_000 << 32));
    outer.wrapping_add(inner) >> 32
}

/// How many bytes from the start are plain text of a JSON string: ASCII, no control character, no quote, no backslash; 8 for all.
#[inline(always)]
pub(super) fn plain(word: u64) -> usize {
    // Each term marks the bytes it looks for and perhaps bytes behind them, so that the first mark is right.
    let quote = word ^ (u64::from(b'"') * ONES);
    let backslash = word ^ (u64::from(b'\\') * ONES);
    let below = |word: u64, limit: u64| word.wrapping_sub(limit * ONES) & !word;
    let marks = (below(quote, 1) | below(backslash, 1) | below(word, 0x20) | word) & HIGHS;
    marks.trailing_zeros() as usize / 8
}

/// What follows `start`, if `text` starts with it. For short texts, where a call of the library's comparison is most of the work.
#[inline(always)]
pub(super) fn strip_prefix<'a>(text: &'a [u8], start: &[u8]) -> Option<&'a [u8]> {
    let (head, rest) = text.split_at_checked(start.len())?;
    let (words, tail) = start.as_chunks::<8>();
    for (ours, theirs) in words.iter().zip(head.as_chunks::<8>().0) {
        if u64::from_le_bytes(*ours) != u64::from_le_bytes(*theirs) {
            return None;
        }
    }
    let is_same = match (start.last_chunk::<8>(), head.last_chunk::<8>()) {
        // The last word overlaps the one before it.
        (Some(ours), Some(theirs)) => ours == theirs,
        _ => tail.iter().zip(head).all(|(ours, theirs)| ours == theirs),
    };
    is_same.then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(text: &[u8]) -> u64 {
        word(text, 0).unwrap()
    }

    #[test]
    fn words_end_with_the_text() {
        assert_eq!(word(b"1234567", 0), None);
        assert_eq!(word(b"12345678", 1), None);
        assert_eq!(word(b"12345678", usize::MAX), None);
        assert!(word(b"12345678", 0).is_some());
    }

    #[test]
    fn numbers() {
        assert_eq!((digits(of(b"12345678")), whole(of(b"12345678"), 8)), (8, 12_345_678));
        assert_eq!((digits(of(b"118000.1")), whole(of(b"118000.1"), 6)), (6, 118_000));
        assert_eq!((fraction(of(b"02488000"), 8), fraction(of(b"5\"],[\"99"), 1)), (2_488_000, 50_000_000));
        assert_eq!((whole(of(b"7......."), 1), fraction(of(b"\"]......"), 0)), (7, 0));
    }

    #[test]
    fn starts_of_every_length() {
        let text = b"0123456789abcdefghijklmnopqrstuvwxyz";
        for n in 0..=text.len() {
            assert_eq!(strip_prefix(text, &text[..n]), Some(&text[n..]));
            for k in 0..n {
                let mut other = text[..n].to_vec();
                other[k] ^= 1;
                assert_eq!(strip_prefix(text, &other), None, "{n} {k}");
            }
        }
        assert_eq!(strip_prefix(b"01", b"012"), None);
    }

    proptest! {
        #[test]
        fn agrees_with_a_look_at_every_byte(bytes in prop_oneof![
            proptest::array::uniform8(any::<u8>()),
            proptest::array::uniform8(prop_oneof![4 => b'0'..=b'9', 1 => any::<u8>()]),
            proptest::array::uniform8(prop_oneof![9 => b' '..=b'~', 1 => any::<u8>()]),
        ]) {
            let word = of(&bytes);
            let n = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
            prop_assert_eq!(digits(word), n);
            for k in 0..=8 {
                prop_assert_eq!(others_before(word, k) == 0, k <= n);
            }
            let value = |n: usize| bytes[..n].iter().fold(0, |v, b| 10 * v + u64::from(b - b'0'));
            prop_assert_eq!(whole_or_none(word, 0), 0);
            for k in 1..=n {
                prop_assert_eq!(whole(word, k), value(k));
                prop_assert_eq!(whole_or_none(word, k), value(k));
            }
            for k in 0..=n {
                prop_assert_eq!(fraction(word, k), value(k) * 10u64.pow(8 - k as u32));
            }
            for (k, expected) in bytes.iter().enumerate() {
                prop_assert_eq!(byte(word, k), *expected);
            }
            let is_plain = |b: &&u8| matches!(b, b' '..=0x7f) && !matches!(b, b'"' | b'\\');
            prop_assert_eq!(plain(word), bytes.iter().take_while(is_plain).count());
        }
    }
}
