//! Recognises DBN by its first bytes.

use std::sync::Arc;

use verismo_market::event::{NO_ID, NO_TIME};

use super::file::{self, DbnFile, Next};
use crate::error::FeedError;
use crate::input;
use crate::inventory::{FirstKey, Match, Probe, Source};

/// Records looked at for a first one with a time.
const RECORDS_MAX: usize = 10_000;

/// A file that starts with `DBN` and a version; what is wrong behind that is the source's problem.
pub(crate) fn sniff(probe: &Probe<'_>, source: &mut Source) -> Match {
    let Some(head) = probe.head() else { return Match::No };
    if !file::is_dbn(&head.bytes) {
        return Match::No;
    }
    let opened = input::open(&source.path, source.compression, Arc::default())
        .map_err(|e| format!("cannot be opened: {e}"))
        .and_then(DbnFile::open);
    let mut file = match opened {
        Ok(file) => file,
        Err(why) => {
            source.problem = Some(FeedError::corrupt(&source.path, "the header", why));
            return Match::Yes;
        }
    };
    for _ in 0..RECORDS_MAX {
        match file.next() {
            Next::Record(record) if record.t_event_ns != NO_TIME => {
                let (t_receive_ns, t_exchange_ns) = (record.t_receive_ns, record.t_event_ns);
                source.first = FirstKey { t_receive_ns, t_exchange_ns, id: NO_ID };
                break;
            }
            Next::Record(_) | Next::Other(_) => {}
            Next::Broken(_) | Next::End => break,
        }
    }
    Match::Yes
}
