//! Tables and paragraphs that stay aligned whatever is in them: wide characters, long names, colours.

use anstyle::Style;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Spaces between two columns.
const GAP: usize = 2;

/// Where the text of a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// The word in the header line.
    pub title: &'static str,
    /// Where its text stands.
    pub align: Align,
    /// A column narrower than its text shows its start and an ellipsis; 0 for one that is never cut.
    pub width_min: usize,
    /// The order in which columns are given up when the width is short: highest first; 0 is kept always.
    pub expendable: u8,
}

/// One field of a row.
#[derive(Debug, Clone, Default)]
pub struct Cell {
    /// What it says.
    pub text: String,
    /// How it looks where colours are on.
    pub style: Style,
}

impl Cell {
    /// A field without a style.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), style: Style::new() }
    }

    /// A field with a style.
    pub fn styled(text: impl Into<String>, style: Style) -> Self {
        Self { text: text.into(), style }
    }
}

/// A line of a table.
#[derive(Debug, Clone)]
pub enum Row {
    /// A field per column.
    Cells(Vec<Cell>),
    /// A line of its own above the rows that belong to it.
    Heading(String),
}

/// Draws a table with a header line, indented by two spaces, at most `width` columns wide as long as the columns that must
/// stay fit. Columns without any text are left out.
pub fn table(columns: &[Column], rows: &[Row], width: usize, colour: bool) -> String {
    let mut natural: Vec<usize> = columns.iter().map(|c| c.title.width()).collect();
    let mut is_used = vec![false; columns.len()];
    for row in rows {
        if let Row::Cells(cells) = row {
            for (i, cell) in cells.iter().enumerate().take(natural.len()) {
                natural[i] = natural[i].max(cell.text.width());
                is_used[i] |= !cell.text.is_empty();
            }
        }
    }
    let used: Vec<usize> = (0..columns.len()).filter(|&i| is_used[i]).collect();
    let (kept, widths) = fit(columns, used, &natural, width.saturating_sub(2));
    let mut out = String::new();
    let header: Vec<Cell> = columns.iter().map(|c| Cell::styled(c.title, Style::new().dimmed())).collect();
    push_row(&mut out, columns, &kept, &widths, &header, colour);
    for row in rows {
        match row {
            Row::Heading(text) => {
                let text = cut(text, width.saturating_sub(2));
                out.push_str(&format!("  {}\n", paint(&text, Style::new().bold(), colour)));
            }
            Row::Cells(cells) => push_row(&mut out, columns, &kept, &widths, cells, colour),
        }
    }
    out
}

/// Which columns are shown, and how wide: cuttable ones shrink first, then expendable ones go, then cuttable ones shrink.
fn fit(columns: &[Column], mut kept: Vec<usize>, natural: &[usize], width: usize) -> (Vec<usize>, Vec<usize>) {
    for _ in 0..=columns.len() {
        let smallest: usize = kept.iter().map(|&i| smallest_width(&columns[i], natural[i]) + GAP).sum();
        if smallest.saturating_sub(GAP) <= width {
            break;
        }
        let Some(&victim) = kept.iter().filter(|&&i| columns[i].expendable > 0).max_by_key(|&&i| columns[i].expendable)
        else {
            break;
        };
        kept.retain(|&i| i != victim);
    }
    let total: usize = kept.iter().map(|&i| natural[i] + GAP).sum::<usize>().saturating_sub(GAP);
    let mut excess = total.saturating_sub(width);
    let mut widths = natural.to_vec();
    // The widest cuttable column gives first: it is the one that holds prose.
    let mut by_width = kept.clone();
    by_width.sort_by_key(|&i| std::cmp::Reverse(natural[i]));
    for i in by_width {
        let give = excess.min(natural[i] - smallest_width(&columns[i], natural[i]));
        widths[i] -= give;
        excess -= give;
    }
    (kept, widths)
}

fn smallest_width(column: &Column, natural: usize) -> usize {
    if column.width_min == 0 { natural } else { natural.min(column.width_min.max(column.title.width())) }
}

fn push_row(out: &mut String, columns: &[Column], kept: &[usize], widths: &[usize], cells: &[Cell], colour: bool) {
    let mut line = String::from("  ");
    for (nth, &i) in kept.iter().enumerate() {
        let empty = Cell::default();
        let cell = cells.get(i).unwrap_or(&empty);
        let text = cut(&cell.text, widths[i]);
        let padding = " ".repeat(widths[i].saturating_sub(text.width()));
        let text = paint(&text, cell.style, colour);
        let gap = if nth == 0 { "" } else { "  " };
        match columns[i].align {
            Align::Left => line.push_str(&format!("{gap}{text}{padding}")),
            Align::Right => line.push_str(&format!("{gap}{padding}{text}")),
        }
    }
    out.push_str(line.trim_end());
    out.push('\n');
}

