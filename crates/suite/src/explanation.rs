//! The story of one finding or one integrity check, schema `verismo.explanation/1`.

use serde::{Deserialize, Serialize};

use crate::report::{Finding, IntegrityRow};
use crate::verdict::{FindingVerdict, Verdict};

/// The schema of an explanation.
pub const SCHEMA: &str = "verismo.explanation/1";

/// The stories of what was asked for: one for a name, several for part of a name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Verdict of the run.
    pub verdict: Verdict,
    /// The stories, the worst first.
    pub stories: Vec<Story>,
}

/// A story in chapters: of the finding or the row that matters most under a name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Story {
    /// Observable or check.
    pub subject: String,
    /// The test, with its parameter; empty for a check.
    pub test: String,
    /// Stream; empty for a whole side.
    pub stream: String,
    /// The verdict of the row.
    pub verdict: FindingVerdict,
    /// Whether it decides the run.
    pub decides: bool,
    /// What is said, in order.
    pub chapters: Vec<Chapter>,
    /// The finding as it stands in the report; null for a check.
    pub finding: Option<Finding>,
    /// The integrity row as it stands in the report; null for a finding.
    pub row: Option<IntegrityRow>,
}

/// One question and its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chapter {
    /// `what`, `compared`, `result`, `where`, `when`, `meaning`, `others`, `next`.
    pub id: String,
    /// The question, as a heading.
    pub title: String,
    /// The answer, a paragraph each.
    pub paragraphs: Vec<String>,
}

impl Explanation {
    /// The explanation as JSON text with a final newline.
    ///
    /// # Errors
    /// When a number is not finite, which no report holds.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        Ok(text)
    }
}
