//! Thrift messages in every dialect: written from parts, and read into them.
//!
//! Sources: Apache Thrift `doc/specs/{thrift-rpc,HeaderFormat}.md`; Kitex `header_codec.go`.

mod conn;
#[cfg(test)]
mod tests;
mod value;

use anyhow::{Result, bail};

pub use conn::Thrift;
pub use value::Value;

/// Types of messages.
pub const CALL: u8 = 1;
/// An answer.
pub const REPLY: u8 = 2;
/// A `TApplicationException`.
pub const EXCEPTION: u8 = 3;
/// A call without an answer.
pub const ONE_WAY: u8 = 4;

/// Types of `TApplicationException` that the proxy uses.
pub const UNKNOWN_METHOD: i32 = 1;
/// The server failed.
pub const INTERNAL_ERROR: i32 = 6;
/// The request cannot be read.
pub const PROTOCOL_ERROR: i32 = 7;

/// Where a message ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A length in front.
    Framed,
    /// Its struct tells.
    Buffered,
    /// THeader.
    Header,
    /// Kitex's TTHeader.
    TtHeader,
}

/// How a message is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Strict binary.
    Binary,
    /// Compact.
    Compact,
}

/// What a connection speaks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// Where a message ends.
    pub transport: Transport,
    /// How it is written.
    pub protocol: Protocol,
}

impl std::fmt::Debug for Dialect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} {:?}", self.transport, self.protocol)
    }
}

const fn dialect(transport: Transport, protocol: Protocol) -> Dialect {
    Dialect {
        transport,
        protocol,
    }
}

/// Framed binary, the most usual.
pub const FRAMED: Dialect = dialect(Transport::Framed, Protocol::Binary);
/// Framed compact.
pub const FRAMED_COMPACT: Dialect = dialect(Transport::Framed, Protocol::Compact);
/// Unframed binary.
pub const BUFFERED: Dialect = dialect(Transport::Buffered, Protocol::Binary);
/// Unframed compact.
pub const BUFFERED_COMPACT: Dialect = dialect(Transport::Buffered, Protocol::Compact);
/// THeader.
pub const HEADER: Dialect = dialect(Transport::Header, Protocol::Binary);
/// THeader with compact.
pub const HEADER_COMPACT: Dialect = dialect(Transport::Header, Protocol::Compact);
/// TTHeader.
pub const TTHEADER: Dialect = dialect(Transport::TtHeader, Protocol::Binary);
/// TTHeader with compact.
pub const TTHEADER_COMPACT: Dialect = dialect(Transport::TtHeader, Protocol::Compact);

/// What a message says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// [`CALL`] and so on, or none of them.
    pub kind: u8,
    /// As on the wire: `Service:method` in multiplexed calls.
    pub name: String,
    /// The message's own.
    pub seqid: i32,
}

/// A message that came.
#[derive(Clone, Debug)]
pub struct Message {
    /// How it was written.
    pub dialect: Dialect,
    /// Its start.
    pub start: Start,
    /// THeader's or TTHeader's own seqid, else the message's.
    pub outer: i32,
    /// THeader's and TTHeader's pairs.
    pub pairs: Vec<(String, String)>,
    /// Its struct; an empty one where it cannot be read.
    pub value: Value,
    /// All of it, as it came.
    pub bytes: Vec<u8>,
}

impl Message {
    /// The method, without the service of a multiplexed call.
    pub fn method(&self) -> &str {
        let name = &self.start.name;
        name.split_once(':').map_or(name, |(_, method)| method)
    }

    /// The argument of [`Dialect::call`] or the value of [`Dialect::reply`].
    pub fn payload(&self) -> &[u8] {
        let field = i16::from(self.start.kind != REPLY);
        match self.value.field(field) {
            Some(Value::Binary(payload)) => payload,
            _ => &[],
        }
    }

    /// Text and type, if this is a `TApplicationException`.
    pub fn exception(&self) -> Option<(String, i32)> {
        match (self.start.kind, self.value.field(1), self.value.field(2)) {
            (EXCEPTION, Some(Value::Binary(text)), Some(Value::I32(code))) => {
                Some((String::from_utf8_lossy(text).into_owned(), *code))
            }
            _ => None,
        }
    }

    /// The answer of an echoing server.
    pub fn echo(&self) -> Vec<u8> {
        self.dialect
            .reply(self.method(), self.start.seqid, self.payload())
    }
}

