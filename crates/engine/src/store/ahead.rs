//! Objects read before they are asked for one by one: from a store that takes its time for each, those of a folder come side by side.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use futures_util::{StreamExt as _, stream};
use object_store::path::Path as Name;

use super::SIDE_BY_SIDE;
use super::line::{Fetched, Line};
use super::parts::{AT_FIRST, PARTS};

/// Folders held at most. Each observer works at one, so that older ones are no longer asked for.
const FOLDERS_MAX: usize = 32;
/// Objects of a folder that are read ahead: a piece has a few, and one for each time that observables were added.
const OBJECTS_MAX: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Ahead(Mutex<VecDeque<(Name, HashMap<Name, Fetched>)>>);

impl std::fmt::Debug for Fetched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.bytes.len())
    }
}

impl Ahead {
    /// Reads objects of a folder. What cannot be read is left to whoever asks for it.
    pub(super) async fn fetch(&self, line: &Line, folder: Name, names: &[Name]) {
        let fetch = |name: Name| async move {
            // Of an object of parts the head tells what is wanted.
            let front = name.as_ref().ends_with(PARTS).then_some(AT_FIRST);
            let fetched = if line.reads() { line.fetch(&name, front).await } else { Ok(None) };
            match fetched {
                Ok(found) => found.map(|found| (name, found)),
                Err(trouble) => {
                    line.failed("read", &trouble);
                    None
                }
            }
        };
        let names: Vec<Name> = names.iter().take(OBJECTS_MAX).cloned().collect();
        let found = stream::iter(names).map(fetch).buffer_unordered(SIDE_BY_SIDE as usize);
        let found: HashMap<Name, Fetched> = found.filter_map(std::future::ready).collect().await;
        let mut folders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        folders.retain(|(name, _)| *name != folder);
        folders.push_back((folder, found));
        if folders.len() > FOLDERS_MAX {
            folders.pop_front();
        }
    }

    /// The object of that name, once.
    pub(super) fn take(&self, name: &Name) -> Option<Fetched> {
        let mut folders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        folders.iter_mut().find_map(|(_, objects)| objects.remove(name))
    }
}
