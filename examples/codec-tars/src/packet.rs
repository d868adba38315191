//! Packets: which bytes of one mean what, and those that are made here.

use serde_json::{Value as Json, json};
use wireloom_codecs::prelude::*;

use crate::wire::{Reader, STRING1, STRING4, put, put_bytes, put_int};

/// The protocol's name.
pub(crate) const NAME: &str = "tars";

/// The framework's own values of `iRet`, as its SDKs define them. A service's own are positive.
#[rustfmt::skip]
pub(crate) const CODES: [(&str, u32); 12] = [
    ("SUCCESS", 0), ("SERVERDECODEERR", -1_i32 as u32), ("SERVERENCODEERR", -2_i32 as u32),
    ("SERVERNOFUNCERR", -3_i32 as u32), ("SERVERNOSERVANTERR", -4_i32 as u32), ("SERVERRESETGRID", -5_i32 as u32),
    ("SERVERQUEUETIMEOUT", -6_i32 as u32), ("INVOKETIMEOUT", -7_i32 as u32), ("PROXYCONNECTERR", -8_i32 as u32),
    ("SERVEROVERLOAD", -9_i32 as u32), ("ADAPTERNULL", -10_i32 as u32), ("SERVERUNKNOWNERR", -99_i32 as u32),
];

/// Where TUP has `iRet`.
const RESULT_CODE: &str = "STATUS_RESULT_CODE";

/// What `iRet` means to policy. A call that waited for too long at the server (-6) was not begun.
pub(crate) fn class(ret: i32) -> Class {
    match ret {
        0 => Class::Success,
        1.. => Class::AppError,
        -1 | -3 | -4 => Class::ClientError,
        -6 | -9 => Class::Overloaded,
        -7 => Class::Timeout,
        -8 | -10 => Class::Unavailable,
        _ => Class::ServerError,
    }
}

/// The `iRet` by which a client learns of a failure here.
pub(crate) fn code(kind: ErrorKind) -> i32 {
    match kind {
        ErrorKind::NoRoute => -4,
        ErrorKind::Malformed | ErrorKind::TooLarge => -1,
        ErrorKind::Timeout => -7,
        ErrorKind::NoEndpoint | ErrorKind::ConnectFailure | ErrorKind::Reset | ErrorKind::Draining => -8,
        ErrorKind::Overloaded | ErrorKind::RateLimited => -9,
        _ => -99,
    }
}

/// A field: its type, and where it and its value begin and end.
#[derive(Clone, Copy, Default)]
struct Field(u8, usize, usize, usize);

/// What a packet says, as far as it could be read.
pub(crate) struct Packet<'a> {
    bytes: &'a [u8],
    fields: [Field; 11],
    /// Whether it has the form of a request.
    pub(crate) is_request: bool,
    /// Whether all of it could be read.
    pub(crate) is_whole: bool,
}

impl<'a> Packet<'a> {
    /// Reads the fields behind the length; steps over the user's content. What breaks off before tag 5 is what the peer would send.
    pub(crate) fn read(bytes: &'a [u8], from_client: bool) -> Self {
        let mut packet = Self { bytes, fields: Default::default(), is_request: from_client, is_whole: true };
        let mut reader = Reader(bytes.get(4..).unwrap_or_default());
        while packet.is_whole && !reader.0.is_empty() {
            let at = |reader: &Reader<'_>| bytes.len() - reader.0.len();
            let start = at(&reader);
            let (tag, kind) = reader.head().unwrap_or((u8::MAX, u8::MAX));
            // TUP answers in the form of a request.
            packet.is_request |= tag == 5 && matches!(kind, STRING1 | STRING4);
            let value = at(&reader);
            packet.is_whole = reader.value(kind, 0, false).is_some();
            if let Some(field) = packet.fields.get_mut(usize::from(tag)) {
                *field = Field(kind, start, value, at(&reader));
            }
        }
        packet.is_whole &= packet.fields[1].1 > 0 && packet.fields[packet.id_tag()].1 > 0;
        packet
    }

    fn id_tag(&self) -> usize {
        if self.is_request { 4 } else { 3 }
    }

    /// The value under a tag, and its type.
    pub(crate) fn value(&self, tag: usize) -> (u8, Reader<'a>) {
        let Field(kind, _, value, end) = self.fields[tag];
        (kind, Reader(&self.bytes[value..end]))
    }

