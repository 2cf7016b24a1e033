//! Places in queues: what a book of levels would tell of them, against the orders themselves.

use super::machine::{self, Machine, Out};
use crate::event::{NO_ID, NO_TIME, Side};
use crate::observe::frame::{Frame, QueueRow};
use crate::observe::registry::Observable;
use rustc_hash::FxHashMap;
use verismo_stats::state::{Carry, DecodeError, Reader};

/// Units of a share of the queue.
const SHARE: f64 = 1e3;
/// When so little is left of what stood in a queue, counting begins anew: products stay far from the end of the doubles.
const LITTLE: f64 = 1e-100;

/// How much of the queue that an order joined a book of levels would still see before it at its first fill.
pub fn queue_error(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    machine::boxed("queue_error", window_ns, Places::default())
}

/// What happened at a price since an order first joined there. A trade of `q` takes `q` from the quantity before every order, a cancel of
/// `c` of `Q` the same share of it from all: after both, `scale (x - gone)` is left of what `x` was.
#[derive(Clone, Copy)]
struct Queue {
    scale: f64,
    gone: f64,
    /// Which count of this price it is.
    turn: u64,
}

/// Where an order stands.
#[derive(Clone, Copy)]
struct Place {
    level: (Side, i64),
    /// What stood there when it came, 10^-8, above 0.
    ahead: i64,
    /// The `x` that is left as this was then.
    joined: f64,
    turn: u64,
}

#[derive(Default)]
struct Places {
    queues: FxHashMap<(Side, i64), Queue>,
    places: FxHashMap<i64, Place>,
    turns: u64,
}

impl Places {
    fn join(&mut self, id: i64, level: (Side, i64), ahead: i64) {
        self.turns += 1;
        let queue = self.queues.entry(level).or_insert(Queue { scale: 1.0, gone: 0.0, turn: self.turns });
        if id != NO_ID && ahead > 0 {
            let joined = ahead as f64 / queue.scale + queue.gone;
            self.places.insert(id, Place { level, ahead, joined, turn: queue.turn });
        } else {
            self.places.remove(&id);
        }
    }

    /// The share of its queue that is inferred to be left before an order, below 0 where trades would have reached it; -1 at least.
    fn share_ahead(&self, id: i64) -> Option<f64> {
        let place = self.places.get(&id)?;
        let queue = self.queues.get(&place.level)?;
        // Of a count before this one nothing is left.
        let joined = if place.turn == queue.turn { place.joined } else { 0.0 };
        Some((queue.scale * (joined - queue.gone) / place.ahead as f64).max(-1.0))
    }

    fn leave(&mut self, level: (Side, i64), qty: i64, rest: i64, by_trade: bool) {
        if rest <= 0 {
            self.queues.remove(&level);
            return;
        }
        let Some(queue) = self.queues.get_mut(&level) else { return };
        if by_trade {
            queue.gone += qty as f64 / queue.scale;
        } else {
            queue.scale *= rest as f64 / (rest as f64 + qty as f64);
        }
        if queue.scale < LITTLE {
            self.turns += 1;
            *queue = Queue { scale: 1.0, gone: 0.0, turn: self.turns };
        }
    }
}

impl Machine for Places {
    fn read(&mut self, frame: &Frame, out: &mut Out<'_>) {
        for row in &frame.orders.queues {
            match *row {
                QueueRow::Lost => {
                    self.queues.clear();
                    self.places.clear();
                }
                QueueRow::Joined { t_ns, id, level, ahead } => {
                    let id = if t_ns == NO_TIME { NO_ID } else { id };
                    self.join(id, level, ahead);
                }
                QueueRow::Left { t_ns, id, level, qty, rest, by_trade, is_gone } => {
                    if by_trade && let Some(share) = self.share_ahead(id) {
                        if t_ns != NO_TIME {
                            out.key(t_ns, libm::rint(share * SHARE) as i64);
                        }
                        self.places.remove(&id);
                    }
                    self.leave(level, qty.max(0), rest, by_trade);
                    if is_gone {
                        self.places.remove(&id);
                    }
                }
            }
        }
    }
}

/// By price and by id: the order of coming, and how many counts there were, make no difference.
impl Carry for Places {
    fn save(&self, out: &mut Vec<u8>) {
        let mut queues: Vec<(&(Side, i64), &Queue)> = self.queues.iter().collect();
        queues.sort_unstable_by_key(|(level, _)| **level);
        queues.len().save(out);
        for ((side, price), queue) in queues {
            (*side as u8 == Side::Bid as u8).save(out);
            price.save(out);
            [queue.scale, queue.gone].save(out);
        }
        let mut places: Vec<(&i64, &Place)> = self.places.iter().collect();
        places.sort_unstable_by_key(|(id, _)| **id);
        places.len().save(out);
        for (id, place) in places {
            let is_this_turn = self.queues.get(&place.level).is_some_and(|queue| queue.turn == place.turn);
            [*id, place.level.1, place.ahead].save(out);
            [place.level.0 == Side::Bid, is_this_turn].save(out);
            place.joined.save(out);
        }
    }

