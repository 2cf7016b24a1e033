//! An inventory as bytes: what was found need not be looked for again while the files are the same.

use std::path::{Path, PathBuf};

use verismo_stats::carry;
use verismo_stats::state::{Carry, DecodeError, Reader, put_u64};

use super::{FirstKey, Format, Ignored, Inventory, Onset, Source};
use crate::counters::FeedCounters;
use crate::input::Compression;
use crate::limits::Limits;

const NAME: &str = "inventory/2";

carry!(FirstKey: t_receive_ns, t_exchange_ns, id);
carry!(Onset: earliest_ns, typical_ns);

impl Inventory {
    /// Its bytes; `None` where a source has a problem, which may be gone the next time, or a path is no text.
    pub fn save(&self) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        self.format.name().to_owned().save(&mut out);
        put_u64(&mut out, self.sources.len() as u64);
        for source in &self.sources {
            save_source(source, &mut out)?;
        }
        put_u64(&mut out, self.ignored.len() as u64);
        for Ignored { path, reason } in &self.ignored {
            (text(path)?, reason.clone()).save(&mut out);
        }
        put_u64(&mut out, self.manifests.len() as u64);
        for path in &self.manifests {
            text(path)?.save(&mut out);
        }
        self.counters.save(&mut out);
        self.notes.save(&mut out);
        Some(out)
    }

    /// The inventory of its bytes.
    ///
    /// # Errors
    /// [`DecodeError`] for bytes that no inventory has.
    pub fn load(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut input = Reader::new(NAME, bytes);
        let format = load_format(&mut input)?;
        let n = input.length("sources", 8)?;
        let sources = (0..n).map(|_| load_source(&mut input)).collect::<Result<_, _>>()?;
        let n = input.length("ignored files", 2)?;
        let one = |input: &mut Reader<'_>| {
            let mut fields = (String::new(), String::new());
            fields.load(input)?;
            Ok(Ignored { path: PathBuf::from(fields.0), reason: fields.1 })
        };
        let ignored = (0..n).map(|_| one(&mut input)).collect::<Result<_, _>>()?;
        let mut manifests = Vec::<String>::new();
        manifests.load(&mut input)?;
        let manifests = manifests.into_iter().map(PathBuf::from).collect();
        let (mut counters, mut notes) = (FeedCounters::default(), Vec::new());
        counters.load(&mut input)?;
        notes.load(&mut input)?;
        input.finish()?;
        Ok(Self { format, sources, ignored, manifests, counters, notes })
    }
}

fn text(path: &Path) -> Option<String> {
    path.to_str().map(str::to_owned)
}

fn load_format(input: &mut Reader<'_>) -> Result<Format, DecodeError> {
    let mut name = String::new();
    name.load(input)?;
    Format::from_name(&name).ok_or_else(|| input.invalid("the name of a format"))
}

/// Limits are not part of it: they are asked for anew. Nor is the time of the last change: the same bytes may have another.
fn save_source(source: &Source, out: &mut Vec<u8>) -> Option<()> {
    if source.problem.is_some() {
        return None;
    }
    text(&source.path)?.save(out);
    source.format.name().to_owned().save(out);
    let compression = match source.compression {
        Compression::Plain => 0,
        Compression::Gzip => 1,
        Compression::Zstd => 2,
    };
    out.push(compression);
    (source.bytes, source.symbol.clone(), source.clock_ns).save(out);
    (source.session, source.first, source.onset).save(out);
    (source.clock_offset_ns, source.rows, source.span_ns).save(out);
    source.clock_kind.save(out);
    Some(())
}

fn load_source(input: &mut Reader<'_>) -> Result<Source, DecodeError> {
    let mut path = String::new();
    path.load(input)?;
    let format = load_format(input)?;
    let compression = match input.u8("a compression")? {
        0 => Compression::Plain,
        1 => Compression::Gzip,
        2 => Compression::Zstd,
        _ => return Err(input.invalid("a compression")),
    };
    let (mut sizes, mut place, mut known) = ((0, None, 0), (0, FirstKey::default(), None), (None, None, None));
    sizes.load(input)?;
    place.load(input)?;
    known.load(input)?;
    let mut clock_kind = None;
    clock_kind.load(input)?;
    let ((bytes, symbol, clock_ns), (session, first, onset), (clock_offset_ns, rows, span_ns)) = (sizes, place, known);
    if clock_ns < 1 {
        return Err(input.invalid("the resolution of times"));
    }
    Ok(Source {
        path: PathBuf::from(path),
        format,
        // What was guessed is settled.
        is_format_guessed: false,
        compression,
        bytes,
        modified: None,
        symbol,
        clock_ns,
        clock_kind,
        session,
        first,
        onset,
        clock_offset_ns,
        rows,
        span_ns,
        limits: Limits::default(),
        problem: None,
    })
}
