//! A benchmark for a terminal.

use anstyle::Style;
use verismo_suite::benchmark::{Benchmark, Stage, Whole};

use crate::layout::{Align, Cell, Column, Row, clean, paint, table, wrap};
use crate::number::{bytes, duration, measured, percent, short_count};
use crate::profile::plural;
use crate::text::TextStyle;

const STAGES: [Column; 6] = [
    column("stage", Align::Left, 0),
    column("per item", Align::Right, 0),
    column("", Align::Left, 0),
    column("GB/s", Align::Right, 2),
    column("seconds", Align::Right, 1),
    Column { title: "what is timed", align: Align::Left, width_min: 20, expendable: 3 },
];

const WHOLE: [Column; 8] = [
    column("threads", Align::Right, 0),
    column("seconds", Align::Right, 0),
    column("messages/s", Align::Right, 0),
    column("read to state", Align::Right, 3),
    column("judge", Align::Right, 3),
    column("efficiency", Align::Right, 1),
    column("of the floor", Align::Right, 2),
    column("peak memory", Align::Right, 1),
];

const fn column(title: &'static str, align: Align, expendable: u8) -> Column {
    Column { title, align, width_min: 0, expendable }
}

/// The benchmark for a terminal: the data, the stages, the whole command.
pub fn bench_text(benchmark: &Benchmark, style: &TextStyle) -> String {
    let data = &benchmark.data;
    let mut out = String::new();
    let bold = |text: &str| paint(text, Style::new().bold(), style.colour);
    out.push_str(&format!("{}  {}\n", bold(&clean(&data.format)), clean(&data.golden.join(", "))));
    let size = data.bytes.checked_div(data.messages).map_or_else(|| "-".to_owned(), bytes);
    let facts = format!(
        "both sides: {} ({size} each on disk), {}, {} in {}; {}, medians of {}",
        plural(data.messages, "message"),
        plural(data.events, "event"),
        bytes(data.bytes),
        plural(data.files, "file"),
        plural(benchmark.cores as u64, "core"),
        plural(benchmark.runs as u64, "run")
    );
    out.push_str(&wrap(&facts, "  ", style.width));
    if !benchmark.stages.is_empty() {
        out.push_str(&format!("\n{}\n", bold("Stages, on one thread")));
        let rows: Vec<Row> = benchmark.stages.iter().map(stage).collect();
        out.push_str(&table(&STAGES, &rows, style.width, style.colour));
    }
    out.push_str(&format!("\n{}\n", bold("The whole command, a process by the clock")));
    let rows: Vec<Row> = benchmark.whole.iter().map(whole).collect();
    out.push_str(&table(&WHOLE, &rows, style.width, style.colour));
    let mut note = "Efficiency is the time on one thread over the threads times the time on them.".to_owned();
    if !benchmark.stages.is_empty() {
        note += " The floor is reading and decoding alone.";
    }
    out.push_str(&format!("\n{}", wrap(&note, "  ", style.width)));
    out
}

fn stage(stage: &Stage) -> Row {
    Row::Cells(vec![
        Cell::new(stage.name.clone()),
        Cell::new(format!("{} ns", measured(stage.ns_per_item))),
        Cell::new(format!("a {}", stage.item)),
        Cell::new(stage.gb_per_s.map_or_else(String::new, measured)),
        Cell::new(format!("{:.2}", stage.seconds)),
        Cell::new(stage.what.clone()),
    ])
}

fn whole(whole: &Whole) -> Row {
    let efficiency = if whole.threads > 1 { percent(whole.efficiency) } else { String::new() };
    Row::Cells(vec![
        Cell::new(whole.threads.to_string()),
        Cell::new(format!("{:.2}", whole.seconds)),
        Cell::new(short_count(whole.messages_per_second as u64)),
        Cell::new(duration(whole.read_to_update_seconds)),
        Cell::new(duration(whole.judge_seconds)),
        Cell::new(efficiency),
        Cell::new(whole.floor_share.map_or_else(String::new, percent)),
        Cell::new(whole.peak_memory_bytes.map_or_else(String::new, bytes)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use verismo_suite::benchmark::Data;

    #[test]
    fn the_text_holds_stages_and_threads_at_every_width() {
        let benchmark = Benchmark {
            cores: 2,
            runs: 5,
            data: Data { format: "golden-jsonl".to_owned(), messages: 4, bytes: 2_132, ..Data::default() },
            stages: vec![Stage {
                name: "decode".to_owned(),
                what: "bytes to events".to_owned(),
                ns_per_item: 412.0,
                item: "message".to_owned(),
                gb_per_s: Some(1.29),
                ..Stage::default()
            }],
            whole: vec![Whole { threads: 2, seconds: 2.0, efficiency: 0.93, ..Whole::default() }],
            ..Benchmark::default()
        };
        for width in [40, 64, 100] {
            let text = bench_text(&benchmark, &TextStyle { width, ..TextStyle::default() });
            assert!(text.contains("412 ns") && text.contains("messages/s"), "{text}");
            assert!(text.contains("533 B each"), "{text}");
        }
    }
}
