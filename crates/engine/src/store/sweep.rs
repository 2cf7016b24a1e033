//! What a store holds, and which of it goes when that is too much: the least recently used.
//!
//! Runs may read and write meanwhile: whoever misses an object computes it again.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime};

use futures_util::{StreamExt as _, stream};
use object_store::path::Path as Name;
use object_store::{Error, ObjectMeta};
use verismo_suite::cache::{CacheAge, CacheKind, CacheStats, GC_SCHEMA, GcReport, STATS_SCHEMA};

use super::line::Trouble;
use super::{Store, StoreError};

/// Objects removed with one question where the server allows it.
const BATCH: usize = 1_000;
/// A write that was broken off leaves its part behind; one under way is younger.
const BROKEN_OFF: Duration = Duration::from_secs(24 * 3600);
/// Ages told apart, in days.
const AGES: [u64; 4] = [1, 7, 30, 90];
const DAY_MS: i64 = 24 * 3600 * 1_000;

/// What is to go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GcPolicy {
    /// Bytes that may stay; any number if there is none.
    pub max_bytes: Option<u64>,
    /// Whatever was not used for so long goes.
    pub older_than: Option<Duration>,
    /// Only say what would go.
    pub is_dry: bool,
}

impl Store {
    /// What it holds.
    ///
    /// # Errors
    /// Where it cannot be listed.
    pub fn stats(&self) -> Result<CacheStats, StoreError> {
        let now = now_ms();
        let mut kinds: BTreeMap<String, CacheKind> = BTreeMap::new();
        let mut ages: Vec<CacheAge> = AGES.iter().map(|days| age(Some(*days))).chain([age(None)]).collect();
        let mut stats =
            CacheStats { schema: STATS_SCHEMA.to_owned(), place: self.place().to_owned(), ..CacheStats::default() };
        self.each(|object| {
            let used_ms = object.last_modified.timestamp_millis();
            stats.objects += 1;
            stats.bytes += object.size;
            stats.oldest_use_ms = Some(stats.oldest_use_ms.map_or(used_ms, |oldest| oldest.min(used_ms)));
            stats.latest_use_ms = Some(stats.latest_use_ms.map_or(used_ms, |latest| latest.max(used_ms)));
            let kind = kind(&object.location);
            let of_kind = kinds.entry(kind.clone()).or_insert_with(|| CacheKind { kind, objects: 0, bytes: 0 });
            of_kind.objects += 1;
            of_kind.bytes += object.size;
            let days = (now - used_ms) / DAY_MS;
            let fits = |age: &&mut CacheAge| age.days_max.is_none_or(|max| days < max as i64);
            if let Some(age) = ages.iter_mut().find(fits) {
                age.objects += 1;
                age.bytes += object.size;
            }
        })?;
        stats.kinds = kinds.into_values().collect();
        stats.ages = ages;
        Ok(stats)
    }

    /// Removes what is to go, the least recently used first.
    ///
    /// # Errors
    /// Where it cannot be listed, or objects cannot be removed.
    pub fn gc(&self, policy: &GcPolicy) -> Result<GcReport, StoreError> {
        let mut objects: Vec<(i64, u64)> = Vec::new();
        self.each(|object| objects.push((object.last_modified.timestamp_millis(), object.size)))?;
        objects.sort_unstable();
        let bytes: u64 = objects.iter().map(|(_, bytes)| bytes).sum();
        let mut report = GcReport {
            schema: GC_SCHEMA.to_owned(),
            place: self.place().to_owned(),
            is_dry: policy.is_dry,
            objects: objects.len() as u64,
            bytes,
            ..GcReport::default()
        };
        let too_old_ms =
            policy.older_than.map(|age| now_ms().saturating_sub(i64::try_from(age.as_millis()).unwrap_or(i64::MAX)));
        let goes = |used_ms: i64, left: u64| {
            too_old_ms.is_some_and(|limit| used_ms < limit) || policy.max_bytes.is_some_and(|max| left > max)
        };
        let mut left = bytes;
        let mut last_ms = None;
        for (used_ms, size) in &objects {
            if !goes(*used_ms, left) {
                break;
            }
            left -= size;
            last_ms = Some(*used_ms);
            report.objects_removed += 1;
        }
        report.bytes_removed = bytes - left;
        if let (Some(last_ms), false) = (last_ms, policy.is_dry) {
            let removed = self.remove_until(last_ms, report.bytes_removed)?;
            (report.objects_removed, report.bytes_removed) = removed;
        }
        if let (Some(folder), false) = (&self.folder, policy.is_dry) {
            tidy(folder, folder, 0);
        }
        Ok(report)
    }

