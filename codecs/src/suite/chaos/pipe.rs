//! A connection in memory whose bytes come in pieces and late, may stand still, and may be lost: all by the dice.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// The same numbers for the same seed.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Of this seed.
    pub fn new(seed: u64) -> Self {
        // Neighbouring seeds must not begin alike.
        let mut mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self((mixed ^ (mixed >> 31)) | 1)
    }

    /// From 0 to below `sides`.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides
    }

    /// True once in so many.
    pub fn one_in(&mut self, sides: u64) -> bool {
        self.roll(sides) == 0
    }

    /// Others, that do not depend on how often these are rolled from now on.
    pub fn fork(&mut self) -> Self {
        Self::new(self.roll(u64::MAX))
    }
}

/// What happened, in order, as one number.
#[derive(Clone, Debug)]
pub struct Trace {
    hash: Arc<Mutex<u64>>,
    begun: Instant,
}

impl Trace {
    /// Nothing yet.
    pub fn begin() -> Self {
        Self {
            hash: Arc::default(),
            begun: Instant::now(),
        }
    }

    /// Adds to it, with the time.
    pub fn note(&self, what: &[u64]) {
        let at = self.begun.elapsed().as_micros() as u64;
        let mut hash = self.hash.lock();
        for word in [at].iter().chain(what) {
            *hash = (*hash ^ word)
                .wrapping_mul(0x0000_0100_0000_01b3)
                .rotate_left(23);
        }
    }

    /// All of it.
    pub fn hash(&self) -> u64 {
        *self.hash.lock()
    }
}

/// One direction.
#[derive(Debug, Default)]
struct Way {
    /// Pieces, each with the time at which it comes.
    pieces: VecDeque<(Instant, VecDeque<u8>)>,
    /// Those of which the last is read in one go.
    whole: bool,
    held: usize,
    /// The writer has said its last.
    closed: bool,
    /// The reader is gone.
    gone: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Way {
    fn wake(&mut self) {
        for waker in [self.reader.take(), self.writer.take()] {
            waker.into_iter().for_each(Waker::wake);
        }
    }
}

#[derive(Debug, Default)]
struct Link {
    ways: [Way; 2],
    reset: bool,
    /// It is lost when so many more bytes have passed, in both directions together.
    left: Option<usize>,
}

/// Ends a connection as a network does: both ends learn it, and whatever was on its way is lost.
#[derive(Clone, Debug)]
pub struct Cut(Arc<Mutex<Link>>);

impl Cut {
    /// Now.
    pub fn reset(&self) {
        let mut link = self.0.lock();
        link.reset = true;
        for way in &mut link.ways {
            way.pieces.clear();
            way.wake();
        }
    }

    /// When so many bytes have passed, in both directions together.
    pub fn after(&self, bytes: usize) {
        self.0.lock().left = Some(bytes);
    }

    /// Puts `bytes` at once before the reader at the other end of `side`, and in one piece. Only while the connection rests:
    /// all that `side` wrote has been read, and so has, where `both`, what was written to it. True if so.
    pub fn inject(&self, side: usize, bytes: &[u8], both: bool) -> bool {
        let mut link = self.0.lock();
        let rests = link.ways[side].held == 0 && (!both || link.ways[1 - side].held == 0);
        let reset = link.reset;
        let way = &mut link.ways[side];
        if reset || !rests || way.closed || way.gone {
            return false;
        }
        way.pieces
            .push_back((Instant::now(), bytes.iter().copied().collect()));
        way.held += bytes.len();
        way.whole = true;
        way.reader.take().into_iter().for_each(Waker::wake);
        true
    }

