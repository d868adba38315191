//! How many connections there may be at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A bound on connections, shared by whoever accepts them. Cloning shares it.
#[derive(Clone, Debug)]
pub struct ConnectionLimit(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    open: AtomicUsize,
    most: AtomicUsize,
}

impl ConnectionLimit {
    /// At most `most` at once.
    pub fn new(most: usize) -> Self {
        Self(Arc::new(Shared {
            open: AtomicUsize::new(0),
            most: AtomicUsize::new(most),
        }))
    }

    /// Connections that hold a permit now.
    pub fn open(&self) -> usize {
        self.0.open.load(Ordering::Relaxed)
    }

    /// The bound.
    pub fn most(&self) -> usize {
        self.0.most.load(Ordering::Relaxed)
    }

    /// Changes the bound. Connections over a lower one stay.
    pub fn set_most(&self, most: usize) {
        self.0.most.store(most, Ordering::Relaxed);
    }

    /// A permit to be kept for as long as the connection lives; None at the limit.
    pub fn acquire(&self) -> Option<ConnectionPermit> {
        let most = self.most();
        let before = self.0.open.fetch_add(1, Ordering::Relaxed);
        // Made first, so that its drop takes the count back.
        let permit = ConnectionPermit(self.0.clone());
        (before < most).then_some(permit)
    }
}

/// One connection's share of a [`ConnectionLimit`], given back on drop.
#[derive(Debug)]
pub struct ConnectionPermit(Arc<Shared>);

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permits_come_back_on_drop() {
        let limit = ConnectionLimit::new(2);
        let (first, second) = (limit.acquire().unwrap(), limit.acquire().unwrap());
        assert!(limit.acquire().is_none());
        assert_eq!(limit.open(), 2);
        drop(first);
        assert!(limit.acquire().is_some());
        limit.set_most(1);
        assert!(limit.acquire().is_none());
        drop(second);
        assert_eq!((limit.open(), limit.most()), (0, 1));
    }
}
