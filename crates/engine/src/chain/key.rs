//! What a piece depends on, as digests, and in words where one of them changed.

use verismo_feed::{Format, Source};
use verismo_market::observe::registry::{self, Needs};
use verismo_market::observe::{Misfit, SCAN_VERSION, window_ns_of_span};
use verismo_stats::lattice::Lattice;
use verismo_suite::catalogue;

use super::{At, Chain};
use crate::store::{Digest, Hasher, PARTS, Part, hex};

/// Version of what is stored, and of what it is stored under.
const FORMAT: &str = "verismo.piece/1";

/// How names of bases end, and of the packs of observables that earlier versions wrote.
pub(super) const BASE: &str = ".base";
pub(super) const PACK: &str = ".pack";

/// Why something was not found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Why {
    /// Nothing of this file was stored.
    New,
    /// The bytes of this file are others.
    Bytes(String),
    /// What goes on from the piece before it is another.
    Carry,
    /// It was observed in another way: clock, grid, warm-up, windows, or how files are read.
    Options,
    /// Another version of the decoder, or of the replay, stored it.
    Code,
    /// The observable was not computed, or in another version or on another lattice.
    Observables,
    /// The files beside it are others, so that it ends elsewhere.
    Neighbours,
    /// The files beside it are others, so that a table is read with other columns.
    Columns,
    /// Ids before it are others.
    Ids(Misfit),
    /// It was stored and is there no more.
    Gone,
    /// What was stored is damaged.
    Damaged,
    /// The file cannot be read.
    Unreadable,
}

impl Why {
    /// In words.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::New => "nothing was stored of this file".to_owned(),
            Self::Bytes(file) => format!("the bytes of {file} changed"),
            Self::Carry => "what goes on from what was read before it changed".to_owned(),
            Self::Options => {
                "it is observed in another way: clock, grid, warm-up, windows, symbol or limits".to_owned()
            }
            Self::Code => "another version of the decoder or of the replay stored it".to_owned(),
            Self::Observables => "these observables were not computed, or in another version".to_owned(),
            Self::Neighbours => "the files that overlap with it are others".to_owned(),
            Self::Columns => "with other files beside it, or under this suite, other columns are read".to_owned(),
            Self::Ids(Misfit::TradeIds) => "the trade ids before it changed".to_owned(),
            Self::Ids(Misfit::Samples) => "the samples of ids before it changed".to_owned(),
            Self::Gone => "it was stored, and is gone".to_owned(),
            Self::Damaged => "what was stored is damaged".to_owned(),
            Self::Unreadable => "the file cannot be read".to_owned(),
        }
    }
}

/// Whether an observable reads the tape.
pub(super) fn reads_tape(id: &str) -> bool {
    needs(id).tape || needs(id).updates
}

/// Whether the tape of these observables has book updates on it.
pub(super) fn has_updates(wanted: &[String]) -> bool {
    wanted.iter().any(|id| needs(id).updates)
}

fn needs(id: &str) -> Needs {
    registry::entry(id).map_or(Needs::NONE, |entry| entry.needs)
}

/// The keys of a piece.
pub(super) struct Keys {
    key: Digest,
    parts: Parts,
}

/// What the key of a base is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Parts {
    code: Digest,
    options: Digest,
    content: Digest,
    carry: Digest,
}

impl Keys {
    /// Of the piece that begins here; none where the bytes of its first file are not known.
    pub(super) fn new(chain: &Chain<'_>, at: &At) -> Option<Self> {
        let parts = Parts {
            code: code(chain.group.format()),
            options: options(chain, at),
            content: chain.digest_from(at.next, at.offset)?,
            carry: carry(at),
        };
        let mut hasher = Hasher::new(FORMAT);
        hasher.text("piece");
        for part in [&parts.code, &parts.options, &parts.content, &parts.carry] {
            hasher.bytes(part);
        }
        Some(Self { key: hasher.finish(), parts })
    }

    /// Where everything of the piece lies.
    pub(super) fn folder(&self) -> String {
        let hex = hex(&self.key);
        format!("pieces/{}/{}", &hex[..2], &hex[2..])
    }

    /// The name of a base with these bytes. There may be several: a piece may end elsewhere where its neighbours are others, and counts other
    /// trades where other ids came before it.
    pub(super) fn base(&self, bytes: &[u8]) -> String {
        let mut hasher = Hasher::new(FORMAT);
        hasher.text("base");
        hasher.bytes(bytes);
        format!("{}/{}{BASE}", self.folder(), hex(&hasher.finish()))
    }

    /// The name of an object of observables, by what it holds.
    pub(super) fn parts(&self, parts: &[Part]) -> String {
        let mut hasher = Hasher::new(FORMAT);
        hasher.text("parts");
        parts.iter().for_each(|part| hasher.bytes(&part.key));
        format!("{}/{}{PARTS}", self.folder(), hex(&hasher.finish()))
    }

    /// The name of what is remembered of the keys of what begins here, in the file of this label.
    fn trail(chain: &Chain<'_>, at: &At, label: &str) -> String {
        let mut hasher = Hasher::new(FORMAT);
        hasher.text("trail");
        hasher.text(chain.group.format().name());
        hasher.text(label);
        if at.offset > 0 {
            hasher.number(at.offset);
        }
        format!("trails/{}", hex(&hasher.finish()))
    }

