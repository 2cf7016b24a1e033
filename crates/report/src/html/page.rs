//! The shell of a page and its parts: one file, no request to anywhere, readable without scripts, in print and in the dark.

use std::fmt::Write as _;

use verismo_suite::{FindingVerdict, Verdict};

use crate::layout::clean;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// Text safe in the content of an element and in a quoted attribute; control characters are gone.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A whole page. `body` is markup, everything else is text.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Title of the window.
    pub title: String,
    /// Places to jump to: the id of an element and its word.
    pub places: Vec<(&'static str, &'static str)>,
    /// What the page holds, as markup.
    pub body: String,
}

impl Page {
    /// The document.
    pub fn finish(&self) -> String {
        let mut places = String::new();
        for (id, word) in &self.places {
            let _ = write!(places, "<a href=\"#{}\">{}</a>", escape(id), escape(word));
        }
        let mut out = String::with_capacity(self.body.len() + STYLE.len() + SCRIPT.len() + 2_000);
        out.push_str("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
        out.push_str("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n");
        out.push_str("<meta name=\"color-scheme\" content=\"light dark\">\n");
        // Even a mistake in this file cannot make a browser ask the network for anything.
        out.push_str(
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';style-src 'unsafe-inline';\
             script-src 'unsafe-inline';img-src data:\">\n",
        );
        out.push_str("<link rel=\"icon\" href=\"data:,\">\n");
        let _ = writeln!(out, "<title>{}</title>", escape(&self.title));
        let _ = writeln!(out, "<style>\n{STYLE}</style>\n</head>\n<body>");
        out.push_str("<a class=\"skip\" href=\"#main\">Skip to the verdict</a>\n");
        let _ = writeln!(
            out,
            "<nav aria-label=\"Page\"><b>verismo</b><span class=\"places\">{places}</span>\
             <button type=\"button\" id=\"theme\" hidden>Dark</button></nav>"
        );
        let _ = writeln!(out, "<main id=\"main\">\n{}\n</main>", self.body);
        let _ = writeln!(
            out,
            "<div id=\"tip\" role=\"status\" hidden></div>\n<script>\n{SCRIPT}</script>\n</body>\n</html>"
        );
        out
    }
}

/// A section with a heading of the second rank; `body` is markup.
pub fn section(id: &str, heading: &str, body: &str) -> String {
    format!("<section id=\"{}\"><h2>{}</h2>\n{body}</section>\n", escape(id), escape(heading))
}

/// Text in which `commands` between backticks become code.
pub fn prose(text: &str) -> String {
    let mut out = String::new();
    for (i, part) in text.split('`').enumerate() {
        let part = escape(part);
        if i % 2 == 1 { out.push_str(&format!("<code>{part}</code>")) } else { out.push_str(&part) }
    }
    out
}

/// A paragraph of plain text.
pub fn paragraph(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("<p>{}</p>\n", escape(text)) }
}

/// A figure with its caption; `drawing` is markup, `caption` text.
pub fn figure(title: &str, drawing: &str, caption: &str) -> String {
    format!("<figure><figcaption><b>{}</b> {}</figcaption>{drawing}</figure>\n", escape(title), escape(caption))
}

