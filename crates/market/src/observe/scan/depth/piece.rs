//! What a piece of the stream says of the book, and what goes on to the next.

use super::{Depth, Open};
use crate::observe::part::{DepthPart, History};
use verismo_stats::carry;
use verismo_stats::state::{Carry, DecodeError, Reader};

impl Depth {
    /// Goes on after what was seen before.
    pub(in crate::observe::scan) fn go_on(&mut self, history: &History) {
        self.sample = history.book_ids.continuation();
    }

    /// Takes out what was counted since the last cut.
    pub(in crate::observe::scan) fn cut(&mut self, history: &History) -> DepthPart {
        DepthPart {
            ids: std::mem::replace(&mut self.sample, history.book_ids.continuation()),
            cadence: self.cadence.cut(),
            gap_sizes: std::mem::take(&mut self.gap_sizes),
            n_rows: std::mem::take(&mut self.n_rows),
            n_begun: std::mem::take(&mut self.n_begun),
            n_with_id: std::mem::take(&mut self.n_with_id),
            n_updates: std::mem::take(&mut self.n_updates),
            n_snapshots: std::mem::take(&mut self.n_snapshots),
            n_undefined: self.grid.n_undefined(),
            n_forgotten: self.grid.forgotten(),
            levels_dropped: self.book.take_levels_dropped(),
            orders: self.order_rows.cut(),
        }
    }
}

impl Carry for Open {
    fn save(&self, out: &mut Vec<u8>) {
        match *self {
            Self::No => out.push(0),
            Self::Apply { is_snapshot, own_ns, t_ns, id } => {
                out.push(1);
                is_snapshot.save(out);
                (own_ns, t_ns, id).save(out);
            }
            Self::Skip => out.push(2),
        }
    }

    fn load(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        *self = match input.u8("an open update")? {
            0 => Self::No,
            1 => {
                let (mut is_snapshot, mut rest) = (false, (None, None, 0));
                is_snapshot.load(input)?;
                rest.load(input)?;
                Self::Apply { is_snapshot, own_ns: rest.0, t_ns: rest.1, id: rest.2 }
            }
            2 => Self::Skip,
            _ => return Err(input.invalid("an open update")),
        };
        Ok(())
    }
}

carry!(
    Depth: book, order_rows, known, grid, open, clock, last_raw_ns, last_id, recent, n_late, after_snapshot, in_new_session, in_overlap,
    decreased, last_update_ns,
);
