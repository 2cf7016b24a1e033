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
            n -= open.run(n, &mut self.values)?;
        }
        Ok(())
    }

    fn next_page(&mut self) -> Sure<()> {
        // Let go of the page before, so that its memory can be used again.
        self.open = None;
        match self.pages.next()? {
            Unpacked::Dictionary { bytes, n, group } => {
                self.dictionary = Some(group);
                self.values.dictionary(&bytes, n)
            }
            Unpacked::Data(page) => {
                let has_dictionary = self.dictionary == Some(page.group);
                self.open = Some(Open::new(page, has_dictionary)?);
                Ok(())
            }
        }
    }
}

impl Open {
    fn new(page: DataPage, has_dictionary: bool) -> Sure<Self> {
        let DataPage { bytes, rows, encoding, levels, values, .. } = page;
        let levels = levels.map(|(at, end)| Hybrid::new(&bytes, at, end, 1)).transpose()?;
        let at = match encoding {
            Encoding::PLAIN => At::Plain(values),
            Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY if has_dictionary => {
                // A page of nulls may have no indices, not even their width.
                let width = bytes.get(values).copied().unwrap_or(0);
                let start = values.saturating_add(1).min(bytes.len());
                At::Indices(Hybrid::new(&bytes, start, bytes.len(), u32::from(width))?)
            }
            _ => return Err(Unsure),
        };
        Ok(Self { bytes, rows, levels, at })
    }

    /// Appends some of the next rows, at most `max` (which is not 0, as the page's rows are not); their number.
    #[inline]
    fn run(&mut self, max: usize, values: &mut impl Values) -> Sure<usize> {
        let wanted = max.min(self.rows);
        let (is_there, n) = match &mut self.levels {
            Some(levels) => levels.next_bits(&self.bytes, wanted)?,
            None => (true, wanted),
        };
        if is_there {
            self.read(n, values)?;
        } else {
            values.nulls(n);
        }
        self.rows -= n;
        Ok(n)
    }

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parquet::direct::values::{Codes, Numbers, Physical, Texts};
    use proptest::prelude::*;

    fn read_all(page: DataPage, dictionary: Option<(&Bytes, usize)>, mut values: impl Values) {
        let has_dictionary = dictionary.is_some_and(|(bytes, n)| values.dictionary(bytes, n).is_ok());
        let Ok(mut open) = Open::new(page, has_dictionary) else { return };
        let mut rows = 0;
        while open.rows > 0 && rows < 10_000 {
            match open.run(100, &mut values) {
                Ok(n) => rows += n,
                Err(Unsure) => return,
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn any_page_is_an_answer(
            bytes in proptest::collection::vec(prop_oneof![Just(0u8), Just(1), 0u8..8, any::<u8>()], 0..80),
            dictionary in proptest::collection::vec(prop_oneof![Just(0u8), 0u8..8, any::<u8>()], 0..40),
            n in prop_oneof![0usize..9, Just(u32::MAX as usize)],
            rows in prop_oneof![0usize..50, Just(u32::MAX as usize)],
            levels in proptest::option::of((0usize..90, 0usize..90)),
            values in prop_oneof![0usize..90, Just(u32::MAX as usize)],
            is_plain in any::<bool>(),
        ) {
            let (bytes, dictionary) = (Bytes::from(bytes), Bytes::from(dictionary));
            let encoding = if is_plain { Encoding::PLAIN } else { Encoding::RLE_DICTIONARY };
            let page = || DataPage { bytes: bytes.clone(), rows, encoding, levels, values, group: 1 };
            for physical in [
                Physical::Long,
                Physical::LongDecimal(3),
                Physical::IntDecimal(9),
                Physical::Double,
                Physical::Fixed(16, 18),
                Physical::Fixed(5, 2),
                Physical::Fixed(0, 2),
            ] {
                read_all(page(), Some((&dictionary, n)), Numbers::new(physical));
            }
            read_all(page(), Some((&dictionary, n)), Codes::new(0, str::len));
            read_all(page(), Some((&dictionary, n)), Texts::default());
        }
    }
}
