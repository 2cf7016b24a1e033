//! The states of an earlier run, from the store alone: no file is asked for.

use std::collections::BTreeMap;

use verismo_feed::{FeedError, Format};
use verismo_market::observe::ObserveOptions;
use verismo_suite::trace::{TraceGroup, TracePiece};

use super::key::{self, Why};
use super::piece::{self, Found, Piece, States};
use super::shelf::{Wanted, take_observables};
use super::{At, Chain};
use crate::execute::ObservedSide;
use crate::store::{Digest, Store, hex};

/// A group of files as an earlier run left it.
pub(crate) struct Recorded<'a> {
    pub(crate) store: &'a Store,
    pub(crate) group: &'a TraceGroup,
    pub(crate) format: Format,
    /// How it shall be observed now.
    pub(crate) options: ObserveOptions,
    /// The observables of the earlier run.
    pub(crate) observables_then: &'a [String],
    /// Their versions, where the states of other versions of the code are wanted as well.
    pub(crate) versions_then: Option<&'a BTreeMap<String, u32>>,
    /// Whether states are read at once, and not where somebody needs them.
    pub(crate) reads: bool,
}

/// A group as the store holds it.
#[derive(Debug)]
pub(crate) struct Walked {
    pub(crate) observed: ObservedSide,
    /// The same as a trace has it, with the observables of now.
    pub(crate) group: TraceGroup,
}

/// Why a group cannot be had from the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lost {
    /// The first piece that is not there.
    pub(crate) piece: usize,
    /// Its first file, and those behind, which depend on it.
    pub(crate) source: usize,
    pub(crate) why: String,
    /// Observables that are not there; all if there is none.
    pub(crate) observables: Vec<String>,
}

/// A piece as a trace has it.
pub(super) fn piece(files: usize, is_inside: bool, kept: Option<(String, States)>) -> TracePiece {
    let (base, states) = kept.map(|(base, states)| (base, hex(&piece::states_digest(&states)))).unzip();
    TracePiece { files: files as u64, is_inside, base, states }
}

/// Whether decoder and replay of a group are of the versions of now.
pub(crate) fn is_code_of(group: &TraceGroup, format: Format) -> bool {
    group.observed.code == hex(&key::code(format))
}