impl Dialect {
    /// Those whose messages have a length in front.
    pub const WITH_LENGTH: [Self; 6] = [
        FRAMED,
        FRAMED_COMPACT,
        HEADER,
        HEADER_COMPACT,
        TTHEADER,
        TTHEADER_COMPACT,
    ];
    /// All of them.
    pub const ALL: [Self; 8] = [
        FRAMED,
        FRAMED_COMPACT,
        BUFFERED,
        BUFFERED_COMPACT,
        HEADER,
        HEADER_COMPACT,
        TTHEADER,
        TTHEADER_COMPACT,
    ];

    /// True of THeader and TTHeader.
    pub fn has_header(self) -> bool {
        matches!(self.transport, Transport::Header | Transport::TtHeader)
    }

    /// A message with this struct, in bytes.
    pub fn message(self, start: &Start, body: &[u8]) -> Vec<u8> {
        self.wrap(&start.write(self.protocol, body), start.seqid, &[])
    }

    /// The same from parts.
    pub fn of(self, kind: u8, name: &str, seqid: i32, value: &Value) -> Vec<u8> {
        let name = name.to_owned();
        self.message(&Start { kind, name, seqid }, &value.write(self.protocol))
    }

    /// A call whose argument is `payload`.
    pub fn call(self, name: &str, seqid: i32, payload: &[u8]) -> Vec<u8> {
        let argument = Value::Binary(payload.to_vec());
        self.of(CALL, name, seqid, &Value::Struct(vec![(1, argument)]))
    }

    /// The same, one-way.
    pub fn one_way(self, name: &str, seqid: i32, payload: &[u8]) -> Vec<u8> {
        let argument = Value::Binary(payload.to_vec());
        self.of(ONE_WAY, name, seqid, &Value::Struct(vec![(1, argument)]))
    }

    /// An answer whose value is `payload`.
    pub fn reply(self, name: &str, seqid: i32, payload: &[u8]) -> Vec<u8> {
        let value = Value::Binary(payload.to_vec());
        self.of(REPLY, name, seqid, &Value::Struct(vec![(0, value)]))
    }

    /// A `TApplicationException`.
    pub fn exception(self, name: &str, seqid: i32, text: &str, code: i32) -> Vec<u8> {
        let fields = vec![(1, Value::text(text)), (2, Value::I32(code))];
        self.of(EXCEPTION, name, seqid, &Value::Struct(fields))
    }

    /// A call with pairs in its header.
    pub fn call_with(
        self,
        name: &str,
        seqid: i32,
        payload: &[u8],
        pairs: &[(&str, &str)],
    ) -> Vec<u8> {
        let argument = Value::Struct(vec![(1, Value::Binary(payload.to_vec()))]);
        let (kind, name) = (CALL, name.to_owned());
        let start = Start { kind, name, seqid };
        let message = start.write(self.protocol, &argument.write(self.protocol));
        self.wrap(&message, seqid, pairs)
    }

    /// What the transport puts around a message.
    pub fn wrap(self, message: &[u8], seqid: i32, pairs: &[(&str, &str)]) -> Vec<u8> {
        match self.transport {
            Transport::Buffered => message.to_vec(),
            Transport::Framed => frame(message),
            Transport::Header | Transport::TtHeader => {
                self.headed(&self.block(0, pairs), seqid, message)
            }
        }
    }

    /// A frame of THeader or TTHeader with this header block, which is padded here.
    pub fn headed(self, block: &[u8], seqid: i32, payload: &[u8]) -> Vec<u8> {
        let mut bytes = match self.transport {
            Transport::TtHeader => vec![0x10, 0],
            _ => vec![0x0f, 0xff],
        };
        let mut block = block.to_vec();
        block.resize(block.len().next_multiple_of(4), 0);
        bytes.extend([0, 0]);
        bytes.extend(seqid.to_be_bytes());
        bytes.extend((block.len() as u16 / 4).to_be_bytes());
        bytes.extend(block);
        bytes.extend(payload);
        frame(&bytes)
    }

