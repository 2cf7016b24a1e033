//! Exact decimals: text to integers in units of 10^-8 and back. Nothing is ever rounded.

use std::io::Write as _;

/// Why a text is not an exact integer in units of 10^-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecimalError {
    /// Not a decimal number.
    Syntax,
    /// A number with digits below 10^-8.
    Inexact,
    /// A number beyond the range of i64 in units of 10^-8.
    Overflow,
}

impl DecimalError {
    /// In words.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Syntax => "not a decimal number",
            Self::Inexact => "has digits below 10^-8",
            Self::Overflow => "beyond 92233720368.54775807",
        }
    }
}

const SCALE: i64 = verismo_market::event::SCALE as i64;
const POW10: [u64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// Parses a decimal such as `61837.63000000`, `-0.5` or `1E-8` into units of 10^-8.
///
/// # Errors
/// [`DecimalError`]; trailing zeros and exponents are fine as long as the value itself is exact.
#[inline]
pub fn parse(text: &[u8]) -> Result<i64, DecimalError> {
    // At most 18 digits: the accumulator cannot overflow, which covers every price and quantity in practice.
    if text.len() > 18 {
        return parse_any(text);
    }
    let mut value: u64 = 0;
    let mut at = 0;
    while let Some(d) = text.get(at).map(|b| b.wrapping_sub(b'0')).filter(|d| *d < 10) {
        value = value * 10 + u64::from(d);
        at += 1;
    }
    if at == 0 || at == text.len() || text[at] != b'.' {
        return if at > 0 && at == text.len() { scale_up(value, 8) } else { parse_any(text) };
    }
    let point = at;
    at += 1;
    while let Some(d) = text.get(at).map(|b| b.wrapping_sub(b'0')).filter(|d| *d < 10) {
        value = value * 10 + u64::from(d);
        at += 1;
    }
    let fraction = at - point - 1;
    if at != text.len() || fraction > 8 {
        return parse_any(text);
    }
    scale_up(value, 8 - fraction)
}

#[inline]
fn scale_up(value: u64, power: usize) -> Result<i64, DecimalError> {
    let scaled = value.checked_mul(POW10[power]).ok_or(DecimalError::Overflow)?;
    i64::try_from(scaled).map_err(|_| DecimalError::Overflow)
}

/// The general form: sign, any number of digits, exponent.
fn parse_any(text: &[u8]) -> Result<i64, DecimalError> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let (mantissa, exponent) = match digits.iter().position(|b| matches!(b, b'e' | b'E')) {
        Some(i) => (&digits[..i], parse_exponent(&digits[i + 1..])?),
        None => (digits, 0),
    };
    let mut significand: u128 = 0;
    let mut power: i64 = exponent; // value = significand * 10^power, zeros at the end not yet multiplied in
    let mut zeros: i64 = 0;
    let mut seen_digit = false;
    let mut seen_point = false;
    let mut too_long = false;
    for &b in mantissa {
        match b {
            b'.' if !seen_point => seen_point = true,
            b'0'..=b'9' => {
                seen_digit = true;
                power -= i64::from(seen_point);
                if b == b'0' {
                    zeros += i64::from(significand != 0);
                    continue;
                }
                for _ in 0..=zeros.min(40) {
                    significand = significand.checked_mul(10).unwrap_or_else(|| {
                        too_long = true;
                        1
                    });
                }
                zeros = 0;
                significand += u128::from(b - b'0');
            }
            _ => return Err(DecimalError::Syntax),
        }
    }
    if !seen_digit {
        return Err(DecimalError::Syntax);
    }
    if significand == 0 {
        return Ok(0);
    }
    let power = power + zeros + SCALE;
    if too_long {
        // More than 38 significant digits: below 10^-8 or beyond the range, whatever the power.
        return Err(if power < 0 { DecimalError::Inexact } else { DecimalError::Overflow });
    }
    if power < 0 {
        // The last digit of the significand is not zero, so it stands below 10^-8.
        return Err(DecimalError::Inexact);
    }
    let mut value = significand;
    for _ in 0..power.min(39) {
        value = value.checked_mul(10).ok_or(DecimalError::Overflow)?;
    }
    let value = i64::try_from(value).map_err(|_| DecimalError::Overflow)?;
    Ok(if negative { -value } else { value })
}

