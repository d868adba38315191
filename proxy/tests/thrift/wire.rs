//! Messages as bytes, written and read here and not by the crate under test.

/// A call, an answer, an exception, a call without an answer.
pub(crate) const CALL: u8 = 1;
pub(crate) const REPLY: u8 = 2;
pub(crate) const EXCEPTION: u8 = 3;
pub(crate) const ONEWAY: u8 = 4;

/// How a message is written; all are behind a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Binary,
    Compact,
    /// THeader.
    HeaderBinary,
    HeaderCompact,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) dialect: Dialect,
    pub(crate) kind: u8,
    pub(crate) name: String,
    pub(crate) seqid: u32,
    /// The struct.
    pub(crate) body: Vec<u8>,
    /// THeader's.
    pub(crate) pairs: Vec<(String, String)>,
}

impl Dialect {
    fn is_compact(self) -> bool {
        matches!(self, Self::Compact | Self::HeaderCompact)
    }

    fn has_header(self) -> bool {
        matches!(self, Self::HeaderBinary | Self::HeaderCompact)
    }

    /// A struct with this string in field 0 (a value) or 1 (the first argument).
    pub(crate) fn text(self, field: u8, text: &str) -> Vec<u8> {
        assert!(field < 2 && text.len() < 128);
        let mut body = match (self.is_compact(), field) {
            // A distance of 1, or the number itself.
            (true, 1) => vec![0x18, text.len() as u8],
            (true, _) => vec![0x08, 0, text.len() as u8],
            (false, _) => vec![11, 0, field, 0, 0, 0, text.len() as u8],
        };
        body.extend(text.as_bytes());
        body.push(0);
        body
    }

    /// A call of `name` with one string.
    pub(crate) fn call(self, name: &str, seqid: u32, text: &str) -> Message {
        Message {
            dialect: self,
            kind: CALL,
            name: name.to_owned(),
            seqid,
            body: self.text(1, text),
            pairs: Vec::new(),
        }
    }
}

impl Message {
    pub(crate) fn with(mut self, key: &str, value: &str) -> Self {
        self.pairs.push((key.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn one_way(mut self) -> Self {
        self.kind = ONEWAY;
        self
    }

    /// Its answer, as a server writes it: without the service before the name.
    pub(crate) fn answer(&self, kind: u8, body: Vec<u8>) -> Self {
        let name = self.name.rsplit(':').next().unwrap().to_owned();
        let dialect = self.dialect;
        Self {
            dialect,
            kind,
            name,
            seqid: self.seqid,
            body,
            pairs: Vec::new(),
        }
    }

    pub(crate) fn reply(&self, text: &str) -> Self {
        self.answer(REPLY, self.dialect.text(0, text))
    }

    /// A TApplicationException of this type, without a text.
    pub(crate) fn exception(&self, code: u8) -> Self {
        let body = match self.dialect.is_compact() {
            true => vec![0x25, code << 1, 0],
            false => vec![8, 0, 2, 0, 0, 0, code, 0],
        };
        self.answer(EXCEPTION, body)
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut message = Vec::new();
        if self.dialect.is_compact() {
            message.extend([0x82, self.kind << 5 | 1]);
            varint(&mut message, self.seqid);
            varint(&mut message, self.name.len() as u32);
            message.extend(self.name.as_bytes());
        } else {
            message.extend([0x80, 1, 0, self.kind]);
            message.extend((self.name.len() as u32).to_be_bytes());
            message.extend(self.name.as_bytes());
            message.extend(self.seqid.to_be_bytes());
        }
        message.extend(&self.body);
        if self.dialect.has_header() {
            let mut header = vec![if self.dialect.is_compact() { 2 } else { 0 }, 0];
            if !self.pairs.is_empty() {
                header.extend([1, self.pairs.len() as u8]);
                for text in self.pairs.iter().flat_map(|(key, value)| [key, value]) {
                    varint(&mut header, text.len() as u32);
                    header.extend(text.as_bytes());
                }
            }
            header.resize(header.len().next_multiple_of(4), 0);
            let mut outer = vec![0x0f, 0xff, 0, 0];
            outer.extend(self.seqid.to_be_bytes());
            outer.extend(((header.len() / 4) as u16).to_be_bytes());
            outer.extend(header);
            outer.extend(message);
            message = outer;
        }
        let mut frame = (message.len() as u32).to_be_bytes().to_vec();
        frame.extend(message);
        frame
    }

    /// Reads what is behind a length.
    pub(crate) fn parse(mut bytes: &[u8]) -> Self {
        let mut pairs = Vec::new();
        let has_header = bytes.starts_with(&[0x0f, 0xff]);
        if has_header {
            let words = usize::from(u16::from_be_bytes([bytes[8], bytes[9]]));
            let (mut header, message) = bytes[10..].split_at(words * 4);
            // The protocol, no transforms.
            header = &header[2..];
            if header.first() == Some(&1) {
                let count = header[1];
                header = &header[2..];
                for _ in 0..count {
                    let key = short(&mut header);
                    pairs.push((key, short(&mut header)));
                }
            }
            bytes = message;
        }
        let (kind, name, seqid, body);
        let dialect = match (bytes[0], has_header) {
            (0x82, true) => Dialect::HeaderCompact,
            (0x82, false) => Dialect::Compact,
            (0x80, true) => Dialect::HeaderBinary,
            (0x80, false) => Dialect::Binary,
            _ => panic!("{bytes:x?}"),
        };
        if dialect.is_compact() {
            kind = bytes[1] >> 5;
            let mut rest = &bytes[2..];
            seqid = unvarint(&mut rest);
            name = short(&mut rest);
            body = rest.to_vec();
        } else {
            kind = bytes[3];
            let (len, rest) = bytes[4..].split_at(4);
            let len = u32::from_be_bytes(len.try_into().unwrap()) as usize;
            name = String::from_utf8(rest[..len].to_vec()).unwrap();
            let (word, rest) = rest[len..].split_at(4);
            seqid = u32::from_be_bytes(word.try_into().unwrap());
            body = rest.to_vec();
        }
        Self {
            dialect,
            kind,
            name,
            seqid,
            body,
            pairs,
        }
    }

    /// The type of a TApplicationException that the proxy made, and its text.
    pub(crate) fn refusal(&self) -> (u8, String) {
        assert_eq!((self.kind, self.dialect.is_compact()), (EXCEPTION, false));
        // A string in field 1, an i32 in field 2, the end.
        let len = u32::from_be_bytes(self.body[3..7].try_into().unwrap()) as usize;
        let (text, code) = self.body[7..].split_at(len);
        assert_eq!((&code[..3], &code[7..]), (&[8, 0, 2][..], &[0][..]));
        (code[6], String::from_utf8(text.to_vec()).unwrap())
    }
}

fn varint(to: &mut Vec<u8>, mut value: u32) {
    while value >= 128 {
        to.push(value as u8 | 128);
        value >>= 7;
    }
    to.push(value as u8);
}

fn unvarint(bytes: &mut &[u8]) -> u32 {
    let mut value = 0;
    for shift in (0..32).step_by(7) {
        let byte = bytes[0];
        *bytes = &bytes[1..];
        value |= u32::from(byte & 127) << shift;
        if byte < 128 {
            return value;
        }
    }
    panic!("a varint that does not end")
}

/// A string behind its length, a varint.
fn short(bytes: &mut &[u8]) -> String {
    let len = unvarint(bytes) as usize;
    let (text, rest) = bytes.split_at(len);
    *bytes = rest;
    String::from_utf8(text.to_vec()).unwrap()
}