    /// A header block: the protocol, `zlib` transforms, pairs.
    pub fn block(self, zlib: u8, pairs: &[(&str, &str)]) -> Vec<u8> {
        let mut block = vec![match self.protocol {
            Protocol::Binary => 0,
            Protocol::Compact => 2,
        }];
        block.push(zlib);
        block.extend(vec![1; zlib.into()]);
        if pairs.is_empty() {
            return block;
        }
        block.push(1);
        let length = |block: &mut Vec<u8>, length: usize| match self.transport {
            Transport::TtHeader => block.extend((length as u16).to_be_bytes()),
            _ => put_varint(block, length as u64),
        };
        length(&mut block, pairs.len());
        for (key, value) in pairs {
            for text in [key, value] {
                length(&mut block, text.len());
                block.extend(text.as_bytes());
            }
        }
        block
    }

    /// The dialect of these first bytes; None if they are too few.
    pub fn detect(bytes: &[u8]) -> Result<Option<Self>> {
        let protocol = |byte: Option<&u8>, compact| {
            byte.map(|byte| match *byte == compact {
                true => Protocol::Compact,
                false => Protocol::Binary,
            })
        };
        let (transport, protocol) = match bytes {
            [0x80 | 0x82, ..] => (Transport::Buffered, protocol(bytes.first(), 0x82)),
            [_, _, _, _, 0x0f, 0xff, ..] => (Transport::Header, protocol(bytes.get(14), 2)),
            [_, _, _, _, 0x10, 0, ..] => (Transport::TtHeader, protocol(bytes.get(14), 2)),
            [0x40..=0xff, ..] => bail!("no Thrift message begins with {:02x?}", bytes.get(..8)),
            [_, _, _, _, _, _, ..] => (Transport::Framed, protocol(bytes.get(4), 0x82)),
            _ => return Ok(None),
        };
        Ok(protocol.map(|protocol| dialect(transport, protocol)))
    }

    /// The message at the start of `bytes` and its length; None if it is not whole.
    ///
    /// # Errors
    /// If it is none of this dialect.
    pub fn read(self, bytes: &[u8]) -> Result<Option<(Message, usize)>> {
        match self.cut(&mut Reader { bytes, at: 0 }) {
            Ok((mut message, length)) => {
                message.bytes = bytes.get(..length).unwrap_or_default().to_vec();
                Ok(Some((message, length)))
            }
            Err(Cut::Short) => Ok(None),
            Err(Cut::Bad(what)) => bail!(
                "{what} in {self:?}: {:02x?}",
                bytes.get(..32.min(bytes.len()))
            ),
        }
    }

    fn cut(self, from: &mut Reader<'_>) -> Result<(Message, usize), Cut> {
        if self.transport == Transport::Buffered {
            let start = Start::read(self.protocol, from)?;
            let value = Value::read(self.protocol, from)?;
            let outer = start.seqid;
            return Ok((self.made(start, outer, Vec::new(), value), from.at));
        }
        let length = usize::try_from(from.i32()?).map_err(|_| Cut::bad("a negative length"))?;
        let frame = from.take(length)?;
        let mut inside = Reader {
            bytes: frame,
            at: 0,
        };
        // In a frame that is whole nothing is missing.
        let whole = |cut| match cut {
            Cut::Short => Cut::bad("a message that runs past its frame"),
            bad => bad,
        };
        let (outer, pairs) = match self.has_header() {
            true => self.header(&mut inside).map_err(whole)?,
            false => (None, Vec::new()),
        };
        if self.transport == Transport::TtHeader && inside.rest().first() == Some(&0) {
            inside.i32().map_err(whole)?;
        }
        let start = Start::read(self.protocol, &mut inside).map_err(whole)?;
        let value = Value::read(self.protocol, &mut inside).unwrap_or(Value::Struct(Vec::new()));
        let outer = outer.unwrap_or(start.seqid);
        Ok((self.made(start, outer, pairs, value), from.at))
    }

    fn made(self, start: Start, outer: i32, pairs: Vec<(String, String)>, value: Value) -> Message {
        Message {
            dialect: self,
            start,
            outer,
            pairs,
            value,
            bytes: Vec::new(),
        }
    }

