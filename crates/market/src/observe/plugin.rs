//! Observables that a user adds.
//!
//! A plug-in reads the tables of a [`Frame`] and gives keys, values, lagged values or rows, each at a time. Where the stream is cut into
//! frames, files and windows must make no difference to what it gives: [`laws`] checks that, and what its class promises.

pub mod laws;

use super::frame::Frame;
use super::registry::{self, Build, Entry, Needs, Observable};
use super::{Series, WindowLags, WindowPanels, WindowTally};
use verismo_stats::lattice::Lattice;
use verismo_stats::panel::UNDEFINED;
pub use verismo_stats::state::{Carry, DecodeError, Reader};
use verismo_suite::catalogue::{self, Kind, ObservableInfo, PluginError};

/// An observable of a user's own.
pub trait Plugin: Carry + Send + Sized + 'static {
    /// What suites and reports say of it. `id`, `description` and `formula` must be there; its class says how pieces of a stream combine,
    /// and is checked by [`laws::check_class`].
    const INFO: ObservableInfo;
    /// Raised whenever equal events may give other values: states of other versions are never compared or merged.
    const VERSION: u32 = 1;
    /// Tables that it reads beyond those that are always there.
    const NEEDS: Needs = Needs::NONE;

    /// At the start of a stream; samples of the book lie `grid_ns` apart.
    fn new(grid_ns: i64) -> Self;

    /// Reads the next rows.
    fn read(&mut self, frame: &Frame, out: &mut Sink);

    /// The stream ends.
    fn end(&mut self, _out: &mut Sink) {}

    /// Takes the number of values that were given up because too many waited for what comes after them; the check `forgotten` counts them.
    fn forgotten(&mut self) -> u64 {
        0
    }
}

/// Adds an observable; suites then name it as they name any other.
///
/// # Errors
/// [`PluginError`].
pub fn register<P: Plugin>() -> Result<(), PluginError> {
    catalogue::add_observable(P::INFO)?;
    registry::add(Entry { id: P::INFO.id, version: P::VERSION, needs: P::NEEDS, build: boxed::<P> as Build });
    Ok(())
}

fn boxed<P: Plugin>(grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Box::new(Plugged { plugin: P::new(grid_ns), sink: Sink::new(&P::INFO, window_ns) })
}

/// Where values go, each at its time in ns.
pub struct Sink {
    id: &'static str,
    states: States,
    refused: u64,
}

enum States {
    Histogram(Lattice, WindowTally),
    Lags(Lattice, WindowLags),
    Panel(usize, WindowPanels),
}

impl Sink {
    fn new(info: &ObservableInfo, window_ns: i64) -> Self {
        // A catalogued lattice is possible: it has no splits but its own.
        let lattice = info.lattice().to_lattice().unwrap_or_else(|_| Lattice::ticks(8));
        let states = match info.kind {
            Kind::Histogram => States::Histogram(lattice, WindowTally::new(window_ns)),
            Kind::Lags(lags) => States::Lags(lattice, WindowLags::new(lags, window_ns)),
            Kind::Panel(columns) => States::Panel(columns.len(), WindowPanels::new(columns.len(), window_ns)),
        };
        Self { id: info.id, states, refused: 0 }
    }

    /// A value of a histogram. One that is no finite number is left out and counted as forgotten.
    #[inline]
    pub fn value(&mut self, t_ns: i64, value: f64) {
        match &mut self.states {
            States::Histogram(lattice, windows) => match lattice.key(value) {
                Some(key) => windows.push(t_ns, key),
                None => self.refused += 1,
            },
            _ => self.refused += 1,
        }
    }

    /// A value of a histogram that is exact in units of its lattice of ticks.
    #[inline]
    pub fn key(&mut self, t_ns: i64, key: i64) {
        match &mut self.states {
            States::Histogram(_, windows) => windows.push(t_ns, key),
            _ => self.refused += 1,
        }
    }

    /// The next value of a series with lags, an integer below 10^12; `continues` if the value before is its predecessor.
    #[inline]
    pub fn lagged(&mut self, t_ns: i64, value: i64, continues: bool) {
        const LARGEST: i64 = 1_000_000_000_000;
        match &mut self.states {
            States::Lags(_, windows) if value.abs() <= LARGEST => windows.push(t_ns, value, continues),
            _ => self.refused += 1,
        }
    }

    /// A row of a panel, each number in its unit; one that is not finite, or beyond 9 * 10^10, stands as not defined.
    #[inline]
    pub fn row(&mut self, t_ns: i64, numbers: &[f64]) {
        let fixed = |x: &f64| {
            let scaled = libm::round(x * 1e8);
            if scaled.abs() < 9e18 { scaled as i64 } else { UNDEFINED }
        };
        match &mut self.states {
            States::Panel(columns, windows) if numbers.len() == *columns => {
                windows.push(t_ns, &numbers.iter().map(fixed).collect::<Vec<_>>());
            }
            _ => self.refused += 1,
        }
    }
}

struct Plugged<P> {
    plugin: P,
    sink: Sink,
}

impl<P: Plugin> Carry for Plugged<P> {
    fn save(&self, out: &mut Vec<u8>) {
        self.plugin.save(out);
        if let States::Lags(_, windows) = &self.sink.states {
            windows.save(out);
        }
    }

    fn load(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        self.plugin.load(input)?;
        match &mut self.sink.states {
            States::Lags(_, windows) => windows.load(input),
            _ => Ok(()),
        }
    }
}

impl<P: Plugin> Observable for Plugged<P> {
    fn id(&self) -> &'static str {
        self.sink.id
    }

    fn observe(&mut self, frame: &Frame) {
        self.plugin.read(frame, &mut self.sink);
    }

    fn widen_windows(&mut self, factor: i64) {
        match &mut self.sink.states {
            States::Histogram(_, windows) => windows.widen(factor),
            States::Lags(_, windows) => windows.widen(factor),
            States::Panel(_, windows) => windows.widen(factor),
        }
    }

    fn forgotten(&mut self) -> u64 {
        self.plugin.forgotten() + std::mem::take(&mut self.sink.refused)
    }

    fn end(&mut self) {
        self.plugin.end(&mut self.sink);
    }

    fn cut(&mut self) -> Series {
        match &mut self.sink.states {
            States::Histogram(lattice, windows) => windows.cut(lattice.clone()),
            States::Lags(lattice, windows) => windows.cut(lattice.clone()),
            States::Panel(_, windows) => windows.cut(),
        }
    }
}
