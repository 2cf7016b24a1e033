//! States that are in the store and are not read until somebody needs them: which those are, and what is known of them meanwhile.
//!
//! The digest of an observable of a stream, and which windows it has, follow from the contents of its pieces. They are remembered by the
//! digest of those contents, so that whether it was judged before can be told without its states.

use std::collections::BTreeMap;

use rayon::prelude::*;
use verismo_feed::StreamName;
use verismo_judge::digest::Digest;
use verismo_judge::{JudgeOptions, Judgement, Known, Lacking, SideStates, judge, judge_recalling};
use verismo_stats::state::{Carry as _, DecodeError, Reader, put_i64, put_u64};
use verismo_suite::Suite;
use verismo_suite::report::Side;

use crate::chain::{Gone, Spines};
use crate::convert;
use crate::execute::ObservedSide;
use crate::judged::JudgedBefore;
use crate::store::{Hasher, Store};

/// The observables of a side that are not among its states.
#[derive(Debug, Default)]
pub(crate) struct UnreadSide {
    groups: Vec<Spines>,
}

impl UnreadSide {
    /// Takes them out of what was observed. States of a stream that several groups have a part of are read, since nothing but states can
    /// be added up.
    ///
    /// # Errors
    /// [`Gone`].
    pub(crate) fn of(parts: &mut [ObservedSide], store: Option<&Store>) -> Result<Self, Gone> {
        let mut seen: BTreeMap<StreamName, u32> = BTreeMap::new();
        for (name, _) in parts.iter().flat_map(|part| &part.streams) {
            *seen.entry(name.clone()).or_default() += 1;
        }
        let mut groups = Vec::new();
        for part in parts {
            let Some(mut unread) = part.unread.take() else { continue };
            let store = store.ok_or(Gone)?;
            if part.streams.iter().all(|(name, _)| seen.get(name) == Some(&1)) {
                groups.push(unread);
                continue;
            }
            let all: Vec<&str> = unread.observables().into_iter().map(|(id, _)| id).collect();
            for (id, series) in unread.take(store, &all)? {
                for (name, series) in series {
                    if let Some((_, observed)) = part.streams.iter_mut().find(|(other, _)| *other == name) {
                        observed.series.insert(id, series);
                    }
                }
            }
        }
        Ok(Self { groups })
    }

    /// Reads all.
    ///
    /// # Errors
    /// [`Gone`].
    pub(crate) fn read_all(&mut self, states: &mut SideStates, store: Option<&Store>) -> Result<(), Gone> {
        for group in &mut self.groups {
            let store = store.ok_or(Gone)?;
            let all: Vec<&str> = group.observables().into_iter().map(|(id, _)| id).collect();
            add(states, group, store, &all)?;
        }
        Ok(())
    }

