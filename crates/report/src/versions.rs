//! Versions of data sets for a terminal: what was recorded, what there is, what changed.

use anstyle::{AnsiColor, Style};
use verismo_suite::versions::{
    Amount, Diff, DistributionDiff, Distributions, Facts, FileChange, FileDiff, PartitionDiff, SetVersions, Snapshot,
    Version, VersionList,
};

use crate::layout::{Align, Cell, Column, Row, clean, cut, table, wrap};
use crate::number::{bytes, count, interval, optional, percent, short_count, utc};
use crate::text::{TextStyle, verdict_style};

/// Digits of a digest that people are shown.
const SHORT: usize = 12;
/// Rows of a table where not all are asked for.
const ROWS_MAX: usize = 20;

const fn column(title: &'static str, align: Align, width_min: usize, expendable: u8) -> Column {
    Column { title, align, width_min, expendable }
}

fn short(version: &str) -> String {
    clean(version).chars().take(SHORT).collect()
}

fn plural(n: u64, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{} {one}s", count(n)) }
}

/// What is known of a content, in one line.
fn facts(facts: &Facts) -> String {
    let rows = facts.rows.map(|rows| format!(", {} rows", short_count(rows))).unwrap_or_default();
    let span = match (facts.first_ns, facts.last_ns) {
        (Some(first), Some(last)) => format!(", {} to {}", utc(first), utc(last)),
        (Some(first), None) => format!(", from {}", utc(first)),
        _ => String::new(),
    };
    let (files, folders) = (plural(facts.files, "file"), plural(facts.partitions, "folder"));
    format!("{}: {files} in {folders}, {}{rows}{span}", clean(&facts.format), bytes(facts.bytes))
}

/// What was recorded.
pub fn snapshot_text(snapshot: &Snapshot, style: &TextStyle) -> String {
    let what = match (snapshot.is_unchanged, snapshot.is_new) {
        (true, _) => "recorded already, nothing changed",
        (false, true) => "new",
        (false, false) => "a content that was recorded before",
    };
    let mut out = format!("Version  {} ({what})\n", snapshot.version);
    let after = snapshot.parent.as_deref().map(|parent| format!(", after {}", short(parent))).unwrap_or_default();
    let branch =
        if snapshot.branch.is_empty() { String::new() } else { format!(", branch {}", clean(&snapshot.branch)) };
    let source = snapshot.source.as_deref().map(|source| format!(", told by {}", clean(source))).unwrap_or_default();
    let place = format!("{} in {}{branch}{after}{source}", clean(&snapshot.name), clean(&snapshot.root));
    out.push_str(&wrap(&place, "Data     ", style.width));
    if !snapshot.tags.is_empty() {
        out.push_str(&wrap(&clean(&snapshot.tags.join(", ")), "Tags     ", style.width));
    }
    out.push_str(&wrap(&facts(&snapshot.facts), "Content  ", style.width));
    let name = snapshot.tags.first().cloned().unwrap_or_else(|| short(&snapshot.version));
    out.push_str(&format!("Named    {}@{}\n", clean(&snapshot.name), clean(&name)));
    out
}

const VERSION_COLUMNS: [Column; 8] = [
    column("version", Align::Left, 0, 0),
    column("when (UTC)", Align::Left, 0, 3),
    column("branch", Align::Left, 6, 2),
    column("tags", Align::Left, 8, 0),
    column("files", Align::Right, 0, 0),
    column("bytes", Align::Right, 0, 1),
    column("rows", Align::Right, 0, 4),
    column("", Align::Left, 10, 5),
];

/// Data sets with their versions, the latest first.
pub fn versions_text(list: &VersionList, style: &TextStyle) -> String {
    let mut out = String::new();
    for (i, set) in list.sets.iter().enumerate() {
        if i > 0 {
            out.push('\n');
        }
        out.push_str(&set_text(set, style));
    }
    out
}

