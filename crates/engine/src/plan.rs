//! What a run will read: both sides scanned, and the clock they share.

use std::path::PathBuf;

use verismo_feed::{FeedError, Format, Inventory, Limits};

use crate::error::EngineError;

/// One side of a run.
#[derive(Debug, Clone)]
pub struct SidePlan {
    /// Paths as given.
    pub paths: Vec<PathBuf>,
    /// What was found there.
    pub inventory: Inventory,
}

/// A planned run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The golden.
    pub golden: SidePlan,
    /// The candidate.
    pub candidate: SidePlan,
}

impl Plan {
    /// Expands globs and scans both sides.
    ///
    /// # Errors
    /// [`EngineError::Feed`] when a side holds nothing that can be read, [`EngineError::DifferentKinds`] when only one is a table.
    pub fn new(golden: &[PathBuf], candidate: &[PathBuf], format: Option<Format>) -> Result<Self, EngineError> {
        let of =
            |side, paths: &[PathBuf]| Ok(SidePlan { paths: paths.to_vec(), inventory: scan(side, paths, format)? });
        Self::of_sides(of("golden", golden)?, of("candidate", candidate)?)
    }

    /// Of both sides.
    ///
    /// # Errors
    /// [`EngineError::DifferentKinds`] when only one is a table.
    pub(crate) fn of_sides(golden: SidePlan, candidate: SidePlan) -> Result<Self, EngineError> {
        let (left, right) = (golden.inventory.format, candidate.inventory.format);
        if (left == Format::Table) != (right == Format::Table) {
            return Err(EngineError::DifferentKinds { golden: left.name(), candidate: right.name() });
        }
        Ok(Self { golden, candidate })
    }

    /// The golden on both sides, for what needs no candidate; the second is never read.
    ///
    /// # Errors
    /// As [`Plan::new`].
    pub(crate) fn golden_only(golden: &[PathBuf], format: Option<Format>) -> Result<Self, EngineError> {
        Self::one_side("golden", golden, format)
    }

    /// The same for a side of another name in errors.
    ///
    /// # Errors
    /// As [`Plan::new`].
    pub(crate) fn one_side(side: &'static str, paths: &[PathBuf], format: Option<Format>) -> Result<Self, EngineError> {
        let golden = SidePlan { paths: paths.to_vec(), inventory: scan(side, paths, format)? };
        let mut candidate = golden.clone();
        candidate.inventory.sources.clear();
        Ok(Self { golden, candidate })
    }

    /// The same under other limits.
    #[must_use]
    pub(crate) fn with_limits(mut self, limits: Limits) -> Self {
        self.golden.inventory = self.golden.inventory.with_limits(limits);
        self.candidate.inventory = self.candidate.inventory.with_limits(limits);
        self
    }

    /// The resolution at which both sides can be compared: the coarser one's, ns.
    pub fn clock_ns(&self) -> i64 {
        self.golden.inventory.clock_ns().max(self.candidate.inventory.clock_ns()).max(1)
    }

    /// Bytes on disk of both sides.
    pub fn bytes(&self) -> u64 {
        self.golden.inventory.bytes() + self.candidate.inventory.bytes()
    }
}

/// Looks at all files of a side.
pub(crate) fn scan(side: &'static str, paths: &[PathBuf], format: Option<Format>) -> Result<Inventory, EngineError> {
    let expanded = expand(paths).map_err(EngineError::feed(side))?;
    Inventory::scan(&expanded, format).map_err(EngineError::feed(side))
}

/// Replaces patterns by what they match; an existing path is taken as it is, whatever characters it holds.
pub(crate) fn expand(paths: &[PathBuf]) -> Result<Vec<PathBuf>, FeedError> {
    let mut expanded = Vec::new();
    for path in paths {
        let text = path.to_string_lossy();
        if path.exists() || !text.contains(['*', '?', '[']) {
            expanded.push(path.clone());
            continue;
        }
        let not_found = || FeedError::PathNotFound { path: text.clone().into_owned() };
        let matches = glob::glob(&text).map_err(|_| not_found())?;
        let before = expanded.len();
        expanded.extend(matches.filter_map(Result::ok));
        if expanded.len() == before {
            return Err(not_found());
        }
    }
    Ok(expanded)
}
