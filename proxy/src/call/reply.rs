//! What comes back, as it comes and all together.

use std::io;

use bytes::Bytes;
use serde_json::Value as Json;

use super::LONGEST;

/// A part of what comes back.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// HTTP's status line.
    Status(String),
    /// What comes with an answer: a Dubbo attachment, a Bolt header, an HTTP header or trailer, gRPC metadata.
    Attachment(String, String),
    /// A value. A stream of gRPC has several.
    Value(Json),
    /// A line of text: the name of a service, a method, or a WebSocket message.
    Line(String),
    /// Bytes of a body, as they came.
    Bytes(Bytes),
}

/// Where pieces go.
pub type Out<'a> = &'a mut (dyn FnMut(Piece) -> io::Result<()> + Send);

/// All that came back.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    /// HTTP's status line.
    pub status: Option<String>,
    /// What came with it.
    pub attachments: Vec<(String, String)>,
    /// The values. None for a one-way request, which has no answer.
    pub values: Vec<Json>,
    /// The body, or the lines.
    pub body: Vec<u8>,
}

impl Reply {
    /// Adds a piece. An error if the body grows too long.
    pub(super) fn add(&mut self, piece: Piece) -> io::Result<()> {
        match piece {
            Piece::Status(status) => self.status = Some(status),
            Piece::Attachment(name, value) => self.attachments.push((name, value)),
            Piece::Value(value) => self.values.push(value),
            Piece::Line(line) => {
                self.body.extend_from_slice(line.as_bytes());
                self.body.push(b'\n');
            }
            Piece::Bytes(bytes) => self.body.extend_from_slice(&bytes),
        }
        match self.body.len() <= LONGEST {
            true => Ok(()),
            false => Err(io::Error::other(format!(
                "the body is longer than {LONGEST} bytes"
            ))),
        }
    }

    /// Hands its pieces on.
    pub(super) fn pieces(self) -> impl Iterator<Item = Piece> {
        let attachments = self.attachments.into_iter();
        let attachments = attachments.map(|(name, value)| Piece::Attachment(name, value));
        attachments.chain(self.values.into_iter().map(Piece::Value))
    }
}
