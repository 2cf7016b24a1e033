//! Threads that observables of one stream are shared among, where there are more threads than streams.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::ThreadPool;
use rayon::prelude::*;

use super::frame::Frame;
use super::registry::Observable;

/// Threads for the observables of a few streams. Each observable is one thread's at a time and sees its frames in order, so that threads
/// cannot change a state.
#[derive(Debug)]
pub struct Crew {
    threads: usize,
    begin: fn(usize) -> Option<ThreadPool>,
    /// `None` where threads cannot be had.
    pool: OnceLock<Option<ThreadPool>>,
    /// Threads with streams of their own. Their decoders, which mostly wait, are not counted.
    busy: AtomicUsize,
}

/// A thread that is busy until this is dropped.
#[derive(Debug)]
pub struct Busy<'a>(&'a Crew);

impl Crew {
    /// A crew of so many threads, which are begun when first needed; `None` where there are none to share.
    pub fn new(threads: usize, begin: fn(usize) -> Option<ThreadPool>) -> Option<Self> {
        (threads > 1).then(|| Self { threads, begin, pool: OnceLock::new(), busy: AtomicUsize::new(0) })
    }

    /// Says that a thread has work of its own.
    pub fn work(&self) -> Busy<'_> {
        self.busy.fetch_add(1, Ordering::Relaxed);
        Busy(self)
    }

    /// Does something with each of the items, which takes a while; what comes of it stands in their order.
    pub fn map<T: Sync, R: Send>(&self, items: &[T], of: impl Fn(&T) -> R + Sync + Send) -> Vec<R> {
        match self.free() {
            Some(pool) => pool.install(|| items.par_iter().with_max_len(1).map(of).collect()),
            None => items.iter().map(of).collect(),
        }
    }

    /// Shows the frame to all of them.
    pub(super) fn observe(&self, observables: &mut [Box<dyn Observable>], frame: &Frame) {
        match self.free() {
            Some(pool) => {
                let all = observables.par_iter_mut().with_max_len(1);
                pool.install(|| all.for_each(|observable| observable.observe(frame)));
            }
            None => observables.iter_mut().for_each(|observable| observable.observe(frame)),
        }
    }

    /// Whether all threads have work of their own. Whoever is counted a moment late is helped, or helps, a frame later.
    pub fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Relaxed) >= self.threads
    }

    /// The threads, if one of them is free.
    fn free(&self) -> Option<&ThreadPool> {
        if self.is_busy() { None } else { self.pool.get_or_init(|| (self.begin)(self.threads)).as_ref() }
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crew_helps_while_a_thread_is_free() {
        fn pool(threads: usize) -> Option<ThreadPool> {
            rayon::ThreadPoolBuilder::new().num_threads(threads).build().ok()
        }
        assert!(Crew::new(0, pool).is_none() && Crew::new(1, pool).is_none());
        let crew = Crew::new(2, pool).unwrap();
        let here = std::thread::current().id();
        let threads = || crew.map(&[(); 8], |()| std::thread::current().id());
        assert!(!threads().contains(&here));
        let first = crew.work();
        assert!(!crew.is_busy());
        let second = crew.work();
        assert_eq!(threads(), [here; 8]);
        drop(second);
        assert!(!crew.is_busy());
        drop(first);
        assert_eq!(crew.map(&[3, 1, 2], |n| n * 10), [30, 10, 20]);
        // Where there are no threads everything is done here.
        let alone = Crew::new(2, |_| None).unwrap();
        assert_eq!(alone.map(&[(); 2], |()| std::thread::current().id()), [here; 2]);
    }
}
