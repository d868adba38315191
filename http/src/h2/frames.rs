//! Frames as they pass, by their heads alone (RFC 9113 §4.1), and what too many of some kinds mean.

use std::time::{Duration, Instant};
use wireloom_codecs::clock;

/// The head of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    length: u32,
    kind: u8,
    flags: u8,
    /// The first four bytes of a RST_STREAM's payload; 0 in other frames.
    code: u32,
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const CONTINUATION: u8 = 9;
/// Of HEADERS and CONTINUATION: the block ends with this frame.
const END_HEADERS: u8 = 4;
/// END_STREAM of DATA, ACK of SETTINGS.
const FIRST_FLAG: u8 = 1;

const HEAD: usize = 9;
/// A RST_STREAM is looked at with its payload.
const RESET: usize = HEAD + 4;

/// Finds the heads in one direction of a connection.
#[derive(Debug)]
pub(super) struct Frames {
    /// Bytes until the next head.
    skip: usize,
    head: [u8; RESET],
    filled: usize,
    /// A frame was seen.
    begun: bool,
    /// A header block goes on in the next frame.
    block: bool,
    /// Frames that ended, a header block's counted as one.
    ended: u64,
}

/// A frame that is not whole yet, or a header block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Half {
    /// Which of the connection's frames it is.
    pub(super) number: u64,
    /// It is a piece of a body.
    pub(super) data: bool,
}

impl Frames {
    /// The first head comes after `skip` bytes.
    pub(super) fn new(skip: usize) -> Self {
        Self {
            skip,
            head: [0; RESET],
            filled: 0,
            begun: false,
            block: false,
            ended: 0,
        }
    }

    /// What is under way. Until a first frame has come that is one: the preface does not end before it (RFC 9113 §3.4).
    pub(super) fn half(&self) -> Option<Half> {
        let within = self.filled > 0 || self.skip > 0 || self.block || !self.begun;
        within.then_some(Half {
            number: self.ended,
            data: self.begun && self.skip > 0 && !self.block && self.head[3] == DATA,
        })
    }

    /// The last byte of a frame has passed.
    fn end(&mut self) {
        if self.begun && !self.block {
            self.ended += 1;
        }
    }

    /// Looks at the next bytes.
    pub(super) fn pass(&mut self, mut bytes: &[u8], mut seen: impl FnMut(Frame)) {
        while !bytes.is_empty() {
            if self.skip > 0 {
                let skipped = self.skip.min(bytes.len());
                self.skip -= skipped;
                if self.skip == 0 {
                    self.end();
                }
                bytes = bytes.get(skipped..).unwrap_or_default();
                continue;
            }
            let wanted = match self.head {
                [0, 0, 4, RST_STREAM, ..] if self.filled >= HEAD => RESET,
                _ => HEAD,
            };
            let taken = (wanted - self.filled).min(bytes.len());
            let (now, rest) = bytes.split_at(taken);
            if let Some(room) = self.head.get_mut(self.filled..self.filled + taken) {
                room.copy_from_slice(now);
            }
            self.filled += taken;
            bytes = rest;
            if self.filled < wanted {
                continue;
            }
            let [a, b, c, kind, flags, _, _, _, _, w, x, y, z] = self.head;
            let length = u32::from_be_bytes([0, a, b, c]);
            let reset = kind == RST_STREAM && length == 4;
            if reset && wanted == HEAD {
                continue;
            }
            self.filled = 0;
            self.skip = if reset { 0 } else { length as usize };
            self.begun = true;
            if matches!(kind, HEADERS | CONTINUATION) {
                self.block = flags & END_HEADERS == 0;
            }
            if self.skip == 0 {
                self.end();
            }
            seen(Frame {
                length,
                kind,
                flags,
                code: if reset {
                    u32::from_be_bytes([w, x, y, z])
                } else {
                    0
                },
            });
        }
    }
}

/// Which way a frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    In,
    Out,
}

/// What a connection has to its credit at first, and at the most.
const CREDIT: i64 = 2000;
/// What it earns by the second.
const PER_SECOND: i64 = 100;
/// What it earns by a frame that carries something, in either direction: acknowledgements of those, window updates and
/// the PINGs by which gRPC measures bandwidth come in proportion to them.
const PER_USE: i64 = 3;
/// What a SETTINGS costs; other frames that carry nothing cost 1.
const PER_SETTINGS: i64 = 20;
/// The window in which resets are counted.
const WINDOW: Duration = Duration::from_secs(10);

/// Keeps count of what a peer sends that is of no use.
///
/// Frames that carry nothing draw on a credit that time and useful frames fill up: 2,000 at once are a flood, and more
/// than 100 a second, unless as much of use goes by. Streams that are reset young and unanswered, and errors that the
/// peer makes us reset streams by, are a flood from a number in 10 s on (300, if nothing else is set) if they are more
/// than half of the streams of that time: a client that hedges or gives up late stays below.
#[derive(Debug)]
pub(super) struct Calm {
    credit: i64,
    filled: Instant,
    window: Instant,
    streams: u32,
    resets: u32,
    /// How many of these are a flood; 0 for none.
    limit: u32,
    lost: bool,
}

impl Calm {
    /// `resets` in a window are a flood if they are most of what there is; 0 for no such limit.
    pub(super) fn new(resets: u32) -> Self {
        let now = clock::read();
        Self {
            credit: CREDIT,
            filled: now,
            window: now,
            streams: 0,
            resets: 0,
            limit: resets,
            lost: false,
        }
    }

    /// True once it was too much.
    pub(super) fn lost(&self) -> bool {
        self.lost
    }

