//! One-sidedness of trades: runs of one side, imbalance of buckets, signed volume.

use super::machine::{self, Machine, Out};
use crate::observe::frame::Frame;
use crate::observe::registry::Observable;
use crate::observe::{SECOND_NS, SILENCE_MAX_NS};
use verismo_stats::carry;

/// Trades of a bucket.
const BUCKET_TRADES: u32 = 50;

/// Length of each whole run of trades by one side, at the time of its last trade.
pub fn trade_run_length(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    machine::boxed("trade_run_length", window_ns, Runs::default())
}

/// |sells - buys| / (sells + buys) in quantity over each 50 trades, at the time of the last.
pub fn flow_toxicity_50(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    machine::boxed("flow_toxicity_50", window_ns, Buckets::default())
}

/// Buys minus sells in each second, at its start.
pub fn signed_volume_1s(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    machine::boxed("signed_volume_1s", window_ns, SignedVolume { second: None, sum: 0 })
}

/// The run that goes on. Its beginning must have been seen: the first one after a break, or after a trade without side, is not.
#[derive(Default)]
struct Runs {
    /// 0: nothing is known of the trade before.
    sign: i64,
    is_whole: bool,
    n: i64,
    last_ns: i64,
}

carry!(Runs: sign, is_whole, n, last_ns);

impl Machine for Runs {
    fn read(&mut self, frame: &Frame, out: &mut Out<'_>) {
        let trades = &frame.trades;
        for (i, &sign) in trades.sign.iter().enumerate() {
            if !trades.continues[i] || sign == 0 {
                (self.sign, self.is_whole, self.n) = (sign, false, 1);
            } else if sign == self.sign {
                self.n += 1;
            } else {
                if self.is_whole {
                    out.key(self.last_ns, self.n);
                }
                (self.is_whole, self.sign, self.n) = (self.sign != 0, sign, 1);
            }
            self.last_ns = trades.t_ns[i];
        }
    }
}

/// The bucket being filled. A break, or a trade without side, empties it.
#[derive(Default)]
struct Buckets {
    n: u32,
    signed: i128,
    all: i128,
}

carry!(Buckets: n, signed, all);

impl Machine for Buckets {
    fn read(&mut self, frame: &Frame, out: &mut Out<'_>) {
        let trades = &frame.trades;
        for (i, &sign) in trades.sign.iter().enumerate() {
            if !trades.continues[i] || sign == 0 {
                *self = Self::default();
            }
            if sign == 0 {
                continue;
            }
            // Fifty quantities below 2^61 each.
            self.n += 1;
            self.signed += i128::from(sign * trades.qty[i]);
            self.all += i128::from(trades.qty[i]);
            if self.n == BUCKET_TRADES {
                out.value(trades.t_ns[i], self.signed.unsigned_abs() as f64 / self.all as f64);
                *self = Self::default();
            }
        }
    }
}

/// Seconds without trades between trades count as zero, for at most [`SILENCE_MAX_NS`] after a trade.
struct SignedVolume {
    second: Option<i64>,
    sum: i64,
}

impl SignedVolume {
    fn close(&mut self, out: &mut Out<'_>) {
        if let Some(second) = self.second.take() {
            out.key(second * SECOND_NS, self.sum);
        }
        self.sum = 0;
    }
}

carry!(SignedVolume: second, sum);

impl Machine for SignedVolume {
    fn read(&mut self, frame: &Frame, out: &mut Out<'_>) {
        let trades = &frame.trades;
        for (i, &t_ns) in trades.t_ns.iter().enumerate() {
            let (second, continues) = (t_ns.div_euclid(SECOND_NS), trades.continues[i]);
            if let Some(open) = self.second
                && (second != open || !continues)
            {
                self.close(out);
                let n_empty = if continues { (second - open - 1).min(SILENCE_MAX_NS / SECOND_NS) } else { 0 };
                for empty in (open + 1)..(open + 1 + n_empty) {
                    out.key(empty * SECOND_NS, 0);
                }
            }
            self.second = Some(second);
            self.sum = self.sum.saturating_add(trades.sign[i] * trades.qty[i]);
        }
    }

    fn end(&mut self, out: &mut Out<'_>) {
        self.close(out);
    }
}
