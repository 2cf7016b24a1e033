//! The bytes of a series.

use super::{Series, SeriesWindows};
use verismo_stats::histogram::Cells;
use verismo_stats::lags::LagMoments;
use verismo_stats::lattice::Lattice;
use verismo_stats::panel::Panel;
use verismo_stats::state::{DecodeError, Reader, State, put_i64, put_u64};

const CELLS: u8 = 0;
const LAGS: u8 = 1;
const PANELS: u8 = 2;

impl Series {
    /// Appends the lattice, the kind of state, and for each window the distance from the one before and the bytes of its state.
    pub fn save(&self, out: &mut Vec<u8>) {
        self.lattice.encode(out);
        match &self.windows {
            SeriesWindows::Cells(windows) => {
                out.push(CELLS);
                save(windows, out, |cells, out| out.extend_from_slice(cells.as_bytes()));
            }
            SeriesWindows::Lags(windows) => {
                out.push(LAGS);
                save(windows, out, LagMoments::encode);
            }
            SeriesWindows::Panels(windows) => {
                out.push(PANELS);
                save(windows, out, Panel::encode);
            }
        }
    }

    /// Reads what was saved, of whose bytes a checksum says that they are those that were written.
    ///
    /// # Errors
    /// [`DecodeError`] for other bytes.
    pub fn load(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let lattice = Lattice::read(input)?;
        let windows = match input.u8("the kind of state")? {
            CELLS => SeriesWindows::Cells(load(input, Cells::from_bytes)?),
            LAGS => SeriesWindows::Lags(load(input, LagMoments::decode)?),
            PANELS => SeriesWindows::Panels(load(input, Panel::decode)?),
            _ => return Err(input.invalid("the kind of state")),
        };
        Ok(Self { lattice, windows })
    }
}

fn save<T>(windows: &[(i64, T)], out: &mut Vec<u8>, encode: impl Fn(&T, &mut Vec<u8>)) {
    put_u64(out, windows.len() as u64);
    let (mut before, mut bytes) = (0_i64, Vec::new());
    for (index, state) in windows {
        put_i64(out, index.wrapping_sub(before));
        before = *index;
        bytes.clear();
        encode(state, &mut bytes);
        put_u64(out, bytes.len() as u64);
        out.extend_from_slice(&bytes);
    }
}

fn load<T>(
    input: &mut Reader<'_>,
    decode: impl Fn(&[u8]) -> Result<T, DecodeError>,
) -> Result<Vec<(i64, T)>, DecodeError> {
    let n = input.length("windows", 2)?;
    let mut windows = Vec::with_capacity(n);
    let mut index = 0_i64;
    for _ in 0..n {
        index = index.wrapping_add(input.i64("the index of a window")?);
        let n_bytes = input.length("the length of a state", 1)?;
        windows.push((index, decode(input.bytes("a state", n_bytes)?)?));
    }
    Ok(windows)
}
