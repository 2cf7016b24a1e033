//! Over normal events: waiting time, counts per bin.

use super::lattice;
use crate::observe::frame::Frame;
use crate::observe::registry::Observable;
use crate::observe::{SECOND_NS, SILENCE_MAX_NS, Series, WindowTally};
use verismo_stats::carry;

/// Time since the event before, at the time of the later event.
pub fn inter_event_time(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    super::waiting_time("inter_event_time", window_ns, |frame| (&frame.events.t_ns, &frame.events.continues))
}

/// Events per bin of 100 ms.
pub fn event_count_100ms(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Box::new(EventCount::new("event_count_100ms", SECOND_NS / 10, window_ns))
}

/// Events per bin of 1 s.
pub fn event_count_1s(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Box::new(EventCount::new("event_count_1s", SECOND_NS, window_ns))
}

/// Counts per absolute bin, at the bin's start. Bins without events between events count as zero, for at most
/// [`SILENCE_MAX_NS`] after an event: longer silence is an outage, shown by `rate_anomaly`, not a quiet market.
struct EventCount {
    id: &'static str,
    bin_ns: i64,
    /// The bin being counted; none before the first event.
    bin: Option<i64>,
    count: i64,
    windows: WindowTally,
}

impl EventCount {
    fn new(id: &'static str, bin_ns: i64, window_ns: i64) -> Self {
        Self { id, bin_ns, bin: None, count: 0, windows: WindowTally::new(window_ns) }
    }

    fn close_bin(&mut self) {
        if let Some(bin) = self.bin.take() {
            self.windows.push(bin * self.bin_ns, self.count);
        }
        self.count = 0;
    }
}

carry!(EventCount: bin, count);

impl Observable for EventCount {
    fn id(&self) -> &'static str {
        self.id
    }

    fn observe(&mut self, frame: &Frame) {
        for (&t_ns, &continues) in frame.events.t_ns.iter().zip(&frame.events.continues) {
            let bin = t_ns.div_euclid(self.bin_ns);
            if let Some(open) = self.bin
                && (bin != open || !continues)
            {
                self.close_bin();
                let n_empty = if continues { (bin - open - 1).min(SILENCE_MAX_NS / self.bin_ns) } else { 0 };
                for empty in (open + 1)..(open + 1 + n_empty) {
                    self.windows.push(empty * self.bin_ns, 0);
                }
            }
            self.bin = Some(bin);
            self.count += 1;
        }
    }

    fn widen_windows(&mut self, factor: i64) {
        self.windows.widen(factor);
    }

    fn end(&mut self) {
        self.close_bin();
    }

    fn cut(&mut self) -> Series {
        self.windows.cut(lattice(self.id))
    }
}
