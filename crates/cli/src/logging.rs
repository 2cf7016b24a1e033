//! Logs: to standard error, as text or JSON lines.
#![allow(clippy::print_stderr)] // Errors of the command are said here, once, in words.

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
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
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
    if console.colour_errors {
        eprintln!("{style}{label}{style:#}: {error}");
    } else {
        eprintln!("{label}: {error}");
    }
    if let Some(help) = &error.help {
        eprintln!("  help: {help}");
    }
}
