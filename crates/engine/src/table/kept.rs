//! What a store has of tables: of each part of a file its times and columns, so that what did not change is not read again.
//!
//! A column of a part depends on the bytes of the file, its lattice, and the length that windows start with; the digest of these is its key.

use std::collections::BTreeMap;

use verismo_feed::table::TableLook;
use verismo_feed::{FeedCounters, Format, Source};
use verismo_market::observe::Series;
use verismo_stats::column::DecimalGrid;
use verismo_stats::lattice::Lattice;
use verismo_stats::state::{Carry, DecodeError, Reader, put_u64};
use verismo_suite::trace::TraceGroup;

use super::observer::{ColumnPart, Hits, TablePart, Times};
use super::profile::Grids;
use super::side::Table;
use crate::chain::{Vault, Why};
use crate::store::{Digest, Hasher, PARTS, Part as Stored, Store, Told, content_digest, hex, unhex};
use crate::validate::ValidateRequest;

/// Version of what is stored, and of what it is stored under.
const FORMAT: &str = "verismo.table/1";

/// The store of a run, and how its tables are read.
pub(super) struct Shelf<'a> {
    vault: &'a Vault<'a>,
    how: Digest,
}

/// Where everything of a part lies.
pub(super) struct Place {
    folder: String,
    content: Digest,
}

/// What is wanted of a part.
pub(super) struct Wanted<'a> {
    /// The key of its times, see [`times_key`].
    pub(super) times: Digest,
    /// The columns that are counted.
    pub(super) columns: &'a [String],
    pub(super) lattices: &'a BTreeMap<String, Lattice>,
    /// The length of windows at first, ns.
    pub(super) start_ns: i64,
}

/// What was found of a part, and the columns that were not.
pub(super) struct Found {
    pub(super) part: TablePart,
    /// What its reader counted; `None` where nothing of the part is known.
    pub(super) counters: Option<FeedCounters>,
    pub(super) missing: Vec<String>,
    pub(super) states: States,
}

impl Found {
    pub(super) fn nothing(wanted: &Wanted<'_>) -> Self {
        let missing = wanted.columns.to_vec();
        Self { part: TablePart::default(), counters: None, missing, states: States::default() }
    }

    pub(super) fn is_all(&self) -> bool {
        self.missing.is_empty() && self.counters.is_some()
    }
}

/// Digests of what is stored of a part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct States {
    pub(super) times: Digest,
    pub(super) columns: BTreeMap<String, Digest>,
}

impl States {
    /// Of what was observed of a part.
    pub(super) fn of(part: &TablePart, counters: &FeedCounters) -> Self {
        let digest = |(name, column): (&String, &ColumnPart)| (name.clone(), content_digest(&column_bytes(column)));
        let columns = part.columns.iter().map(digest).collect();
        Self { times: content_digest(&times_bytes(&part.times, counters)), columns }
    }

    /// Of all of them.
    pub(super) fn digest(&self) -> Digest {
        let mut hasher = Hasher::new(FORMAT);
        hasher.text("states");
        hasher.bytes(&self.times);
        for (name, digest) in &self.columns {
            hasher.text(name);
            hasher.bytes(digest);
        }
        hasher.finish()
    }
}

/// The version of whatever makes rows of bytes, and columns of rows.
pub(super) fn code() -> Digest {
    let mut hasher = Hasher::new(FORMAT);
    hasher.number(u64::from(Format::Table.version()));
    hasher.finish()
}

/// The one source of a part, as it is stored: the same bytes may lie elsewhere later.
const SOURCE: &str = "0";

impl<'a> Shelf<'a> {
    pub(super) fn new(vault: &'a Vault<'a>, request: &ValidateRequest) -> Self {
        let mut hasher = Hasher::new(FORMAT);
        hasher.bytes(&code());
        hasher.text(request.time.as_deref().unwrap_or("\0"));
        hasher.text(&format!("{:?}", request.limits));
        hasher.number(request.segment_bytes);
        Self { vault, how: hasher.finish() }
    }

