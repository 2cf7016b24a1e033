//! Faults of trade sizes.

use std::collections::BTreeMap;

use verismo_market::message::{Body, Message};

use super::record::Tally;
use super::replay::{gcd, streams};
use crate::rng::Rng;

/// Weight of the newest size in the moving average.
const NEWEST_WEIGHT: f64 = 0.1;

/// Draws each trade size towards the moving average of the sizes before it: `(1 - weight) size + weight average`, on the lot
/// grid and never 0. The lot is the greatest common divisor of the stream's trade sizes.
pub(super) fn smooth(messages: &mut [Message], weight: f64, tally: &mut Tally) {
    let mut lots: BTreeMap<String, i64> = BTreeMap::new();
    for message in messages.iter() {
        if let Body::Trade { qty, .. } = message.body {
            match lots.get_mut(&message.symbol) {
                Some(lot) => *lot = gcd(*lot, qty),
                None => {
                    lots.insert(message.symbol.clone(), gcd(0, qty));
                }
            }
        }
    }
    let mut averages: BTreeMap<String, f64> = BTreeMap::new();
    for message in messages.iter_mut() {
        let Body::Trade { qty, .. } = message.body else { continue };
        let lot = lots.get(&message.symbol).copied().unwrap_or(1).max(1);
        let size = qty as f64;
        let average = match averages.get_mut(&message.symbol) {
            Some(average) => average,
            None => averages.entry(message.symbol.clone()).or_insert(size),
        };
        let smoothed = (1.0 - weight) * size + weight * *average;
        *average += NEWEST_WEIGHT * (size - *average);
        let on_grid = ((smoothed / lot as f64).round() as i64).max(1).saturating_mul(lot);
        set_size(message, on_grid, tally);
    }
}

/// Replaces the largest `share` of each stream's trade sizes by sizes of trades chosen at random among the others.
pub(super) fn thin_tail(messages: &mut [Message], share: f64, rng: &mut Rng, tally: &mut Tally) {
    for stream in streams(messages).values() {
        let size = |&i: &usize| match messages.get(i).map(|m| &m.body) {
            Some(Body::Trade { qty, .. }) => Some(*qty),
            _ => None,
        };
        let mut sizes: Vec<i64> = stream.iter().filter_map(size).collect();
        sizes.sort_unstable();
        let kept = (sizes.len() as f64 * (1.0 - share)).floor() as usize;
        sizes.truncate(kept.max(1));
        let Some(&largest) = sizes.last() else { continue };
        for &i in stream {
            let Some(message) = messages.get_mut(i) else { continue };
            if let Body::Trade { qty, .. } = message.body
                && qty > largest
            {
                let other = sizes.get(rng.below(sizes.len() as u64) as usize).copied().unwrap_or(largest);
                set_size(message, other, tally);
            }
        }
    }
}

fn set_size(message: &mut Message, size: i64, tally: &mut Tally) {
    let Body::Trade { qty, .. } = message.body else { return };
    if qty != size {
        tally.note(message);
        if let Body::Trade { qty, .. } = &mut message.body {
            *qty = size;
        }
    }
}
