//! `verismo cache`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::home::TimeoutArgs;

const EXAMPLES: &str = "\
Examples:
  verismo cache stats
  verismo cache gc --older-than 30d --dry-run
  verismo cache gc --max-size 5GiB --store s3://bucket/states

Runs may go on meanwhile: what is removed under them is computed again.
Exit codes: 0 done, also where there is no store yet; 2 usage; 4 a store that cannot be read or swept.";

/// Say what the store of states holds, or make it smaller.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct CacheArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: CacheCommand,
}

/// What is done with a store.
#[derive(Debug, Clone, Subcommand)]
pub enum CacheCommand {
    /// Say what the store holds: objects and bytes by kind, and by when they were last used
    Stats(StatsArgs),
    /// Remove states, the least recently used first
    ///
    /// Without --max-size and --older-than: a folder down to VERISMO_STORE_MAX, else 20GiB; of a store at a URL, which others may share, one of
    /// them has to say what goes. Recorded runs stay. In a folder an object counts as used when
    /// it was read or written, to a day; at a URL, to a week.
    Gc(GcArgs),
}

/// Say what the store holds.
#[derive(Debug, Clone, Args)]
pub struct StatsArgs {
    /// Also write JSON (verismo.cache-stats/1) to FILE; `-` prints it instead of the text
    #[arg(long, value_name = "FILE|-")]
    pub json: Option<PathBuf>,
    /// Where it is.
    #[command(flatten)]
    pub place: PlaceArgs,
}

/// Remove states.
#[derive(Debug, Clone, Args)]
pub struct GcArgs {
    /// What may stay, such as 500MB or 10GiB
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub max_size: Option<Size>,
    /// What was not used for so long goes: 30d, 12h; or since 2026-11-30
    #[arg(long, value_name = "TIME", value_parser = parse_past)]
    pub older_than: Option<i64>,
    /// Say what would go, and remove nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Also write JSON (verismo.cache-gc/1) to FILE; `-` prints it instead of the text
    #[arg(long, value_name = "FILE|-")]
    pub json: Option<PathBuf>,
    /// Where it is.
    #[command(flatten)]
    pub place: PlaceArgs,
}

/// Where a store is.
#[derive(Debug, Clone, Args)]
pub struct PlaceArgs {
    /// The store: a folder or a URL [env: VERISMO_STORE] [default: verismo in the user's cache directory; that of a
    /// suite file is .verismo beside it]
    #[arg(long, value_name = "DIR|URL")]
    pub store: Option<String>,
    /// How long it may take.
    #[command(flatten)]
    pub timeout: TimeoutArgs,
}

/// Bytes; none where any number will do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size(pub Option<u64>);

/// Units of sizes, and their bytes.
const UNITS: [(&str, u64); 10] = [
    ("", 1),
    ("b", 1),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
];

/// A size as users write it.
///
/// # Errors
/// What was expected.
pub fn parse_size(text: &str) -> Result<Size, String> {
    let lower = text.trim().to_ascii_lowercase();
    if lower == "none" {
        return Ok(Size(None));
    }
    let digits = lower.find(|c: char| !c.is_ascii_digit()).unwrap_or(lower.len());
    let (number, unit) = lower.split_at(digits);
    let unit = UNITS.iter().find(|(name, _)| *name == unit.trim()).map(|(_, bytes)| *bytes);
    let bytes = number.parse::<u64>().ok().zip(unit).and_then(|(number, unit)| number.checked_mul(unit));
    bytes.map(|bytes| Size(Some(bytes))).ok_or_else(|| "expected a size such as 500MB or 10GiB, or none".to_owned())
}

/// Milliseconds from a time in the past until now.
fn parse_past(text: &str) -> Result<i64, String> {
    let wanted = "expected a stretch until now (30d, 12h) or a date in the past (2026-11-30)";
    let since = verismo_ledger::parse_since(text);
    // Read after the other: a clock that moves on between the two makes no stretch shorter, and none a future.
    let now = verismo_ledger::parse_since("0s").unwrap_or_default();
    since.map(|since| now - since).filter(|ms| *ms >= 0).ok_or_else(|| wanted.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_they_are_written() {
        for (text, want) in [
            ("0", Some(0)),
            ("500MB", Some(500_000_000)),
            ("10GiB", Some(10 << 30)),
            (" 2 kib ", Some(2_048)),
            ("none", None),
        ] {
            assert_eq!(parse_size(text), Ok(Size(want)), "{text}");
        }
        for text in ["", "GiB", "-1", "1.5GB", "10 parsecs", "99999999999TiB"] {
            assert!(parse_size(text).unwrap_err().contains("10GiB"), "{text}");
        }
    }

    #[test]
    fn only_the_past_is_old() {
        assert!((86_400_000..86_500_000).contains(&parse_past("1d").unwrap()));
        for text in ["2999-01-01", "soon"] {
            assert!(parse_past(text).is_err(), "{text}");
        }
    }
}
