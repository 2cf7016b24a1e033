//! Where the mid price goes after an event at the touch (the response functions of Eisler, Bouchaud and Kockelkoren 2012).

use verismo_suite::lob_bench::{IMPACT_EVENTS, IMPACT_LAGS};

use super::Row;

/// Prices in a tick.
pub const TICK: f64 = 100.0;
/// Executions of one direction and price that follow each other as closely are one market order.
const ONE_ORDER_NS: i64 = 1_000;

const EVENTS: usize = IMPACT_EVENTS.len();
const LAGS: usize = IMPACT_LAGS.len();

/// Sums of responses, by event and lag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImpactSums {
    /// Signed changes of the mid price.
    pub sums: [[i128; LAGS]; EVENTS],
    /// How many.
    pub counts: [[u64; LAGS]; EVENTS],
    /// Events seen, with or without a price so far away.
    pub events: [u64; EVENTS],
}

impl Default for ImpactSums {
    fn default() -> Self {
        Self { sums: [[0; LAGS]; EVENTS], counts: [[0; LAGS]; EVENTS], events: [0; EVENTS] }
    }
}

impl ImpactSums {
    /// Adds those of another sequence.
    pub fn merge(&mut self, other: &Self) {
        for event in 0..EVENTS {
            self.events[event] += other.events[event];
            for lag in 0..LAGS {
                self.sums[event][lag] += other.sums[event][lag];
                self.counts[event][lag] += other.counts[event][lag];
            }
        }
    }

    /// The mean response in ticks; `None` where there is none.
    pub fn mean(&self, event: usize, lag: usize) -> Option<f64> {
        let count = self.counts[event][lag];
        (count > 0).then(|| self.sums[event][lag] as f64 / TICK / count as f64)
    }
}

/// One event.
#[derive(Debug, Clone, Copy)]
struct Event {
    /// Place in [`IMPACT_EVENTS`].
    kind: usize,
    /// 1 where it pushes the price up.
    sign: i64,
    /// In the unit of the file, cut off.
    mid: i64,
}

/// The events at the touch of a sequence.
#[derive(Debug, Default)]
pub(super) struct Events {
    all: Vec<Event>,
    /// The latest row that was one, whether or not it is an event by itself: time, direction, price, best ask, best bid.
    last: Option<[i64; 5]>,
}

impl Events {
    /// Adds a row if it is an order that changes the touch.
    pub(super) fn push(&mut self, row: &Row, touch_before: Option<[i64; 4]>) {
        let touch = row.book.touch();
        let is_event = matches!(row.kind, 1..=4) && matches!(row.direction, 1 | -1);
        if !is_event || touch.contains(&0) || touch_before == Some(touch) {
            return;
        }
        let [ask, _, bid, _] = touch;
        // Prices are held against those of the event before, not of the message before; the first event counts as a change.
        let changes = self.last.is_none_or(|[.., ask_0, bid_0]| (ask, bid) != (ask_0, bid_0));
        let (kind, sign) = match row.kind {
            1 => (2, row.direction),
            4 => (0, -row.direction),
            _ => (4, -row.direction),
        };
        let event = Event { kind: kind + usize::from(changes), sign, mid: (ask + bid) / 2 };
        let is_same_order = row.kind == 4
            && self.last.is_some_and(|[t_ns, direction, price, ..]| {
                (direction, price) == (row.direction, row.price) && row.t_ns - t_ns <= ONE_ORDER_NS
            });
        match self.all.last_mut() {
            Some(last) if is_same_order => *last = event,
            _ => self.all.push(event),
        }
        self.last = Some([row.t_ns, row.direction, row.price, ask, bid]);
    }

    /// Sums over all events, each from the price before it.
    pub(super) fn finish(self) -> ImpactSums {
        let mut out = ImpactSums::default();
        for event in &self.all {
            out.events[event.kind] += 1;
        }
        let froms = || self.all.windows(2);
        for (place, lag) in IMPACT_LAGS.iter().enumerate() {
            let tos = self.all.iter().skip(*lag as usize);
            for (pair, to) in froms().zip(tos) {
                let [from, event] = pair else { continue };
                out.sums[event.kind][place] += i128::from((to.mid - from.mid) * event.sign);
                out.counts[event.kind][place] += 1;
            }
        }
        out
    }
}
