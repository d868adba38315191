//! Why a message is not taken.

use std::io;

use http::StatusCode;
use wireloom_codecs::{ConnError, ErrorKind, LocalError};

use crate::h1::scan::NAME;

/// A message that is not taken. No further message can be found behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// What a client is answered.
    pub(crate) status: StatusCode,
    /// A part of a sentence.
    pub(crate) what: &'static str,
}

impl Refusal {
    pub(crate) const fn new(status: StatusCode, what: &'static str) -> Self {
        Self { status, what }
    }

    /// What breaks the rules.
    pub(crate) const fn bad(what: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, what)
    }

    /// In the words of an answer to a client.
    pub(crate) fn local(&self) -> LocalError {
        let kind = match self.status {
            StatusCode::URI_TOO_LONG
            | StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
            | StatusCode::PAYLOAD_TOO_LARGE => ErrorKind::TooLarge,
            StatusCode::METHOD_NOT_ALLOWED => ErrorKind::Denied,
            StatusCode::REQUEST_TIMEOUT => ErrorKind::Timeout,
            _ => ErrorKind::Malformed,
        };
        LocalError::new(kind, self.what)
    }

    /// As the end of the connection that it came over.
    pub(crate) fn conn(&self) -> ConnError {
        match self.status {
            StatusCode::REQUEST_TIMEOUT => ConnError::Timeout("request"),
            _ => ConnError::protocol(NAME, self.what),
        }
    }
}

impl From<io::Error> for Refusal {
    /// `Decoder` asks for it; decoding does no I/O.
    fn from(_: io::Error) -> Self {
        Self::bad("the connection failed")
    }
}
