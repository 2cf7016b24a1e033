//! Samples as distinct values with counts.

/// A value and how often it was seen.
pub type Cell = (f64, u64);

/// The distinct finite values of a sample, ascending, with their counts. Leaves `values` sorted and without the others.
pub fn count(values: &mut Vec<f64>) -> Vec<Cell> {
    values.retain(|x| x.is_finite());
    // One zero: NumPy takes both for equal.
    values.iter_mut().for_each(|x| *x += 0.0);
    sort(values);
    let mut cells: Vec<Cell> = Vec::new();
    for x in values.iter() {
        match cells.last_mut() {
            Some((value, count)) if value.to_bits() == x.to_bits() => *count += 1,
            _ => cells.push((*x, 1)),
        }
    }
    cells
}

/// Fewer numbers are sorted by comparing them.
const FEW: usize = 512;
/// Bits of a digit: 2^11 counters of four bytes fit the nearest cache.
const DIGIT_BITS: u32 = 11;
const DIGITS: usize = 64_usize.div_ceil(DIGIT_BITS as usize);
const VALUES: usize = 1 << DIGIT_BITS;

/// Sorts finite numbers by the digits of their order, lowest first. Digits that all numbers share are passed over: those of whole
/// numbers are mostly zeros.
fn sort(values: &mut [f64]) {
    if values.len() < FEW || u32::try_from(values.len()).is_err() {
        return values.sort_unstable_by(f64::total_cmp);
    }
    // Floats of one sign ascend with their bits; negative ones descend.
    let ordered = |x: f64| {
        let bits = x.to_bits();
        if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
    };
    let digit = |key: u64, place: usize| (key >> (DIGIT_BITS * place as u32)) as usize % VALUES;
    let mut keys: Vec<u64> = values.iter().map(|x| ordered(*x)).collect();
    let mut counts = vec![[0_u32; VALUES]; DIGITS];
    for key in &keys {
        for (place, counts) in counts.iter_mut().enumerate() {
            counts[digit(*key, place)] += 1;
        }
    }
    let mut sorted = vec![0; keys.len()];
    for (place, counts) in counts.iter_mut().enumerate() {
        if counts[digit(keys[0], place)] as usize == keys.len() {
            continue;
        }
        let mut start = 0;
        for count in counts.iter_mut() {
            start += core::mem::replace(count, start);
        }
        for key in &keys {
            let next = &mut counts[digit(*key, place)];
            sorted[*next as usize] = *key;
            *next += 1;
        }
        core::mem::swap(&mut keys, &mut sorted);
    }
    for (x, key) in values.iter_mut().zip(keys) {
        *x = f64::from_bits(if key >> 63 == 1 { key ^ 1 << 63 } else { !key });
    }
}

/// The cells of several samples together.
pub fn merge<'a>(parts: impl IntoIterator<Item = &'a [Cell]>) -> Vec<Cell> {
    let mut all: Vec<Cell> = parts.into_iter().flatten().copied().collect();
    // A stable sort finds the ascending runs and merges them.
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    all.dedup_by(|next, kept| {
        let is_same = next.0.to_bits() == kept.0.to_bits();
        kept.1 += if is_same { next.1 } else { 0 };
        is_same
    });
    all
}

#[cfg(test)]
mod tests {
    use super::sort;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn many_numbers_are_sorted_as_few_are(
            mut values in proptest::collection::vec(prop_oneof![-1e9..1e9_f64, (-50..50_i32).prop_map(f64::from)], 500..1500),
        ) {
            values.extend([0.0, f64::MAX, f64::MIN, 5e-324, -5e-324]);
            let mut want = values.clone();
            want.sort_by(f64::total_cmp);
            sort(&mut values);
            prop_assert_eq!(values, want);
        }
    }
}
