//! Unpacking on a thread of its own, a few blocks ahead of whoever reads.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};

/// Bytes handed over at once.
const BLOCK_BYTES: usize = 128 * 1024;
/// Blocks unpacked ahead at most: memory stays flat, whatever the file unpacks to.
const BLOCKS: usize = 4;

type Input = Box<dyn Read + Send>;

/// Bytes, and the error that ended them: what was unpacked before it is not lost.
type Block = (Vec<u8>, Option<io::Error>);

/// Reads `input` on another thread; where none can be had, the input itself is read.
pub(crate) fn read_ahead(input: Input) -> Input {
    let (full_in, full) = sync_channel(BLOCKS);
    let (empty, empty_out) = channel();
    // Where the thread cannot be started its closure is gone, and the input must not be.
    let lent = Arc::new(Mutex::new(Some(input)));
    let taken = lent.clone();
    let spawned = Builder::new().name("unpack".to_owned()).spawn(move || {
        if let Some(input) = take(&taken) {
            unpack(input, &full_in, &empty_out);
        }
    });
    match spawned {
        Ok(worker) => {
            Box::new(Ahead { full: Some(full), empty, block: Vec::new(), at: 0, error: None, worker: Some(worker) })
        }
        Err(_) => take(&lent).unwrap_or_else(|| Box::new(io::empty())),
    }
}

fn take(lent: &Mutex<Option<Input>>) -> Option<Input> {
    lent.lock().ok().and_then(|mut input| input.take())
}

/// Unpacks until the end, an error, or nobody listens.
fn unpack(mut input: Input, full: &SyncSender<Block>, empty: &Receiver<Vec<u8>>) {
    // Bounded: every turn sends a block that is not empty, or ends.
    loop {
        let mut block = empty.try_recv().unwrap_or_default();
        block.resize(BLOCK_BYTES, 0);
        let (n, error) = fill(&mut input, &mut block);
        block.truncate(n);
        let is_last = n < BLOCK_BYTES;
        if full.send((block, error)).is_err() || is_last {
            return;
        }
    }
}

/// Reads until the block is full, the input ends, or an error.
fn fill(input: &mut Input, block: &mut [u8]) -> (usize, Option<io::Error>) {
    let mut n = 0;
    // Bounded: every turn reads at least a byte, or ends; an interrupted read is one that is tried again.
    while n < block.len() {
        match input.read(&mut block[n..]) {
            Ok(0) => break,
            Ok(more) => n += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (n, Some(error)),
        }
    }
    (n, None)
}

struct Ahead {
    /// `None` once it has ended.
    full: Option<Receiver<Block>>,
    empty: Sender<Vec<u8>>,
    block: Vec<u8>,
    at: usize,
    /// Of the current block.
    error: Option<io::Error>,
    worker: Option<JoinHandle<()>>,
}

impl Read for Ahead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Bounded by the number of blocks.
        while self.at == self.block.len() && !buffer.is_empty() {
            if let Some(error) = self.error.take() {
                self.full = None;
                return Err(error);
            }
            let Some(full) = &self.full else { return Ok(0) };
            let Ok((block, error)) = full.recv() else {
                self.full = None;
                return self.end();
            };
            // A worker that has ended takes no block back.
            let _ = self.empty.send(std::mem::replace(&mut self.block, block));
            (self.at, self.error) = (0, error);
        }
        let rest = &self.block[self.at..];
        let n = rest.len().min(buffer.len());
        buffer[..n].copy_from_slice(&rest[..n]);
        self.at += n;
        Ok(n)
    }
}

impl Ahead {
    /// The end of the input, unless the worker broke off.
    fn end(&mut self) -> io::Result<usize> {
        match self.worker.take().map(JoinHandle::join) {
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            _ => Ok(0),
        }
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        // The worker finds nobody listening and ends.
        self.full = None;
        if let Some(worker) = self.worker.take() {
            let _ = worker.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a few bytes at a time, then fails, ends or goes on for ever.
    struct Slow {
        left: usize,
        ends_with: Option<io::ErrorKind>,
    }

    impl Read for Slow {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let n = buffer.len().min(self.left).min(70_001);
            buffer[..n].fill(7);
            self.left -= n;
            match self.ends_with {
                Some(kind) if n == 0 => Err(kind.into()),
                _ => Ok(n),
            }
        }
    }

    fn bytes_of(left: usize, ends_with: Option<io::ErrorKind>) -> (usize, io::Result<usize>) {
        let mut bytes = Vec::new();
        let mut input = read_ahead(Box::new(Slow { left, ends_with }));
        let end = input.read_to_end(&mut bytes);
        assert!(bytes.iter().all(|b| *b == 7));
        assert_eq!(input.read(&mut [0]).unwrap(), 0, "after the end, or the error, is the end");
        (bytes.len(), end)
    }

    #[test]
    fn all_bytes_come_then_the_end_or_the_error() {
        for left in [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 20 * BLOCK_BYTES] {
            let (n, end) = bytes_of(left, None);
            assert_eq!((n, end.unwrap()), (left, left));
            let (n, end) = bytes_of(left, Some(io::ErrorKind::InvalidData));
            assert_eq!((n, end.unwrap_err().kind()), (left, io::ErrorKind::InvalidData));
        }
    }

    #[test]
    fn a_reader_that_stops_early_leaves_no_thread() {
        let mut input = read_ahead(Box::new(Slow { left: usize::MAX, ends_with: None }));
        assert_eq!(input.read(&mut [0; 10]).unwrap(), 10);
        drop(input);
    }

    #[test]
    fn a_panic_is_passed_on() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                panic!("broken");
            }
        }
        let read = std::panic::catch_unwind(|| read_ahead(Box::new(Broken)).read(&mut [0]));
        assert!(read.is_err());
    }
}