impl Recorded<'_> {
    /// Goes through all pieces; `look` is shown each with where the chain is before it.
    ///
    /// # Errors
    /// [`Lost`] where a piece, or an observable of it, is not there.
    pub(crate) fn walk(&self, mut look: impl FnMut(usize, &Before<'_>)) -> Result<Walked, Lost> {
        if let Some(why) = self.misfit() {
            return Err(Lost { piece: 0, source: 0, why: why.text(), observables: Vec::new() });
        }
        let mut at = At::default();
        let mut pieces = Vec::with_capacity(self.group.pieces.len());
        for (i, recorded) in self.group.pieces.iter().enumerate() {
            let lost = |at: &At, why: String, observables| Lost { piece: i, source: at.next, why, observables };
            let found = match self.find(&at, recorded) {
                Ok(found) => found,
                Err((why, observables)) => return Err(lost(&at, why, observables)),
            };
            let (Found { piece, base, states }, is_own_tape) = found;
            let digests = states.clone();
            let now = self::piece(piece.sources, piece.offset > 0, Some((base, states)));
            let is_as_recorded = now == *recorded;
            look(i, &Before { at: &at, recorded, states: &digests, is_as_recorded, is_own_tape });
            pieces.push(now);
            let next = at.next;
            at.go_on(piece, &self.options, Some(&digests)).map_err(|error| Lost {
                piece: i,
                source: next,
                why: error.to_string(),
                observables: Vec::new(),
            })?;
        }
        let source = at.next;
        let observed = at.end(&self.options);
        let observed = observed.map_err(|error| Lost {
            piece: pieces.len(),
            source,
            why: error.to_string(),
            observables: Vec::new(),
        })?;
        Ok(Walked { observed, group: TraceGroup { pieces, ..self.group.clone() } })
    }

    /// Why none of these states can serve.
    fn misfit(&self) -> Option<Why> {
        let then = &self.group.observed;
        if self.versions_then.is_none() && !is_code_of(self.group, self.format) {
            return Some(Why::Code);
        }
        let ObserveOptions { clock_ns, grid_ns, warmup_ns, window_min_ns, .. } = self.options;
        let now = [clock_ns, grid_ns, warmup_ns, window_min_ns];
        let is_same = now == [then.clock_ns, then.grid_ns, then.warmup_ns, then.window_min_ns];
        (!is_same).then_some(Why::Options)
    }

    /// The piece, and whether its observables lie on the tape that they would be computed with.
    fn find(&self, at: &At, recorded: &TracePiece) -> Result<(Found, bool), (String, Vec<String>)> {
        let labels = self.group.sources.get(at.next..at.next.saturating_add(recorded.touched())).unwrap_or_default();
        let Some(base) = &recorded.base else { return Err(("its states were not kept".to_owned(), Vec::new())) };
        let piece: Option<Piece> = piece::read_recorded(self.store, base, labels);
        let Some(piece) =
            piece.filter(|piece| (piece.sources as u64, piece.offset > 0) == (recorded.files, recorded.is_inside))
        else {
            return Err((Why::Gone.text(), Vec::new()));
        };
        let names = self.store.list(base.rsplit_once('/').map_or("", |(folder, _)| folder));
        let wanted = &self.options.observables;
        let usual = key::has_updates(wanted);
        let (mut missing, mut other) = (Vec::new(), None);
        // Observables on a tape come to the same where it holds updates for others, in other pieces.
        for has_updates in [usual, !usual] {
            let mut found = Found { piece: piece.clone(), base: base.clone(), states: States::new() };
            let versions = self.versions_then;
            let of_tape = Wanted { observables: wanted, has_updates, versions, reads: self.reads };
            let lacking = take_observables(self.store, &of_tape, at, &mut found, &names);
            if lacking.is_empty() {
                let is_own_tape = has_updates == usual || !wanted.iter().any(|id| key::reads_tape(id));
                // Both may be there; those of the run are the ones that it recorded.
                let digest = hex(&piece::states_digest(&found.states));
                let is_of_run = wanted != self.observables_then || recorded.states.as_ref() == Some(&digest);
                if is_of_run || other.is_some() {
                    return Ok(if is_of_run { (found, is_own_tape) } else { other.unwrap_or((found, is_own_tape)) });
                }
                other = Some((found, is_own_tape));
                continue;
            }
            if missing.is_empty() || lacking.len() < missing.len() {
                missing = lacking;
            }
        }
        if let Some(other) = other {
            return Ok(other);
        }
        let is_new = missing.iter().any(|id| !self.observables_then.contains(id));
        let why = if is_new { Why::Observables } else { Why::Gone };
        Err((why.text(), if missing.len() == wanted.len() { Vec::new() } else { missing }))
    }
}

/// Where a chain is before a piece of an earlier run.
pub(crate) struct Before<'a> {
    at: &'a At,
    recorded: &'a TracePiece,
    /// Digests of its states in the store.
    states: &'a States,
    /// Whether its states in the store are those of the run.
    pub(crate) is_as_recorded: bool,
    /// Whether computing it again yields the same pieces: not where its observables lie on a tape that others shared.
    pub(crate) is_own_tape: bool,
}

impl Before<'_> {
    /// The places of its files among the sources of the group.
    pub(crate) fn sources(&self) -> std::ops::Range<usize> {
        self.at.next..self.at.next.saturating_add(self.recorded.touched())
    }

    /// Reads the piece again from its files. `None` where its files cannot be read.
    ///
    /// # Errors
    /// [`FeedError`] when its reader cannot go on.
    pub(crate) fn compared(&self, chain: &Chain<'_>) -> Result<Option<Compared>, FeedError> {
        let keys = super::Keys::new(chain, self.at);
        let mut live = chain.start(self.at, &chain.options.observables)?;
        let piece = chain.read(self.at, &mut live)?;
        let Some((keys, digests)) = keys.zip(chain.digests_of(self.at, &piece)) else { return Ok(None) };
        let (base, states) = piece::recomputed(chain, self.at, &keys, &piece, &digests);
        // The name of a base ends with the digest of its bytes.
        let bytes = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
        let then = self.recorded.base.as_deref().unwrap_or_default();
        let differs = |(id, digest): (&String, &Digest)| self.states.get(id) != Some(digest);
        Ok(Some(Compared {
            is_same_key: then == base,
            is_same_replay: bytes(then) == bytes(&base),
            changed: states.iter().filter(|state| differs(*state)).map(|(id, _)| id.clone()).collect(),
        }))
    }
}

/// A piece that was computed again, held against what the store has of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Compared {
    /// Whether bytes, carry, options and code are the same, and what the replay came to.
    pub(crate) is_same_key: bool,
    /// Whether what the replay came to is the same.
    pub(crate) is_same_replay: bool,
    /// Observables with other states.
    pub(crate) changed: Vec<String>,
}