    /// The integer under a tag; 0 if there is none.
    pub(crate) fn int(&self, tag: usize) -> i32 {
        let (kind, mut value) = self.value(tag);
        value.int(kind).unwrap_or(0) as i32
    }

    /// What is in the string or simple list under a tag.
    pub(crate) fn bytes(&self, tag: usize) -> &'a [u8] {
        let (kind, mut value) = self.value(tag);
        value.bytes(kind).unwrap_or_default()
    }

    /// What a response says of success. TUP says it in the status map.
    pub(crate) fn ret(&self) -> i32 {
        let code = self.value(10).1.pairs().find(|pair| pair.0 == RESULT_CODE.as_bytes());
        let code = code.and_then(|(_, text)| str::from_utf8(text).ok()?.parse().ok());
        if self.is_request { code.unwrap_or(0) } else { self.int(5) }
    }

    /// Negative ids are the large numbers that have the same bits.
    pub(crate) fn id(&self) -> StreamId {
        StreamId(u64::from(self.int(self.id_tag()) as u32))
    }

    /// What comes before the id, with the id's tag, and what comes behind it.
    pub(crate) fn split(&self, frame: &Bytes) -> (Wire, Body) {
        let Field(_, start, _, end) = self.fields[self.id_tag()];
        let mut wire = Wire { image: frame.slice(4..start), ..Wire::default() };
        (wire.fixed[0], wire.fixed[1]) = (self.id_tag() as u8, self.int(1) as u8);
        (wire, Body::Whole(frame.slice(end..)))
    }
}

/// A packet of ours: what comes before its id, and behind it the values whose tags follow the id's. The content stands where they
/// have null.
fn packet(id_tag: u8, [version, packet_type]: [i64; 2], values: Json, content: &[u8]) -> (Wire, Body) {
    let (mut image, mut rest, mut wire) = (Vec::new(), Vec::new(), Wire::default());
    (1..id_tag).zip([version, packet_type, 0]).for_each(|(tag, int)| put_int(&mut image, tag, int));
    for (tag, value) in (id_tag + 1..).zip(values.as_array().into_iter().flatten()) {
        if value.is_null() { put_bytes(&mut rest, tag, content) } else { put(&mut rest, tag, value) }
    }
    (wire.fixed[0], wire.fixed[1]) = (id_tag, version as u8);
    wire.image = image.into();
    (wire, Body::Whole(rest.into()))
}

/// A request: packet type 1 is one-way, and the timeout is in milliseconds.
pub(crate) fn request(names: [&str; 2], content: &[u8], packet_type: i64, timeout: i32, context: Json) -> (Wire, Body) {
    packet(4, [1, packet_type], json!([names[0], names[1], null, timeout, context, {}]), content)
}

/// A response to a request whose wire has this `fixed`. Where that was TUP it has the form of a request, and an empty map for content.
pub(crate) fn response(fixed: &[u8], ret: i32, content: &[u8], text: &str) -> Response {
    let (wire, body) = match fixed[1] {
        version @ 2..=3 => {
            let status = json!({RESULT_CODE: ret.to_string(), "STATUS_RESULT_DESC": text});
            packet(4, [version.into(), 0], json!(["", "", null, 0, {}, status]), &[0x08, 0x0c])
        }
        _ => packet(3, [1, 0], json!([0, ret, null, {}, text]), content),
    };
    let head = ResponseHead { outcome: Outcome::new(class(ret), ret as u32), wire, ..ResponseHead::default() };
    Message::new(head, body)
}

/// Writes a packet: the length, what comes before the id, the id in as many bytes as it needs, and what comes behind it.
pub(crate) fn write(dst: &mut WriteBuf, id: StreamId, wire: &Wire, body: &Body) {
    let mut field = Vec::with_capacity(5);
    put_int(&mut field, wire.fixed[0], (id.0 as i32).into());
    let empty = Bytes::new();
    let body = if let Body::Whole(body) = body { body } else { &empty };
    dst.put_slice(&((4 + wire.image.len() + field.len() + body.len()) as u32).to_be_bytes());
    dst.put(&wire.image);
    dst.put_slice(&field);
    dst.put(body);
}
