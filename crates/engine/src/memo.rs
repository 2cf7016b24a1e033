//! What was found out of files that did not change: which they are, and the report of a run of which nothing changed, neither a file, nor
//! the suite, nor the program.

use std::path::PathBuf;
use std::time::SystemTime;

use verismo_feed::Inventory;
use verismo_suite::report::Report;

use crate::error::EngineError;
use crate::identity::{Identities, Stamp};
use crate::plan::{self, Plan, SidePlan};
use crate::store::{Digest, Hasher, Store, hex};
use crate::validate::{StoreRequest, ValidateRequest};

/// Version of what is stored, and of what it is stored under.
const FORMAT: &str = "verismo.memo/1";

/// A run as it begins.
pub(crate) struct Memo {
    report: String,
    sides: [Files; 2],
}

/// The files of a side, as they are when a run begins: names, sizes, times and inodes stand for their bytes.
struct Files {
    inventory: String,
    stamps: Vec<(PathBuf, Stamp)>,
    looked_at: SystemTime,
}

impl Files {
    fn of(program: &Digest, paths: &[PathBuf], request: &ValidateRequest) -> Option<Self> {
        let looked_at = SystemTime::now();
        let listed = Inventory::list(&plan::expand(paths).ok()?).ok()?;
        let stamped = |path: PathBuf| Stamp::of_path(&path).map(|stamp| (path, stamp));
        let stamps = listed.files.into_iter().map(stamped).collect::<Option<Vec<_>>>()?;
        let mut hasher = Hasher::new(FORMAT);
        hasher.bytes(program);
        hasher.text(&format!("{:?} {:?} {:?} {stamps:?}", request.format, paths, listed.ignored));
        Some(Self { inventory: name("inventories", hasher), stamps, looked_at })
    }

    /// Whether no file has changed since, nor so shortly before that it may change again without a new time.
    fn are_settled(&self) -> bool {
        self.stamps
            .iter()
            .all(|(path, stamp)| stamp.is_settled_at(self.looked_at) && Stamp::of_path(path).as_ref() == Some(stamp))
    }

    /// What is there: as it was found before, or by looking at each file.
    fn inventory(
        &self,
        side: &'static str,
        paths: &[PathBuf],
        request: &ValidateRequest,
        store: &Store,
    ) -> Result<Inventory, EngineError> {
        if let Some(bytes) = store.get(&self.inventory) {
            match Inventory::load(&bytes) {
                Ok(inventory) => return Ok(inventory),
                Err(error) => store.report_damage(&self.inventory, &error.to_string()),
            }
        }
        let inventory = plan::scan(side, paths, request.format)?;
        if let Some(bytes) = inventory.save().filter(|_| self.are_settled()) {
            store.put(&self.inventory, &bytes);
        }
        Ok(inventory)
    }
}

/// The name of an object in a folder.
fn name(folder: &str, hasher: Hasher) -> String {
    let hex = hex(&hasher.finish());
    format!("{folder}/{}/{}", &hex[..2], &hex[2..])
}

impl Memo {
    /// Of a run that is about to begin; `None` where something that it depends on cannot be told, or is not to be believed.
    pub(crate) fn of(request: &ValidateRequest, store: &StoreRequest, identities: &Identities) -> Option<Self> {
        let program = store.program.as_ref().filter(|_| !store.verifies)?;
        let program = identities.digest_of(program)?;
        let files = |paths| Files::of(&program, paths, request);
        let sides = [files(&request.golden)?, files(&request.candidate)?];
        let mut hasher = Hasher::new(FORMAT);
        sides.iter().for_each(|side| hasher.text(&side.inventory));
        // Threads change nothing, and where states lie does not either.
        let ValidateRequest { suite, time, tz, date, symbol, maps, limits, settings, .. } = request;
        hasher.text(&format!("{suite:?}"));
        hasher.text(&format!("{time:?} {tz:?} {date:?} {symbol:?} {maps:?} {limits:?} {settings:?}"));
        Some(Self { report: name("reports", hasher), sides })
    }

    /// The plan of the run.
    ///
    /// # Errors
    /// As [`Plan::new`].
    pub(crate) fn plan(&self, request: &ValidateRequest, store: &Store) -> Result<Plan, EngineError> {
        let side = |i: usize, side, paths: &[PathBuf]| {
            let inventory = self.sides[i].inventory(side, paths, request, store)?;
            Ok(SidePlan { paths: paths.to_vec(), inventory })
        };
        Plan::of_sides(side(0, "golden", &request.golden)?, side(1, "candidate", &request.candidate)?)
    }

    /// The report of an equal run.
    pub(crate) fn find(&self, store: &Store) -> Option<Report> {
        let bytes = store.get(&self.report)?;
        serde_json::from_slice(&bytes).map_err(|error| store.report_damage(&self.report, &error.to_string())).ok()
    }

    /// Keeps the report of this run, if its files were all the time what they were in the beginning.
    pub(crate) fn keep(&self, store: &Store, report: &Report) {
        let has_problems = report.cache.as_ref().is_some_and(|cache| !cache.problems.is_empty());
        if has_problems || !self.sides.iter().all(Files::are_settled) {
            return;
        }
        // What JSON cannot hold as it is, is computed again.
        let Ok(bytes) = serde_json::to_vec(report) else { return };
        if serde_json::from_slice::<Report>(&bytes).is_ok_and(|again| again == *report) {
            store.put(&self.report, &bytes);
        }
    }
}
