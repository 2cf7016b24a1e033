//! The observables, one file a family.

pub mod book;
pub mod bursts;
pub mod depletion;
pub mod depth;
pub mod events;
pub mod flow;
pub mod hidden;
pub mod impact;
pub mod layering;
pub mod liquidity;
mod machine;
pub mod order_flow;
pub mod orders;
pub mod panels;
pub mod patterns;
pub mod queues;
pub mod returns;
mod running;
pub mod shape;
pub mod toxicity;
pub mod trades;
pub mod volatility;

use super::frame::Frame;
use super::registry::Observable;
use super::{Series, WindowTally};
use verismo_stats::carry;
use verismo_stats::lattice::Lattice;
use verismo_suite::catalogue;

/// The lattice the catalogue gives to an observable.
///
/// # Panics
/// When the catalogue lacks the id or gives it an impossible lattice: programmer errors, seen by the registry's test.
pub fn lattice(id: &str) -> Lattice {
    let Some(info) = catalogue::observable(id) else { panic!("the catalogue has no observable {id}") };
    match info.lattice().to_lattice() {
        Ok(lattice) => lattice,
        Err(error) => panic!("the lattice of {id} is impossible: {error}"),
    }
}

/// An observable whose keys are a function of each row of one table alone.
pub(super) struct Pointwise {
    id: &'static str,
    lattice: Lattice,
    map: fn(&Lattice, &Frame, &mut Vec<i64>),
    times: fn(&Frame) -> &[i64],
    keys: Vec<i64>,
    windows: WindowTally,
}

impl Pointwise {
    /// `map` appends one key per row of the table that `times` belongs to.
    pub(super) fn boxed(
        id: &'static str,
        window_ns: i64,
        times: fn(&Frame) -> &[i64],
        map: fn(&Lattice, &Frame, &mut Vec<i64>),
    ) -> Box<dyn Observable> {
        Box::new(Self { id, lattice: lattice(id), map, times, keys: Vec::new(), windows: WindowTally::new(window_ns) })
    }
}

carry!(Pointwise:);

impl Observable for Pointwise {
    fn id(&self) -> &'static str {
        self.id
    }

    fn observe(&mut self, frame: &Frame) {
        let times = (self.times)(frame);
        self.keys.clear();
        (self.map)(&self.lattice, frame, &mut self.keys);
        debug_assert_eq!(times.len(), self.keys.len(), "{}: one key per row", self.id);
        self.windows.extend(times, &self.keys);
    }

    fn widen_windows(&mut self, factor: i64) {
        self.windows.widen(factor);
    }

    fn cut(&mut self) -> Series {
        self.windows.cut(self.lattice.clone())
    }
}

/// Times and keys of a table's rows.
type Columns = fn(&Frame) -> (&[i64], &[i64]);

/// An observable whose keys stand in a column of a table.
pub(super) struct Column {
    id: &'static str,
    columns: Columns,
    windows: WindowTally,
}

impl Column {
    pub(super) fn boxed(id: &'static str, window_ns: i64, columns: Columns) -> Box<dyn Observable> {
        Box::new(Self { id, columns, windows: WindowTally::new(window_ns) })
    }
}

carry!(Column:);

impl Observable for Column {
    fn id(&self) -> &'static str {
        self.id
    }

    fn observe(&mut self, frame: &Frame) {
        let (times, keys) = (self.columns)(frame);
        self.windows.extend(times, keys);
    }

    fn widen_windows(&mut self, factor: i64) {
        self.windows.widen(factor);
    }

    fn cut(&mut self) -> Series {
        self.windows.cut(lattice(self.id))
    }
}

/// An observable whose keys are a function of each row of one table alone, and that some rows do not have.
pub(super) struct Partial {
    id: &'static str,
    lattice: Lattice,
    map: fn(&Lattice, &Frame, usize) -> Option<i64>,
    times: fn(&Frame) -> &[i64],
    windows: WindowTally,
}

impl Partial {
    /// `map` gives the key of a row of the table that `times` belongs to.
    pub(super) fn boxed(
        id: &'static str,
        window_ns: i64,
        times: fn(&Frame) -> &[i64],
        map: fn(&Lattice, &Frame, usize) -> Option<i64>,
    ) -> Box<dyn Observable> {
        Box::new(Self { id, lattice: lattice(id), map, times, windows: WindowTally::new(window_ns) })
    }
}

carry!(Partial:);

impl Observable for Partial {
    fn id(&self) -> &'static str {
        self.id
    }

    fn observe(&mut self, frame: &Frame) {
        for (i, &t_ns) in (self.times)(frame).iter().enumerate() {
            if let Some(key) = (self.map)(&self.lattice, frame, i) {
                self.windows.push(t_ns, key);
            }
        }
    }

    fn widen_windows(&mut self, factor: i64) {
        self.windows.widen(factor);
    }

    fn cut(&mut self) -> Series {
        self.windows.cut(self.lattice.clone())
    }
}

/// The number of columns the catalogue gives to a panel.
///
/// # Panics
/// When it is not catalogued as one.
pub(super) fn columns(id: &str) -> usize {
    match catalogue::observable(id).map(|info| info.kind) {
        Some(catalogue::Kind::Panel(columns)) => columns.len(),
        _ => panic!("the catalogue has no panel {id}"),
    }
}

/// The lags the catalogue gives to a lag series.
///
/// # Panics
/// When it is not catalogued as one.
pub(super) fn lags(id: &str) -> &'static [u32] {
    match catalogue::observable(id).map(|info| info.kind) {
        Some(catalogue::Kind::Lags(lags)) => lags,
        _ => panic!("the catalogue has no lag series {id}"),
    }
}

/// Times of a table and whether each row continues the one before.
type Run = fn(&Frame) -> (&[i64], &[bool]);

/// The time between neighbouring rows of a table.
pub(super) struct WaitingTime {
    id: &'static str,
    run: Run,
    last_ns: i64,
    windows: WindowTally,
}

pub(super) fn waiting_time(id: &'static str, window_ns: i64, run: Run) -> Box<dyn Observable> {
    Box::new(WaitingTime { id, run, last_ns: 0, windows: WindowTally::new(window_ns) })
}

carry!(WaitingTime: last_ns);

impl Observable for WaitingTime {
    fn id(&self) -> &'static str {
        self.id
    }

    fn observe(&mut self, frame: &Frame) {
        let (times, continues) = (self.run)(frame);
        for (&t_ns, &continues) in times.iter().zip(continues) {
            if continues {
                self.windows.push(t_ns, t_ns - self.last_ns);
            }
            self.last_ns = t_ns;
        }
    }

    fn widen_windows(&mut self, factor: i64) {
        self.windows.widen(factor);
    }

    fn cut(&mut self) -> Series {
        self.windows.cut(lattice(self.id))
    }
}