    #[expect(clippy::type_complexity, reason = "read where it is called")]
    fn header(self, from: &mut Reader<'_>) -> Result<(Option<i32>, Vec<(String, String)>), Cut> {
        let magic = match self.transport {
            Transport::TtHeader => [0x10, 0],
            _ => [0x0f, 0xff],
        };
        if from.take(2)? != magic {
            return Err(Cut::bad("no magic"));
        }
        from.take(2)?;
        let seqid = from.i32()?;
        let words = u16::from_be_bytes(from.array()?);
        let block = from.take(4 * usize::from(words))?;
        let mut block = Reader {
            bytes: block,
            at: 0,
        };
        let number = |from: &mut Reader<'_>| match self.transport {
            Transport::TtHeader => from
                .array()
                .map(|bytes| u64::from(u16::from_be_bytes(bytes))),
            _ => from.varint(),
        };
        let (_, transforms) = (block.byte()?, block.byte()?);
        block.take(transforms.into())?;
        let mut pairs = Vec::new();
        while !block.rest().is_empty() {
            match block.byte()? {
                0 => {}
                1 => {
                    for _ in 0..number(&mut block)? {
                        let mut text = || {
                            let length = number(&mut block)? as usize;
                            Ok(String::from_utf8_lossy(block.take(length)?).into_owned())
                        };
                        pairs.push((text()?, text()?));
                    }
                }
                0x10 if self.transport == Transport::TtHeader => {
                    for _ in 0..number(&mut block)? {
                        let key = number(&mut block)?;
                        let length = number(&mut block)? as usize;
                        let value = String::from_utf8_lossy(block.take(length)?);
                        pairs.push((key.to_string(), value.into_owned()));
                    }
                }
                _ => return Err(Cut::bad("an unknown header block")),
            }
        }
        Ok((Some(seqid), pairs))
    }
}

impl Start {
    /// The start of a message, and its struct.
    pub fn write(&self, protocol: Protocol, body: &[u8]) -> Vec<u8> {
        let Self { kind, name, seqid } = self;
        let mut bytes = Vec::with_capacity(16 + name.len() + body.len());
        match protocol {
            Protocol::Binary => {
                bytes.extend([0x80, 1, 0, *kind]);
                bytes.extend((name.len() as u32).to_be_bytes());
                bytes.extend(name.as_bytes());
                bytes.extend(seqid.to_be_bytes());
            }
            Protocol::Compact => {
                bytes.extend([0x82, kind << 5 | 1]);
                put_varint(&mut bytes, seqid.cast_unsigned().into());
                put_varint(&mut bytes, name.len() as u64);
                bytes.extend(name.as_bytes());
            }
        }
        bytes.extend(body);
        bytes
    }

    fn read(protocol: Protocol, from: &mut Reader<'_>) -> Result<Self, Cut> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match protocol {
            Protocol::Binary => {
                if from.take(2)? != [0x80, 1] {
                    return Err(Cut::bad("no version"));
                }
                let kind = from.take(2)?.last().copied().unwrap_or_default();
                let length = usize::try_from(from.i32()?);
                let length = length.map_err(|_| Cut::bad("a negative name"))?;
                let name = text(from.take(length)?);
                let seqid = from.i32()?;
                Ok(Self { kind, name, seqid })
            }
            Protocol::Compact => {
                let (magic, kind) = (from.byte()?, from.byte()?);
                if magic != 0x82 || kind & 31 != 1 {
                    return Err(Cut::bad("no version"));
                }
                let seqid = from.varint()? as i32;
                let length = from.varint()? as usize;
                let name = text(from.take(length)?);
                let kind = kind >> 5;
                Ok(Self { kind, name, seqid })
            }
        }
    }
}

/// A length in front.
pub fn frame(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u32).to_be_bytes()[..], message].concat()
}

/// Seven bits a byte, the lowest first.
pub fn put_varint(to: &mut Vec<u8>, value: u64) {
    let mut left = value;
    while left > 0x7f {
        to.push(left as u8 | 0x80);
        left >>= 7;
    }
    to.push(left as u8);
}

/// Why nothing was read.
#[derive(Debug)]
enum Cut {
    /// More is to come.
    Short,
    Bad(String),
}

impl Cut {
    fn bad(what: &str) -> Self {
        Self::Bad(what.to_owned())
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Cut> {
        let taken = self.rest().get(..count).ok_or(Cut::Short)?;
        self.at += count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Cut> {
        let taken = self.take(N)?;
        taken.try_into().map_err(|_| Cut::Short)
    }

    fn byte(&mut self) -> Result<u8, Cut> {
        self.array().map(|[byte]| byte)
    }

    fn i32(&mut self) -> Result<i32, Cut> {
        self.array().map(i32::from_be_bytes)
    }

    fn varint(&mut self) -> Result<u64, Cut> {
        let mut value = 0;
        for shift in (0..70).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Cut::bad("a varint that does not end"))
    }
}