/// A table that scrolls sideways where it is too wide. Titles are text, those that start with `>` belong to numbers; cells are
/// markup. Columns of numbers that follow each other to the end are set by one class of the table: reports have many cells.
pub fn table(label: &str, titles: &[&str], rows: &[Vec<String>]) -> String {
    let is_number = |title: &str| title.starts_with('>');
    let words = titles.iter().position(|t| is_number(t)).unwrap_or(titles.len());
    let at_end = words < titles.len() && words < 4 && titles[words..].iter().all(|t| is_number(t));
    let table_class = if at_end { format!(" class=\"n{words}\"") } else { String::new() };
    let class = |title: &str| if !at_end && title.starts_with('>') { " class=\"n\"" } else { "" };
    let mut out = format!(
        "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{}\"><table{table_class}><thead><tr>",
        escape(label)
    );
    for title in titles {
        let _ = write!(out, "<th scope=\"col\"{}>{}</th>", class(title), escape(title.trim_start_matches('>')));
    }
    out.push_str("</tr></thead><tbody>\n");
    for row in rows {
        out.push_str("<tr>");
        for (cell, title) in row.iter().zip(titles) {
            let _ = write!(out, "<td{}>{cell}</td>", class(title));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n");
    out
}

/// A table of a few rows with prose in them: on a narrow screen every row becomes a block, with the titles before its values.
/// Titles and cells as in [`table`].
pub fn prose_table(label: &str, titles: &[&str], rows: &[Vec<String>]) -> String {
    let class = |title: &str| if title.starts_with('>') { " class=\"n\"" } else { "" };
    let mut out = format!("<table class=\"stack\" aria-label=\"{}\"><thead><tr>", escape(label));
    for title in titles {
        let _ = write!(out, "<th scope=\"col\"{}>{}</th>", class(title), escape(title.trim_start_matches('>')));
    }
    out.push_str("</tr></thead><tbody>\n");
    for row in rows {
        out.push_str("<tr>");
        for (cell, title) in row.iter().zip(titles) {
            let name = escape(title.trim_start_matches('>'));
            let _ = write!(out, "<td{} data-l=\"{name}\">{cell}</td>", class(title));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table>\n");
    out
}

/// A part that can be folded away; `summary` and `body` are markup.
pub fn folded(summary: &str, body: &str, is_open: bool) -> String {
    let open = if is_open { " open" } else { "" };
    format!("<details{open}><summary>{summary}</summary>\n{body}</details>\n")
}

/// Class, sign and word of a verdict: told apart without colours.
pub(super) fn mark(verdict: FindingVerdict) -> (&'static str, &'static str) {
    match verdict {
        FindingVerdict::Pass => ("p", "\u{2713}"),
        FindingVerdict::Fail => ("f", "\u{2715}"),
        FindingVerdict::Inconclusive => ("i", "?"),
        FindingVerdict::Error => ("e", "!"),
        FindingVerdict::NotApplicable => ("na", "\u{2013}"),
    }
}

/// The class of a verdict in the style sheet.
pub fn verdict_class(verdict: FindingVerdict) -> &'static str {
    mark(verdict).0
}

/// A verdict as a small label with its own words.
pub fn chip(verdict: FindingVerdict, label: &str) -> String {
    // The sign stands before it by the style sheet.
    format!("<b class=\"chip {}\">{}</b>", verdict_class(verdict), escape(label))
}

/// The verdict of a run, large.
pub fn banner(verdict: Verdict, sentence: &str) -> String {
    let (class, sign) = mark(verdict.into());
    format!(
        "<h1 class=\"{class}\"><span class=\"sign\" aria-hidden=\"true\">{sign}</span><span><b>{verdict}</b> {}</span></h1>\n",
        escape(sentence)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_the_data_becomes_markup() {
        assert_eq!(escape("<a href='x'>&\"\u{1b}[2J"), "&lt;a href=&#39;x&#39;&gt;&amp;&quot; [2J");
        let row = vec![escape("<b>"), "1".to_owned()];
        let text = table("a\"b", &["x<", ">n", "y"], &[row]);
        assert!(text.contains("aria-label=\"a&quot;b\"") && text.contains("<th scope=\"col\">x&lt;</th>"), "{text}");
        assert!(text.contains("<td>&lt;b&gt;</td><td class=\"n\">1</td>"), "{text}");
        let text = table("t", &["x", ">n", ">m"], &[vec!["a".to_owned(), "1".to_owned(), "2".to_owned()]]);
        assert!(text.contains("<table class=\"n1\">") && text.contains("<td>a</td><td>1</td><td>2</td>"), "{text}");
    }
}