    /// Removes objects that were last used before then, and of those used then as many as there are bytes to go; how many, and their bytes.
    fn remove_until(&self, last_ms: i64, bytes: u64) -> Result<(u64, u64), StoreError> {
        let mut going: Vec<(Name, u64)> = Vec::new();
        let mut last: Vec<(Name, u64)> = Vec::new();
        // What was used since it was first listed has a later time by now.
        self.each(|object| match object.last_modified.timestamp_millis().cmp(&last_ms) {
            Ordering::Less => going.push((object.location, object.size)),
            Ordering::Equal => last.push((object.location, object.size)),
            Ordering::Greater => {}
        })?;
        let mut gone: u64 = going.iter().map(|(_, bytes)| bytes).sum();
        for object in last {
            if gone >= bytes {
                break;
            }
            gone += object.1;
            going.push(object);
        }
        for batch in going.chunks(BATCH) {
            let names: Vec<object_store::Result<Name>> = batch.iter().map(|(name, _)| Ok(name.clone())).collect();
            let removed = async {
                let mut removed = self.line.objects.delete_stream(stream::iter(names).boxed());
                while let Some(result) = removed.next().await {
                    match result {
                        // Another one was faster.
                        Ok(_) | Err(Error::NotFound { .. }) => {}
                        Err(error) => return Err(error),
                    }
                }
                Ok(())
            };
            let removed = self.handle.block_on(self.line.ask(removed));
            removed.map_err(|trouble| self.line.error("swept", &trouble))?;
        }
        Ok((going.len() as u64, gone))
    }

    fn each(&self, mut visit: impl FnMut(ObjectMeta)) -> Result<(), StoreError> {
        let listed = async {
            let mut objects = self.line.objects.list(None);
            loop {
                match self.line.ask(async { objects.next().await.transpose() }).await {
                    Ok(Some(object)) => visit(object),
                    Ok(None) => return Ok(()),
                    // It went while the folder was read.
                    Err(Trouble::Refused(Error::NotFound { .. })) => {}
                    Err(trouble) => return Err(trouble),
                }
            }
        };
        self.handle.block_on(listed).map_err(|trouble| self.line.error("read", &trouble))
    }
}

