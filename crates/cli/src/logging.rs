//! Logs: to standard error, as text or JSON lines.

use std::io::Write as _;

use tracing_subscriber::EnvFilter;

use crate::CliError;
use crate::args::{GlobalArgs, LogFormat};
use crate::console::Console;

/// Starts the logs: warnings, with `-v` what is done, with `-vv` details. `VERISMO_LOG` overrides with a filter in the
/// notation of tracing, e.g. `verismo_feed=debug`.
pub fn start(global: &GlobalArgs) {
    let level = match (global.quiet, global.verbose) {
        (true, _) => "error",
        (false, 0) => "warn",
        (false, 1) => "info",
        (false, 2) => "debug",
        (false, _) => "trace",
    };
    let filter = EnvFilter::try_from_env("VERISMO_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).log_internal_errors(false);
    // A second start (in tests) keeps the first subscriber.
    let _already_started = match global.log_format {
        LogFormat::Json => builder.json().try_init(),
        LogFormat::Text => builder.with_ansi(false).with_target(false).try_init(),
    };
}

/// Says an error on standard error: `error[code]: message`, then the help; as a log line where logs are JSON.
pub fn report_error(global: &GlobalArgs, console: &Console, error: &CliError) {
    if global.log_format == LogFormat::Json {
        let help = error.help.as_deref().unwrap_or_default();
        tracing::error!(code = error.code, help, "{error}");
        return;
    }
    let style = anstyle::Style::new().bold().fg_color(Some(anstyle::AnsiColor::Red.into()));
    let label = format!("error[{}]", error.code);
    let mut text = if console.colour_errors {
        format!("{style}{label}{style:#}: {error}\n")
    } else {
        format!("{label}: {error}\n")
    };
    if let Some(help) = &error.help {
        text.push_str(&format!("  help: {help}\n"));
    }
    // Where nobody reads standard error, the exit code has to do; `eprintln!` would panic.
    let _nobody_reads = std::io::stderr().write_all(text.as_bytes());
}