    fn load(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        let side = |is_bid| if is_bid { Side::Bid } else { Side::Ask };
        *self = Self { turns: 1, ..Self::default() };
        for _ in 0..input.length("queues", 8)? {
            let (mut is_bid, mut price, mut numbers) = (false, 0_i64, [0.0; 2]);
            is_bid.load(input)?;
            price.load(input)?;
            numbers.load(input)?;
            let [scale, gone] = numbers;
            self.queues.insert((side(is_bid), price), Queue { scale, gone, turn: 1 });
        }
        for _ in 0..input.length("places in queues", 8)? {
            let (mut numbers, mut flags, mut joined) = ([0_i64; 3], [false; 2], 0.0);
            numbers.load(input)?;
            flags.load(input)?;
            joined.load(input)?;
            let ([id, price, ahead], [is_bid, is_this_turn]) = (numbers, flags);
            let turn = u64::from(is_this_turn);
            self.places.insert(id, Place { level: (side(is_bid), price), ahead, joined, turn });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEVEL: (Side, i64) = (Side::Bid, 100);

    /// Whole units.
    fn near(found: Option<f64>, want: f64) {
        assert!((found.unwrap() - want).abs() < 1e-12, "{found:?} is not {want}");
    }

    #[test]
    fn trades_take_from_the_front_and_cancels_from_everywhere() {
        let mut places = Places::default();
        places.join(1, LEVEL, 100);
        // 110 stand there: 40 trade, then a fifth of the 70 left is taken away.
        places.leave(LEVEL, 40, 70, true);
        near(places.share_ahead(1), 0.6);
        places.leave(LEVEL, 14, 56, false);
        near(places.share_ahead(1), 0.48);
        // One that comes now knows nothing of what was before.
        places.join(2, LEVEL, 56);
        near(places.share_ahead(2), 1.0);
        places.leave(LEVEL, 28, 38, true);
        near(places.share_ahead(1), 0.2);
        near(places.share_ahead(2), 0.5);
        // Trades go on where the first should have been filled: by a tenth of its queue, and then by more than all of it.
        places.leave(LEVEL, 30, 200, true);
        near(places.share_ahead(1), -0.1);
        places.leave(LEVEL, 100, 100, true);
        near(places.share_ahead(1), -1.0);
        assert!(places.share_ahead(3).is_none());
        places.leave(LEVEL, 100, 0, true);
        assert!(places.queues.is_empty() && places.share_ahead(1).is_none());
    }

    #[test]
    fn a_queue_that_is_taken_away_again_and_again_stays_finite() {
        let mut places = Places::default();
        places.join(1, LEVEL, 1_000);
        for round in 0..2_000 {
            places.leave(LEVEL, 900, 100, false);
            places.leave(LEVEL, 1, 1_000, true);
            let share = places.share_ahead(1).unwrap();
            assert!(share.is_finite() && (round < 10 || (-1.0..=0.0).contains(&share)), "{round}: {share}");
        }
        places.join(2, LEVEL, 1_000);
        near(places.share_ahead(2), 1.0);
    }

    /// What was saved goes on as what was not, whatever was counted before.
    #[test]
    fn a_cut_hands_on_all_places() {
        let mut places = Places::default();
        for id in 0..40 {
            let level = (if id % 2 == 0 { Side::Bid } else { Side::Ask }, 100 + id % 3);
            places.join(id, level, 10 * id);
            places.leave(level, 7, 90 + id, id % 5 > 2);
            if id == 20 {
                (0..400).for_each(|_| places.leave(LEVEL, 900, 100, false));
            }
        }
        let mut bytes = Vec::new();
        places.save(&mut bytes);
        let mut again = Places::default();
        let mut reader = Reader::new("places", &bytes);
        again.load(&mut reader).unwrap();
        let mut saved = Vec::new();
        again.save(&mut saved);
        assert_eq!(bytes, saved);
        for side in [&mut places, &mut again] {
            side.leave(LEVEL, 3, 50, true);
        }
        for id in 0..40 {
            assert_eq!(places.share_ahead(id).map(f64::to_bits), again.share_ahead(id).map(f64::to_bits), "{id}");
        }
    }
}
