//! Suite texts for `verismo init`: for the columns of a table, and with margins proposed from a golden.

use std::fmt::Write as _;

use super::{MARKET_TEXT, TABLE_TEXT};
use crate::catalogue::{LatticeSpec, TestId};

/// Margins proposed for one observable.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// The observable.
    pub observable: String,
    /// Its proposed margins.
    pub margins: Vec<ProposedMargin>,
}

/// One proposed margin.
#[derive(Debug, Clone, PartialEq)]
pub struct ProposedMargin {
    /// The test it is for.
    pub test: TestId,
    /// The margin to write.
    pub margin: f64,
    /// The margin at which a faithful candidate of the golden's length passes in about four runs of five, in the margin's
    /// unit; `None` when the golden is too short to say.
    pub resolvable: Option<f64>,
    /// Whether the default margin is out of reach of a golden of this length.
    pub out_of_reach: bool,
}

/// The text of a suite for a table: the built-in `table` suite with one observable per column, its lattice written out so
/// that it stays frozen.
pub fn table_suite_text(columns: &[(String, LatticeSpec)]) -> String {
    let mut out = TABLE_TEXT.trim_end().to_owned();
    out.push_str("\n\n# The numeric columns found, each with its lattice as chosen from the whole golden. Frozen here: the same keys\n");
    out.push_str("# on every machine and every day.\nobservables:\n");
    for (name, lattice) in columns {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "  - id: {}", quoted(name));
        let _ =
            writeln!(out, "    decide: ks\n    margins: {{ks: 0.05, w1: 0.1, mean: 0.1, std: 0.1, quantile: 0.15}}");
        let _ = writeln!(out, "    lattice: {lattice}");
    }
    if columns.is_empty() {
        out.push_str("  []\n");
    }
    out
}

/// The built-in `market` suite with the proposed margins in place of its own, and a comment where a default is out of
/// reach of the golden.
pub fn with_proposed_margins(proposals: &[Proposal]) -> String {
    let mut out = String::new();
    let mut current: Option<&Proposal> = None;
    for line in MARKET_TEXT.lines() {
        if let Some(id) = line.trim_start().strip_prefix("- id: ") {
            current = proposals.iter().find(|p| p.observable == id.trim());
        }
        match (current, line.trim_start().starts_with("margins: {")) {
            (Some(proposal), true) => write_margins(&mut out, line, proposal),
            _ => {
                out.push_str(line);
                out.push('\n');
            }
        }
    }
    out
}

/// Writes a `margins: {...}` line with the proposals in it, notes first.
fn write_margins(out: &mut String, line: &str, proposal: &Proposal) {
    let indent = &line[..line.len() - line.trim_start().len()];
    for m in proposal.margins.iter().filter(|m| m.out_of_reach) {
        let reach = m
            .resolvable
            .map_or("a golden too short to say".to_owned(), |r| format!("this golden resolves {}", short(r)));
        let _ = writeln!(out, "{indent}# {}: the default is out of reach, {reach}.", m.test);
    }
    let body = line.trim_start().trim_start_matches("margins: {").split('}').next().unwrap_or_default();
    let mut parts = Vec::new();
    for part in body.split(',').map(str::trim).filter(|p| !p.is_empty()) {
        let name = part.split(':').next().unwrap_or_default().trim();
        match proposal.margins.iter().find(|m| m.test.as_str() == name) {
            Some(m) => parts.push(format!("{name}: {}", short(m.margin))),
            None => parts.push(part.to_owned()),
        }
    }
    let _ = writeln!(out, "{indent}margins: {{{}}}", parts.join(", "));
}

/// A number with three significant digits at most, as YAML reads it.
fn short(x: f64) -> String {
    let text = format!("{x:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text.is_empty() || text == "0" { format!("{x:e}") } else { text.to_owned() }
}

/// A column name as YAML text: quoted unless it is a plain word that YAML takes for nothing else.
fn quoted(name: &str) -> String {
    let plain = !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && !["true", "false", "yes", "no", "on", "off", "null", "y", "n", "nan", "inf"]
            .contains(&name.to_ascii_lowercase().as_str());
    if plain {
        return name.to_owned();
    }
    let mut out = String::from("\"");
    for c in name.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
