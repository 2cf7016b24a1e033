//! What is wrong with a suite file, and where.

/// One problem of a suite file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SuiteProblem {
    /// Line, from 1.
    pub line: u64,
    /// Column, from 1.
    pub column: u64,
    /// Stable code, kebab-case.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do about it; may be empty.
    pub help: String,
}

impl std::fmt::Display for SuiteProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {} [{}]", self.line, self.column, self.message, self.code)?;
        if !self.help.is_empty() {
            write!(f, "\n  help: {}", self.help)?;
        }
        Ok(())
    }
}

/// The problems as text, one after the other, each with its line of the suite and a mark below its column.
pub fn render_problems(file: &str, text: &str, problems: &[SuiteProblem]) -> String {
    use std::fmt::Write as _;
    let lines: Vec<&str> = text.lines().collect();
    let mut out = String::new();
    for p in problems {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{file}:{}:{}: {} [{}]", p.line, p.column, p.message, p.code);
        let line = usize::try_from(p.line).ok().and_then(|n| n.checked_sub(1)).and_then(|n| lines.get(n));
        if let Some(line) = line {
            let number = p.line.to_string();
            let indent = usize::try_from(p.column.saturating_sub(1)).unwrap_or(0).min(line.chars().count());
            let _ = writeln!(out, "  {number} | {line}");
            let _ = writeln!(out, "  {:w$} | {:indent$}^", "", "", w = number.len());
        }
        if !p.help.is_empty() {
            let _ = writeln!(out, "  help: {}", p.help);
        }
    }
    out
}
