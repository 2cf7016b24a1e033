//! Faults of labels.

use verismo_market::message::Message;

use super::record::Tally;
use super::replay::streams;
use crate::rng::Rng;

/// Gives one stretch, `share` of the messages of the largest stream, another symbol: the next one of the data set, or one that
/// the data set does not have if there is only one. The stretch lies in the middle, so both ends of the gap can be seen.
pub(super) fn wrong_symbol(messages: &mut [Message], share: f64, rng: &mut Rng, tally: &mut Tally) {
    let streams = streams(messages);
    // The largest; among equals the first by name.
    let Some((victim, stream)) = streams.iter().rev().max_by_key(|(_, stream)| stream.len()) else { return };
    let stranger = if victim == "ETHUSDT" { "BTCUSDT" } else { "ETHUSDT" };
    let after = streams.keys().find(|&symbol| symbol > victim);
    let other = after.or_else(|| streams.keys().find(|&symbol| symbol != victim));
    let label = other.map_or_else(|| stranger.to_owned(), Clone::clone);
    let length = ((stream.len() as f64 * share).ceil() as usize).min(stream.len());
    let start = rng.below((stream.len() - length) as u64 + 1) as usize;
    for &i in stream.iter().skip(start).take(length) {
        if let Some(message) = messages.get_mut(i) {
            tally.note(message);
            message.symbol.clone_from(&label);
        }
    }
}
