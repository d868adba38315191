//! The chunked coding (RFC 9112 §7.1), read strictly: nothing is guessed, and line ends are CRLF.

use bytes::{Buf, Bytes, BytesMut};
use http::StatusCode;
use memchr::memchr;
use wireloom_codecs::{HeaderList, Headers};

use crate::h1::fields::{Known, tokens};
use crate::h1::refusal::Refusal;
use crate::h1::request::explain;
use crate::h1::scan::{HeadLimits, Scan};

/// The longest line with a chunk's size and extensions.
const LINE: usize = 4 << 10;
/// Extensions may take so much, and a quarter of the payload more.
const EXTENSIONS: u64 = 16 << 10;
/// The most that trailers may take.
const TRAILERS: HeadLimits = HeadLimits {
    head: 16 << 10,
    fields: 100,
    target: 0,
    bare_lf: false,
};

/// What comes out of a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Payload.
    Data(Bytes),
    /// The fields after it; the end is next.
    Trailers(Headers),
    /// That was all.
    End,
}

/// Where in the coding the next byte stands.
#[derive(Debug)]
enum At {
    Size,
    Data(u64),
    /// The line end behind a chunk's data.
    Close,
    Trailers(Scan),
    End,
}

/// Takes the chunks apart.
#[derive(Debug)]
pub(crate) struct Chunked {
    at: At,
    payload: u64,
    extensions: u64,
}

impl Chunked {
    pub(crate) const fn new() -> Self {
        Self {
            at: At::Size,
            payload: 0,
            extensions: 0,
        }
    }

    pub(crate) const fn ended(&self) -> bool {
        matches!(self.at, At::End)
    }

    /// The next piece of `buffer`; None if it takes more bytes.
    pub(crate) fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Piece>, Refusal> {
        loop {
            match &mut self.at {
                At::Size => {
                    let Some(size) = self.size(buffer)? else {
                        return Ok(None);
                    };
                    self.at = match size {
                        0 => At::Trailers(Scan::trailers()),
                        size => At::Data(size),
                    };
                }
                At::Data(left) => {
                    if buffer.is_empty() {
                        return Ok(None);
                    }
                    let take = usize::try_from(*left).map_or(buffer.len(), |n| n.min(buffer.len()));
                    let data = buffer.split_to(take).freeze();
                    *left -= take as u64;
                    self.payload += take as u64;
                    if *left == 0 {
                        self.at = At::Close;
                    }
                    return Ok(Some(Piece::Data(data)));
                }
                At::Close => match &buffer[..] {
                    [b'\r', b'\n', ..] => {
                        buffer.advance(2);
                        self.at = At::Size;
                    }
                    [] | [b'\r'] => return Ok(None),
                    _ => return Err(Refusal::bad("a chunk that does not end where it should")),
                },
                At::Trailers(scan) => {
                    if buffer.starts_with(b"\r\n") {
                        buffer.advance(2);
                        self.at = At::End;
                        return Ok(Some(Piece::End));
                    }
                    let Some(end) = scan.scan(buffer, &TRAILERS)? else {
                        return Ok(None);
                    };
                    let block = buffer.split_to(end.length).freeze();
                    self.at = At::End;
                    let trailers = read_trailers(&block, end.fields)?;
                    return Ok(Some(match trailers.is_empty() {
                        true => Piece::End,
                        false => Piece::Trailers(trailers),
                    }));
                }
                At::End => return Ok(Some(Piece::End)),
            }
        }
    }

    /// Takes the line with a chunk's size.
    fn size(&mut self, buffer: &mut BytesMut) -> Result<Option<u64>, Refusal> {
        let found = memchr(b'\n', buffer);
        if found.unwrap_or(buffer.len()) > LINE {
            return Err(OVER);
        }
        let Some(end) = found else {
            return Ok(None);
        };
        let line = buffer.get(..end).unwrap_or_default();
        let Some((b'\r', line)) = line.split_last() else {
            return Err(Refusal::bad("a chunk's first line that ends in LF alone"));
        };
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit());
        let digits = digits.count();
        let (number, extensions) = line.split_at(digits);
        if !(1..=16).contains(&digits) {
            return Err(Refusal::bad("a chunk size that is not 1 to 16 hex digits"));
        }
        if !is_extension(extensions) {
            return Err(Refusal::bad(
                "a chunk size followed by what is no extension",
            ));
        }
        self.extensions += extensions.len() as u64;
        if self.extensions > EXTENSIONS + self.payload / 4 {
            return Err(OVER);
        }
        let size = number.iter().fold(0, |sum: u64, digit| {
            // Sixteen digits always fit.
            sum << 4 | u64::from(char::from(*digit).to_digit(16).unwrap_or_default())
        });
        buffer.advance(end + 1);
        Ok(Some(size))
    }
}

const OVER: Refusal = Refusal::new(
    StatusCode::PAYLOAD_TOO_LARGE,
    "chunk extensions over the limit",
);

/// Nothing, or whitespace and a semicolon and no control bytes.
fn is_extension(text: &[u8]) -> bool {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let mut behind = text.iter().skip_while(|byte| blank(byte));
    text.is_empty()
        || behind.next() == Some(&b';')
            && behind.all(|byte| *byte >= b' ' && *byte != 0x7f || *byte == b'\t')
}

/// Parses trailers and drops those that may not be there: what frames, routes or authenticates a message (RFC 9110 §6.5.1).
fn read_trailers(block: &Bytes, fields: usize) -> Result<Headers, Refusal> {
    let mut headers = vec![httparse::EMPTY_HEADER; fields];
    let parsed = httparse::parse_headers(block, &mut headers).map_err(explain)?;
    let httparse::Status::Complete((_, headers)) = parsed else {
        return Err(Refusal::bad("trailers that break off"));
    };
    let mut list = HeaderList::with_capacity(headers.len());
    for field in headers {
        if Known::of(field.name.as_bytes()) == Known::Other && !forbidden(field.name.as_bytes()) {
            list.push(
                block.slice_ref(field.name.as_bytes()),
                block.slice_ref(field.value),
            );
        }
    }
    Ok(list.into())
}

const FORBIDDEN: &[u8] = b"authorization,cookie,set-cookie,content-encoding,content-type,content-range,trailer,\
    max-forwards,cache-control,range,if-match,if-none-match,if-modified-since,if-unmodified-since,if-range,\
    proxy-authorization,proxy-authenticate,www-authenticate,age,date,expires,location,retry-after,vary,warning";

fn forbidden(name: &[u8]) -> bool {
    tokens(FORBIDDEN).any(|one| one.eq_ignore_ascii_case(name))
}
