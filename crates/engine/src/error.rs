//! What ends a run before it has a report.

use verismo_feed::FeedError;

/// Why there is no report.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// A side cannot be read at all.
    #[error("{side}: {source}")]
    Feed {
        /// `golden` or `candidate`.
        side: &'static str,
        /// What went wrong.
        #[source]
        source: Box<FeedError>,
    },
    /// The sides hold different kinds of data.
    #[error("the golden is {golden}, the candidate is {candidate}: a table can only be compared with a table")]
    DifferentKinds {
        /// Format of the golden.
        golden: &'static str,
        /// Format of the candidate.
        candidate: &'static str,
    },
    /// The suite is for another kind of data.
    #[error("suite `{suite}` is for {wanted} data, the golden is {found}: choose another suite with --suite")]
    SuiteKind {
        /// Name of the suite.
        suite: String,
        /// `market` or `table`.
        wanted: &'static str,
        /// Format of the golden.
        found: &'static str,
    },
    /// No stream is left after the filter.
    #[error("{side}: no stream matches --symbol {symbol}; there are: {present}")]
    NoSuchSymbol {
        /// `golden` or `candidate`.
        side: &'static str,
        /// The symbol asked for.
        symbol: String,
        /// The symbols that are there.
        present: String,
    },
    /// There is nothing to turn.
    #[error("{what}: there is nothing to find")]
    NothingFails {
        /// What stands instead.
        what: String,
    },
    /// Somebody asked the run to stop.
    #[error("interrupted after {messages} messages; no report was written")]
    Interrupted {
        /// Messages read until then.
        messages: u64,
    },
    /// A bug in verismo.
    #[error("internal error: {detail}; please report it")]
    Internal {
        /// What was found.
        detail: String,
    },
}

impl EngineError {
    /// A side that cannot be read.
    pub(crate) fn feed(side: &'static str) -> impl Fn(FeedError) -> Self {
        move |source| Self::Feed { side, source: Box::new(source) }
    }

    /// A stable name for machines.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Feed { source, .. } => source.code(),
            Self::DifferentKinds { .. } => "different-kinds",
            Self::SuiteKind { .. } => "suite-kind",
            Self::NoSuchSymbol { .. } => "no-such-symbol",
            Self::NothingFails { .. } => "nothing-fails",
            Self::Interrupted { .. } => "interrupted",
            Self::Internal { .. } => "internal",
        }
    }
}
