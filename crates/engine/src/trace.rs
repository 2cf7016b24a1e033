//! What a run read and left in the store, written down so that it can be judged again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use verismo_feed::{Format, Limits};
use verismo_market::observe::registry;
use verismo_stats::state::Carry as _;
use verismo_suite::report::{KeptStates, Side};
use verismo_suite::suite::Suite;
use verismo_suite::trace::{Asked, AskedLimits, SCHEMA, Trace, TraceFile, TracePiece, TraceSide};

use crate::chain::Trail;
use crate::identity::Identities;
use crate::memo::{Files, Memo};
use crate::plan::{Plan, SidePlan};
use crate::store::{self, Digest, hex};
use crate::validate::ValidateRequest;

/// The trace of a run; `None` where its files cannot be listed.
pub(crate) fn of_run(
    request: &ValidateRequest,
    plan: &Plan,
    suite: &Suite,
    memo: Option<&Memo>,
    identities: &Identities,
    trail: &Trail,
) -> Option<Trace> {
    let side = |side: Side, n: usize, plan: &SidePlan, paths: &[PathBuf]| {
        let files = match memo {
            Some(memo) => traced(memo.sides()[n], identities),
            None => traced(&Files::of(paths)?, identities),
        };
        let mut counters = Vec::new();
        plan.inventory.counters.save(&mut counters);
        Some(TraceSide {
            side,
            format: plan.inventory.format.name().to_owned(),
            paths: paths.iter().map(|path| absolute(path)).collect(),
            files,
            counters: hex_of(&counters),
            groups: trail.of_side(n),
        })
    };
    let sides = vec![
        side(Side::Golden, 0, &plan.golden, &request.golden)?,
        side(Side::Candidate, 1, &plan.candidate, &request.candidate)?,
    ];
    let folder = absolute(Path::new(""));
    let (schema, versions) = (SCHEMA.to_owned(), versions(suite));
    Some(with_root(Trace { schema, folder, asked: asked(request, suite)?, sides, root: None, versions }))
}

/// The trace of a run that was found as a whole, with the files that this one named: equal files may lie elsewhere.
pub(crate) fn relocated(mut trace: Trace, request: &ValidateRequest, memo: &Memo, identities: &Identities) -> Trace {
    trace.folder = absolute(Path::new(""));
    let named = [&request.golden, &request.candidate];
    for ((side, paths), files) in trace.sides.iter_mut().zip(named).zip(memo.sides()) {
        side.paths = paths.iter().map(|path| absolute(path)).collect();
        side.files = traced(files, identities);
    }
    trace
}

/// Versions of the observables of a suite.
pub(crate) fn versions(suite: &Suite) -> BTreeMap<String, u32> {
    suite.observable_ids().into_iter().map(|id| (id.clone(), registry::version(&id))).collect()
}

/// What was asked, under the suite that it came to.
fn asked(request: &ValidateRequest, suite: &Suite) -> Option<Asked> {
    Some(Asked {
        format: request.format.map(|format| format.name().to_owned()),
        time: request.time.clone(),
        tz: request.tz.clone(),
        date: request.date.clone(),
        symbol: request.symbol.clone(),
        maps: request.maps.clone(),
        limits: asked_limits(request.limits),
        segment_bytes: request.segment_bytes,
        suite: String::from_utf8(suite.canonical_bytes()).ok()?,
        suite_name: suite.name.clone(),
    })
}

/// The limits of readers as a trace has them.
pub(crate) fn asked_limits(limits: Limits) -> AskedLimits {
    let Limits { line_bytes, unpack_ratio, streams, columns } = limits;
    AskedLimits { line_bytes: line_bytes as u64, unpack_ratio, streams: streams as u64, columns: columns as u64 }
}

/// The limits as readers take them.
pub(crate) fn limits(asked: &AskedLimits) -> Limits {
    let size = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    Limits {
        line_bytes: size(asked.line_bytes),
        unpack_ratio: asked.unpack_ratio,
        streams: size(asked.streams),
        columns: size(asked.columns),
    }
}

/// The format of a side, where this version knows it.
pub(crate) fn format(side: &TraceSide) -> Option<Format> {
    Format::from_name(&side.format)
}

fn traced(files: &Files, identities: &Identities) -> Vec<TraceFile> {
    let one = |(path, stamp): (&PathBuf, &crate::identity::Stamp)| {
        // Asked for, and believed only of the file as it was in the beginning.
        let digest = identities.digest_of(path).and_then(|_| identities.known(path, stamp));
        TraceFile { path: absolute(path), bytes: stamp.bytes, digest: digest.map(|digest| hex(&digest)) }
    };
    files.files().map(one).collect()
}