fn parse_exponent(text: &[u8]) -> Result<i64, DecimalError> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(DecimalError::Syntax);
    }
    // An exponent beyond a million is as good as infinite, and cannot overflow the sums above.
    let value = digits.iter().fold(0i64, |v, b| (v * 10 + i64::from(b - b'0')).min(1_000_000));
    Ok(if negative { -value } else { value })
}

/// A decimal(38, 18) or any other (unscaled, scale) pair in units of 10^-8.
///
/// # Errors
/// [`DecimalError::Inexact`] or [`DecimalError::Overflow`].
#[inline]
pub(crate) fn from_scaled(unscaled: i128, scale: i8) -> Result<i64, DecimalError> {
    let excess = i64::from(scale) - SCALE;
    if excess == 10 {
        return from_scale_18(unscaled);
    }
    if excess >= 0 {
        let divisor = 10i128.checked_pow(excess as u32).ok_or(DecimalError::Overflow)?;
        if unscaled % divisor != 0 {
            return Err(DecimalError::Inexact);
        }
        return i64::try_from(unscaled / divisor).map_err(|_| DecimalError::Overflow);
    }
    let factor = 10i128.checked_pow(excess.unsigned_abs() as u32).ok_or(DecimalError::Overflow)?;
    let value = unscaled.checked_mul(factor).ok_or(DecimalError::Overflow)?;
    i64::try_from(value).map_err(|_| DecimalError::Overflow)
}

/// 5^10 times this is 1 modulo 2^64.
const INVERSE_OF_5_10: u64 = {
    // Newton's steps double the number of right bits, of which an odd number's own square gives three.
    let mut x = 9_765_625u64;
    let mut right_bits = 3;
    while right_bits < 64 {
        x = x.wrapping_mul(2u64.wrapping_sub(x.wrapping_mul(9_765_625)));
        right_bits *= 2;
    }
    x
};

/// Scale 18 without a division: 10^10 = 2^10 * 5^10, and where a number is an exact multiple of 5^10, its inverse finds the quotient.
#[inline]
pub(crate) fn from_scale_18(unscaled: i128) -> Result<i64, DecimalError> {
    let quotient = ((unscaled >> 10) as u64).wrapping_mul(INVERSE_OF_5_10) as i64;
    if i128::from(quotient) * 10_000_000_000 == unscaled && quotient != i64::MIN {
        return Ok(quotient);
    }
    Err(if unscaled % 10_000_000_000 == 0 { DecimalError::Overflow } else { DecimalError::Inexact })
}

/// A binary float that stands for a decimal with at most 8 digits after the point.
///
/// The nearest integer in units of 10^-8 is taken if it reproduces the float to its last bit or two; a float that lies between two
/// such decimals is [`DecimalError::Inexact`].
///
/// # Errors
/// [`DecimalError::Syntax`] for NaN and infinities.
#[inline]
pub(crate) fn from_f64(value: f64) -> Result<i64, DecimalError> {
    if !value.is_finite() {
        return Err(DecimalError::Syntax);
    }
    let scaled = value * 1e8;
    let nearest = scaled.round();
    if nearest.abs() >= 9.2e18 {
        return Err(DecimalError::Overflow);
    }
    // One rounding in the product and one in the source: two units in the last place.
    if (scaled - nearest).abs() > scaled.abs() * (2.0 * f64::EPSILON) {
        return Err(DecimalError::Inexact);
    }
    Ok(nearest as i64)
}