fn age(days_max: Option<u64>) -> CacheAge {
    CacheAge { days_max, objects: 0, bytes: 0 }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// What an object is: of the pieces of files what all observables share, and observables; else the folder it is in.
fn kind(name: &Name) -> String {
    let text = name.as_ref();
    match text.rsplit_once('.') {
        Some((_, end @ ("base" | "pack" | "parts"))) if text.starts_with("pieces/") => {
            if end == "base" {
                "replays".to_owned()
            } else {
                "observables".to_owned()
            }
        }
        _ => text.split('/').next().unwrap_or_default().to_owned(),
    }
}

/// Folders deeper than objects lie are none of ours.
const DEPTH_MAX: usize = 6;

/// Removes folders that are empty, and parts of writes that were broken off. What cannot be removed stays.
fn tidy(top: &Path, folder: &Path, depth: usize) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_dir() && depth < DEPTH_MAX {
            tidy(top, &path, depth + 1);
        } else if entry.file_name().to_string_lossy().contains('#') {
            let age = metadata.modified().ok().and_then(|at| at.elapsed().ok());
            if age.is_some_and(|age| age > BROKEN_OFF) {
                let _stays = std::fs::remove_file(&path);
            }
        }
    }
    if folder != top {
        // Fails unless it is empty. Whoever is about to write there makes it again.
        let _stays = std::fs::remove_dir(folder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten objects, each used a day before the one behind it; the last one now.
    fn store(home: &Path) -> Store {
        let store = Store::open(home).unwrap();
        for i in 0..10_u64 {
            let (folder, end) =
                if i < 8 { ("pieces", if i % 2 == 0 { ".base" } else { ".pack" }) } else { ("trails", "") };
            let name = format!("{folder}/{i}/x{end}");
            assert!(store.put(&name, &[i as u8; 100]) > 0);
            let file = std::fs::File::options().write(true).open(home.join("states").join(name)).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs((9 - i) * 24 * 3600)).unwrap();
        }
        store
    }

    #[test]
    fn what_is_there_is_counted_by_kind_and_age() {
        let home = tempfile::tempdir().unwrap();
        let store = store(home.path());
        let stats = store.stats().unwrap();
        let kinds: Vec<(&str, u64)> = stats.kinds.iter().map(|kind| (kind.kind.as_str(), kind.objects)).collect();
        assert_eq!(kinds, [("observables", 4), ("replays", 4), ("trails", 2)]);
        let ages: Vec<(Option<u64>, u64)> = stats.ages.iter().map(|age| (age.days_max, age.objects)).collect();
        assert_eq!(ages, [(Some(1), 1), (Some(7), 6), (Some(30), 3), (Some(90), 0), (None, 0)]);
        assert_eq!(stats.objects, 10);
        assert_eq!(stats.bytes, stats.kinds.iter().map(|kind| kind.bytes).sum::<u64>());
        assert!(stats.latest_use_ms.unwrap() - stats.oldest_use_ms.unwrap() > 8 * DAY_MS);
    }

    #[test]
    fn the_least_recently_used_goes() {
        let home = tempfile::tempdir().unwrap();
        let store = store(home.path());
        let has = |i: usize| {
            home.path().join("states").join(if i < 8 { "pieces" } else { "trails" }).join(i.to_string()).exists()
        };
        let one = store.stats().unwrap().bytes / 10;
        // The oldest was used a moment ago.
        assert!(store.get("pieces/0/x.base").is_some());
        let dry = GcPolicy { max_bytes: Some(one * 7 + one / 2), older_than: None, is_dry: true };
        let told = store.gc(&dry).unwrap();
        assert!((told.objects, told.objects_removed) == (10, 3) && (0..10).all(has), "{told:?}");
        let done = store.gc(&GcPolicy { is_dry: false, ..dry }).unwrap();
        assert_eq!((done.objects_removed, done.bytes_removed), (told.objects_removed, told.bytes_removed));
        assert_eq!((0..10).filter(|i| has(*i)).collect::<Vec<_>>(), [0, 4, 5, 6, 7, 8, 9]);
        let older_than = Some(Duration::from_secs(36 * 3600));
        assert_eq!(store.gc(&GcPolicy { older_than, ..GcPolicy::default() }).unwrap().objects_removed, 4);
        assert_eq!((0..10).filter(|i| has(*i)).collect::<Vec<_>>(), [0, 8, 9]);
        assert_eq!(store.gc(&GcPolicy::default()).unwrap().objects_removed, 0);
        assert_eq!(store.gc(&GcPolicy { max_bytes: Some(0), ..GcPolicy::default() }).unwrap().objects_removed, 3);
        assert_eq!(std::fs::read_dir(home.path().join("states")).unwrap().count(), 0);
        assert_eq!((store.get("trails/9/x"), store.problems()), (None, Vec::new()));
    }

    #[test]
    fn parts_of_writes_that_were_broken_off_go_when_they_are_old() {
        let home = tempfile::tempdir().unwrap();
        let store = store(home.path());
        let (old, young) = (home.path().join("states/pieces/1/y.pack#1"), home.path().join("states/pieces/1/y.pack#2"));
        for path in [&old, &young] {
            std::fs::write(path, "half").unwrap();
        }
        let file = std::fs::File::options().write(true).open(&old).unwrap();
        file.set_modified(SystemTime::now() - 2 * BROKEN_OFF).unwrap();
        store.gc(&GcPolicy::default()).unwrap();
        assert!(!old.exists() && young.exists());
        assert_eq!(store.stats().unwrap().objects, 10);
    }
}
