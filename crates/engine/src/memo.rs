//! What was found out of files that did not change: which they are, and the report of a run of which nothing changed, neither a file, nor
//! the suite, nor the program.

use std::path::PathBuf;
use std::time::SystemTime;

use verismo_feed::checks::TRUNCATED_FILE;
use verismo_feed::{Inventory, Listing};
use verismo_suite::report::Report;
use verismo_suite::trace::Trace;

use crate::error::EngineError;
use crate::identity::{Identities, Stamp};
use crate::plan::{self, Plan, SidePlan};
use crate::store::{Digest, Hasher, Store, hex};
use crate::validate::{StoreRequest, ValidateRequest};

/// Version of what is stored, and of what it is stored under.
const FORMAT: &str = "verismo.memo/1";

/// A file of no known digest is read for the key only if it is no longer than this.
const SMALL_BYTES: u64 = 1 << 20;

/// A run as it begins.
pub(crate) struct Memo {
    /// The digest of the program.
    pub(crate) program: Digest,
    sides: [Files; 2],
}

/// The files of a side, as they are when a run begins.
pub(crate) struct Files {
    paths: Vec<PathBuf>,
    listed: Listing,
    stamps: Vec<Stamp>,
    looked_at: SystemTime,
}

impl Files {
    pub(crate) fn of(paths: &[PathBuf]) -> Option<Self> {
        let looked_at = SystemTime::now();
        let listed = list(paths)?;
        let stamps = listed.files.iter().map(|path| Stamp::of_path(path)).collect::<Option<_>>()?;
        Some(Self { paths: paths.to_vec(), listed, stamps, looked_at })
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = (&PathBuf, &Stamp)> {
        self.listed.files.iter().zip(&self.stamps)
    }

    /// Whether no file has come, gone or changed since, nor so shortly before that it may change again without a new time.
    fn are_settled(&self) -> bool {
        let is_settled = |(path, stamp): (&PathBuf, &Stamp)| {
            stamp.is_settled_at(self.looked_at) && Stamp::of_path(path).as_ref() == Some(stamp)
        };
        self.files().all(is_settled) && list(&self.paths).as_ref() == Some(&self.listed)
    }

    /// The name of the inventory: of the names and contents of all files. `None` where a content is not known; all are, if they may be read.
    fn name(&self, memo: &Memo, request: &ValidateRequest, identities: &Identities, may_read: bool) -> Option<String> {
        let mut hasher = Hasher::new(FORMAT);
        hasher.bytes(&memo.program);
        hasher.text(&format!("{:?} {:?} {:?}", request.format, self.paths, self.listed));
        for (path, stamp) in self.files() {
            let read = || (may_read || stamp.bytes <= SMALL_BYTES).then(|| identities.digest_of(path)).flatten();
            hasher.bytes(&identities.known(path, stamp).or_else(read)?);
        }
        Some(name("inventories", hasher))
    }

    /// What was found there before.
    fn recall(&self, name: &str, store: &Store) -> Option<Inventory> {
        let loaded = Inventory::load(&store.get(name)?);
        let mut inventory = loaded.map_err(|error| store.report_damage(name, &error.to_string())).ok()?;
        for source in &mut inventory.sources {
            let (_, stamp) = self.files().find(|(path, _)| **path == source.path)?;
            source.modified = Some(stamp.modified());
        }
        Some(inventory)
    }

    /// Keeps what was found, if it is all that is listed.
    fn keep(&self, name: &str, inventory: &Inventory, store: &Store) {
        let mut found: Vec<&PathBuf> = inventory.sources.iter().map(|source| &source.path).collect();
        found.extend(&inventory.manifests);
        found.extend(inventory.ignored.iter().map(|ignored| &ignored.path));
        let is_listed = |path: &&PathBuf| {
            self.listed.files.binary_search(path).is_ok()
                || self.listed.ignored.iter().any(|other| other.path == **path)
        };
        if let Some(bytes) = inventory.save().filter(|_| found.iter().all(is_listed)) {
            store.put(name, &bytes);
        }
    }
}

/// The files under some paths.
pub(crate) fn list(paths: &[PathBuf]) -> Option<Listing> {
    Inventory::list(&plan::expand(paths).ok()?).ok()
}

/// The name of an object in a folder.
fn name(folder: &str, hasher: Hasher) -> String {
    let hex = hex(&hasher.finish());
    format!("{folder}/{}/{}", &hex[..2], &hex[2..])
}

/// The name of the trace of the run whose report has this name.
fn trace_of(report: &str) -> String {
    report.replacen("reports/", "traces/", 1)
}

impl Memo {
    /// Of a run that is about to begin; `None` where something that it depends on cannot be told.
    pub(crate) fn of(request: &ValidateRequest, store: &StoreRequest, identities: &Identities) -> Option<Self> {
        let program = identities.digest_of(store.program.as_ref()?)?;
        Some(Self { program, sides: [Files::of(&request.golden)?, Files::of(&request.candidate)?] })
    }

