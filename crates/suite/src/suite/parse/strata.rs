//! The `strata` of a suite.

use super::super::strata::{Session, Strata, StrataBy, minute_of_day};
use super::{DataKind, Entries, Reader};
use crate::catalogue;
use crate::verdict::Severity;
use crate::yaml::{Node, Value};

const STRATA_KEYS: &[&str] = &["by", "sessions", "severity"];
const SESSION_KEYS: &[&str] = &["name", "from", "to"];

impl Reader {
    /// What divides time; regimes are told from observables, which the suite has to have.
    pub(super) fn strata(&mut self, node: &Node, data: DataKind, observables: &[String]) -> Option<Strata> {
        let map = self.map(node, "`strata`", STRATA_KEYS);
        let sessions = map.get("sessions").map_or_else(Vec::new, |node| self.sessions(node));
        let Some(by_node) = map.get("by") else {
            self.problem(node.place, "no-strata", "`strata` does not say by what", "write `by: [hour]`");
            return None;
        };
        let by = self.divisions(by_node);
        for division in &by {
            let needed = division.observable();
            if let Some(id) = needed.filter(|id| data == DataKind::Table || !observables.iter().any(|o| o == id)) {
                let message =
                    format!("strata by {} are told from `{id}`, which the suite does not measure", division.as_str());
                let help = if data == DataKind::Table { "tables have no regimes" } else { "add it to `observables`" };
                self.problem(by_node.place, "strata-need-observable", message, help);
            }
            if *division == StrataBy::Sessions && sessions.is_empty() {
                let help = "write `sessions: [{name: open, from: \"13:30\", to: \"14:00\"}]`";
                self.problem(by_node.place, "no-sessions", "strata by sessions need `sessions`", help);
            }
        }
        Some(Strata { by, sessions, severity: self.severity(&map, Severity::Warn) })
    }

    fn divisions(&mut self, node: &Node) -> Vec<StrataBy> {
        let words = StrataBy::ALL.map(StrataBy::as_str);
        let Value::List(items) = &node.value else {
            let message = format!("`by` must be a list, this is {}", node.value.kind());
            self.problem(node.place, "wrong-type", message, format!("some of {}", words.join(", ")));
            return Vec::new();
        };
        let mut by: Vec<StrataBy> = Vec::new();
        for item in items {
            let Some(name) = self.text(item, "by") else { continue };
            match StrataBy::ALL.into_iter().find(|b| b.as_str() == name) {
                Some(found) => by.push(found),
                None => {
                    let near = catalogue::nearest(&name, words);
                    let help =
                        near.map_or_else(|| format!("one of {}", words.join(", ")), |n| format!("did you mean `{n}`?"));
                    self.problem(item.place, "unknown-word", format!("strata cannot be by `{name}`"), help);
                }
            }
        }
        by.sort();
        by.dedup();
        by
    }

    fn sessions(&mut self, node: &Node) -> Vec<Session> {
        let Value::List(items) = &node.value else {
            let message = format!("`sessions` must be a list, this is {}", node.value.kind());
            self.problem(node.place, "wrong-type", message, "start each session with `- name: ...`");
            return Vec::new();
        };
        let mut sessions: Vec<Session> = Vec::new();
        for item in items {
            let Some(session) = self.session(item) else { continue };
            if sessions.iter().any(|known| known.name == session.name) {
                let message = format!("two sessions are called `{}`", session.name);
                self.problem(item.place, "duplicate-session", message, "their findings could not be told apart");
            }
            sessions.push(session);
        }
        sessions
    }

    fn session(&mut self, node: &Node) -> Option<Session> {
        let map = self.map(node, "a session", SESSION_KEYS);
        let name = map.get("name").and_then(|n| self.text(n, "name"));
        let (from, to) = (self.time_of_day(&map, "from"), self.time_of_day(&map, "to"));
        let (Some(name), Some(from_min), Some(to_min)) = (name, from, to) else {
            if map.entries.len() < SESSION_KEYS.len() {
                let help = "write `{name: open, from: \"13:30\", to: \"14:00\"}`";
                self.problem(node.place, "incomplete-session", "a session needs `name`, `from` and `to`", help);
            }
            return None;
        };
        if from_min == to_min {
            self.problem(node.place, "empty-session", format!("the session `{name}` has no length"), "");
        }
        Some(Session { name, from_min, to_min })
    }

    fn time_of_day(&mut self, map: &Entries<'_>, name: &str) -> Option<u32> {
        let node = map.get(name)?;
        let text = self.text(node, name)?;
        let minute = minute_of_day(&text);
        if minute.is_none() {
            let message = format!("`{name}` cannot be `{text}`");
            self.problem(node.place, "bad-time-of-day", message, "hours and minutes, UTC: \"13:30\"");
        }
        minute
    }
}