    pub(super) fn count(&mut self, direction: Direction, frame: Frame) {
        let ends = frame.flags & FIRST_FLAG != 0;
        match (direction, frame.kind) {
            (_, DATA) if frame.length > 0 || ends => self.earn(),
            (Direction::In, HEADERS) => {
                self.streams = self.streams.saturating_add(1);
                self.earn();
            }
            (Direction::Out, HEADERS) => self.earn(),
            (Direction::Out, RST_STREAM) if provoked(frame.code) => self.wasted(),
            (Direction::Out, _) => {}
            (Direction::In, SETTINGS) if !ends => self.spend(PER_SETTINGS),
            (Direction::In, _) => self.spend(1),
        }
    }

    /// A stream came to nothing.
    pub(super) fn wasted(&mut self) {
        self.resets = self.resets.saturating_add(1);
        if self.limit == 0 || self.resets < self.limit {
            return;
        }
        let now = clock::read();
        if now >= self.window + WINDOW {
            self.window = now;
            self.resets = 1;
            self.streams = 1;
        } else if self.resets > self.streams / 2 {
            self.lost = true;
        }
    }

    fn earn(&mut self) {
        self.credit = (self.credit + PER_USE).min(CREDIT);
    }

    fn spend(&mut self, cost: i64) {
        self.credit -= cost;
        if self.credit >= 0 {
            return;
        }
        let now = clock::read();
        let millis = (now - self.filled).as_millis().min(3_600_000);
        let earned = i64::try_from(millis).unwrap_or(0) * PER_SECOND / 1000;
        self.filled = now;
        self.credit = (self.credit + earned).min(CREDIT);
        self.lost |= self.credit < 0;
    }
}

/// Whether a reset of ours says that the peer broke the rules.
fn provoked(code: u32) -> bool {
    const NO_ERROR: u32 = 0;
    const INTERNAL_ERROR: u32 = 2;
    const CANCEL: u32 = 8;
    !matches!(code, NO_ERROR | INTERNAL_ERROR | CANCEL)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PING: u8 = 6;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = (payload.len() as u32).to_be_bytes();
        let mut bytes = length[1..].to_vec();
        bytes.extend([kind, flags, 0, 0, 0, 1]);
        bytes.extend(payload);
        bytes
    }

    #[test]
    fn heads_are_found_however_the_bytes_are_cut() {
        let mut bytes = b"preface".to_vec();
        bytes.extend(frame(HEADERS, 4, &[0; 70]));
        bytes.extend(frame(RST_STREAM, 0, &[0, 0, 0, 8]));
        bytes.extend(frame(DATA, 1, b""));
        bytes.extend(frame(PING, 0, &[0; 8]));
        let expected = [
            (HEADERS, 70, 0),
            (RST_STREAM, 4, 8),
            (DATA, 0, 0),
            (PING, 8, 0),
        ];
        for cut in 1..bytes.len() {
            let mut frames = Frames::new(7);
            let mut seen = Vec::new();
            for piece in bytes.chunks(cut) {
                frames.pass(piece, |frame| {
                    seen.push((frame.kind, frame.length, frame.code))
                });
            }
            assert_eq!(seen, expected, "cut at {cut}");
        }
    }

    #[test]
    fn what_is_not_whole_is_told_at_every_byte() {
        let mut bytes = b"preface".to_vec();
        // What is under way within each frame: its number, and whether it is a piece of a body.
        let mut expected = vec![Some((0, false)); 7];
        for (kind, flags, payload, number) in [
            (SETTINGS, 0, &[0; 6][..], 0),
            (HEADERS, 0, &[0; 5], 1),
            (CONTINUATION, 0, &[], 1),
            (CONTINUATION, END_HEADERS, &[0; 3], 1),
            (DATA, 0, &[0; 4], 2),
            (RST_STREAM, 0, &[0; 4], 3),
            (DATA, 1, &[], 4),
            (PING, 0, &[0; 8], 5),
        ] {
            let frame = frame(kind, flags, payload);
            for at in 1..frame.len() {
                expected.push(Some((number, kind == DATA && at >= HEAD)));
            }
            let block = matches!(kind, HEADERS | CONTINUATION) && flags == 0;
            expected.push(block.then_some((number, false)));
            bytes.extend(frame);
        }
        let mut frames = Frames::new(7);
        for (at, byte) in bytes.iter().enumerate() {
            frames.pass(&[*byte], |_| {});
            let half = frames.half().map(|half| (half.number, half.data));
            assert_eq!(half, expected[at], "behind byte {at}");
        }
    }

    fn of(kind: u8, length: u32) -> Frame {
        Frame {
            length,
            kind,
            flags: 0,
            code: 0,
        }
    }

    #[test]
    fn what_carries_nothing_may_come_as_long_as_it_comes_with_something() {
        let mut calm = Calm::new(100);
        for _ in 0..100_000 {
            calm.count(Direction::Out, of(DATA, 100));
            calm.count(Direction::In, of(8, 4));
            calm.count(Direction::In, of(8, 4));
            calm.count(Direction::In, of(PING, 8));
        }
        assert!(!calm.lost());
        for _ in 0..200_000 {
            calm.count(Direction::In, of(PING, 8));
        }
        assert!(calm.lost());
    }

    #[test]
    fn resets_are_a_flood_if_they_are_most_of_what_there_is() {
        let mut patient = Calm::new(100);
        for _ in 0..1000 {
            patient.count(Direction::In, of(HEADERS, 30));
            patient.count(Direction::In, of(HEADERS, 30));
            patient.count(Direction::In, of(HEADERS, 30));
            patient.wasted();
        }
        assert!(!patient.lost());
        let mut rapid = Calm::new(100);
        for _ in 0..100 {
            rapid.count(Direction::In, of(HEADERS, 30));
            rapid.wasted();
        }
        assert!(rapid.lost());
    }
}