/// `text` in a style, or bare where colours are off or there is nothing to paint.
pub fn paint(text: &str, style: Style, colour: bool) -> String {
    if colour && !style.is_plain() && !text.is_empty() { format!("{style}{text}{style:#}") } else { text.to_owned() }
}

/// Columns that `text` takes on a terminal.
pub fn display_width(text: &str) -> usize {
    text.width()
}

/// The start of `text` in at most `width` columns, with an ellipsis if something is left out.
pub fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > width {
            break;
        }
        kept.push(c);
    }
    if width > 0 {
        kept.push('…');
    }
    kept
}

/// `text` without what a terminal would act on or an XML file may not hold: control characters become spaces.
///
/// Names come from the data; a symbol must not be able to move the cursor.
pub fn clean(text: &str) -> String {
    let is_hidden = |c: char| {
        let turns_direction = matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        c.is_control() || turns_direction || matches!(c, '\u{feff}' | '\u{fffe}' | '\u{ffff}')
    };
    text.chars().map(|c| if is_hidden(c) { ' ' } else { c }).collect()
}

/// Breaks `text` at spaces into lines of at most `width` columns; the first starts with `first`, the others with as many
/// spaces. A word longer than a line stands alone on its line.
pub fn wrap(text: &str, first: &str, width: usize) -> String {
    let indent = " ".repeat(first.width());
    let mut out = String::from(first);
    let mut used = first.width();
    let mut at_start = true;
    for word in text.split_whitespace() {
        let needed = word.width() + usize::from(!at_start);
        if !at_start && used + needed > width {
            out.push('\n');
            out.push_str(&indent);
            used = indent.len();
            at_start = true;
        }
        if !at_start {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += word.width();
        at_start = false;
    }
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(title: &'static str, align: Align, width_min: usize, expendable: u8) -> Column {
        Column { title, align, width_min, expendable }
    }

    fn rows() -> Vec<Row> {
        let row = |cells: [&str; 3]| Row::Cells(cells.iter().map(|c| Cell::new(*c)).collect());
        vec![row(["spread", "1.2", "ok"]), row(["価格の差・とても長い名前", "12.75", "ok"]), row(["naïve", "-", "no"])]
    }

    #[test]
    fn wide_characters_and_cuts_keep_the_columns_aligned() {
        let columns = [
            column("name", Align::Left, 6, 0),
            column("value", Align::Right, 0, 0),
            column("verdict", Align::Left, 0, 0),
        ];
        for width in [26, 40, 80] {
            let text = table(&columns, &rows(), width, false);
            let starts: Vec<usize> = text.lines().map(|l| l.rfind("  ").map_or(0, |at| l[..at].width())).collect();
            assert!(starts.windows(2).all(|w| w[0] == w[1]), "{width}:\n{text}");
            assert!(text.lines().all(|l| l.width() <= width), "{width}:\n{text}");
        }
    }

    #[test]
    fn expendable_columns_go_before_the_table_is_too_wide() {
        let columns = [
            column("name", Align::Left, 6, 0),
            column("value", Align::Right, 0, 1),
            column("verdict", Align::Left, 0, 0),
        ];
        let text = table(&columns, &rows(), 18, false);
        assert!(text.contains("verdict") && !text.contains("value"), "{text}");
    }

    #[test]
    fn colour_changes_no_width() {
        let red = Style::new().fg_color(Some(anstyle::AnsiColor::Red.into()));
        let columns = [column("a", Align::Left, 0, 0), column("b", Align::Left, 0, 0)];
        let rows = [Row::Cells(vec![Cell::styled("xx", red), Cell::new("y")])];
        let plain = table(&columns, &rows, 40, false);
        let painted = table(&columns, &rows, 40, true);
        assert!(painted.contains("\u{1b}[31mxx\u{1b}[0m"), "{painted:?}");
        assert_eq!(plain, "  a   b\n  xx  y\n");
    }

    #[test]
    fn text_is_wrapped_with_a_hanging_indent() {
        assert_eq!(wrap("one two three four", "1. ", 12), "1. one two\n   three\n   four\n");
        assert_eq!(wrap("incomprehensibilities yes", "- ", 10), "- incomprehensibilities\n  yes\n");
        assert_eq!(wrap("", "", 10), "\n");
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(clean("BTC\u{1b}[2J\nUSD\u{202e}T"), "BTC [2J USD T");
    }
}