    /// The place of a part of a file; `None` where its bytes are not known.
    pub(super) fn place(&self, source: &Source, part: usize) -> Option<Place> {
        let content = self.vault.identities.digest(source)?;
        // Of bytes that came after the plan nothing is asked for, and nothing is stored.
        let is_known = source.problem.is_none() && self.vault.identities.is_still(source);
        let mut hasher = Hasher::new(FORMAT);
        hasher.bytes(&self.how);
        hasher.bytes(&content);
        let key = hex(&hasher.finish());
        is_known.then(|| Place { folder: format!("tables/{}/{}-{part}", &key[..2], &key[2..]), content })
    }

    /// What a file said of itself.
    pub(super) fn look(&self, place: &Place) -> Option<TableLook> {
        let name = format!("{}/look", place.folder);
        let mut look = TableLook::default();
        loaded(self.vault.store, &name, &self.vault.store.get(&name)?, &mut look)?;
        Some(look)
    }

    pub(super) fn keep_look(&self, source: &Source, place: &Place, look: &TableLook) {
        if look.is_whole() && self.vault.identities.is_still(source) {
            self.vault.store.put(&format!("{}/look", place.folder), &saved(look));
        }
    }

    /// The decimal grids of columns of a part.
    pub(super) fn grids(&self, place: &Place, columns: &[String]) -> Option<Grids> {
        let name = grids_name(place, columns);
        let mut grids: Vec<(String, DecimalGrid)> = Vec::new();
        loaded(self.vault.store, &name, &self.vault.store.get(&name)?, &mut grids)?;
        Some(grids.into_iter().collect())
    }

    pub(super) fn keep_grids(&self, source: &Source, place: &Place, columns: &[String], grids: &Grids) {
        if self.vault.identities.is_still(source) {
            let grids: Vec<(String, DecimalGrid)> = grids.iter().map(|(name, grid)| (name.clone(), *grid)).collect();
            self.vault.store.put(&grids_name(place, columns), &saved(&grids));
        }
    }

    /// The name of the lattices of columns of a golden as a whole; `None` where not all of its bytes are known.
    pub(super) fn of_golden(&self, golden: &Table<'_>, columns: &[String]) -> Option<String> {
        let mut hasher = Hasher::new(FORMAT);
        hasher.text("lattices");
        hasher.bytes(&self.how);
        for source in golden.sources {
            hasher.bytes(&self.place(source, 0)?.content);
        }
        columns.iter().for_each(|name| hasher.text(name));
        Some(format!("tables/lattices/{}", hex(&hasher.finish())))
    }

    pub(super) fn lattices(&self, name: &str) -> Option<Vec<(String, Lattice)>> {
        let bytes = self.vault.store.get(name)?;
        let decoded = lattices_of(&bytes);
        decoded.map_err(|error| self.vault.store.report_damage(name, &error.to_string())).ok()
    }

    pub(super) fn keep_lattices(&self, golden: &Table<'_>, name: &str, lattices: &[(String, Lattice)]) {
        if golden.sources.iter().all(|source| self.vault.identities.is_still(source)) {
            self.vault.store.put(name, &lattices_bytes(lattices));
        }
    }

    /// What the store has of a part; where that is not all, after whoever else is computing the same, unless `is_over`.
    pub(super) fn find(
        &self,
        place: Option<&Place>,
        wanted: &Wanted<'_>,
        label: &str,
        is_over: &dyn Fn() -> bool,
    ) -> Found {
        let tell = |missing: &[String], why| self.vault.tally.looked(label, wanted.columns, missing, why);
        let Some(place) = place else {
            tell(wanted.columns, Why::Unreadable);
            return Found::nothing(wanted);
        };
        let store = self.vault.store;
        let names = store.list(&place.folder);
        let mut found = find_in(store, &names, wanted);
        let has_more = || store.names(&place.folder).len() > names.len();
        let claimed = format!("{} {:?}", place.folder, found.missing);
        if !found.is_all() && store.claim(&claimed, || is_over() || has_more()) && has_more() {
            found = find_in(store, &store.list(&place.folder), wanted);
        }
        if let Some(counters) = &mut found.counters {
            counters.rename_sources(&|_| label.to_owned());
        }
        let why = if found.counters.is_some() { Why::Observables } else { self.why(place, wanted, label) };
        tell(&found.missing, why);
        found
    }

