//! Reading of single values: maps with known keys, texts, numbers, durations, words.

use super::{Entries, Reader};
use crate::catalogue;
use crate::suite::{format_duration, parse_duration};
use crate::verdict::Severity;
use crate::yaml::{Node, Value};

impl Reader {
    pub(super) fn map<'a>(&mut self, node: &'a Node, of: &str, known: &[&str]) -> Entries<'a> {
        self.map_of(node, of, known, "key", "unknown-key")
    }

    pub(super) fn map_of<'a>(
        &mut self,
        node: &'a Node,
        of: &str,
        known: &[&str],
        noun: &str,
        code: &'static str,
    ) -> Entries<'a> {
        let mut out = Entries { place: node.place, entries: Vec::new() };
        let Value::Map(entries) = &node.value else {
            let message = format!("{of} must be a map, this is {}", node.value.kind());
            self.problem(node.place, "wrong-type", message, "");
            return out;
        };
        for (key, value) in entries {
            if !known.contains(&key.name.as_str()) {
                let near = catalogue::nearest(&key.name, known.iter().copied());
                let help =
                    near.map_or_else(|| format!("known: {}", known.join(", ")), |n| format!("did you mean `{n}`?"));
                self.problem(key.place, code, format!("{of} has no {noun} `{}`", key.name), help);
            } else if let Some((first, _)) = out.entries.iter().find(|(k, _)| k.name == key.name) {
                let help = format!("the first is on line {}", first.place.line);
                self.problem(key.place, "duplicate-key", format!("`{}` is given twice", key.name), help);
            } else {
                out.entries.push((key, value));
            }
        }
        out
    }

    pub(super) fn text(&mut self, node: &Node, name: &str) -> Option<String> {
        match &node.value {
            Value::Text(text) if !text.trim().is_empty() => Some(text.clone()),
            other => {
                let kind = if matches!(other, Value::Text(_)) { "empty" } else { other.kind() };
                self.problem(node.place, "wrong-type", format!("`{name}` must be text, this is {kind}"), "");
                None
            }
        }
    }

    pub(super) fn number(&mut self, node: &Node, name: &str, low: f64, high: f64) -> Option<f64> {
        let value = match node.value {
            Value::Int(v) => v as f64,
            Value::Float(v) => v,
            ref other => {
                self.problem(
                    node.place,
                    "wrong-type",
                    format!("{name} must be a number, this is {}", other.kind()),
                    "",
                );
                return None;
            }
        };
        if !(low..=high).contains(&value) {
            let message = format!("{name} is {value}, it must be from {low} to {high}");
            self.problem(node.place, "out-of-range", message, "");
            return None;
        }
        Some(value)
    }

    pub(super) fn integer(&mut self, node: &Node, name: &str, low: i64, high: i64) -> Option<i64> {
        match node.value {
            Value::Int(v) if (low..=high).contains(&v) => Some(v),
            Value::Int(v) => {
                let range = if high == i64::MAX { format!("at least {low}") } else { format!("from {low} to {high}") };
                self.problem(node.place, "out-of-range", format!("{name} is {v}, it must be {range}"), "");
                None
            }
            ref other => {
                let message = format!("{name} must be a whole number, this is {}", other.kind());
                self.problem(node.place, "wrong-type", message, "");
                None
            }
        }
    }

    pub(super) fn whole(&mut self, map: &Entries<'_>, name: &str, low: i64, high: i64) -> Option<i64> {
        map.get(name).and_then(|node| self.integer(node, name, low, high))
    }

    pub(super) fn duration(&mut self, map: &Entries<'_>, name: &str, low: i64, high: i64) -> Option<i64> {
        let node = map.get(name)?;
        let parsed = match &node.value {
            Value::Text(text) => parse_duration(text),
            _ => None,
        };
        match parsed {
            Some(ns) if (low..=high).contains(&ns) => Some(ns),
            Some(_) => {
                let (low, high) = (format_duration(low), format_duration(high));
                self.problem(node.place, "out-of-range", format!("`{name}` must be from {low} to {high}"), "");
                None
            }
            None => {
                let message = format!("`{name}` must be a duration");
                self.problem(node.place, "wrong-type", message, "a whole number and ns, us, ms, s, m or h: `100ms`");
                None
            }
        }
    }

    pub(super) fn severity(&mut self, map: &Entries<'_>, default: Severity) -> Severity {
        self.word(map, "severity", &Severity::ALL.map(|s| (s.as_str(), s)), default)
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(&mut self, map: &Entries<'_>, name: &str, choices: &[(&str, T)], default: T) -> T {
        let Some(node) = map.get(name) else {
            return default;
        };
        let Value::Text(text) = &node.value else {
            let words: Vec<_> = choices.iter().map(|(w, _)| *w).collect();
            let message = format!("`{name}` must be one of {}, this is {}", words.join(", "), node.value.kind());
            self.problem(node.place, "wrong-type", message, "");
            return default;
        };
        if let Some((_, value)) = choices.iter().find(|(w, _)| w == text) {
            return *value;
        }
        let words: Vec<_> = choices.iter().map(|(w, _)| *w).collect();
        let near = catalogue::nearest(text, words.iter().copied());
        let help = near.map_or_else(|| format!("one of {}", words.join(", ")), |n| format!("did you mean `{n}`?"));
        self.problem(node.place, "unknown-word", format!("`{name}` cannot be `{text}`"), help);
        default
    }
}
