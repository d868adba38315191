//! Which bytes of a packet mean what. The user's content is stepped over.

use std::ops::Range;

use crate::wire::{BYTES, Reader, STRING1, STRING4, ZERO};

/// What a packet says, as far as it could be read.
#[derive(Debug, Default)]
pub(crate) struct Packet {
    ints: [i64; 11],
    values: [Range<usize>; 11],
    /// Where the field of the id lies, its head included.
    pub(crate) id_field: Range<usize>,
    /// Whether it has the form of a request, which TUP's answers have too.
    pub(crate) is_request: bool,
    /// Whether all of it could be read.
    pub(crate) is_whole: bool,
}

impl Packet {
    /// Reads the fields behind the length. Where it breaks off before tag 5 it is what the peer would send.
    pub(crate) fn read(frame: &[u8], from_client: bool) -> Self {
        let mut packet = Self { is_request: from_client, ..Self::default() };
        let mut fields: [Range<usize>; 5] = Default::default();
        let mut reader = Reader { rest: frame.get(4..).unwrap_or_default() };
        let at = |reader: &Reader<'_>| frame.len() - reader.rest.len();
        packet.is_whole = loop {
            if reader.rest.is_empty() {
                break true;
            }
            let start = at(&reader);
            let Some((tag, kind)) = reader.head() else {
                break false;
            };
            if tag == 5 {
                packet.is_request = match kind {
                    STRING1 | STRING4 => true,
                    0..=3 | ZERO => false,
                    _ => from_client,
                };
            }
            let begin = at(&reader);
            let mut rest = Reader { rest: reader.rest };
            if let (Some(int), Some(place)) = (rest.int(kind), packet.ints.get_mut(usize::from(tag))) {
                *place = int;
            }
            if reader.skip(kind, 0).is_none() {
                break false;
            }
            if let Some(place) = packet.values.get_mut(usize::from(tag)) {
                // Of a string what is in it.
                let begin = match kind {
                    STRING1 => begin + 1,
                    STRING4 => begin + 4,
                    _ => begin,
                };
                *place = begin..at(&reader);
            }
            if let Some(field) = fields.get_mut(usize::from(tag)) {
                *field = start..at(&reader);
            }
        };
        let [_, version, _, third, fourth] = fields;
        packet.id_field = if packet.is_request { fourth } else { third };
        packet.is_whole &= !version.is_empty() && !packet.id_field.is_empty();
        packet
    }

    pub(crate) fn version(&self) -> u8 {
        self.ints[1] as u8
    }

    pub(crate) fn is_one_way(&self) -> bool {
        self.ints[2] == 1
    }

    /// The id, negative ones as the large numbers that have the same bits.
    pub(crate) fn id(&self) -> u64 {
        u64::from(self.ints[if self.is_request { 4 } else { 3 }] as u32)
    }

    pub(crate) fn ret(&self) -> i32 {
        self.ints[5] as i32
    }

    /// In milliseconds.
    pub(crate) fn timeout(&self) -> u64 {
        u64::try_from(self.ints[8]).unwrap_or(0)
    }

    /// Where the value under a tag lies; of a string what is in it.
    pub(crate) fn value(&self, tag: usize) -> Range<usize> {
        self.values.get(tag).cloned().unwrap_or_default()
    }

    /// What the simple list under a tag holds.
    pub(crate) fn content<'a>(&self, frame: &'a [u8], tag: usize) -> Option<&'a [u8]> {
        Reader { rest: frame.get(self.value(tag))? }.bytes(BYTES)
    }

    /// The pairs of both maps, the context and the status.
    pub(crate) fn pairs<'a>(&self, frame: &'a [u8]) -> Vec<(&'a [u8], &'a [u8])> {
        let maps = if self.is_request { [9, 10] } else { [9, 7] };
        let read = |tag| {
            let rest = frame.get(self.value(tag)).unwrap_or_default();
            Reader { rest }.pairs().collect::<Vec<_>>()
        };
        maps.into_iter().flat_map(read).collect()
    }
}
