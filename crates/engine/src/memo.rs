//! Whole reports, for runs of which nothing changed: neither a file, nor the suite, nor the program.

use std::path::PathBuf;
use std::time::SystemTime;

use verismo_feed::Inventory;
use verismo_suite::report::Report;

use crate::identity::{Identities, Stamp};
use crate::plan;
use crate::store::{Hasher, Store, hex};
use crate::validate::{StoreRequest, ValidateRequest};

/// Version of what is stored, and of what it is stored under.
const FORMAT: &str = "verismo.memo/1";

/// A run as it begins.
pub(crate) struct Memo {
    name: String,
    files: Vec<(PathBuf, Stamp)>,
    looked_at: SystemTime,
}

impl Memo {
    /// Of a run that is about to begin; `None` where something that it depends on cannot be told, or is not to be believed.
    ///
    /// A report depends on the program, the request and the files: names, sizes, times and inodes stand for their bytes.
    pub(crate) fn of(request: &ValidateRequest, store: &StoreRequest, identities: &Identities) -> Option<Self> {
        let program = store.program.as_ref().filter(|_| !store.verifies)?;
        let looked_at = SystemTime::now();
        let mut hasher = Hasher::new(FORMAT);
        hasher.bytes(&identities.digest_of(program)?);
        let mut files = Vec::new();
        for paths in [&request.golden, &request.candidate] {
            let expanded = plan::expand(paths).ok()?;
            let listed = Inventory::list(&expanded).ok()?;
            hasher.text(&format!("{paths:?} {:?}", listed.ignored));
            for path in listed.files {
                let stamp = Stamp::of_path(&path)?;
                hasher.text(&format!("{path:?} {stamp:?}"));
                files.push((path, stamp));
            }
        }
        // Threads change nothing, and where states lie does not either.
        let ValidateRequest { suite, format, time, tz, date, symbol, maps, limits, settings, .. } = request;
        hasher.text(&format!("{suite:?}"));
        hasher.text(&format!("{format:?} {time:?} {tz:?} {date:?} {symbol:?} {maps:?} {limits:?} {settings:?}"));
        let hex = hex(&hasher.finish());
        Some(Self { name: format!("reports/{}/{}", &hex[..2], &hex[2..]), files, looked_at })
    }

    /// The report of an equal run.
    pub(crate) fn find(&self, store: &Store) -> Option<Report> {
        let bytes = store.get(&self.name)?;
        serde_json::from_slice(&bytes).map_err(|error| store.report_damage(&self.name, &error.to_string())).ok()
    }

    /// Keeps the report of this run, unless a file has changed meanwhile, or so shortly before that it may change again without a new time.
    pub(crate) fn keep(&self, store: &Store, report: &Report) {
        let is_settled = |(path, stamp): &(PathBuf, Stamp)| {
            stamp.is_settled_at(self.looked_at) && Stamp::of_path(path).as_ref() == Some(stamp)
        };
        let has_problems = report.cache.as_ref().is_some_and(|cache| !cache.problems.is_empty());
        if has_problems || !self.files.iter().all(is_settled) {
            return;
        }
        // What JSON cannot hold as it is, is computed again.
        let Ok(bytes) = serde_json::to_vec(report) else { return };
        if serde_json::from_slice::<Report>(&bytes).is_ok_and(|again| again == *report) {
            store.put(&self.name, &bytes);
        }
    }
}