    /// Whether that has happened.
    pub fn was_reset(&self) -> bool {
        self.0.lock().reset
    }
}

/// How a connection treats its bytes.
#[derive(Clone, Debug)]
struct Temper {
    window: usize,
    piece: u64,
    late: u64,
    stalls: bool,
}

/// One end of a connection.
#[derive(Debug)]
pub struct End {
    link: Arc<Mutex<Link>>,
    side: usize,
    number: u64,
    dice: Dice,
    temper: Temper,
    sleep: Pin<Box<Sleep>>,
    trace: Trace,
}

/// A connection; `number` names it in the trace. Its ends are the sides 0 and 1.
pub fn pipe(dice: &mut Dice, number: u64, trace: &Trace) -> (End, End, Cut) {
    made(dice, number, trace, true)
}

/// A connection that cuts and delays bytes, and never stands still.
pub fn calm(dice: &mut Dice, number: u64, trace: &Trace) -> (End, End, Cut) {
    made(dice, number, trace, false)
}

fn made(dice: &mut Dice, number: u64, trace: &Trace, stalls: bool) -> (End, End, Cut) {
    let link = Arc::new(Mutex::new(Link::default()));
    let pick = |dice: &mut Dice, of: &[u64]| of[dice.roll(of.len() as u64) as usize];
    let temper = Temper {
        window: pick(dice, &[16, 300, 4096, 1 << 17]) as usize,
        piece: pick(dice, &[3, 40, 2000, 1 << 16]),
        late: pick(dice, &[1, 1, 4, 40]),
        stalls: dice.one_in(6) && stalls,
    };
    let mut end = |side| End {
        link: link.clone(),
        side,
        number,
        dice: dice.fork(),
        temper: temper.clone(),
        sleep: Box::pin(sleep_until(Instant::now())),
        trace: trace.clone(),
    };
    let ends = (end(0), end(1));
    (ends.0, ends.1, Cut(link))
}

impl End {
    /// How many of so many bytes go now; large frames in larger pieces, for they would take for ever.
    fn piece(&mut self, of: usize) -> usize {
        let most = (self.dice.roll(self.temper.piece) + 1) as usize;
        most.max(of / 64).min(of)
    }

    fn delay(&mut self) -> Duration {
        if self.temper.stalls && self.dice.one_in(60) {
            return Duration::from_millis(500 + self.dice.roll(4_000));
        }
        match self.dice.roll(4) {
            0 => Duration::from_millis(self.dice.roll(self.temper.late)),
            _ => Duration::ZERO,
        }
    }

    fn note(&self, what: u64, count: usize) {
        self.trace
            .note(&[self.number, self.side as u64, what, count as u64]);
    }
}

fn lost() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}

impl AsyncRead for End {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let end = self.get_mut();
        let link = end.link.clone();
        let mut link = link.lock();
        if link.reset {
            return Poll::Ready(Err(lost()));
        }
        let way = &mut link.ways[1 - end.side];
        way.reader = Some(cx.waker().clone());
        let Some((due, piece)) = way.pieces.front_mut() else {
            return match way.closed {
                true => Poll::Ready(Ok(())),
                false => Poll::Pending,
            };
        };
        if *due > Instant::now() {
            end.sleep.as_mut().reset(*due);
            if end.sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
        let most = piece.len().min(buf.remaining());
        let count = match way.whole {
            true => most,
            false => end.piece(most),
        };
        let bytes: Vec<u8> = piece.drain(..count).collect();
        buf.put_slice(&bytes);
        if piece.is_empty() {
            way.pieces.pop_front();
            way.whole &= !way.pieces.is_empty();
        }
        way.held -= count;
        way.writer.take().into_iter().for_each(Waker::wake);
        end.note(1, count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for End {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let end = self.get_mut();
        let link = end.link.clone();
        let mut link = link.lock();
        if link.reset {
            return Poll::Ready(Err(lost()));
        }
        let left = link.left;
        if left == Some(0) {
            drop(link);
            Cut(end.link.clone()).reset();
            return Poll::Ready(Err(lost()));
        }
        let way = &mut link.ways[end.side];
        if way.gone || way.closed {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if way.held >= end.temper.window {
            way.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        if end.dice.one_in(16) {
            // As a socket does that another thread has filled meanwhile.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let count = end
            .piece(buf.len())
            .min(end.temper.window - way.held)
            .min(left.unwrap_or(usize::MAX));
        let earliest = way.pieces.back().map_or(Instant::now(), |(due, _)| *due);
        let due = earliest.max(Instant::now() + end.delay());
        let bytes = buf.get(..count).unwrap_or_default();
        way.pieces.push_back((due, bytes.iter().copied().collect()));
        way.held += count;
        way.reader.take().into_iter().for_each(Waker::wake);
        link.left = left.map(|left| left.saturating_sub(count));
        end.note(2, count);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.link.lock().reset {
            true => Poll::Ready(Err(lost())),
            false => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let end = self.get_mut();
        let mut link = end.link.lock();
        let way = &mut link.ways[end.side];
        way.closed = true;
        way.wake();
        Poll::Ready(Ok(()))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let mut link = self.link.lock();
        link.ways[self.side].closed = true;
        link.ways[self.side].wake();
        let unread = &mut link.ways[1 - self.side];
        unread.gone = true;
        unread.pieces.clear();
        unread.wake();
    }
}
