//! The way to the objects: how long an answer may take, and what is done where none comes.
//!
//! A store is there to save time, so one that fails is not asked again: it is said once, and the run goes on without it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use object_store::path::Path as Name;
use object_store::{Error, GetOptions, GetRange, ObjectStore, PutMode, PutOptions};

use super::StoreError;

/// Problems kept; a store that fails throughout says so once for each kind, not for each object.
pub(super) const PROBLEMS_MAX: usize = 20;
/// The most of what a server says that is told.
const DETAIL_MAX: usize = 300;
/// Times that an answer may break off.
const TRIES: usize = 4;
/// An answer that breaks off does so sooner.
const AT_ONCE: Duration = Duration::from_millis(500);

/// An object as it lies there.
pub(super) struct Fetched {
    /// All of it, or its front.
    pub(super) bytes: Bytes,
    /// Bytes that it has.
    pub(super) length: u64,
    /// When it was written, or touched.
    pub(super) modified: SystemTime,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Trouble {
    /// None came in time.
    Late,
    /// It is a refusal.
    Refused(Error),
}

/// Shared by the store and by its writes that are under way.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) place: String,
    pub(super) objects: Box<dyn ObjectStore>,
    /// How long an answer may take, from a store that is not on this machine.
    pub(super) patience: Option<Duration>,
    /// What whoever set it up may have forgotten.
    pub(super) hint: Option<&'static str>,
    pub(super) written: AtomicU64,
    cannot_read: AtomicBool,
    cannot_write: AtomicBool,
    problems: Mutex<Vec<StoreError>>,
}

impl Line {
    pub(super) fn new(place: String, objects: Box<dyn ObjectStore>) -> Self {
        Self {
            place,
            objects,
            patience: None,
            hint: None,
            written: AtomicU64::default(),
            cannot_read: AtomicBool::default(),
            cannot_write: AtomicBool::default(),
            problems: Mutex::default(),
        }
    }

    /// One to a server, which may take so long to answer.
    pub(super) fn with_patience(self, patience: Duration, hint: Option<&'static str>) -> Self {
        Self { patience: Some(patience), hint, ..self }
    }

    pub(super) fn reads(&self) -> bool {
        !self.cannot_read.load(Ordering::Relaxed)
    }

    pub(super) fn writes(&self) -> bool {
        !self.cannot_write.load(Ordering::Relaxed)
    }

    /// The answer, if it comes in time.
    pub(super) async fn ask<T>(&self, question: impl Future<Output = Result<T, Error>>) -> Result<T, Trouble> {
        let answer = match self.patience {
            Some(patience) => tokio::time::timeout(patience, question).await.map_err(|_| Trouble::Late)?,
            None => question.await,
        };
        answer.map_err(Trouble::Refused)
    }

    /// The same for a question that may be asked twice: whoever sends requests again does so until the answer begins, not where one breaks off.
    pub(super) async fn ask_again<T, F>(&self, question: impl Fn() -> F) -> Result<T, Trouble>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let again = async {
            for _ in 1..TRIES {
                let asked = Instant::now();
                match question().await {
                    // What was sent again and again took its time.
                    Err(Error::Generic { .. }) if self.patience.is_some() && asked.elapsed() < AT_ONCE => {}
                    answer => return answer,
                }
            }
            question().await
        };
        self.ask(again).await
    }

    /// An object, or so many bytes of its front.
    pub(super) async fn fetch(&self, name: &Name, front: Option<u64>) -> Result<Option<Fetched>, Trouble> {
        let fetch = || async {
            let range = front.map(|n| GetRange::Bounded(0..n));
            let found = self.objects.get_opts(name, GetOptions { range, ..GetOptions::default() }).await?;
            let (length, modified) = (found.meta.size, SystemTime::from(found.meta.last_modified));
            Ok(Fetched { bytes: found.bytes().await?, length, modified })
        };
        match self.ask_again(fetch).await {
            Ok(fetched) => Ok(Some(fetched)),
            Err(Trouble::Refused(Error::NotFound { .. })) => Ok(None),
            Err(trouble) => Err(trouble),
        }
    }

    /// Writes an object; whether there was none.
    pub(super) async fn put(&self, name: &Name, bytes: Bytes, mode: PutMode) -> bool {
        let n = bytes.len() as u64;
        let put = |mode: PutMode| {
            let options = PutOptions { mode, ..PutOptions::default() };
            self.ask(self.objects.put_opts(name, bytes.clone().into(), options))
        };
        let mut answer = put(mode.clone()).await;
        // Some servers cannot put an object only where there is none, and a put with a condition is not sent again where a connection
        // breaks. One of the same name is the same.
        if self.patience.is_some() && mode == PutMode::Create && answer.as_ref().is_err_and(may_be_put_plainly) {
            answer = put(PutMode::Overwrite).await;
        }
        match answer {
            Ok(_) => {
                self.written.fetch_add(n, Ordering::Relaxed);
                true
            }
            Err(Trouble::Refused(Error::AlreadyExists { .. })) => false,
            Err(trouble) => {
                self.failed("written", &trouble);
                false
            }
        }
    }

    /// Says what failed. What is elsewhere is not asked again: each question would cost the time of the first.
    pub(super) fn failed(&self, action: &'static str, trouble: &Trouble) {
        if self.patience.is_some() {
            let is_deaf = action != "written" || matches!(trouble, Trouble::Late);
            let cannot_write = self.cannot_write.swap(true, Ordering::Relaxed);
            let is_known = if is_deaf { self.cannot_read.swap(true, Ordering::Relaxed) } else { cannot_write };
            // Of the questions under way at one time the first one tells.
            if is_known {
                return;
            }
        }
        self.report(self.error(action, trouble));
    }

    pub(super) fn error(&self, action: &'static str, trouble: &Trouble) -> StoreError {
        let place = self.place.clone();
        let hint = self.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
        match trouble {
            Trouble::Late => StoreError::Late { place, seconds: self.patience.unwrap_or_default().as_secs_f64(), hint },
            Trouble::Refused(error) => StoreError::Io { place, action, detail: detail(error) + &hint },
        }
    }

    pub(super) fn report(&self, problem: StoreError) {
        let mut problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
        if problems.len() < PROBLEMS_MAX && !problems.contains(&problem) {
            problems.push(problem);
        }
    }

    pub(super) fn problems(&self) -> Vec<StoreError> {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Whether it may be the condition on the put that failed.
fn may_be_put_plainly(trouble: &Trouble) -> bool {
    match trouble {
        Trouble::Refused(Error::AlreadyExists { .. }) => false,
        Trouble::Refused(Error::PermissionDenied { .. } | Error::Unauthenticated { .. } | Error::NotFound { .. }) => {
            false
        }
        Trouble::Refused(_) => true,
        Trouble::Late => false,
    }
}

/// The innermost error is what the system said; of what a server said in XML, code and message.
pub(super) fn detail(error: &Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    // Bounded: chains of errors are short, and end.
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let said = innermost.to_string();
    let tagged = |tag: &str| {
        let (_, rest) = said.split_once(&format!("<{tag}>"))?;
        rest.split_once("</").map(|(text, _)| text.trim().to_owned())
    };
    let text = match (tagged("Code"), tagged("Message")) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code,
        _ => said,
    };
    let text: Vec<&str> = text.split_whitespace().collect();
    text.join(" ").chars().take(DETAIL_MAX).collect()
}
