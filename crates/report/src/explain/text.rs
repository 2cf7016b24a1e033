//! An explanation for a terminal.

use anstyle::Style;
use verismo_suite::explanation::{Chapter, Explanation, Story};

use crate::bar::bar;
use crate::layout::{clean, paint, wrap};
use crate::text::{TextStyle, verdict_style};

/// Columns before the text of a chapter.
const INDENT: &str = "  ";

/// The stories for a terminal, with the interval drawn against the margin.
pub fn explain_text(explanation: &Explanation, style: &TextStyle) -> String {
    let mut out = String::new();
    for (i, story) in explanation.stories.iter().enumerate() {
        if i > 0 {
            out.push('\n');
        }
        push_story(&mut out, story, style);
    }
    out
}

fn push_story(out: &mut String, story: &Story, style: &TextStyle) {
    let word = story.verdict.as_str();
    let test = if story.test.is_empty() { String::new() } else { format!(" ({})", story.test) };
    let stream = if story.stream.is_empty() { String::new() } else { format!(" on {}", clean(&story.stream)) };
    let role = if story.decides { "" } else { ", does not decide the run" };
    let title = wrap(&format!("{}{test}{stream}{role}", clean(&story.subject)), &format!("{word}  "), style.width);
    out.push_str(&title.replacen(word, &paint(word, verdict_style(story.verdict), style.colour), 1));
    for chapter in &story.chapters {
        push_chapter(out, story, chapter, style);
    }
}

fn push_chapter(out: &mut String, story: &Story, chapter: &Chapter, style: &TextStyle) {
    out.push_str(&format!("\n{}\n", paint(&clean(&chapter.title), Style::new().bold(), style.colour)));
    if chapter.id == "result" {
        push_bar(out, story, style);
    }
    let is_list = matches!(chapter.id.as_str(), "where" | "when" | "others" | "next") && chapter.paragraphs.len() > 1;
    if is_list {
        for paragraph in &chapter.paragraphs {
            out.push_str(&wrap(&clean(paragraph), "  - ", style.width));
        }
    } else {
        // Short sentences flow into one paragraph.
        out.push_str(&wrap(&clean(&chapter.paragraphs.join(" ")), INDENT, style.width));
    }
}

fn push_bar(out: &mut String, story: &Story, style: &TextStyle) {
    let Some(finding) = &story.finding else { return };
    let (Some(effect), Some(interval), Some(margin)) = (finding.effect, finding.interval, finding.margin) else {
        return;
    };
    let room = style.width.saturating_sub(2 * INDENT.len());
    let Some([line, labels]) = bar(effect, interval, margin, finding.test.info().signed, room) else { return };
    let painted: String = line
        .chars()
        .map(|c| match c {
            '━' | '◆' => paint(&c.to_string(), verdict_style(finding.verdict), style.colour),
            '┃' => paint("┃", Style::new().bold(), style.colour),
            c => paint(&c.to_string(), Style::new().dimmed(), style.colour),
        })
        .collect();
    out.push_str(&format!("{INDENT}{painted}\n{INDENT}{labels}\n"));
    out.push_str(&format!(
        "{INDENT}{}\n",
        paint("◆ effect  ━ interval  ┃ margin", Style::new().dimmed(), style.colour)
    ));
}
