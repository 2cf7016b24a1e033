//! States of a run held against its files, and against another version of the code, for a terminal.

use verismo_suite::audit::{Audit, AuditedPiece};
use verismo_suite::canary::Canary;

use crate::layout::{clean, wrap};
use crate::number::{count, percent};
use crate::text::TextStyle;

/// Pieces named one by one.
const NAMED_MAX: usize = 20;

/// What an audit came to.
pub fn audit_text(audit: &Audit, style: &TextStyle) -> String {
    let word = match (audit.is_different(), audit.is_incomplete()) {
        (true, _) => "DIFFERENT",
        (false, true) => "INCOMPLETE",
        (false, false) => "EQUAL",
    };
    let head = format!(
        "{} of {} pieces chosen; {} computed again and equal, {} different, {} not to be checked",
        count(audit.chosen),
        count(audit.pieces),
        count(audit.equal),
        count(audit.different.len() as u64),
        count(audit.unchecked.len() as u64)
    );
    let mut out = wrap(&head, &format!("AUDIT  {word}  "), style.width);
    push_pieces(&mut out, &[("different", &audit.different), ("not checked", &audit.unchecked)], style);
    if let Some(judged) = &audit.judged {
        let what = match judged.is_same {
            Some(true) => "all states, judged again, come to the certified verdict",
            Some(false) => "all states, judged again, come to another verdict or digest than was certified",
            None => "the verdict could not be made again",
        };
        out.push_str(&wrap(&format!("{what}: {}", clean(&judged.why)), "  ", style.width));
    }
    out.push_str(&wrap(&format!("--seed {} chooses the same pieces again.", clean(&audit.seed)), "  ", style.width));
    out
}

/// What a canary came to: how much would be otherwise, and which observables.
pub fn canary_text(canary: &Canary, style: &TextStyle) -> String {
    let share = if canary.states > 0 { canary.states_changed as f64 / canary.states as f64 } else { 0.0 };
    let head = format!(
        "{} of {} pieces were computed again by this version: {} of {} states ({}) and {} of {} replays came out otherwise.",
        count(canary.computed),
        count(canary.pieces),
        count(canary.states_changed),
        count(canary.states),
        percent(share),
        count(canary.replays_changed),
        count(canary.computed)
    );
    let mut out = wrap(&head, "", style.width);
    if !canary.is_same_code {
        let text = "Decoder or replay have another version than in the run: none of its states is used by the next validation.";
        out.push_str(&wrap(text, "", style.width));
    }
    for observable in &canary.observables {
        let version = match observable.version_then {
            Some(then) if then != observable.version_now => {
                format!(", version {then} then and {} now", observable.version_now)
            }
            _ => String::new(),
        };
        let id = clean(&observable.id);
        out.push_str(&format!("  {id}: {} of {}{version}\n", count(observable.changed), count(canary.computed)));
    }
    push_pieces(&mut out, &[("not checked", &canary.unchecked)], style);
    out
}

fn push_pieces(out: &mut String, kinds: &[(&str, &Vec<AuditedPiece>)], style: &TextStyle) {
    for (word, pieces) in kinds {
        for piece in pieces.iter().take(NAMED_MAX) {
            out.push_str(&wrap(&clean(&named(piece)), &format!("  {word}: "), style.width));
        }
        if let Some(more @ 1..) = pieces.len().checked_sub(NAMED_MAX) {
            out.push_str(&format!("  {word}: and {} more\n", count(more as u64)));
        }
    }
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
    use verismo_suite::audit::{AuditedVerdict, SCHEMA};
    use verismo_suite::canary::CanaryObservable;

    use super::*;

    #[test]
    fn an_audit_is_told_with_what_differs() {
        let piece = |files: &[&str], why: &str| AuditedPiece {
            files: files.iter().map(|file| (*file).to_owned()).collect(),
            why: why.to_owned(),
        };
        let mut audit = Audit {
            judged: None,
            schema: SCHEMA.to_owned(),
            run: "01jd0000000ab".to_owned(),
            root: String::new(),
            seed: "7".to_owned(),
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
              --seed 7 chooses the same pieces again.
        "#]]
        .assert_eq(&audit_text(&audit, &TextStyle { width: 120, ..TextStyle::default() }));
        audit.different.clear();
        assert!(audit_text(&audit, &TextStyle::default()).starts_with("AUDIT  INCOMPLETE"));
        audit.unchecked = vec![piece(&[], "gone"); 30];
        assert!(audit_text(&audit, &TextStyle::default()).contains("  not checked: and 10 more\n"));
        audit.unchecked.clear();
        assert!(audit_text(&audit, &TextStyle::default()).starts_with("AUDIT  EQUAL"));
        for (is_same, word) in [(Some(true), "EQUAL"), (Some(false), "DIFFERENT"), (None, "INCOMPLETE")] {
            audit.judged = Some(AuditedVerdict { is_same, why: "PASS, digest 12".to_owned() });
            let text = audit_text(&audit, &TextStyle::default());
            assert!(text.starts_with(&format!("AUDIT  {word}")) && text.contains(": PASS, digest 12\n"), "{text}");
        }
    }
    #[test]
    fn a_canary_names_what_would_change() {
        let observable =
            |id: &str, changed| CanaryObservable { id: id.to_owned(), version_then: Some(1), version_now: 2, changed };
        let canary = Canary {
            schema: verismo_suite::canary::SCHEMA.to_owned(),
            run: "01jd0000000ab".to_owned(),
            is_same_code: false,
            pieces: 400,
            chosen: 8,
            computed: 7,
            replays_changed: 1,
            states: 70,
            states_changed: 7,
            observables: vec![observable("spread", 7), observable("ofi_1s", 0)],
            unchecked: vec![AuditedPiece { files: vec!["/data/a".to_owned()], why: "/data/a is gone".to_owned() }],
        };
        expect![[r#"
            7 of 400 pieces were computed again by this version: 7 of 70 states (10 %) and 1 of 7 replays came out otherwise.
            Decoder or replay have another version than in the run: none of its states is used by the next validation.
              spread: 7 of 7, version 1 then and 2 now
              ofi_1s: 0 of 7, version 1 then and 2 now
              not checked: /data/a: /data/a is gone
        "#]]
        .assert_eq(&canary_text(&canary, &TextStyle { width: 120, ..TextStyle::default() }));
    }
}
