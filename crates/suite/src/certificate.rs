//! What a signature says of a run, schema `verismo.certificate/2` where the run left states, else `verismo.certificate/1`, as of earlier versions.
//!
//! Unknown keys are refused: nothing that is not signed may stand beside what is.

use serde::{Deserialize, Serialize};

use crate::report::{Report, Side};
use crate::suite::Scope;
use crate::verdict::Verdict;

/// The schema of a certificate that names no states.
pub const SCHEMA: &str = "verismo.certificate/1";
/// The schema of one that does.
pub const SCHEMA_WITH_STATES: &str = "verismo.certificate/2";

/// A statement with its signature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// [`Statement::schema`].
    pub schema: String,
    /// What is signed.
    pub statement: Statement,
    /// The public key that belongs to the signature, hex.
    pub key: String,
    /// Ed25519 signature of [`Statement::signed_bytes`], hex.
    pub signature: String,
}

/// What is said of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// The run in the ledger; null where none was recorded.
    pub run: Option<String>,
    /// When the certificate was made, RFC 3339 in UTC.
    pub issued: String,
    /// Verdict of the run.
    pub verdict: Verdict,
    /// What the verdict is about.
    pub scope: Scope,
    /// Digest of the run.
    pub digest: String,
    /// Name of the suite.
    pub suite: String,
    /// Digest of the suite.
    pub suite_digest: String,
    /// What was read.
    pub inputs: Vec<CertifiedInput>,
    /// Version of verismo.
    pub version: String,
    /// Version of the judging recipe.
    pub recipe: String,
    /// BLAKE3, hex, of the bytes of report.json.
    pub report_digest: String,
    /// The states that the run left; absent where it left none, or not all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub states: Option<CertifiedStates>,
}

/// What is said of the states of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertifiedStates {
    /// Pieces, mostly files, of both sides.
    pub pieces: u64,
    /// Merkle root, BLAKE3, hex, of all pieces and the digests of their states.
    pub root: String,
}

/// What is said of one input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertifiedInput {
    /// Golden or candidate.
    pub side: Side,
    /// Its digest.
    pub digest: String,
    /// Messages.
    pub messages: u64,
    /// Events.
    pub events: u64,
}

impl Statement {
    /// What a report says, certified at `issued`; `report_digest` is that of its bytes.
    pub fn of(report: &Report, issued: String, report_digest: String) -> Self {
        let inputs = report.inputs.iter().map(|input| CertifiedInput {
            side: input.side,
            digest: input.digest.clone(),
            messages: input.messages,
            events: input.events,
        });
        Self {
            run: report.provenance.run.as_ref().map(|stamp| stamp.id.clone()),
            issued,
            verdict: report.verdict,
            scope: report.scope,
            digest: report.digest.clone(),
            suite: report.suite.clone(),
            suite_digest: report.suite_digest.clone(),
            inputs: inputs.collect(),
            version: report.provenance.version.clone(),
            recipe: report.provenance.recipe.clone(),
            report_digest,
            states: report
                .provenance
                .states
                .as_ref()
                .and_then(|states| Some(CertifiedStates { pieces: states.pieces, root: states.root.clone()? })),
        }
    }

    /// The schema of a certificate of it.
    pub fn schema(&self) -> &'static str {
        if self.states.is_some() { SCHEMA_WITH_STATES } else { SCHEMA }
    }

    /// The bytes that are signed: [`Statement::schema`], a line feed, and the statement as JSON without white space, its keys in the order
    /// of this type.
    ///
    /// # Errors
    /// None that a statement of strings and integers could have.
    pub fn signed_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut bytes = format!("{}\n", self.schema()).into_bytes();
        serde_json::to_writer(&mut bytes, self)?;
        Ok(bytes)
    }

    /// What another statement says otherwise, in words; when each was made does not count.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let inputs = |s: &Self| -> Vec<String> {
            s.inputs.iter().map(|i| format!("{} {} {} {}", i.side.as_str(), i.digest, i.messages, i.events)).collect()
        };
        let facts = |s: &Self| {
            [
                ("run", s.run.clone().unwrap_or_default()),
                ("verdict", s.verdict.to_string()),
                ("scope", s.scope.as_str().to_owned()),
                ("run digest", s.digest.clone()),
                ("suite", s.suite.clone()),
                ("suite digest", s.suite_digest.clone()),
                ("inputs", inputs(s).join(", ")),
                ("version", s.version.clone()),
                ("recipe", s.recipe.clone()),
                ("digest of report.json", s.report_digest.clone()),
                ("root of the states", s.states.as_ref().map(|states| states.root.clone()).unwrap_or_default()),
            ]
        };
        let pairs = facts(self).into_iter().zip(facts(other));
        let different = pairs.filter(|((_, one), (_, two))| one != two);
        different.map(|((name, one), (_, two))| format!("{name}: {one:?}, not {two:?}")).collect()
    }
}

impl Certificate {
    /// The certificate as JSON text with a final newline.
    ///
    /// # Errors
    /// None that a certificate of strings and integers could have.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// Reads a certificate.
    ///
    /// # Errors
    /// When the text is not a certificate of this schema, and of nothing else.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        let certificate: Self = serde_json::from_str(text)?;
        let wanted = certificate.statement.schema();
        if certificate.schema == wanted {
            return Ok(certificate);
        }
        Err(serde::de::Error::custom(format_args!("its schema is {}, not {wanted}", certificate.schema)))
    }
}
