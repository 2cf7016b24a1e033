//! Rows of several numbers at times: what a joint law, a regression or a fit in order of time is computed from.
//!
//! A panel is a multiset of rows, kept in order of time and then of values, so it merges in any order and subtracts exactly, and yet
//! gives its rows back in time. Numbers are integers (fixed point); one that is not defined at a time has none. Neighbouring rows are
//! alike, so a row is stored as its distances from the row before it: a byte or two a number on markets.

use crate::state::{DecodeError, Group, MergeError, Reader, State, put_i128, put_u64};
use std::cmp::Ordering;

/// The most numbers of a row.
pub const COLUMNS_MAX: usize = 32;
/// Stands for "not defined at this time"; no number is this.
pub const UNDEFINED: i64 = i64::MIN;

/// Rows of numbers in order of time: a commutative group, exact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panel {
    columns: usize,
    n_rows: u64,
    /// Row after row: the time as a distance, then the numbers as distances from the last defined one of their column.
    bytes: Vec<u8>,
}

/// Rows taken apart: row `i` is at `t_ns[i]` and has the numbers `values[i * columns..][..columns]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PanelRows {
    /// Numbers of a row.
    pub columns: usize,
    /// Times, ns, not descending.
    pub t_ns: Vec<i64>,
    /// Row-major; [`UNDEFINED`] where a number is not defined.
    pub values: Vec<i64>,
}

impl PanelRows {
    /// No rows yet.
    ///
    /// # Panics
    /// For no columns or more than [`COLUMNS_MAX`]: the registry names them.
    #[must_use]
    pub fn new(columns: usize) -> Self {
        assert!((1..=COLUMNS_MAX).contains(&columns), "a panel has 1 to {COLUMNS_MAX} columns, not {columns}");
        Self { columns, t_ns: Vec::new(), values: Vec::new() }
    }

    /// The number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.t_ns.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.t_ns.is_empty()
    }

    /// Adds a row.
    ///
    /// # Panics
    /// When `row` has another number of columns.
    pub fn push(&mut self, t_ns: i64, row: &[i64]) {
        assert_eq!(row.len(), self.columns, "a row of the panel");
        self.t_ns.push(t_ns);
        self.values.extend_from_slice(row);
    }

    /// Forgets the rows and keeps the room.
    pub fn clear(&mut self) {
        self.t_ns.clear();
        self.values.clear();
    }

    /// The numbers of row `i`.
    #[must_use]
    pub fn row(&self, i: usize) -> &[i64] {
        &self.values[i * self.columns..(i + 1) * self.columns]
    }

    fn order(&self, i: usize, other: &Self, j: usize) -> Ordering {
        self.t_ns[i].cmp(&other.t_ns[j]).then_with(|| self.row(i).cmp(other.row(j)))
    }

    fn is_sorted(&self) -> bool {
        (1..self.len()).all(|i| self.order(i - 1, self, i) != Ordering::Greater)
    }

    /// In order of time, then of numbers.
    fn sorted(self) -> Self {
        if self.is_sorted() {
            return self;
        }
        let mut places: Vec<usize> = (0..self.len()).collect();
        places.sort_by(|&i, &j| self.order(i, &self, j));
        let mut out = Self::new(self.columns);
        for i in places {
            out.push(self.t_ns[i], self.row(i));
        }
        out
    }
}

impl Panel {
    /// No rows.
    ///
    /// # Panics
    /// As [`PanelRows::new`].
    #[must_use]
    pub fn new(columns: usize) -> Self {
        Self::pack(PanelRows::new(columns))
    }

    /// The panel of these rows, in any order.
    #[must_use]
    pub fn pack(rows: PanelRows) -> Self {
        let rows = rows.sorted();
        let mut bytes = Vec::new();
        let mut before = Before::new(rows.columns);
        for i in 0..rows.len() {
            before.put(&mut bytes, rows.t_ns[i], rows.row(i));
        }
        bytes.shrink_to_fit();
        Self { columns: rows.columns, n_rows: rows.len() as u64, bytes }
    }

    /// Numbers of a row.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Bytes held.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Its rows.
    #[must_use]
    pub fn rows(&self) -> PanelRows {
        let mut rows = PanelRows::new(self.columns);
        self.unpack_into(&mut rows);
        rows
    }

    /// Appends its rows to others of as many columns.
    pub fn unpack_into(&self, rows: &mut PanelRows) {
        debug_assert_eq!(rows.columns, self.columns, "rows of another panel");
        // Bytes of a panel were made or checked by this module, so that reading them cannot fail.
        let mut reader = Reader::new(Self::FORMAT, &self.bytes);
        let read = read_rows(&mut reader, self.n_rows, rows);
        debug_assert!(read.is_ok(), "a panel holds its rows: {read:?}");
    }

