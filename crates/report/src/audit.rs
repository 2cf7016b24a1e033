//! States of a certified run held against its files, for a terminal.

use verismo_suite::audit::{Audit, AuditedPiece};

use crate::layout::{clean, wrap};
use crate::number::count;
use crate::text::TextStyle;

/// Pieces named one by one.
const NAMED_MAX: usize = 20;

/// What an audit came to.
pub fn audit_text(audit: &Audit, style: &TextStyle) -> String {
    let word = match (audit.different.is_empty(), audit.unchecked.is_empty()) {
        (false, _) => "DIFFERENT",
        (true, false) => "INCOMPLETE",
        (true, true) => "EQUAL",
    };
    let head = format!(
        "AUDIT  {word}  {} of {} pieces chosen; {} computed again and equal, {} different, {} not to be checked",
        count(audit.chosen),
        count(audit.pieces),
        count(audit.equal),
        count(audit.different.len() as u64),
        count(audit.unchecked.len() as u64)
    );
    let mut out = wrap(&head, "", style.width);
    for (word, pieces) in [("different", &audit.different), ("not checked", &audit.unchecked)] {
        for piece in pieces.iter().take(NAMED_MAX) {
            out.push_str(&wrap(&clean(&named(piece)), &format!("  {word}: "), style.width));
        }
        if let Some(more @ 1..) = pieces.len().checked_sub(NAMED_MAX) {
            out.push_str(&format!("  {word}: and {} more\n", count(more as u64)));
        }
    }
    out
}

/// Its first file, which the reason mostly names, and why.
fn named(piece: &AuditedPiece) -> String {
    let more = match piece.files.len() {
        0 | 1 => String::new(),
        n => format!(" and {} more files", count(n as u64 - 1)),
    };
    match piece.files.first() {
        Some(file) => format!("{file}{more}: {}", piece.why),
        None => piece.why.clone(),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use verismo_suite::audit::SCHEMA;

    use super::*;

    #[test]
    fn an_audit_is_told_with_what_differs() {
        let piece = |files: &[&str], why: &str| AuditedPiece {
            files: files.iter().map(|file| (*file).to_owned()).collect(),
            why: why.to_owned(),
        };
        let mut audit = Audit {
            schema: SCHEMA.to_owned(),
            run: "01jd0000000ab".to_owned(),
            root: String::new(),
            seed: String::new(),
            pieces: 400,
            chosen: 4,
            equal: 2,
            different: vec![piece(&["/data/a.parquet"], "the bytes of /data/a.parquet changed")],
            unchecked: vec![piece(&["/data/b", "/data/c"], "/data/c is gone")],
        };
        expect![[r#"
            AUDIT  DIFFERENT  4 of 400 pieces chosen; 2 computed again and equal, 1 different, 1 not to be checked
              different: /data/a.parquet: the bytes of /data/a.parquet changed
              not checked: /data/b and 1 more files: /data/c is gone
        "#]]
        .assert_eq(&audit_text(&audit, &TextStyle { width: 120, ..TextStyle::default() }));
        audit.different.clear();
        assert!(audit_text(&audit, &TextStyle::default()).starts_with("AUDIT  INCOMPLETE"));
        audit.unchecked = vec![piece(&[], "gone"); 30];
        assert!(audit_text(&audit, &TextStyle::default()).ends_with("  not checked: and 10 more\n"));
        audit.unchecked.clear();
        assert!(audit_text(&audit, &TextStyle::default()).starts_with("AUDIT  EQUAL"));
    }
}
