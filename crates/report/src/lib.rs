//! A report as text for a terminal, as JSON, as Markdown, as HTML and as JUnit XML.
//!
//! Rendering is a pure function of the report: no clock, no file, no environment. Whatever comes from the data (symbols,
//! file names) is cleaned on its way out, so it can neither move a cursor nor break a table or an XML file.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod compare;
pub mod explain;
pub mod html;
pub mod layout;
pub mod number;
pub mod outline;
pub mod reference;

mod audit;
mod bar;
mod bench;
mod cache;
mod junit;
mod lob_bench;
mod markdown;
mod power;
mod profile;
mod runs;
mod strata;
mod text;
mod versions;
mod what_if;

use verismo_suite::report::Report;

pub use audit::{audit_text, canary_text};
pub use bench::bench_text;
pub use cache::{cache_gc_text, cache_stats_text, cache_text};
pub use compare::{compare, compare_markdown, compare_text};
pub use explain::{ExplainError, Wish, explain, explain_text};
pub use html::{html, power_html, profile_html};
pub use junit::junit;
pub use lob_bench::lob_bench_text;
pub use markdown::markdown;
pub use power::power_text;
pub use profile::profile_text;
pub use runs::{runs_text, trend_text};
pub use text::{TextStyle, text, verdict_style};
pub use versions::{diff_text, snapshot_text, versions_text};
pub use what_if::{what_if_markdown, what_if_text};

/// The report as indented JSON with a final newline.
///
/// # Errors
/// When a number in it is not finite; the judge yields null for those.
pub fn json(report: &Report) -> Result<String, serde_json::Error> {
    report.to_json()
}