    /// Remembers under which keys the piece was stored, to say later what changed.
    pub(super) fn remember(&self, chain: &Chain<'_>, at: &At) {
        let Parts { code, options, content, carry } = &self.parts;
        let bytes = [*code, *options, *content, *carry].concat();
        chain.vault.store.replace(&Self::trail(chain, at, &chain.label(at.next)), &bytes);
    }

    /// Why there is no base of these keys.
    pub(super) fn why(&self, chain: &Chain<'_>, at: &At) -> Why {
        let label = chain.label(at.next);
        let trail = |at: &At| chain.vault.store.get(&Self::trail(chain, at, &label));
        let Some(before) = trail(at) else {
            // Of a file that was read before no piece began here.
            let start = At { next: at.next, ..At::default() };
            let is_known = at.offset > 0 && trail(&start).is_some();
            return if is_known { Why::Bytes(label) } else { Why::New };
        };
        let Parts { code, options, content, carry } = &self.parts;
        let is_same = |i: usize, part: &Digest| before.get(32 * i..32 * (i + 1)) == Some(part);
        match [is_same(0, code), is_same(1, options), is_same(2, content), is_same(3, carry)] {
            [false, ..] => Why::Code,
            [_, false, ..] => Why::Options,
            [_, _, false, _] => Why::Bytes(label),
            [_, _, _, false] => Why::Carry,
            _ => Why::Gone,
        }
    }
}

/// The key of an observable, in this version, in the piece of this base, on a tape with or without book updates.
pub(super) fn observable(at: &At, base: &str, (id, version): (&str, u32), has_updates: bool) -> Option<Digest> {
    let info = catalogue::observable(id)?;
    let mut hasher = entry_of(base, "observable");
    hasher.text(id);
    hasher.number(u64::from(version));
    hasher.text(&format!("{:?}", info.kind));
    let mut lattice = Vec::new();
    info.lattice().to_lattice().unwrap_or_else(|_| Lattice::ticks(8)).encode(&mut lattice);
    hasher.bytes(&lattice);
    if reads_tape(id) {
        hasher.bytes(&tape(at, base, has_updates));
    }
    for stream in at.streams.values() {
        hasher.bytes(stream.carries.series.get(id).map_or(&[], Vec::as_slice));
    }
    Some(hasher.finish())
}

/// The key of the tape: with book updates on it, it is another one.
pub(super) fn tape(at: &At, base: &str, has_updates: bool) -> Digest {
    let mut hasher = entry_of(base, "tape");
    hasher.number(u64::from(has_updates));
    for stream in at.streams.values() {
        hasher.bytes(stream.carries.tape.as_deref().unwrap_or_default());
    }
    hasher.finish()
}

/// Of an entry that belongs to the base of this name, which is told by all that it holds.
fn entry_of(base: &str, kind: &str) -> Hasher {
    let mut hasher = Hasher::new(FORMAT);
    hasher.text(kind);
    hasher.text(base);
    hasher
}

/// The versions of whatever makes events of bytes, and a book of events.
pub(super) fn code(format: Format) -> Digest {
    let mut hasher = Hasher::new(FORMAT);
    hasher.text(format.name());
    hasher.number(u64::from(format.version()));
    hasher.number(u64::from(SCAN_VERSION));
    hasher.finish()
}

/// How files are read and streams observed, but for the observables.
fn options(chain: &Chain<'_>, at: &At) -> Digest {
    let mut hasher = Hasher::new(FORMAT);
    let (group, options) = (chain.group, chain.options_of(&[], at));
    let reader = group.options();
    for option in [&reader.symbol, &reader.tz, &reader.date, &chain.symbol] {
        hasher.text(option.as_deref().unwrap_or("\0"));
    }
    hasher.text(&format!("{:?}", group.limits()));
    // Threads that unpack ahead change nothing.
    let window_ns = options.window_min_ns.max(window_ns_of_span(options.expected_span_ns));
    let numbers = [options.clock_ns, options.grid_ns, options.window_min_ns, window_ns, options.warmup_ns];
    numbers.iter().for_each(|number| hasher.bytes(&number.to_le_bytes()));
    hasher.number(u64::from(options.is_single_feed));
    hasher.number(options.levels_max as u64);
    hasher.number(options.orders_max as u64);
    // Streams are named by paths where files do not name them.
    let symbol = group.sources().iter().find_map(|source| source.symbol.as_deref());
    hasher.text(symbol.unwrap_or("\0"));
    hasher.finish()
}

/// A digest of what a source is, where its name tells something too.
pub(super) fn named(source: &Source, content: &Digest) -> Digest {
    let mut hasher = Hasher::new(FORMAT);
    hasher.text("named");
    hasher.bytes(source.path.file_name().unwrap_or_default().as_encoded_bytes());
    hasher.bytes(content);
    hasher.finish()
}

/// What goes on from the piece before, but for what observables remember themselves.
fn carry(at: &At) -> Digest {
    let mut hasher = Hasher::new(FORMAT);
    hasher.number(u64::from(at.next > 0 || at.offset > 0));
    hasher.bytes(&at.reader);
    for (name, stream) in &at.streams {
        hasher.text(&name.venue);
        hasher.text(&name.symbol);
        hasher.bytes(&stream.carries.scan);
    }
    hasher.finish()
}
