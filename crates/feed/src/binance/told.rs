//! Where plain trades are told, so that aggregated ones stand back there.

use std::collections::BTreeMap;

use verismo_market::event::NO_TIME;

/// Which files tell the trades of a symbol at the time that the merged lines have come to.
///
/// A file covers the time from its first line to its last, or from its first trade where none stands at its start. Files are opened at
/// their first time, and the next line of each is seen before its turn: what has begun and not ended covers the time.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// The latest time of the lines seen, of each file.
    until_ns: Vec<i64>,
    /// Files that tell trades of a symbol and have begun; those that ended go when they are met.
    files: BTreeMap<String, Vec<u32>>,
    /// The last symbol and file that were added.
    last: Option<(String, u32)>,
}

impl Told {
    pub(super) fn new(n_files: usize) -> Self {
        Self { until_ns: vec![NO_TIME; n_files], ..Self::default() }
    }

    /// A line of a file has this time.
    pub(super) fn see(&mut self, file: u32, t_ns: i64) {
        let until_ns = &mut self.until_ns[file as usize];
        *until_ns = t_ns.max(*until_ns);
    }

    /// A file tells trades of a symbol.
    pub(super) fn add(&mut self, symbol: &str, file: u32) {
        if self.last.as_ref().is_some_and(|(of, at)| *at == file && of == symbol) {
            return;
        }
        self.last = Some((symbol.to_owned(), file));
        match self.files.get_mut(symbol) {
            Some(files) if files.contains(&file) => {}
            Some(files) => files.push(file),
            None => {
                self.files.insert(symbol.to_owned(), vec![file]);
            }
        }
    }

    /// All files that have begun are read to their end, and whatever comes starts later.
    pub(super) fn end(&mut self) {
        (self.files, self.last) = (BTreeMap::new(), None);
    }

    /// Whether the trades of a symbol are told at this time.
    pub(super) fn covers(&mut self, symbol: &str, t_ns: i64) -> bool {
        let Some(files) = self.files.get_mut(symbol) else { return false };
        let (n, until_ns) = (files.len(), &self.until_ns);
        files.retain(|file| until_ns[*file as usize] >= t_ns);
        if files.len() < n {
            self.last = None;
        }
        !files.is_empty()
    }
}
