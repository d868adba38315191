//! Header entries, changed where they lie: in the block of pairs between class name and content.

use bytes::{Bytes, BytesMut};
use wireloom_codecs::Wire;
use wireloom_codecs::edits::FieldEdits;

use crate::header;
use crate::types::{Head, MAX_SHORT};

/// Names that say what is called and how: servers find the service by them, and read the content by the rest.
fn owned(name: &str) -> bool {
    name == header::SERVICE || name.starts_with("sofa_head_")
}

/// Makes the changes and says whether all were made; none is if the block is broken or would be longer than its length can
/// say. The CRC of version 2 is of what is written.
pub(crate) fn message(wire: &mut Wire, edits: &FieldEdits<'_>) -> bool {
    let (edits, all) = edits.sparing(owned);
    if edits.is_empty() {
        return all;
    }
    let Some((head, image)) = edited(wire, &edits) else {
        return false;
    };
    wire.fixed = head.to_bytes();
    wire.image = image;
    all
}

fn edited(wire: &Wire, edits: &FieldEdits<'_>) -> Option<(Head, Bytes)> {
    let head = Head::parse(&wire.fixed)?;
    let (class, block) = wire.image.split_at_checked(head.class_len.into())?;
    let added = edits.added().iter();
    let added: usize = added
        .map(|(name, value)| 8 + name.len() + value.len())
        .sum();
    let mut image = BytesMut::with_capacity(wire.image.len() + added);
    image.extend_from_slice(class);
    header::edit(block, edits, &mut image)?;
    let header_len = u16::try_from(image.len() - class.len()).ok()?;
    let head = Head { header_len, ..head };
    (header_len <= MAX_SHORT).then(|| (head, image.freeze()))
}

#[cfg(test)]
mod tests;
