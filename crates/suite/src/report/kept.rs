//! What one observable came to, as it is kept between runs.

use serde::{Deserialize, Serialize};

use super::{Finding, Picture};

/// The findings of one observable on one stream before the correction for their number, and what its figures are drawn from.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct KeptObservable {
    /// Its findings; those that are open have no verdict yet.
    pub findings: Vec<Finding>,
    /// For each finding the bits of the numbers its verdict will be made from; none where it is settled.
    pub open: Vec<Vec<u64>>,
    /// What its figures are drawn from.
    pub picture: Option<Picture>,
}

impl KeptObservable {
    /// As JSON; `None` where a number is none that JSON can hold, so that it would not come back as it is.
    pub fn to_json(&self) -> Option<Vec<u8>> {
        let bytes = serde_json::to_vec(self).ok()?;
        (Self::from_json(&bytes).as_ref() == Some(self)).then_some(bytes)
    }

    /// What was kept; `None` if the bytes are something else.
    pub fn from_json(bytes: &[u8]) -> Option<Self> {
        let kept: Self = serde_json::from_slice(bytes).ok()?;
        (kept.findings.len() == kept.open.len()).then_some(kept)
    }
}