fn set_text(set: &SetVersions, style: &TextStyle) -> String {
    let head = wrap(&format!("{} in {}", clean(&set.name), clean(&set.root)), "", style.width);
    let rows: Vec<Row> = set.versions.iter().map(version_row).collect();
    let mut out = head + &table(&VERSION_COLUMNS, &rows, style.width, style.colour);
    for version in set.versions.iter().filter(|version| version.problem.is_some()) {
        let problem = version.problem.as_deref().unwrap_or_default();
        out.push_str(&wrap(&format!("{}: {}", short(&version.version), clean(problem)), "Problem: ", style.width));
    }
    out
}

fn version_row(version: &Version) -> Row {
    let branch = format!("{}{}", clean(&version.branch), if version.is_head { " *" } else { "" });
    let about = version.message.clone().into_iter().chain(version.source.clone()).collect::<Vec<_>>().join(", ");
    let numbers = match &version.facts {
        Some(facts) => [
            Cell::new(count(facts.files)),
            Cell::new(bytes(facts.bytes)),
            Cell::new(facts.rows.map(short_count).unwrap_or_default()),
        ],
        None => [Cell::styled("damaged", red()), Cell::default(), Cell::default()],
    };
    let at = clean(&version.at).chars().take(16).collect::<String>().replacen('T', " ", 1);
    let mut cells = vec![
        Cell::new(short(&version.version)),
        Cell::new(at),
        Cell::new(branch),
        Cell::new(clean(&version.tags.join(", "))),
    ];
    cells.extend(numbers);
    cells.push(Cell::new(clean(&about)));
    Row::Cells(cells)
}

fn red() -> Style {
    Style::new().fg_color(Some(AnsiColor::Red.into()))
}

fn change_cell(change: FileChange) -> Cell {
    let colour = match change {
        FileChange::Removed => AnsiColor::Red,
        FileChange::Added => AnsiColor::Green,
        FileChange::Changed => AnsiColor::Yellow,
        FileChange::Moved => AnsiColor::Cyan,
    };
    Cell::styled(change.as_str(), Style::new().fg_color(Some(colour.into())))
}

/// What changed between two versions; of many files the first, unless all are asked for.
pub fn diff_text(diff: &Diff, all: bool, style: &TextStyle) -> String {
    let mut out = format!("{}\n", clean(&diff.summary));
    for (label, side) in [("Before  ", &diff.before), ("After   ", &diff.after)] {
        let text = format!("{} = {}, {}", clean(&side.name), short(&side.version), facts(&side.facts));
        out.push_str(&wrap(&text, label, style.width));
    }
    if !diff.is_equal {
        out.push('\n');
        out.push_str(&limited(&diff.partitions, all, &PARTITION_COLUMNS, partition_row, "folder", style));
        out.push('\n');
        out.push_str(&limited(&diff.files, all, &FILE_COLUMNS, file_row, "file", style));
    }
    out.push('\n');
    out.push_str(&distributions(&diff.distributions, all, style));
    out
}

fn limited<T>(
    items: &[T],
    all: bool,
    columns: &[Column],
    row: impl Fn(&T) -> Row,
    what: &str,
    style: &TextStyle,
) -> String {
    let shown = if all { items.len() } else { items.len().min(ROWS_MAX) };
    let rows: Vec<Row> = items.iter().take(shown).map(row).collect();
    let mut out = table(columns, &rows, style.width, style.colour);
    if items.len() > shown {
        out.push_str(&format!("  and {} more: --all names them\n", plural((items.len() - shown) as u64, what)));
    }
    out
}

const PARTITION_COLUMNS: [Column; 6] = [
    column("folder", Align::Left, 12, 0),
    column("", Align::Left, 0, 0),
    column("files", Align::Right, 0, 1),
    column("bytes", Align::Right, 0, 0),
    column("rows", Align::Right, 0, 2),
    column("removed/added/changed/moved here", Align::Right, 0, 3),
];