    /// Stores what was observed of a part to its end, and what its reader counted if that is not stored yet; `None` where it could not: of a
    /// file that is not what it was.
    pub(super) fn keep(
        &self,
        source: &Source,
        place: &Place,
        wanted: &Wanted<'_>,
        (part, counters): (&TablePart, Option<&FeedCounters>),
    ) -> Option<States> {
        if !self.vault.identities.is_still(source) {
            return None;
        }
        let (mut parts, mut states) = (Vec::new(), States::default());
        if let Some(counters) = counters {
            let times = times_bytes(&part.times, counters);
            states.times = content_digest(&times);
            parts.push(Stored::new(wanted.times, times, &[]));
        }
        for (name, column) in &part.columns {
            let column = Stored::new(column_key(name, wanted)?, Vec::new(), &column_bytes(column));
            states.columns.insert(name.clone(), column.digest);
            parts.push(column);
        }
        let mut hasher = Hasher::new(FORMAT);
        parts.iter().for_each(|part| hasher.bytes(&part.key));
        self.vault.store.put_parts(&format!("{}/{}{PARTS}", place.folder, hex(&hasher.finish())), &parts);
        let trail = trail(&source.path.display().to_string());
        self.vault.store.replace(&trail, &[self.how, place.content, wanted.times].concat());
        Some(states)
    }

    /// What a run left of a side.
    pub(super) fn went(&self, side: usize, group: TraceGroup) {
        self.vault.trail.went((side, 0), group);
    }

    /// Says that this thread is through with the part that it looked for.
    pub(super) fn release(&self) {
        self.vault.store.release();
    }

    /// Why there is nothing of a part.
    fn why(&self, place: &Place, wanted: &Wanted<'_>, label: &str) -> Why {
        let Some(before) = self.vault.store.get(&trail(label)) else { return Why::New };
        let is_same = |i: usize, now: &Digest| before.get(32 * i..32 * (i + 1)) == Some(now);
        match [is_same(0, &self.how), is_same(1, &place.content), is_same(2, &wanted.times)] {
            [false, ..] => Why::Options,
            [_, false, _] => Why::Bytes(label.to_owned()),
            [.., false] => Why::Columns,
            _ => Why::Gone,
        }
    }
}

/// What objects of these names have of a part.
pub(super) fn find_in(store: &Store, names: &[String], wanted: &Wanted<'_>) -> Found {
    let names = names.iter().filter(|name| name.ends_with(PARTS));
    let heads: Vec<_> = names.filter_map(|name| Some((name, store.head(name)?))).collect();
    let mut found = Found::nothing(wanted);
    for (name, head) in &heads {
        let told = |key: &Digest| head.parts.iter().find(|told| told.key == *key);
        if let Some(note) = told(&wanted.times).filter(|_| found.counters.is_none()).map(|told| &told.note) {
            let mut read = (Times::default(), FeedCounters::default());
            if loaded(store, name, note, &mut read).is_some() {
                found.part.times = read.0;
                found.counters = Some(read.1);
                found.states.times = content_digest(note);
            }
        }
        let here = |column: &String| Some((column.clone(), told(&column_key(column, wanted)?)?));
        let here: Vec<(String, &Told)> = found.missing.iter().filter_map(here).collect();
        let asked: Vec<&Told> = here.iter().map(|(_, told)| *told).collect();
        if asked.is_empty() {
            continue;
        }
        let contents = store.parts(name, head.whole.as_ref(), &asked).unwrap_or_default();
        for ((column, told), content) in here.into_iter().zip(contents) {
            match column_of(&content) {
                Ok(part) => {
                    found.missing.retain(|missing| *missing != column);
                    found.states.columns.insert(column.clone(), told.digest);
                    found.part.columns.insert(column, part);
                }
                Err(error) => store.report_damage(name, &error.to_string()),
            }
        }
    }
    // Columns without their times are not added up.
    if found.counters.is_some() { found } else { Found::nothing(wanted) }
}

