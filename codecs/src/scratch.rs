//! Buffers that idle connections do not hold: one pool per thread, which is one per worker.

use std::cell::RefCell;

use bytes::BytesMut;

/// The size of a fresh block. Every frame decoded from a block keeps it alive.
pub const BLOCK: usize = 32 << 10;
/// Blocks kept per thread: what a full turn of writing takes.
const KEPT: usize = 8;
/// A block with less room than this is not worth another read.
const USEFUL: usize = 4 << 10;

thread_local! {
    static POOL: RefCell<Vec<BytesMut>> = const { RefCell::new(Vec::new()) };
}

/// An empty buffer with room.
pub fn take() -> BytesMut {
    POOL.with_borrow_mut(Vec::pop)
        .unwrap_or_else(|| BytesMut::with_capacity(BLOCK))
}

/// Gives a buffer back; its contents are dropped.
pub fn give(mut buffer: BytesMut) {
    buffer.clear();
    // `try_reclaim` takes the whole block back if no frame of it is alive any more.
    if buffer.capacity() < USEFUL && !buffer.try_reclaim(BLOCK / 2) {
        return;
    }
    if buffer.capacity() > 2 * BLOCK {
        return;
    }
    POOL.with_borrow_mut(|pool| {
        if pool.len() < KEPT {
            pool.push(buffer);
        }
    });
}
