//! The store of states as commands meet it: where it is, and what is wrong with that.

use std::path::Path;
use std::time::Duration;

use verismo_engine::{Remote, Store, StoreError, StoreRequest, home, remote_url};

use crate::CliError;
use crate::args::{PlaceArgs, StoreArgs, TimeoutArgs};
use crate::suites;

/// The store of a validation, unless there shall be none.
///
/// # Errors
/// `bad-store` for a URL that is none of a store. A store that does not work costs a warning, later.
pub fn request(args: &StoreArgs, suite: Option<&str>) -> Result<Option<StoreRequest>, CliError> {
    if args.no_store {
        return Ok(None);
    }
    Ok(Some(StoreRequest {
        folder: home(args.store.as_deref(), suite.and_then(suites::file)),
        remote: remote(args.store.as_deref(), &args.timeout)?,
        verifies: args.verify_files,
        max_bytes: args.store_max.0,
        program: std::env::current_exe().ok(),
        ..StoreRequest::default()
    }))
}

/// The store of a run that is recorded in this home.
///
/// # Errors
/// `bad-store`.
pub fn of_run(
    (asked, timeout): (Option<&str>, &TimeoutArgs),
    home: &Path,
    verifies: bool,
) -> Result<StoreRequest, CliError> {
    Ok(StoreRequest {
        folder: Some(home.to_owned()),
        remote: remote(asked, timeout)?,
        verifies,
        max_bytes: None,
        program: std::env::current_exe().ok(),
        ..StoreRequest::default()
    })
}

/// The store that is asked for, for itself; none where there is nothing yet.
///
/// # Errors
/// `bad-store`, `no-home`, or `store` where it cannot be opened.
pub fn open(args: &PlaceArgs) -> Result<Option<Store>, CliError> {
    if let Some(remote) = remote(args.store.as_deref(), &args.timeout)? {
        return Store::open_remote(&remote).map(Some).map_err(error);
    }
    let home = home(args.store.as_deref(), None).ok_or_else(|| {
        CliError::usage("no-home", "there is no cache directory of the user").help("name a place with --store DIR")
    })?;
    // Asking makes no store.
    if !home.join(Store::FOLDER).exists() {
        return Ok(None);
    }
    Store::open(&home).map(Some).map_err(error)
}

fn remote(asked: Option<&str>, timeout: &TimeoutArgs) -> Result<Option<Remote>, CliError> {
    let Some(url) = remote_url(asked) else { return Ok(None) };
    let variables =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let patience = Duration::from_secs(timeout.store_timeout.into());
    Remote::new(&url, variables, patience).map(Some).map_err(|e| CliError::usage("bad-store", e))
}

/// Whether the store that is asked for is at a URL.
pub fn is_remote(args: &PlaceArgs) -> bool {
    remote_url(args.store.as_deref()).is_some()
}

/// The place of a store that is not there, as it is named to the user.
pub fn place(args: &PlaceArgs) -> String {
    home(args.store.as_deref(), None).map(|home| home.display().to_string()).unwrap_or_default()
}

/// An error of a store as an error of a command that is about the store.
pub fn error(error: StoreError) -> CliError {
    CliError::unusable("store", error)
}