fn partition_row(partition: &PartitionDiff) -> Row {
    let name = if partition.partition.is_empty() { "." } else { &partition.partition };
    let (old, new) = (partition.before, partition.after);
    let rows = |amount: Amount| amount.rows.map(i128::from);
    Row::Cells(vec![
        Cell::new(clean(name)),
        change_cell(partition.change),
        Cell::new(change(Some(i128::from(old.files)), Some(i128::from(new.files)), count)),
        Cell::new(change(Some(i128::from(old.bytes)), Some(i128::from(new.bytes)), bytes)),
        Cell::new(change(rows(old), rows(new), short_count)),
        Cell::new(partition.changes.map(count).join("/")),
    ])
}

const FILE_COLUMNS: [Column; 5] = [
    column("file", Align::Left, 20, 0),
    column("", Align::Left, 0, 0),
    column("bytes", Align::Right, 0, 1),
    column("rows", Align::Right, 0, 2),
    column("from", Align::Left, 12, 3),
];

fn file_row(file: &FileDiff) -> Row {
    let number = |n: Option<u64>, other: Option<u64>| n.map(i128::from).or(other.map(|_| 0));
    let (old, new) = (file.bytes_before, file.bytes_after);
    let (old_rows, new_rows) = (file.rows_before, file.rows_after);
    // Of a file that was never there nothing is known, and 0 is right; of one whose rows are not known it is not.
    let rows = match (file.change, old_rows, new_rows) {
        (FileChange::Added | FileChange::Removed, old, new) => change(number(old, new), number(new, old), short_count),
        (_, old, new) => change(old.map(i128::from), new.map(i128::from), short_count),
    };
    Row::Cells(vec![
        Cell::new(clean(&file.path)),
        change_cell(file.change),
        Cell::new(change(number(old, new), number(new, old), bytes)),
        Cell::new(rows),
        Cell::new(file.from.as_deref().map(clean).unwrap_or_default()),
    ])
}

/// `12 kB → 13 kB`, or one number where it stays.
fn change(before: Option<i128>, after: Option<i128>, text: impl Fn(u64) -> String) -> String {
    let shown = |n: i128| text(u64::try_from(n).unwrap_or_default());
    match (before, after) {
        (Some(before), Some(after)) if before == after => shown(after),
        (Some(before), Some(after)) => format!("{} → {}", shown(before), shown(after)),
        _ => String::new(),
    }
}

const DISTRIBUTION_COLUMNS: [Column; 7] = [
    column("stream", Align::Left, 8, 3),
    column("observable", Align::Left, 12, 0),
    column("test", Align::Left, 0, 2),
    column("effect", Align::Right, 0, 0),
    column("interval", Align::Left, 0, 4),
    column("margin", Align::Right, 0, 1),
    column("verdict", Align::Left, 0, 0),
];

fn distributions(known: &Distributions, all: bool, style: &TextStyle) -> String {
    let mut out = wrap(&clean(&known.note), "Distributions  ", style.width);
    if !known.changed.is_empty() {
        let cached = known.cached_share.map(|share| format!("; {} of the states were there", percent(share)));
        let (changed, same) = (known.changed.len() as u64, known.unchanged);
        let total = format!("{} changed, {} the same{}", count(changed), count(same), cached.unwrap_or_default());
        out.push_str(&format!("               {}\n", cut(&total, style.width)));
        out.push_str(&limited(&known.changed, all, &DISTRIBUTION_COLUMNS, distribution_row, "distribution", style));
    } else if known.unchanged > 0 {
        out.push_str(&format!("               none changed, {} the same\n", count(known.unchanged)));
    }
    out
}

fn distribution_row(diff: &DistributionDiff) -> Row {
    Row::Cells(vec![
        Cell::new(clean(&diff.stream)),
        Cell::new(clean(&diff.observable)),
        Cell::new(clean(&diff.test)),
        Cell::new(optional(diff.effect)),
        Cell::new(diff.interval.map(interval).unwrap_or_default()),
        Cell::new(diff.margin.map(|margin| optional(Some(margin))).unwrap_or_default()),
        Cell::styled(diff.verdict.as_str(), verdict_style(diff.verdict)),
    ])
}
