//! The fields that framing and the connection turn on.

use bytes::Bytes;
use httparse::Header;
use wireloom_codecs::HeaderList;

use crate::h1::refusal::Refusal;

/// A field that framing looks at. Everything else is only carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    Host,
    ContentLength,
    TransferEncoding,
    Connection,
    Upgrade,
    Expect,
    Te,
    Http2Settings,
    /// Of one connection too, but of no use here.
    Hop,
    /// `Content_Length` and the like: some servers take an underscore for a hyphen.
    Lookalike,
    Other,
}

impl Known {
    pub(crate) fn of(name: &[u8]) -> Self {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        match name.len() {
            2 if is("te") => Self::Te,
            4 if is("host") => Self::Host,
            6 if is("expect") => Self::Expect,
            7 if is("upgrade") => Self::Upgrade,
            10 if is("connection") => Self::Connection,
            10 if is("keep-alive") => Self::Hop,
            14 if is("content-length") => Self::ContentLength,
            14 if is("http2-settings") => Self::Http2Settings,
            14 if is("content_length") => Self::Lookalike,
            16 if is("proxy-connection") => Self::Hop,
            17 if is("transfer-encoding") => Self::TransferEncoding,
            17 if is("transfer_encoding") => Self::Lookalike,
            _ => Self::Other,
        }
    }
}

/// What the fields of a head say about its connection and its body.
#[derive(Debug, Default)]
pub(crate) struct Noted<'b> {
    pub(crate) host: Option<&'b [u8]>,
    pub(crate) length: Option<u64>,
    pub(crate) chunked: bool,
    pub(crate) upgrade: Option<&'b [u8]>,
    pub(crate) settings: Option<&'b [u8]>,
    pub(crate) expect: bool,
    pub(crate) close: bool,
    pub(crate) keep_alive: bool,
    /// `Connection: upgrade`.
    pub(crate) upgrading: bool,
    /// Something in the list belongs to this connection.
    pub(crate) hop: bool,
}

impl<'b> Noted<'b> {
    /// Looks at every field, and makes the list of what is carried: slices of `head`.
    pub(crate) fn read(
        head: &Bytes,
        fields: &[Header<'b>],
    ) -> Result<(Noted<'b>, HeaderList), Refusal> {
        let mut noted = Noted::default();
        // Room for what filters add.
        let mut list = HeaderList::with_capacity(fields.len() + 2);
        for field in fields {
            if noted.take(field)? {
                list.push(
                    head.slice_ref(field.name.as_bytes()),
                    head.slice_ref(field.value),
                );
            }
        }
        if noted.chunked && noted.length.is_some() {
            return Err(Refusal::bad("Content-Length with Transfer-Encoding"));
        }
        Ok((noted, list))
    }

    /// True if it goes into the list.
    fn take(&mut self, field: &Header<'b>) -> Result<bool, Refusal> {
        let value = field.value;
        match Known::of(field.name.as_bytes()) {
            Known::Other => return Ok(true),
            Known::Host => {
                if self.host.replace(value).is_some() {
                    return Err(Refusal::bad("more than one Host"));
                }
                return Ok(false);
            }
            Known::ContentLength => {
                let length = content_length(value)?;
                return match self.length.replace(length) {
                    None => Ok(true),
                    Some(first) if first == length => Ok(false),
                    Some(_) => Err(Refusal::bad("two different Content-Lengths")),
                };
            }
            Known::TransferEncoding => {
                if self.chunked || !value.eq_ignore_ascii_case(b"chunked") {
                    return Err(Refusal::bad(
                        "a Transfer-Encoding that is not chunked alone",
                    ));
                }
                self.chunked = true;
            }
            Known::Connection => {
                for token in tokens(value) {
                    self.close |= token.eq_ignore_ascii_case(b"close");
                    self.keep_alive |= token.eq_ignore_ascii_case(b"keep-alive");
                    self.upgrading |= token.eq_ignore_ascii_case(b"upgrade");
                }
            }
            // The first one: a list is not chosen from, and a proxy need not understand them all.
            Known::Upgrade => self.upgrade = self.upgrade.or(Some(value)),
            Known::Http2Settings => self.settings = self.settings.or(Some(value)),
            Known::Expect => {
                self.expect |= value.eq_ignore_ascii_case(b"100-continue");
                return Ok(true);
            }
            Known::Te | Known::Hop => {}
            Known::Lookalike => {
                return Err(Refusal::bad("a framing field with an underscore"));
            }
        }
        self.hop = true;
        Ok(true)
    }
}

/// `1*18DIGIT` and nothing else: what every parser reads alike.
fn content_length(value: &[u8]) -> Result<u64, Refusal> {
    if value.is_empty() || value.len() > 18 || !value.iter().all(u8::is_ascii_digit) {
        return Err(Refusal::bad(
            "a Content-Length that is not a number of at most 18 digits",
        ));
    }
    let digits = value.iter().map(|digit| u64::from(digit - b'0'));
    Ok(digits.fold(0, |sum, digit| sum * 10 + digit))
}

/// The members of a list.
pub(crate) fn tokens(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}
