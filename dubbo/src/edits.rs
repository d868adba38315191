//! Attachments, changed where they lie: the map behind a request's arguments, and behind a result that has one.
//!
//! Pairs of text are cut out and written, everything else stays byte for byte. References in Hessian count lists, maps and
//! objects, so neither moves one. Other serializations than Hessian 2 are left alone.

use bytes::{BufMut, Bytes, BytesMut};
use wireloom_codecs::edits::FieldEdits;
use wireloom_codecs::{Body, Request, Response};
use wireloom_hessian::{Dialect, Encoder, Key, Reader, descriptor};

use crate::result::flag;
use crate::types::{Head, serialization::HESSIAN2, status};

/// Names that say what is called and how: providers find the service by them, and read the arguments by the last.
fn owned(name: &str) -> bool {
    matches!(name, "path" | "interface" | "version" | "group" | "generic")
}

/// Makes the changes in a request and says whether all were made; none is if anything in it is not as it should be.
pub(crate) fn request(request: &mut Request, edits: &FieldEdits<'_>) -> bool {
    let head = Head::parse(&request.head.wire.fixed);
    let fits = |head: Head| head.is_request() && !head.is_event();
    let fits = head.is_some_and(|head| fits(head) && head.serialization() == HESSIAN2);
    change(&mut request.body, fits, edits, of_request)
}

/// The same in a response, if it has attachments: a client that asked for none could not read them.
pub(crate) fn response(response: &mut Response, edits: &FieldEdits<'_>) -> bool {
    let head = Head::parse(&response.head.wire.fixed);
    let fits = |head: Head| !head.is_request() && !head.is_event() && head.status == status::OK;
    let fits = head.is_some_and(|head| fits(head) && head.serialization() == HESSIAN2);
    change(&mut response.body, fits, edits, of_response)
}

fn change(
    body: &mut Body,
    fits: bool,
    edits: &FieldEdits<'_>,
    edit: impl Fn(&Bytes, &FieldEdits<'_>) -> Option<Bytes>,
) -> bool {
    let (edits, all) = edits.sparing(owned);
    if edits.is_empty() {
        return all;
    }
    let Body::Whole(whole) = body else {
        return false;
    };
    let Some(edited) = Some(&*whole)
        .filter(|_| fits)
        .and_then(|whole| edit(whole, &edits))
    else {
        return false;
    };
    *whole = edited;
    all
}

fn of_request(body: &Bytes, edits: &FieldEdits<'_>) -> Option<Bytes> {
    let mut reader = Reader::new(body, Dialect::Final);
    // Protocol version, service, version, method.
    reader.read_str().ok()?;
    reader.read_str().ok()?;
    reader.read_string_or_null().ok()?;
    reader.read_str().ok()?;
    if reader.next_is_int() {
        // dubbox 2.8 writes an int before the descriptor.
        reader.read_int().ok()?;
    }
    let types = reader.read_str().ok()?;
    let arguments = descriptor::count(&types).ok()?;
    reader.skip_values(arguments).ok()?;
    attachments(body, &mut reader, edits)
}

fn of_response(body: &Bytes, edits: &FieldEdits<'_>) -> Option<Bytes> {
    let mut reader = Reader::new(body, Dialect::Final);
    match reader.read_int().ok()? {
        flag::NULL_WITH_ATTACHMENTS => {}
        flag::VALUE_WITH_ATTACHMENTS | flag::EXCEPTION_WITH_ATTACHMENTS => {
            reader.skip_value().ok()?;
        }
        _ => return None,
    }
    attachments(body, &mut reader, edits)
}

/// The body with the map at the reader changed; None if there is no map.
fn attachments(body: &Bytes, reader: &mut Reader<'_>, edits: &FieldEdits<'_>) -> Option<Bytes> {
    let mut added = Encoder::new(Dialect::Final);
    for (name, value) in edits.added() {
        added.string(name).string(value);
    }
    let added = added.finish();
    let mut out = BytesMut::with_capacity(body.len() + added.len() + 1);
    let begins = reader.position();
    if reader.next_is_null() {
        // Nothing stands behind the attachments that could refer to the map that they become.
        reader.skip_value().ok()?;
        if !reader.is_empty() {
            return None;
        }
        if added.is_empty() {
            return Some(body.clone());
        }
        out.put_slice(body.get(..begins)?);
        out.put_u8(b'H');
        out.put_slice(&added);
        out.put_u8(b'Z');
        return Some(out.freeze());
    }
    let mut map = reader.enter_map().ok()??;
    let mut copied = 0;
    let end = loop {
        let at = reader.position();
        let gone = match reader.next_ascii_pair(&mut map).ok()? {
            Some((key, _)) => edits.removes(key),
            None => {
                let Some(key) = reader.next_key(&mut map).ok()? else {
                    break at;
                };
                // What has no references and no class definitions in it.
                let plain =
                    reader.next_is_string() || reader.next_is_int() || reader.next_is_null();
                reader.skip_value().ok()?;
                plain && matches!(key, Key::Text(key) if edits.removes(key.as_bytes()))
            }
        };
        if gone {
            out.put_slice(body.get(copied..at)?);
            copied = reader.position();
        }
    };
    if copied == 0 && added.is_empty() {
        return Some(body.clone());
    }
    out.put_slice(body.get(copied..end)?);
    out.put_slice(&added);
    out.put_slice(body.get(end..)?);
    Some(out.freeze())
}

#[cfg(test)]
mod tests;