    /// Golden and candidate.
    pub(crate) fn sides(&self) -> [&Files; 2] {
        self.sides.each_ref()
    }

    /// The name of the report of a run on these inventories.
    fn report(&self, inventories: [&str; 2], request: &ValidateRequest) -> String {
        let mut hasher = Hasher::new(FORMAT);
        inventories.iter().for_each(|inventory| hasher.text(inventory));
        // Threads change nothing, and where states lie does not either.
        let ValidateRequest { suite, time, tz, date, symbol, maps, limits, settings, .. } = request;
        hasher.text(&format!("{suite:?}"));
        hasher.text(&format!("{time:?} {tz:?} {date:?} {symbol:?} {maps:?} {limits:?} {settings:?}"));
        name("reports", hasher)
    }

    /// The plan of the run.
    ///
    /// # Errors
    /// As [`Plan::new`].
    pub(crate) fn plan(
        &self,
        request: &ValidateRequest,
        identities: &Identities,
        store: &Store,
    ) -> Result<Plan, EngineError> {
        let side = |files: &Files, side, paths: &[PathBuf]| {
            let name = files.name(self, request, identities, false);
            let inventory = match name.and_then(|name| files.recall(&name, store)) {
                Some(inventory) => inventory,
                None => plan::scan(side, paths, request.format)?,
            };
            Ok(SidePlan { paths: paths.to_vec(), inventory })
        };
        let [golden, candidate] = &self.sides;
        Plan::of_sides(side(golden, "golden", &request.golden)?, side(candidate, "candidate", &request.candidate)?)
    }

    /// The report of an equal run, and its trace.
    pub(crate) fn find(
        &self,
        request: &ValidateRequest,
        identities: &Identities,
        store: &Store,
    ) -> Option<(Report, Trace)> {
        let [golden, candidate] = &self.sides;
        let names = [golden, candidate].map(|files| files.name(self, request, identities, false));
        let [Some(golden), Some(candidate)] = names else { return None };
        let name = self.report([&golden, &candidate], request);
        let bytes = store.get(&name)?;
        let report = serde_json::from_slice(&bytes);
        let report = report.map_err(|error| store.report_damage(&name, &error.to_string())).ok()?;
        let name = trace_of(&name);
        let bytes = store.get(&name)?;
        let trace = std::str::from_utf8(&bytes).map_err(|e| e.to_string());
        let trace = trace.and_then(|text| Trace::from_json(text).map_err(|e| e.to_string()));
        Some((report, trace.map_err(|error| store.report_damage(&name, &error)).ok()?))
    }

    /// Keeps the report of this run with its trace, and what was found in its files, if they were all the time what they were in the beginning, and could
    /// be read to their ends: that may be another time.
    pub(crate) fn keep(
        &self,
        request: &ValidateRequest,
        (identities, store): (&Identities, &Store),
        plan: &Plan,
        (report, trace): (&Report, &Trace),
    ) {
        let has_problems = report.cache.as_ref().is_some_and(|cache| !cache.problems.is_empty());
        let is_cut = report.integrity.iter().any(|row| row.check == TRUNCATED_FILE && row.count > 0);
        if has_problems || is_cut {
            return;
        }
        let names = self.sides.each_ref().map(|files| files.name(self, request, identities, true));
        let [Some(golden), Some(candidate)] = names else { return };
        if !self.sides.iter().all(Files::are_settled) {
            return;
        }
        self.sides[0].keep(&golden, &plan.golden.inventory, store);
        self.sides[1].keep(&candidate, &plan.candidate.inventory, store);
        // What JSON cannot hold as it is, is computed again.
        let Ok(bytes) = serde_json::to_vec(report) else { return };
        if serde_json::from_slice::<Report>(&bytes).is_ok_and(|again| again == *report) {
            let name = self.report([&golden, &candidate], request);
            if let Ok(trace) = trace.to_json() {
                store.put(&trace_of(&name), trace.as_bytes());
            }
            store.put(&name, &bytes);
        }
    }
}