/// Appends `value` (units of 10^-8) with all eight digits, as Binance spot writes it.
pub(crate) fn write(value: i64, out: &mut Vec<u8>) {
    let magnitude = value.unsigned_abs();
    if value < 0 {
        out.push(b'-');
    }
    // Writing to a Vec cannot fail.
    let _ = write!(out, "{}.{:08}", magnitude / 100_000_000, magnitude % 100_000_000);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_texts() {
        for (text, want) in [
            ("61837.63000000", Ok(6_183_763_000_000)),
            ("0", Ok(0)),
            ("0.00000000", Ok(0)),
            ("-0.5", Ok(-50_000_000)),
            ("+1", Ok(100_000_000)),
            ("1E-8", Ok(1)),
            ("1e-8", Ok(1)),
            ("1.0E-7", Ok(10)),
            ("1E+3", Ok(100_000_000_000)),
            ("0E-18", Ok(0)),
            ("0.000000010000000000", Ok(1)),
            ("000000000000000000000000000000000000000000000001", Ok(100_000_000)),
            ("100000000000000000000000000000000000000000000000e-40", Ok(1_000_000_000_000_000)),
            ("92233720368.54775807", Ok(i64::MAX)),
            ("-92233720368.54775807", Ok(-i64::MAX)),
            ("92233720368.54775808", Err(DecimalError::Overflow)),
            ("99999999999", Err(DecimalError::Overflow)),
            ("1e999999999999", Err(DecimalError::Overflow)),
            ("1e-999999999999", Err(DecimalError::Inexact)),
            ("0.000000001", Err(DecimalError::Inexact)),
            ("1E-9", Err(DecimalError::Inexact)),
            ("", Err(DecimalError::Syntax)),
            (".", Err(DecimalError::Syntax)),
            ("-", Err(DecimalError::Syntax)),
            ("NaN", Err(DecimalError::Syntax)),
            ("inf", Err(DecimalError::Syntax)),
            ("1.2.3", Err(DecimalError::Syntax)),
            ("1e", Err(DecimalError::Syntax)),
            ("1 ", Err(DecimalError::Syntax)),
            ("0x10", Err(DecimalError::Syntax)),
        ] {
            assert_eq!(parse(text.as_bytes()), want, "{text}");
        }
    }

    #[test]
    fn floats_of_eight_digit_decimals_are_exact() {
        assert_eq!(from_f64(61837.63), Ok(6_183_763_000_000));
        assert_eq!(from_f64(1e-8), Ok(1));
        assert_eq!(from_f64(0.1 + 0.2), Ok(30_000_000));
        assert_eq!(from_f64(f64::NAN), Err(DecimalError::Syntax));
        assert_eq!(from_f64(1.0 / 3.0), Err(DecimalError::Inexact));
        assert_eq!(from_f64(1e300), Err(DecimalError::Overflow));
    }

    #[test]
    fn scaled_integers_of_other_scales() {
        assert_eq!(from_scaled(123, 2), Ok(123_000_000));
        assert_eq!(from_scaled(123, 8), Ok(123));
        assert_eq!(from_scaled(1230, 9), Ok(123));
        assert_eq!(from_scaled(1231, 9), Err(DecimalError::Inexact));
        assert_eq!(from_scaled(1, -2), Ok(10_000_000_000));
        assert_eq!(from_scaled(i128::MAX, 0), Err(DecimalError::Overflow));
        assert_eq!(from_scaled(1, 127), Err(DecimalError::Overflow));
    }

    proptest! {
        #[test]
        fn text_round_trip(value in any::<i64>().prop_filter("no -2^63", |v| *v != i64::MIN)) {
            let mut text = Vec::new();
            write(value, &mut text);
            prop_assert_eq!(parse(&text), Ok(value));
        }

        #[test]
        fn fast_and_general_paths_agree(text in "[+-]?[0-9]{0,12}[.]?[0-9]{0,10}([eE][+-]?[0-9]{1,2})?") {
            prop_assert_eq!(parse(text.as_bytes()), parse_any(text.as_bytes()));
        }

        #[test]
        fn any_bytes_are_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn scale_18_round_trip(value in any::<i64>().prop_filter("no -2^63", |v| *v != i64::MIN), low in 1i128..10_000_000_000) {
            let unscaled = i128::from(value) * 10_000_000_000;
            prop_assert_eq!(from_scaled(unscaled, 18), Ok(value));
            prop_assert_eq!(from_scaled(unscaled + low, 18), Err(DecimalError::Inexact));
        }
    }
}
