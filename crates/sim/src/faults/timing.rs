//! Faults of presence, order and time.

use verismo_market::event::NO_TIME;
use verismo_market::message::Message;

use super::record::Tally;
use crate::rng::Rng;

/// A message is moved behind at least 2 and at most this many others.
const REORDER_REACH: u64 = 32;
/// Shortest delay, and the width of the uniform law above it, ns.
const DELAY_MIN_NS: i64 = 100_000_000;
const DELAY_RANGE_NS: u64 = 900_000_000;

/// Whether the message came from the venue's streams; a snapshot is the recorder's own and is spared.
fn is_update(message: &Message) -> bool {
    !message.body.is_snapshot()
}

/// Loses each trade and depth message with probability `share`.
pub(super) fn drop(messages: Vec<Message>, share: f64, rng: &mut Rng, tally: &mut Tally) -> Vec<Message> {
    let mut kept = Vec::with_capacity(messages.len());
    for message in messages {
        if is_update(&message) && rng.chance(share) {
            tally.note(&message);
        } else {
            kept.push(message);
        }
    }
    kept
}

/// Repeats each trade and depth message with probability `share`, right after itself.
pub(super) fn duplicate(messages: Vec<Message>, share: f64, rng: &mut Rng, tally: &mut Tally) -> Vec<Message> {
    let mut out = Vec::with_capacity(messages.len() + messages.len() / 16);
    for message in messages {
        if is_update(&message) && rng.chance(share) {
            tally.note(&message);
            out.push(message.clone());
        }
        out.push(message);
    }
    out
}

/// Moves each trade and depth message with probability `share` behind 2 to 32 of those that follow it; its times stay.
pub(super) fn reorder(messages: Vec<Message>, share: f64, rng: &mut Rng, tally: &mut Tally) -> Vec<Message> {
    let mut placed: Vec<(usize, Message)> = Vec::with_capacity(messages.len());
    for (i, message) in messages.into_iter().enumerate() {
        let shift = if is_update(&message) && rng.chance(share) {
            tally.note(&message);
            2 + rng.below(REORDER_REACH - 1) as usize
        } else {
            0
        };
        // Twice the place, so that a moved message comes after the one whose place it takes.
        placed.push((2 * (i + shift) + usize::from(shift > 0), message));
    }
    placed.sort_by_key(|&(place, _)| place);
    placed.into_iter().map(|(_, message)| message).collect()
}

/// Moves each trade and depth message with probability `share` to a time 0.1 to 1 s later, and sorts by exchange time again.
///
/// Receive times of delayed messages move too; then each place in the stream has the receive time of its rank, so the session
/// clock still increases. Messages without an exchange time stay at the beginning.
pub(super) fn delay(messages: &mut [Message], share: f64, rng: &mut Rng, tally: &mut Tally) {
    for message in messages.iter_mut() {
        if !is_update(message) || message.t_exchange_ns == NO_TIME || !rng.chance(share) {
            continue;
        }
        tally.note(message);
        let delay_ns = DELAY_MIN_NS + rng.below(DELAY_RANGE_NS) as i64;
        message.t_exchange_ns = message.t_exchange_ns.saturating_add(delay_ns);
        if message.has_receive_time() {
            message.t_receive_ns = message.t_receive_ns.saturating_add(delay_ns);
        }
    }
    messages.sort_by_key(|message| message.t_exchange_ns);
    let mut receive_ns: Vec<i64> = messages.iter().filter(|m| m.has_receive_time()).map(|m| m.t_receive_ns).collect();
    receive_ns.sort_unstable();
    let with_receive_time = messages.iter_mut().filter(|m| m.has_receive_time());
    for (message, t_receive_ns) in with_receive_time.zip(receive_ns) {
        message.t_receive_ns = t_receive_ns;
    }
}

/// Adds normal noise of standard deviation `sd_ms` to the exchange times of trades and depth messages; their order stays.
pub(super) fn jitter(messages: &mut [Message], sd_ms: f64, rng: &mut Rng, tally: &mut Tally) {
    for message in messages.iter_mut() {
        if !is_update(message) || message.t_exchange_ns == NO_TIME {
            continue;
        }
        let noise_ns = (rng.normal() * sd_ms * 1e6) as i64;
        if noise_ns != 0 {
            tally.note(message);
            message.t_exchange_ns = message.t_exchange_ns.saturating_add(noise_ns);
        }
    }
}
