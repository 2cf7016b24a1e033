//! Which windows are compared with which, with what weight, and which of them share a noise block.

use core::ops::Range;
use std::collections::BTreeMap;

use super::{Design, JudgingError, Side};

/// A window stripped to what its place in the comparison depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tag {
    pub(crate) id: i64,
    pub(crate) stratum: u32,
    pub(crate) block: u32,
    pub(crate) count: u64,
}

/// A window in its place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placed {
    /// Index in the caller's slice.
    pub(crate) source: usize,
    pub(crate) id: i64,
    pub(crate) stratum: u32,
    pub(crate) block: u32,
    pub(crate) count: u64,
    /// Dense index of the matching label, 0 where labels do not match sides.
    pub(crate) label: usize,
    /// Weight of one message of this window in its side's law; the weights of a side's messages sum to 1.
    pub(crate) omega: f64,
}

/// One side's windows in time order and its noise blocks.
#[derive(Debug, Clone)]
pub(crate) struct Arm {
    pub(crate) windows: Vec<Placed>,
    pub(crate) blocks: Vec<Range<usize>>,
    /// Messages under each matching label.
    pub(crate) label_counts: Vec<u64>,
}

impl Arm {
    /// Weight of each window in its side's law.
    pub(crate) fn shares(&self) -> Vec<f64> {
        self.windows.iter().map(|placed| placed.omega * placed.count as f64).collect()
    }

    pub(crate) fn messages(&self) -> u64 {
        self.label_counts.iter().sum()
    }
}

/// Both sides, arranged.
#[derive(Debug, Clone)]
pub(crate) struct Arrangement {
    pub(crate) golden: Arm,
    pub(crate) candidate: Arm,
    pub(crate) paired: bool,
    /// Noise of separate blocks (strata) instead of one block with the memory guard.
    pub(crate) stratified: bool,
    /// The strata that are compared, in label order; empty where labels do not match sides.
    pub(crate) labels: Vec<u32>,
    /// Golden's share of each compared label.
    pub(crate) label_weights: Vec<f64>,
}

/// Shorter noise blocks are joined to a neighbour: two cosines need four windows.
const SHORTEST_BLOCK: usize = 4;

/// Places the windows of both sides. Empty windows are dropped; the caller's order does not matter, `id` does.
pub(crate) fn arrange(golden: &[Tag], candidate: &[Tag], design: Design) -> Result<Arrangement, JudgingError> {
    let mut golden = in_time_order(golden, Side::Golden)?;
    let mut candidate = in_time_order(candidate, Side::Candidate)?;
    let paired = matches!(design, Design::Paired | Design::PairedStrata);
    let stratified = matches!(design, Design::Strata | Design::PairedStrata);
    if paired {
        keep_pairs(&mut golden, &mut candidate)?;
    }
    let labels = if stratified { shared_labels(&golden, &candidate) } else { Vec::new() };
    if !labels.is_empty() {
        let shared = |(_, tag): &(usize, Tag)| labels.binary_search(&tag.stratum).is_ok();
        golden.retain(shared);
        candidate.retain(shared);
    }
    let golden_blocks = noise_blocks(&golden, stratified);
    let candidate_blocks = if paired { golden_blocks.clone() } else { noise_blocks(&candidate, stratified) };
    let golden_counts = label_counts(&golden, &labels);
    let total: u64 = golden_counts.iter().sum();
    let label_weights: Vec<f64> = golden_counts.iter().map(|n| *n as f64 / total as f64).collect();
    Ok(Arrangement {
        golden: arm(&golden, golden_blocks, &labels, &label_weights),
        candidate: arm(&candidate, candidate_blocks, &labels, &label_weights),
        paired,
        stratified,
        labels,
        label_weights,
    })
}

fn in_time_order(tags: &[Tag], side: Side) -> Result<Vec<(usize, Tag)>, JudgingError> {
    let mut kept: Vec<(usize, Tag)> = tags.iter().copied().enumerate().filter(|(_, tag)| tag.count > 0).collect();
    if kept.is_empty() {
        return Err(JudgingError::EmptySide { side });
    }
    kept.sort_by_key(|(_, tag)| tag.id);
    if let Some(pair) = kept.windows(2).find(|pair| pair[0].1.id == pair[1].1.id) {
        return Err(JudgingError::DuplicateWindow { side, id: pair[0].1.id });
    }
    Ok(kept)
}

/// Keeps the windows present on both sides; the candidate takes the golden's labels.
fn keep_pairs(golden: &mut Vec<(usize, Tag)>, candidate: &mut Vec<(usize, Tag)>) -> Result<(), JudgingError> {
    let labels: BTreeMap<i64, (u32, u32)> = golden.iter().map(|(_, tag)| (tag.id, (tag.stratum, tag.block))).collect();
    candidate.retain(|(_, tag)| labels.contains_key(&tag.id));
    for (_, tag) in candidate.iter_mut() {
        if let Some((stratum, block)) = labels.get(&tag.id) {
            (tag.stratum, tag.block) = (*stratum, *block);
        }
    }
    golden.retain(|(_, tag)| candidate.binary_search_by_key(&tag.id, |(_, other)| other.id).is_ok());
    if golden.is_empty() { Err(JudgingError::NoPairs) } else { Ok(()) }
}

fn shared_labels(golden: &[(usize, Tag)], candidate: &[(usize, Tag)]) -> Vec<u32> {
    let distinct = |side: &[(usize, Tag)]| {
        let mut labels: Vec<u32> = side.iter().map(|(_, tag)| tag.stratum).collect();
        labels.sort_unstable();
        labels.dedup();
        labels
    };
    let other = distinct(candidate);
    distinct(golden).into_iter().filter(|label| other.binary_search(label).is_ok()).collect()
}

/// Runs of equal (stratum, block). A run too short for two cosines is joined to its neighbour in time: it then also counts
/// the difference between the two laws as noise, which is the safe side.
fn noise_blocks(windows: &[(usize, Tag)], stratified: bool) -> Vec<Range<usize>> {
    if !stratified {
        return core::iter::once(0..windows.len()).collect();
    }
    let mut blocks: Vec<Range<usize>> = Vec::new();
    let mut start = 0;
    for end in 1..=windows.len() {
        let ends = end == windows.len() || {
            let (a, b) = (&windows[end - 1].1, &windows[end].1);
            (a.stratum, a.block) != (b.stratum, b.block)
        };
        if !ends {
            continue;
        }
        match blocks.last_mut() {
            Some(last) if last.len() < SHORTEST_BLOCK || end - start < SHORTEST_BLOCK => last.end = end,
            _ => blocks.push(start..end),
        }
        start = end;
    }
    blocks
}

fn label_index(labels: &[u32], stratum: u32) -> usize {
    labels.binary_search(&stratum).unwrap_or(0)
}

fn label_counts(windows: &[(usize, Tag)], labels: &[u32]) -> Vec<u64> {
    let mut counts = vec![0; labels.len().max(1)];
    for (_, tag) in windows {
        counts[label_index(labels, tag.stratum)] += tag.count;
    }
    counts
}

fn arm(windows: &[(usize, Tag)], blocks: Vec<Range<usize>>, labels: &[u32], weights: &[f64]) -> Arm {
    let label_counts = label_counts(windows, labels);
    let placed = windows
        .iter()
        .map(|(source, tag)| {
            let label = label_index(labels, tag.stratum);
            let omega = weights[label] / label_counts[label] as f64;
            let Tag { id, stratum, block, count } = *tag;
            Placed { source: *source, id, stratum, block, count, label, omega }
        })
        .collect();
    Arm { windows: placed, blocks, label_counts }
}
