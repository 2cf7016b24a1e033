//! Progress on standard error: a bar on a terminal, nothing elsewhere.

use std::panic::resume_unwind;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use verismo_engine::Meter;
use verismo_report::number::{bytes, count, short_count};

use crate::{Context, interrupt};

/// How often the bar is redrawn and the interrupt looked at.
const TICK: Duration = Duration::from_millis(100);

/// A bar of `length` steps; hidden where no terminal watches. Its message is at the caller's disposal, and cut at the end of the line.
pub fn bar(context: Context<'_>, length: u64, title: &str) -> ProgressBar {
    let target =
        if context.console.progress { ProgressDrawTarget::stderr_with_hz(10) } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(length), target);
    let style = ProgressStyle::with_template("{prefix} [{bar:24}] {percent:>3} %  {wide_msg}");
    if let Ok(style) = style {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_prefix(title.to_owned());
    bar
}

/// `1.23M messages, 456k messages/s`.
pub fn rate(messages: u64, start: Instant) -> String {
    let seconds = start.elapsed().as_secs_f64().max(1e-9);
    format!("{} messages, {} messages/s", count(messages), short_count((messages as f64 / seconds) as u64))
}

/// Runs `work` on a thread of its own, shows what the meter says, and passes an interrupt on to it.
pub fn watch<T: Send>(context: Context<'_>, meter: &Meter, title: &str, work: impl FnOnce() -> T + Send) -> T {
    let bar = bar(context, 0, title);
    let start = Instant::now();
    let (done_in, done_out) = channel::<()>();
    let result = std::thread::scope(|scope| {
        let worker = scope.spawn(move || {
            let result = work();
            // Nobody listens any more if this fails, and nobody has to.
            let _ = done_in.send(());
            result
        });
        // Ends with the worker, which either sends or drops its end of the channel.
        while done_out.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
            if interrupt::is_raised(context.cancel) {
                meter.cancel();
            }
            interrupt::note(meter.messages());
            show(&bar, meter, start);
        }
        worker.join()
    });
    bar.finish_and_clear();
    match result {
        Ok(value) => value,
        Err(panic) => resume_unwind(panic),
    }
}

fn show(bar: &ProgressBar, meter: &Meter, start: Instant) {
    let (done, total) = match meter.parts_total() {
        0 => (meter.bytes(), meter.bytes_total()),
        parts => (meter.parts(), parts),
    };
    if total > 0 {
        bar.set_length(total);
        bar.set_position(done.min(total));
    }
    bar.set_message(message(meter, start.elapsed()));
}

/// What is done, the most telling first: a narrow terminal cuts the end.
fn message(meter: &Meter, elapsed: Duration) -> String {
    let (read, total, messages) = (meter.bytes(), meter.bytes_total(), meter.messages());
    if meter.parts_total() > 0 && messages == 0 {
        return format!("{} of {}", count(meter.parts()), count(meter.parts_total()));
    }
    if meter.parts_total() > 0 {
        return format!(
            "{} of {}, {} messages",
            count(meter.parts()),
            count(meter.parts_total()),
            short_count(messages)
        );
    }
    if total > 0 && read >= total {
        // The rate of reading would fall while nothing is read.
        return format!("judging {} messages", count(messages));
    }
    let per_second = messages as f64 / elapsed.as_secs_f64().max(1e-9);
    format!("{} messages, {}/s, {} of {}", count(messages), short_count(per_second as u64), bytes(read), bytes(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_says_how_fast_data_are_read_and_when_they_are_judged() {
        let meter = Meter::default();
        meter.set_bytes_total(3_000_000);
        meter.add(66_417, 2_000_000);
        assert_eq!(message(&meter, Duration::from_millis(500)), "66,417 messages, 133k/s, 2 MB of 3 MB");
        meter.add(3_583, 1_000_000);
        assert_eq!(message(&meter, Duration::from_secs(9)), "judging 70,000 messages");
        assert_eq!(message(&Meter::default(), Duration::ZERO), "0 messages, 0/s, 0 B of 0 B");
        meter.set_parts_total(650);
        meter.add_part();
        assert_eq!(message(&meter, Duration::ZERO), "1 of 650, 70.0k messages");
    }
}