/// With the folder of the process before it where it is relative; of nothing, that folder.
fn absolute(path: &Path) -> String {
    if path.as_os_str().is_empty() {
        return std::env::current_dir().unwrap_or_default().display().to_string();
    }
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

/// What a report says of the states; `None` where there are none.
pub(crate) fn kept_states(trace: &Trace) -> Option<KeptStates> {
    let pieces = trace.pieces();
    (pieces > 0).then(|| KeptStates { pieces, root: trace.root.clone() })
}

/// With the root of its pieces.
pub(crate) fn with_root(trace: Trace) -> Trace {
    let root = states_root(&trace);
    Trace { root, ..trace }
}

/// The Merkle root (RFC 6962 with BLAKE3) of all pieces in order, hex: of the name of each, which holds its key, with the digest of its states.
/// `None` where a piece was not kept, or there is none.
pub fn states_root(trace: &Trace) -> Option<String> {
    let pieces = trace.sides.iter().flat_map(|side| &side.groups).flat_map(|group| &group.pieces);
    let leaf = |piece: &TracePiece| {
        let mut hasher = blake3::Hasher::new();
        let states: Digest = store::unhex(piece.states.as_ref()?)?;
        hasher.update(&[0]).update(&states).update(piece.base.as_ref()?.as_bytes());
        Some(*hasher.finalize().as_bytes())
    };
    let leaves: Vec<Digest> = pieces.map(leaf).collect::<Option<_>>()?;
    (!leaves.is_empty()).then(|| hex(&merkle(&leaves)))
}

/// Of at least one leaf; as deep as the logarithm of their number.
fn merkle(leaves: &[Digest]) -> Digest {
    if let [leaf] = leaves {
        return *leaf;
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[1]).update(&merkle(left)).update(&merkle(right));
    *hasher.finalize().as_bytes()
}

/// Bytes as a text of hexadecimal digits.
pub(crate) fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of a text of hexadecimal digits.
pub(crate) fn bytes_of(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|c| c.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use verismo_suite::trace::TraceGroup;

    use super::*;

    fn trace(pieces: &[(&str, u8)]) -> Trace {
        let piece = |(base, states): &(&str, u8)| TracePiece {
            files: 1,
            is_inside: false,
            base: Some((*base).to_owned()),
            states: Some(hex(&[*states; 32])),
        };
        let groups = vec![TraceGroup { pieces: pieces.iter().map(piece).collect(), ..TraceGroup::default() }];
        let (paths, files, counters) = Default::default();
        let side = TraceSide { side: Side::Golden, format: String::new(), paths, files, counters, groups };
        let (schema, folder) = (SCHEMA.to_owned(), String::new());
        Trace { schema, folder, asked: Asked::default(), sides: vec![side], root: None, versions: BTreeMap::new() }
    }

    #[test]
    fn the_root_is_that_of_all_pieces_in_order() {
        let root = |pieces: &[(&str, u8)]| states_root(&trace(pieces)).unwrap();
        let all = [("a", 1), ("b", 2), ("c", 3), ("d", 4), ("e", 5)];
        let mut seen = vec![root(&all)];
        for i in 0..all.len() {
            let (mut states, mut name, mut fewer) = (all, all, all.to_vec());
            states[i].1 += 100;
            name[i].0 = "x";
            fewer.remove(i);
            seen.extend([root(&states), root(&name), root(&fewer)]);
        }
        let n = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), n, "every change is another root");
        // Three leaves by hand: two on the left, one on the right.
        let leaf = |(base, states): (&str, u8)| blake3::hash(&[&[0], &[states; 32][..], base.as_bytes()].concat());
        let node = |a: blake3::Hash, b: blake3::Hash| blake3::hash(&[&[1], &a.as_bytes()[..], b.as_bytes()].concat());
        let by_hand = node(node(leaf(all[0]), leaf(all[1])), leaf(all[2]));
        assert_eq!(root(&all[..3]), by_hand.to_hex().to_string());
        assert_eq!(states_root(&trace(&[])), None);
        let mut holed = trace(&all);
        holed.sides[0].groups[0].pieces[2].states = None;
        assert_eq!(states_root(&holed), None);
    }

    #[test]
    fn bytes_and_their_digits() {
        assert_eq!(bytes_of(&hex_of(&[0, 255, 16])), Some(vec![0, 255, 16]));
        assert!(bytes_of("0").is_none() && bytes_of("zz").is_none() && bytes_of("+1").is_none());
    }
}
