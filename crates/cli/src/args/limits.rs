//! What readers take at most.

use clap::Args;
use verismo_feed::Limits;
use verismo_suite::Suite;
use verismo_suite::suite::Reading;

/// Hard limits against damage and files made to do harm; what lies beyond is counted or refused, and said.
#[derive(Debug, Clone, Default, Args)]
pub struct LimitArgs {
    /// Longest line of text, in bytes; a longer one is one unreadable line [default: 16777216]
    #[arg(
        long,
        value_name = "N",
        value_parser = from_1_to::<{ Reading::MAX[0] }>,
        env = "VERISMO_MAX_LINE_BYTES",
        hide_env_values = true,
        hide_short_help = true,
        help_heading = "Limits"
    )]
    pub max_line_bytes: Option<u64>,
    /// Times its packed size that a .gz or .zst file may unpack to; beyond it is taken for broken off [default: 500]
    #[arg(
        long,
        value_name = "N",
        value_parser = from_1_to::<{ Reading::MAX[1] }>,
        env = "VERISMO_MAX_UNPACK_RATIO",
        hide_env_values = true,
        hide_short_help = true,
        help_heading = "Limits"
    )]
    pub max_unpack_ratio: Option<u64>,
    /// Streams (symbols) of a side; messages of further ones are counted as invalid [default: 4096]
    #[arg(
        long,
        value_name = "N",
        value_parser = from_1_to::<{ Reading::MAX[2] }>,
        env = "VERISMO_MAX_STREAMS",
        hide_env_values = true,
        hide_short_help = true,
        help_heading = "Limits"
    )]
    pub max_streams: Option<u64>,
    /// Columns of a table [default: 4096]
    #[arg(
        long,
        value_name = "N",
        value_parser = from_1_to::<{ Reading::MAX[3] }>,
        env = "VERISMO_MAX_COLUMNS",
        hide_env_values = true,
        hide_short_help = true,
        help_heading = "Limits"
    )]
    pub max_columns: Option<u64>,
}

impl LimitArgs {
    /// The limits of a run: those given, else the suite's, else the defaults.
    pub fn limits(&self, suite: Option<&Suite>) -> Limits {
        let suite = suite.map(|s| s.reading).unwrap_or_default();
        let size = |given: Option<u64>, suite: Option<u64>, default: usize| {
            given.or(suite).and_then(|n| usize::try_from(n).ok()).unwrap_or(default)
        };
        Limits {
            line_bytes: size(self.max_line_bytes, suite.line_bytes, Limits::DEFAULT.line_bytes),
            unpack_ratio: self.max_unpack_ratio.or(suite.unpack_ratio).unwrap_or(Limits::DEFAULT.unpack_ratio),
            streams: size(self.max_streams, suite.streams, Limits::DEFAULT.streams),
            columns: size(self.max_columns, suite.columns, Limits::DEFAULT.columns),
        }
    }

    /// Those given, by name: for the provenance of a report.
    pub fn given(&self) -> [(&'static str, Option<String>); 4] {
        [
            ("max-line-bytes", self.max_line_bytes),
            ("max-unpack-ratio", self.max_unpack_ratio),
            ("max-streams", self.max_streams),
            ("max-columns", self.max_columns),
        ]
        .map(|(name, given)| (name, given.map(|n| n.to_string())))
    }
}

fn from_1_to<const MAX: u64>(text: &str) -> Result<u64, String> {
    match text.parse::<u64>() {
        Ok(n) if (1..=MAX).contains(&n) => Ok(n),
        _ => Err(format!("expected a number from 1 to {MAX}")),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        limits: LimitArgs,
    }

    #[test]
    fn the_help_tells_the_defaults() {
        use clap::CommandFactory as _;
        let help = Line::command().render_long_help().to_string();
        let Limits { line_bytes, unpack_ratio, streams, columns } = Limits::DEFAULT;
        for default in [line_bytes as u64, unpack_ratio, streams as u64, columns as u64] {
            assert!(help.contains(&format!("[default: {default}]")), "{default}: {help}");
        }
        assert!(!Line::command().render_help().to_string().contains("--max-"));
    }

    #[test]
    fn what_is_not_given_is_as_ever() {
        let limits =
            |args: &[&str], suite: Option<&Suite>| Line::try_parse_from(args).ok().map(|l| l.limits.limits(suite));
        let given = ["x", "--max-streams", "7"];
        assert_eq!(limits(&given, None), Some(Limits { streams: 7, ..Limits::DEFAULT }));
        let suite = Suite::parse(
            "schema: verismo.suite/1\nreading: {streams: 9, columns: 5}\nobservables:\n  - id: spread\n    decide: ks\n    margins: {ks: 0.1}\n",
        );
        let suite = suite.unwrap();
        assert_eq!(limits(&given, Some(&suite)), Some(Limits { streams: 7, columns: 5, ..Limits::DEFAULT }));
        assert_eq!(limits(&["x"], Some(&suite)), Some(Limits { streams: 9, columns: 5, ..Limits::DEFAULT }));
        assert!(Line::try_parse_from(["x", "--max-streams", "0"]).is_err());
    }
}
