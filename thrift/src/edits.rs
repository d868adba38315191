//! Info pairs of THeader and TTHeader, changed where they lie: in the header block before the message.
//!
//! Blocks that lose a pair are counted anew, new pairs come in blocks of their own behind those that are known, and
//! everything else stays byte for byte but the padding. The other transports have no pairs.

use std::ops::Range;

use bytes::{BufMut, Bytes, BytesMut};
use smallvec::SmallVec;
use wireloom_codecs::Wire;
use wireloom_codecs::edits::FieldEdits;

use crate::fixed::Fixed;
use crate::infos::{self, Reader};
use crate::pairs;
use crate::types::Transport;

/// Names that say what is called and how the message is read.
fn owned(name: &str) -> bool {
    matches!(
        name,
        "to_service" | "isn" | "to_method" | "transport_type" | "msg_type"
    )
}

/// Makes the changes and says whether all were made; none is if there is no block, if it is broken, or would be longer than
/// its count of words can say.
pub(crate) fn message(wire: &mut Wire, edits: &FieldEdits<'_>) -> bool {
    let (edits, all) = edits.sparing(owned);
    if edits.is_empty() {
        return all;
    }
    let Some((fixed, image)) = edited(wire, &edits) else {
        return false;
    };
    wire.fixed = fixed.to_bytes();
    wire.image = image;
    all
}

fn edited(wire: &Wire, edits: &FieldEdits<'_>) -> Option<(Fixed, Bytes)> {
    let fixed = Fixed::parse(&wire.fixed)?;
    let transport = fixed.dialect.transport;
    if !transport.has_header() {
        return None;
    }
    let length = 4 * usize::from(fixed.words);
    let (block, message) = wire.image.split_at_checked(length)?;
    let added = edits.added().iter();
    let added: usize = added
        .map(|(name, value)| 10 + name.len() + value.len())
        .sum();
    let mut image = BytesMut::with_capacity(wire.image.len() + added + 16);
    write(transport, block, edits, &mut image)?;
    let words = u16::try_from(image.len() / 4).ok()?;
    // A compressed message keeps its seqid where nobody sees it.
    let seq_at = match fixed.sealed {
        true => fixed.seq_at,
        false => {
            let place = usize::try_from(fixed.seq_at).ok()?.checked_sub(length)?;
            u32::try_from(place + image.len()).ok()?
        }
    };
    image.put_slice(message);
    let fixed = Fixed {
        words,
        seq_at,
        ..fixed
    };
    Some((fixed, image.freeze()))
}

/// Writes the changed block, padded.
fn write(
    transport: Transport,
    block: &[u8],
    edits: &FieldEdits<'_>,
    out: &mut BytesMut,
) -> Option<()> {
    let tt = transport == Transport::TtHeader;
    let start = infos::start(transport, block)?;
    out.put_slice(block.get(..start.pairs)?);
    let mut at = Reader::at(transport, block, start.pairs);
    // Between blocks they stay, at the end they are padding.
    let mut zeros = 0;
    let mut tail: &[u8] = &[];
    while at.at < block.len() {
        let begins = at.at;
        let id = at.small()?;
        if tt && id == 0 {
            zeros += 1;
            continue;
        }
        match id {
            0 => {
                let padding = block.get(begins..)?;
                if padding.iter().any(|byte| *byte != 0) {
                    return None;
                }
                break;
            }
            1 | 2 | 0x10 if id == 1 || tt == (id == 0x10) => {
                out.put_bytes(0, std::mem::take(&mut zeros));
                pairs_of(tt, id, begins, &mut at, edits, out)?;
            }
            0x11 if tt => {
                out.put_bytes(0, std::mem::take(&mut zeros));
                at.text()?;
                out.put_slice(block.get(begins..at.at)?);
            }
            _ if tt => return None,
            // Readers stop here, so what is new comes before.
            _ => {
                tail = block.get(begins..)?;
                break;
            }
        }
    }
    put_added(tt, edits, out)?;
    out.put_slice(tail);
    let length = out.len();
    out.put_bytes(0, length.next_multiple_of(4) - length);
    Some(())
}

/// Copies one block of pairs without those that go. It begins at `begins`, and the reader is behind its id.
fn pairs_of(
    tt: bool,
    id: u32,
    begins: usize,
    at: &mut Reader<'_>,
    edits: &FieldEdits<'_>,
    out: &mut BytesMut,
) -> Option<()> {
    let block = at.block;
    let counted = at.at;
    let count = at.count()?;
    let mut kept: SmallVec<[Range<usize>; 8]> = SmallVec::new();
    for _ in 0..count {
        let pair = at.at;
        let name = match id {
            0x10 => infos::name_of(at.short()?).as_bytes(),
            _ => block.get(at.text()?)?,
        };
        at.text()?;
        if name.is_empty() || !edits.removes(name) {
            kept.push(pair..at.at);
        }
    }
    if kept.len() == count as usize {
        out.put_slice(block.get(begins..at.at)?);
    } else if !kept.is_empty() {
        out.put_slice(block.get(begins..counted)?);
        pairs::count(tt, kept.len(), out)?;
        for pair in kept {
            out.put_slice(block.get(pair)?);
        }
    }
    Some(())
}

/// Writes new pairs; in TTHeader those that have the name of one of Kitex's u16 keys go under that.
fn put_added(tt: bool, edits: &FieldEdits<'_>, out: &mut BytesMut) -> Option<()> {
    type Pair<'a> = (Option<u16>, &'a str, &'a str);
    let pairs = edits.added().iter().map(|(name, value)| {
        let number = infos::key_of(name.as_bytes()).filter(|_| tt);
        (number, *name, *value)
    });
    let (numbers, texts): (Vec<Pair<'_>>, Vec<Pair<'_>>) =
        pairs.partition(|(number, ..)| number.is_some());
    if !numbers.is_empty() {
        out.put_u8(0x10);
        pairs::count(tt, numbers.len(), out)?;
        for (number, _, value) in numbers {
            out.put_u16(number?);
            pairs::text(tt, value, out)?;
        }
    }
    if !texts.is_empty() {
        out.put_u8(1);
        pairs::count(tt, texts.len(), out)?;
        for (_, name, value) in texts {
            pairs::text(tt, name, out)?;
            pairs::text(tt, value, out)?;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests;