    /// Several panels of equal columns as one.
    ///
    /// # Errors
    /// [`MergeError::ParameterMismatch`] where columns differ.
    pub fn sum<'a>(columns: usize, panels: impl IntoIterator<Item = &'a Self>) -> Result<Self, MergeError> {
        let mut rows = PanelRows::new(columns);
        let empty = Self::new(columns);
        for panel in panels {
            empty.check_columns(panel)?;
            panel.unpack_into(&mut rows);
        }
        Ok(Self::pack(rows))
    }

    fn check_columns(&self, other: &Self) -> Result<(), MergeError> {
        if self.columns == other.columns {
            return Ok(());
        }
        Err(MergeError::ParameterMismatch {
            state: Self::FORMAT,
            parameter: "the number of columns",
            left: self.columns.to_string(),
            right: other.columns.to_string(),
        })
    }
}

impl State for Panel {
    const FORMAT: &'static str = "panel/1";

    fn count(&self) -> u64 {
        self.n_rows
    }

    fn merge(&mut self, other: &Self) -> Result<(), MergeError> {
        self.check_columns(other)?;
        let mut rows = self.rows();
        other.unpack_into(&mut rows);
        *self = Self::pack(rows);
        Ok(())
    }

    fn encode(&self, out: &mut Vec<u8>) {
        put_u64(out, self.columns as u64);
        put_u64(out, self.n_rows);
        out.extend_from_slice(&self.bytes);
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(Self::FORMAT, bytes);
        let columns = reader.u64("columns")?;
        let columns = usize::try_from(columns).ok().filter(|n| (1..=COLUMNS_MAX).contains(n));
        let columns = columns.ok_or_else(|| reader.invalid("columns"))?;
        let n_rows = reader.length("rows", 1 + columns)? as u64;
        let start = bytes.len() - reader.remaining();
        let mut rows = PanelRows::new(columns);
        read_rows(&mut reader, n_rows, &mut rows)?;
        if !rows.is_sorted() {
            return Err(reader.invalid("order of rows"));
        }
        reader.finish()?;
        Ok(Self { columns, n_rows, bytes: bytes[start..].to_vec() })
    }
}

impl Group for Panel {
    fn subtract(&mut self, other: &Self) -> Result<(), MergeError> {
        self.check_columns(other)?;
        let (own, taken) = (self.rows(), other.rows());
        let mut left = PanelRows::new(self.columns);
        let mut j = 0;
        for i in 0..own.len() {
            if j < taken.len() && own.order(i, &taken, j) == Ordering::Equal {
                j += 1;
            } else {
                left.push(own.t_ns[i], own.row(i));
            }
        }
        if j < taken.len() {
            return Err(MergeError::NotContained { state: Self::FORMAT, quantity: "a row" });
        }
        *self = Self::pack(left);
        Ok(())
    }
}

/// What the next row is a distance from.
struct Before {
    t_ns: i64,
    values: Vec<i64>,
}

impl Before {
    fn new(columns: usize) -> Self {
        Self { t_ns: 0, values: vec![0; columns] }
    }

    /// A time as a signed distance; a number as 0 where it is undefined, else as its distance moved away from 0 by one.
    fn put(&mut self, out: &mut Vec<u8>, t_ns: i64, row: &[i64]) {
        put_i128(out, i128::from(t_ns) - i128::from(self.t_ns));
        self.t_ns = t_ns;
        for (before, &value) in self.values.iter_mut().zip(row) {
            if value == UNDEFINED {
                put_i128(out, 0);
                continue;
            }
            let step = i128::from(value) - i128::from(*before);
            put_i128(out, if step >= 0 { step + 1 } else { step });
            *before = value;
        }
    }
}

/// Reads rows as [`Before::put`] wrote them.
fn read_rows(reader: &mut Reader<'_>, n_rows: u64, rows: &mut PanelRows) -> Result<(), DecodeError> {
    let mut before = Before::new(rows.columns);
    for _ in 0..n_rows {
        let t_ns = i128::from(before.t_ns) + reader.i128("time").map(bounded)?;
        before.t_ns = i64::try_from(t_ns).map_err(|_| reader.invalid("time"))?;
        rows.t_ns.push(before.t_ns);
        for last in &mut before.values {
            let value = match reader.i128("number").map(bounded)? {
                0 => UNDEFINED,
                step => {
                    let value = i128::from(*last) + if step > 0 { step - 1 } else { step };
                    let value = i64::try_from(value).ok().filter(|value| *value != UNDEFINED);
                    *last = value.ok_or_else(|| reader.invalid("number"))?;
                    *last
                }
            };
            rows.values.push(value);
        }
    }
    Ok(())
}

/// Steps beyond any that two numbers of 64 bits have stay beyond, without overflow.
fn bounded(step: i128) -> i128 {
    step.clamp(-(1 << 70), 1 << 70)
}
