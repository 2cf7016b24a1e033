//! Observables that remember: a state machine reads rows in order, and gives a value now and then.

use super::book::float_key;
use super::lattice;
use crate::observe::frame::Frame;
use crate::observe::registry::Observable;
use crate::observe::{Series, WindowTally};
use verismo_stats::carry;
use verismo_stats::lattice::Lattice;
use verismo_stats::state::{Carry, DecodeError, Reader};

/// Reads the rows of a frame that it is interested in. Its values must not depend on where frames are cut.
pub(super) trait Machine: Carry + Send + 'static {
    /// Reads the next rows.
    fn read(&mut self, frame: &Frame, out: &mut Out<'_>);

    /// The stream ends.
    fn end(&mut self, _out: &mut Out<'_>) {}

    /// Takes the number of values that were given up because too many waited.
    fn forgotten(&mut self) -> u64 {
        0
    }
}

/// Where values go.
pub(super) struct Out<'a> {
    lattice: &'a Lattice,
    windows: &'a mut WindowTally,
}

impl Out<'_> {
    /// An exact value at its time, as a key of a lattice of ticks.
    #[inline]
    pub(super) fn key(&mut self, t_ns: i64, key: i64) {
        self.windows.push(t_ns, key);
    }

    /// A value at its time.
    #[inline]
    pub(super) fn value(&mut self, t_ns: i64, value: f64) {
        self.windows.push(t_ns, float_key(self.lattice, value));
    }
}

/// A machine with its lattice and its windows.
struct Machined<M> {
    id: &'static str,
    lattice: Lattice,
    machine: M,
    windows: WindowTally,
}

pub(super) fn boxed(id: &'static str, window_ns: i64, machine: impl Machine) -> Box<dyn Observable> {
    Box::new(Machined { id, lattice: lattice(id), machine, windows: WindowTally::new(window_ns) })
}

impl<M: Machine> Carry for Machined<M> {
    fn save(&self, out: &mut Vec<u8>) {
        self.machine.save(out);
    }

    fn load(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        self.machine.load(input)
    }
}

impl<M: Machine> Observable for Machined<M> {
    fn id(&self) -> &'static str {
        self.id
    }

    fn observe(&mut self, frame: &Frame) {
        self.machine.read(frame, &mut Out { lattice: &self.lattice, windows: &mut self.windows });
    }

    fn widen_windows(&mut self, factor: i64) {
        self.windows.widen(factor);
    }

    fn forgotten(&mut self) -> u64 {
        self.machine.forgotten()
    }

    fn end(&mut self) {
        self.machine.end(&mut Out { lattice: &self.lattice, windows: &mut self.windows });
    }

    fn cut(&mut self) -> Series {
        self.windows.cut(self.lattice.clone())
    }
}

/// The last sample of the tape, and whether it is the one just before a time.
#[derive(Debug, Default)]
pub(super) struct Prevailing {
    last: Option<crate::observe::frame::TapeSample>,
}

carry!(Prevailing: last);

impl Prevailing {
    pub(super) fn set(&mut self, sample: crate::observe::frame::TapeSample) {
        self.last = Some(sample);
    }

    pub(super) fn clear(&mut self) {
        self.last = None;
    }

    /// The book of the last grid time before `t_ns`, if it is defined there.
    #[inline]
    pub(super) fn before(&self, t_ns: i64, grid_ns: i64) -> Option<&crate::observe::frame::TapeSample> {
        self.last.as_ref().filter(|sample| sample.t_ns + grid_ns >= t_ns)
    }
}
