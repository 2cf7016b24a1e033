//! One column, read a number of rows at a time.

use ::parquet::basic::Encoding;
use bytes::Bytes;

use super::hybrid::{Hybrid, Next, PACKED_MAX};
use super::pages::{DataPage, Pages, Unpacked};
use super::{Sure, Unsure};

/// What collects the values of a column.
pub(super) trait Values {
    /// Appends nulls.
    fn nulls(&mut self, n: usize);

    /// Appends `n` values of the page from byte `at` on; the byte after them.
    fn plain(&mut self, page: &Bytes, at: usize, n: usize) -> Sure<usize>;

    /// Reads the `n` values of the dictionary, in place of the one before.
    fn dictionary(&mut self, page: &Bytes, n: usize) -> Sure<()>;

    /// Appends a value of the dictionary `n` times.
    fn same(&mut self, index: u32, n: usize) -> Sure<()>;

    /// Appends values of the dictionary.
    fn indexed(&mut self, indices: &[u32]) -> Sure<()>;
}

/// Where the values of a page stand.
#[derive(Debug, Clone, Copy)]
enum At {
    Plain(usize),
    Indices(Hybrid),
}

/// The page that is being read.
struct Open {
    bytes: Bytes,
    rows: usize,
    levels: Option<Hybrid>,
    at: At,
}

/// A column and the place in it.
pub(super) struct Column<V> {
    pages: Pages,
    open: Option<Open>,
    /// The row group whose dictionary is held.
    dictionary: Option<usize>,
    pub(super) values: V,
}

impl<V: Values> Column<V> {
    pub(super) fn new(pages: Pages, values: V) -> Self {
        Self { pages, open: None, dictionary: None, values }
    }

    /// Appends the next `n` rows to the values.
    pub(super) fn read(&mut self, mut n: usize) -> Sure<()> {
        // Bounded: every turn takes a row or a page, and there are no more pages than bytes.
        while n > 0 {
            let Some(open) = self.open.as_mut().filter(|open| open.rows > 0) else {
                self.next_page()?;
                continue;
            };
            let wanted = n.min(open.rows);
            let (is_there, k) = match &mut open.levels {
                Some(levels) => levels.next_bits(&open.bytes, wanted)?,
                None => (true, wanted),
            };
            if is_there {
                open.read(k, &mut self.values)?;
            } else {
                self.values.nulls(k);
            }
            open.rows -= k;
            n -= k;
        }
        Ok(())
    }

    fn next_page(&mut self) -> Sure<()> {
        match self.pages.next()? {
            Unpacked::Dictionary { bytes, n, group } => {
                self.open = None;
                self.dictionary = Some(group);
                self.values.dictionary(&bytes, n)
            }
            Unpacked::Data(page) => {
                self.open = Some(self.start(page)?);
                Ok(())
            }
        }
    }

    fn start(&self, page: DataPage) -> Sure<Open> {
        let DataPage { bytes, rows, encoding, levels, values, group } = page;
        let levels = levels.map(|(at, end)| Hybrid::new(&bytes, at, end, 1)).transpose()?;
        let at = match encoding {
            Encoding::PLAIN => At::Plain(values),
            Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY if self.dictionary == Some(group) => {
                // A page of nulls may have no indices, not even their width.
                let width = bytes.get(values).copied().unwrap_or(0);
                let start = (values + 1).min(bytes.len());
                At::Indices(Hybrid::new(&bytes, start, bytes.len(), u32::from(width))?)
            }
            _ => return Err(Unsure),
        };
        Ok(Open { bytes, rows, levels, at })
    }
}

impl Open {
    #[inline]
    fn read(&mut self, mut n: usize, values: &mut impl Values) -> Sure<()> {
        match &mut self.at {
            At::Plain(at) => *at = values.plain(&self.bytes, *at, n)?,
            At::Indices(hybrid) => {
                let mut indices = [0; PACKED_MAX];
                // Bounded: every turn takes a value.
                while n > 0 {
                    n -= match hybrid.next(&self.bytes, n, &mut indices)? {
                        Next::Same(index, k) => {
                            values.same(index, k)?;
                            k
                        }
                        Next::Packed(k) => {
                            values.indexed(&indices[..k])?;
                            k
                        }
                    };
                }
            }
        }
        Ok(())
    }
}