    /// Says what is known of each observable, and reads those of which nothing is.
    fn know(&mut self, states: &mut SideStates, side: Side, before: &JudgedBefore<'_>) -> Result<(), Gone> {
        for group in &mut self.groups {
            let place = place(group, side);
            let kept: BTreeMap<Digest, Vec<u8>> = before.known(&place).into_iter().collect();
            let streams: BTreeMap<StreamName, usize> = streams_of(states).collect();
            let mut unknown: Vec<(&'static str, Option<Digest>)> = Vec::new();
            for (id, digest) in group.observables() {
                let bytes = digest.and_then(|digest| kept.get(&digest));
                let known = bytes.and_then(|bytes| decode(bytes).ok());
                let Some(known) = known.filter(|known| known.iter().map(|(name, _)| name).eq(group.streams())) else {
                    unknown.push((id, digest));
                    continue;
                };
                for (name, known) in known {
                    if let Some(&i) = streams.get(&name) {
                        states.streams[i].known.insert(id.to_owned(), known);
                    }
                }
            }
            let wanted: Vec<&str> = unknown.iter().map(|(id, _)| *id).collect();
            add(states, group, before.store, &wanted)?;
            let own: Vec<(StreamName, usize)> =
                group.streams().filter_map(|name| Some((name.clone(), *streams.get(name)?))).collect();
            let of_stream = |(name, i): &(StreamName, usize), id: &str| {
                Some((name.clone(), *i, Known::of(states.streams.get(*i)?, id)?))
            };
            let found: Vec<Vec<(StreamName, usize, Known)>> = unknown
                .par_iter()
                .with_max_len(1)
                .map(|(id, _)| own.iter().filter_map(|stream| of_stream(stream, id)).collect())
                .collect();
            let mut entries = Vec::new();
            for ((id, digest), found) in unknown.into_iter().zip(found) {
                entries.extend(digest.map(|digest| (digest, encode(&found))));
                for (_, i, known) in found {
                    states.streams[i].known.insert(id.to_owned(), known);
                }
            }
            if !entries.is_empty() {
                before.keep_known(&place, entries);
            }
        }
        Ok(())
    }

    fn read(&mut self, states: &mut SideStates, store: &Store, lacking: &Lacking) -> Result<(), Gone> {
        let stream = states.streams.get(lacking.stream).ok_or(Gone)?;
        let name = convert::name_of(stream);
        let wanted: Vec<&str> = lacking.observables.iter().map(String::as_str).collect();
        match self.groups.iter_mut().find(|group| group.streams().any(|own| *own == name)) {
            Some(group) => add(states, group, store, &wanted),
            None => Err(Gone),
        }
    }
}

/// Judges two sides, of whose observables those that were judged before are recalled if anything is known of what was, and the others read.
///
/// # Errors
/// [`Gone`] where states that were in the store are not there any more, or damaged.
pub(crate) fn judge_unread(
    [(golden, unread_golden), (candidate, unread_candidate)]: [(&mut SideStates, &mut UnreadSide); 2],
    (suite, options): (&Suite, &JudgeOptions),
    (store, before): (Option<&Store>, Option<&JudgedBefore<'_>>),
) -> Result<Judgement, Gone> {
    let Some(before) = before else {
        unread_golden.read_all(golden, store)?;
        unread_candidate.read_all(candidate, store)?;
        return Ok(judge(golden, candidate, suite, options));
    };
    unread_golden.know(golden, Side::Golden, before)?;
    unread_candidate.know(candidate, Side::Candidate, before)?;
    let read = |[golden, candidate]: [&mut SideStates; 2], lacking: &[Lacking]| {
        lacking.iter().try_for_each(|lacking| match lacking.side {
            Side::Golden => unread_golden.read(golden, before.store, lacking),
            _ => unread_candidate.read(candidate, before.store, lacking),
        })
    };
    judge_recalling([golden, candidate], suite, options, before, read)
}

/// Adds observables of a group to the states of its side.
fn add(states: &mut SideStates, group: &mut Spines, store: &Store, wanted: &[&str]) -> Result<(), Gone> {
    let streams: BTreeMap<StreamName, usize> = streams_of(states).collect();
    for (id, series) in group.take(store, wanted)? {
        for (name, series) in series {
            if let Some(&i) = streams.get(&name) {
                states.streams[i].series.insert(id.to_owned(), convert::of_observable(id, series));
            }
        }
    }
    Ok(())
}

fn streams_of(states: &SideStates) -> impl Iterator<Item = (StreamName, usize)> {
    states.streams.iter().enumerate().map(|(i, stream)| (convert::name_of(stream), i))
}

/// Where what is known of a group is kept: with that of groups of the same streams.
fn place(group: &Spines, side: Side) -> Digest {
    let mut hasher = Hasher::new("verismo.known/1");
    hasher.text(side.as_str());
    for name in group.streams() {
        hasher.text(&name.venue);
        hasher.text(&name.symbol);
    }
    hasher.finish()
}

fn encode(known: &[(StreamName, usize, Known)]) -> Vec<u8> {
    let mut out = Vec::new();
    put_u64(&mut out, known.len() as u64);
    for (name, _, Known { digest, windows }) in known {
        name.venue.save(&mut out);
        name.symbol.save(&mut out);
        out.extend_from_slice(digest);
        put_u64(&mut out, windows.len() as u64);
        let mut before = 0_i64;
        for (first, last) in windows {
            put_i64(&mut out, first.wrapping_sub(before));
            put_u64(&mut out, last.wrapping_sub(*first) as u64);
            before = *last;
        }
    }
    out
}

/// Windows of an observable at most: two years of seconds. Whoever asks for their indices gets them one by one.
const WINDOWS_MAX: u64 = 1 << 26;

fn decode(bytes: &[u8]) -> Result<Vec<(StreamName, Known)>, DecodeError> {
    let mut input = Reader::new("known observables/1", bytes);
    let mut all = Vec::new();
    for _ in 0..input.length("streams", 34)? {
        let mut name = (String::new(), String::new());
        name.load(&mut input)?;
        let digest = Digest::try_from(input.bytes("a digest", 32)?).map_err(|_| input.invalid("a digest"))?;
        let mut windows = Vec::new();
        let (mut before, mut left) = (0_i64, WINDOWS_MAX);
        for _ in 0..input.length("runs of windows", 2)? {
            let first = before.wrapping_add(input.i64("the first window of a run")?);
            let more = input.u64("the windows of a run")?;
            left = left.checked_sub(more.saturating_add(1)).ok_or_else(|| input.invalid("the number of windows"))?;
            before = first.checked_add_unsigned(more).ok_or_else(|| input.invalid("a run of windows"))?;
            windows.push((first, before));
        }
        let (venue, symbol) = name;
        all.push((StreamName { venue, symbol }, Known { digest, windows }));
    }
    input.finish()?;
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(windows: &[(i64, i64)]) -> Vec<(StreamName, usize, Known)> {
        let name = |symbol: &str| StreamName { venue: "venue".to_owned(), symbol: symbol.to_owned() };
        let known = |byte: u8| Known { digest: [byte; 32], windows: windows.to_vec() };
        vec![(name("A"), 0, known(1)), (name("B"), 1, known(2))]
    }

    #[test]
    fn what_is_known_is_read_as_it_was_and_nothing_else_is() {
        let runs = [(-70, -70), (-3, 40), (1 << 40, (1 << 40) + 5)];
        for windows in [&runs[..], &[]] {
            let bytes = encode(&known(windows));
            let read = decode(&bytes).unwrap();
            let expected = known(windows).into_iter().map(|(name, _, known)| (name, known));
            assert_eq!(read, expected.collect::<Vec<_>>());
            for at in 0..bytes.len() {
                assert!(decode(&bytes[..at]).is_err(), "cut at {at}");
            }
        }
        for too_many in [(0, i64::MAX), (0, 1 << 26), (i64::MAX, i64::MAX - 1)] {
            assert!(decode(&encode(&known(&[too_many]))).is_err(), "{too_many:?}");
        }
    }
}
