//! A reader of markup, strict enough to find what a browser would silently mend.

use std::fmt::Write as _;

/// A piece of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// `<tag attributes>`; with `/>` it closes itself.
    Open { tag: &'a str, attributes: &'a str, closes_itself: bool },
    /// `</tag>`.
    Close { tag: &'a str },
    /// What stands between tags.
    Text(&'a str),
}

/// Elements that never hold anything.
const VOID: [&str; 5] = ["meta", "link", "br", "input", "hr"];

/// The pieces of a page in order. The content of `style` and `script` is one text.
pub(crate) fn tokens(page: &str) -> impl Iterator<Item = Token<'_>> {
    let mut rest = page;
    let mut raw: Option<&str> = None;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some(tag) = raw.take() {
            let end = rest.find(&format!("</{tag}>")).unwrap_or(rest.len());
            let (text, after) = rest.split_at(end);
            rest = after;
            return Some(Token::Text(text));
        }
        let Some(after) = rest.strip_prefix('<') else {
            let (text, after) = rest.split_at(rest.find('<').unwrap_or(rest.len()));
            rest = after;
            return Some(Token::Text(text));
        };
        let (inside, after) = after.split_at(end_of_tag(after));
        rest = after.strip_prefix('>').expect("a tag ends with >");
        if let Some(tag) = inside.strip_prefix('/') {
            return Some(Token::Close { tag });
        }
        let closes_itself = inside.ends_with('/');
        let inside = inside.trim_end_matches('/');
        let (tag, attributes) = inside.split_once(char::is_whitespace).unwrap_or((inside, ""));
        if tag == "style" || tag == "script" {
            raw = Some(tag);
        }
        Some(Token::Open { tag, attributes, closes_itself })
    })
}

/// Position of the `>` that ends a tag: the first outside of quotes.
fn end_of_tag(text: &str) -> usize {
    let mut is_quoted = false;
    for (i, c) in text.char_indices() {
        match c {
            '"' => is_quoted = !is_quoted,
            '>' if !is_quoted => return i,
            _ => {}
        }
    }
    panic!("a tag does not end: <{}", text.chars().take(80).collect::<String>());
}

/// The value of an attribute.
pub(crate) fn attribute<'a>(attributes: &'a str, name: &str) -> Option<&'a str> {
    let start = format!("{name}=\"");
    let (at, _) = attributes.match_indices(&start).find(|(i, _)| *i == 0 || attributes[..*i].ends_with(' '))?;
    attributes[at + name.len() + 2..].split('"').next()
}

/// Fails unless every element is closed inside the one it was opened in, attributes are quoted, and text holds no bare `<`, `>`
/// or `&`.
pub(crate) fn assert_well_formed(name: &str, page: &str) {
    let body = page.strip_prefix("<!DOCTYPE html>").unwrap_or_else(|| panic!("{name}: no document type"));
    let mut open: Vec<&str> = Vec::new();
    let mut seen = 0;
    for token in tokens(body) {
        seen += 1;
        match token {
            Token::Open { tag, attributes, closes_itself } => {
                assert!(tag.chars().all(|c| c.is_ascii_alphanumeric()), "{name}: <{tag}>");
                assert_eq!(attributes.matches('"').count() % 2, 0, "{name}: <{tag} {attributes}>");
                assert!(!attributes.contains('<'), "{name}: <{tag} {attributes}>");
                if !closes_itself && !VOID.contains(&tag) {
                    open.push(tag);
                }
            }
            Token::Close { tag } => assert_eq!(open.pop(), Some(tag), "{name}: </{tag}> in {open:?}"),
            Token::Text(text) if matches!(open.last(), Some(&"style" | &"script")) => {
                assert!(!text.contains("</"), "{name}: markup in a script");
            }
            Token::Text(text) => {
                assert!(!text.contains('>'), "{name}: {text}");
                for (i, _) in text.match_indices('&') {
                    let entity = text[i..].split(';').next().unwrap_or_default();
                    assert!(["&amp", "&lt", "&gt", "&quot", "&#39"].contains(&entity), "{name}: {entity} in {text}");
                }
            }
        }
    }
    assert!(open.is_empty(), "{name}: never closed: {open:?}");
    assert!(seen > 50, "{name}: only {seen} pieces");
}

/// Headings, figures, tables and folded parts of a page with their words, indented by depth: what a snapshot holds.
pub(crate) fn outline(page: &str) -> String {
    const SHOWN: [&str; 11] =
        ["nav", "main", "section", "h1", "h2", "h3", "details", "summary", "figcaption", "thead", "svg"];
    let mut out = String::new();
    let mut open: Vec<&str> = Vec::new();
    let mut words = String::new();
    for token in tokens(page) {
        match token {
            Token::Open { tag, attributes, closes_itself } => {
                let depth = open.iter().filter(|t| SHOWN.contains(t)).count();
                if SHOWN.contains(&tag) {
                    flush(&mut out, &mut words, depth);
                    let marks: Vec<String> = ["id", "class", "aria-label"]
                        .iter()
                        .filter_map(|name| Some(format!("{name}={}", attribute(attributes, name)?)))
                        .chain(attributes.ends_with("open").then(|| "open".to_owned()))
                        .collect();
                    let _ = writeln!(out, "{}{tag} {}", "  ".repeat(depth), marks.join(" "));
                }
                if !closes_itself && !VOID.contains(&tag) && tag != "!DOCTYPE" {
                    open.push(tag);
                }
            }
            Token::Close { tag } => {
                let depth = open.iter().filter(|t| SHOWN.contains(t)).count();
                if SHOWN.contains(&tag) {
                    flush(&mut out, &mut words, depth);
                }
                open.pop();
            }
            Token::Text(text) => {
                let kept = ["h1", "h2", "h3", "summary", "figcaption", "thead"];
                if kept.iter().any(|t| open.contains(t)) {
                    words.push_str(text.trim_end_matches('\n'));
                    words.push(' ');
                }
            }
        }
    }
    out
}

fn flush(out: &mut String, words: &mut String, depth: usize) {
    let text = words.split_whitespace().collect::<Vec<_>>().join(" ");
    if !text.is_empty() {
        let _ = writeln!(out, "{}| {text}", "  ".repeat(depth));
    }
    words.clear();
}
