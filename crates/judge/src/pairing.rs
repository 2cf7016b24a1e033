//! Which golden stream is compared with which candidate stream.

use crate::input::{SideStates, StreamStates};

/// A name without case and separators: upper-cased, `-`, `_` and `/` dropped.
pub fn normalised(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '-' | '_' | '/')).flat_map(char::to_uppercase).collect()
}

/// Why two streams are a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PairedBy {
    Name,
    Map,
    /// Each side has one stream; their names differ.
    OnlyOnes,
}

/// How the streams were matched; indices into the sides.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Pairs {
    pub(crate) pairs: Vec<(usize, usize, PairedBy)>,
    /// Golden streams without a partner.
    pub(crate) missing: Vec<usize>,
    /// Candidate streams without a partner.
    pub(crate) extra: Vec<usize>,
}

/// Pairs streams: by the map first, then by venue and symbol, then by symbol where a venue is not known, at last the only
/// stream of one side with the only stream of the other.
pub(crate) fn pair(golden: &SideStates, candidate: &SideStates, map: &[(String, String)]) -> Pairs {
    let mut out = Pairs::default();
    let mut free: Vec<usize> = in_order(&candidate.streams);
    let mut unpaired = Vec::new();
    for g in in_order(&golden.streams) {
        let stream = &golden.streams[g];
        let mapped: Vec<&str> =
            map.iter().filter(|(from, _)| is_called(stream, from)).map(|(_, to)| to.as_str()).collect();
        let (found, by) = if mapped.is_empty() {
            let same = free.iter().position(|&c| is_same(stream, &candidate.streams[c]));
            (same, PairedBy::Name)
        } else {
            let found = free.iter().position(|&c| mapped.iter().any(|to| is_called(&candidate.streams[c], to)));
            (found, PairedBy::Map)
        };
        match found {
            Some(at) => out.pairs.push((g, free.remove(at), by)),
            None => unpaired.push(g),
        }
    }
    if let (1, 1, [g], [c]) = (golden.streams.len(), candidate.streams.len(), &unpaired[..], &free[..])
        && map.is_empty()
    {
        out.pairs.push((*g, *c, PairedBy::OnlyOnes));
        return out;
    }
    out.missing = unpaired;
    out.extra = free;
    out
}

/// Indices in the order of names: the caller's order does not matter.
fn in_order(streams: &[StreamStates]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..streams.len()).collect();
    order.sort_by(|&a, &b| {
        let key = |i: usize| (&streams[i].venue, &streams[i].symbol);
        key(a).cmp(&key(b))
    });
    order
}

/// Whether a name of `--map` means the stream: its symbol, or `venue:symbol`.
fn is_called(stream: &StreamStates, name: &str) -> bool {
    match name.split_once(':') {
        Some((venue, symbol)) => {
            normalised(venue) == normalised(&stream.venue) && normalised(symbol) == normalised(&stream.symbol)
        }
        None => normalised(name) == normalised(&stream.symbol),
    }
}

fn is_same(golden: &StreamStates, candidate: &StreamStates) -> bool {
    let venues = (normalised(&golden.venue), normalised(&candidate.venue));
    let same_venue = venues.0 == venues.1 || venues.0.is_empty() || venues.1.is_empty();
    same_venue && normalised(&golden.symbol) == normalised(&candidate.symbol)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(names: &[(&str, &str)]) -> SideStates {
        let streams = names.iter().map(|(v, s)| StreamStates::new(*v, *s, 1, 1)).collect();
        SideStates { streams, counters: Vec::new() }
    }

    fn check(golden: &[(&str, &str)], candidate: &[(&str, &str)], map: &[(&str, &str)]) -> Pairs {
        let map: Vec<_> = map.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        pair(&side(golden), &side(candidate), &map)
    }

    #[test]
    fn names_pair_without_case_and_separators() {
        let pairs = check(
            &[("binance", "BTC-USDT"), ("binance", "eth_usdt")],
            &[("BINANCE", "ETHUSDT"), ("", "btc/usdt")],
            &[],
        );
        assert_eq!(pairs.pairs, [(0, 1, PairedBy::Name), (1, 0, PairedBy::Name)]);
        assert!(pairs.missing.is_empty() && pairs.extra.is_empty());
    }

    #[test]
    fn other_venues_are_other_streams_unless_mapped() {
        let golden = [("binance", "BTCUSDT"), ("binance", "ETHUSDT")];
        let candidate = [("kraken", "BTCUSDT"), ("binance", "ETHUSDT")];
        let pairs = check(&golden, &candidate, &[]);
        assert_eq!((pairs.pairs.len(), pairs.missing, pairs.extra), (1, vec![0], vec![0]));
        let pairs = check(&golden, &candidate, &[("binance:BTC-USDT", "kraken:btcusdt")]);
        assert_eq!(pairs.pairs, [(0, 0, PairedBy::Map), (1, 1, PairedBy::Name)]);
    }

    #[test]
    fn only_ones_pair_whatever_their_names() {
        let pairs = check(&[("", "A")], &[("", "B")], &[]);
        assert_eq!(pairs.pairs, [(0, 0, PairedBy::OnlyOnes)]);
        let pairs = check(&[("", "A")], &[("", "B"), ("", "C")], &[]);
        assert_eq!((pairs.pairs.len(), pairs.missing.len(), pairs.extra.len()), (0, 1, 2));
    }
}