/// Loads what an object holds; damage is told.
fn loaded(store: &Store, name: &str, bytes: &[u8], into: &mut impl Carry) -> Option<()> {
    let mut input = Reader::new(FORMAT, bytes);
    let loaded = into.load(&mut input).and_then(|()| input.finish());
    loaded.map_err(|error| store.report_damage(name, &error.to_string())).ok()
}

fn saved(value: &impl Carry) -> Vec<u8> {
    let mut out = Vec::new();
    value.save(&mut out);
    out
}

/// A lattice as it is stored.
pub(super) fn encoded(lattice: &Lattice) -> Vec<u8> {
    let mut bytes = Vec::new();
    lattice.encode(&mut bytes);
    bytes
}

fn lattices_bytes(lattices: &[(String, Lattice)]) -> Vec<u8> {
    let mut out = Vec::new();
    put_u64(&mut out, lattices.len() as u64);
    for (name, lattice) in lattices {
        name.save(&mut out);
        let bytes = encoded(lattice);
        put_u64(&mut out, bytes.len() as u64);
        out.extend_from_slice(&bytes);
    }
    out
}

fn lattices_of(bytes: &[u8]) -> Result<Vec<(String, Lattice)>, DecodeError> {
    let mut input = Reader::new(FORMAT, bytes);
    let mut lattices = Vec::new();
    for _ in 0..input.length("lattices", 2)? {
        let mut name = String::new();
        name.load(&mut input)?;
        let n = input.length("a lattice", 1)?;
        lattices.push((name, Lattice::decode(input.bytes("a lattice", n)?)?));
    }
    input.finish()?;
    Ok(lattices)
}

fn column_bytes(column: &ColumnPart) -> Vec<u8> {
    let mut out = saved(&column.invalid);
    column.series.save(&mut out);
    out
}

fn column_of(bytes: &[u8]) -> Result<ColumnPart, DecodeError> {
    let mut input = Reader::new(FORMAT, bytes);
    let mut invalid = Hits::default();
    invalid.load(&mut input)?;
    let series = Series::load(&mut input)?;
    input.finish()?;
    Ok(ColumnPart { series, invalid })
}

/// The key of the times of a part, and of what its reader counts in all these columns.
pub(super) fn times_key(columns: &[String]) -> Digest {
    let mut hasher = Hasher::new(FORMAT);
    hasher.text("times");
    columns.iter().for_each(|name| hasher.text(name));
    hasher.finish()
}

/// The times of a part, and what its reader counted.
fn times_bytes(times: &Times, counters: &FeedCounters) -> Vec<u8> {
    let mut counters = counters.clone();
    counters.rename_sources(&|_| SOURCE.to_owned());
    saved(&(times.clone(), counters))
}

/// The name of a part in a trace: where it lies, and the key of its times.
pub(super) fn base(place: &Place, wanted: &Wanted<'_>) -> String {
    format!("{}/{}", place.folder, hex(&wanted.times))
}

/// The folder and the key that a name tells.
pub(super) fn of_base(base: &str) -> Option<(&str, Digest)> {
    let (folder, times) = base.rsplit_once('/')?;
    Some((folder, unhex(times)?))
}

fn column_key(name: &str, wanted: &Wanted<'_>) -> Option<Digest> {
    let mut hasher = Hasher::new(FORMAT);
    hasher.text("column");
    hasher.text(name);
    hasher.bytes(&encoded(wanted.lattices.get(name)?));
    hasher.bytes(&wanted.start_ns.to_le_bytes());
    Some(hasher.finish())
}

fn grids_name(place: &Place, columns: &[String]) -> String {
    let mut hasher = Hasher::new(FORMAT);
    columns.iter().for_each(|name| hasher.text(name));
    format!("{}/{}.grids", place.folder, hex(&hasher.finish()))
}

fn trail(label: &str) -> String {
    let mut hasher = Hasher::new(FORMAT);
    hasher.text("trail");
    hasher.text(label);
    format!("trails/{}", hex(&hasher.finish()))
}
