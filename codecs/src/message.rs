//! A head and a body.

use std::sync::Arc;

use crate::{Body, Headers, RequestHead, Reserved, ResponseHead};

/// A message of either direction.
#[derive(Debug)]
pub struct Message<H> {
    /// What policy reads.
    pub head: H,
    /// What it does not.
    pub body: Body,
    /// The fields after a body that is empty or whole; a streamed one brings its own.
    pub trailers: Option<Box<Headers>>,
    /// The memory reserved for it, given back with the last copy. Set by the driver that read it.
    pub hold: Option<Arc<Reserved>>,
}

/// A request.
pub type Request = Message<RequestHead>;
/// A response.
pub type Response = Message<ResponseHead>;

impl<H> Message<H> {
    /// A message of `head` and `body`.
    pub const fn new(head: H, body: Body) -> Self {
        Self {
            head,
            body,
            trailers: None,
            hold: None,
        }
    }
}

impl<H: Clone> Message<H> {
    /// A second copy, for a retry or a mirror: reference counts and no bytes. None if the body is streamed.
    pub fn try_clone(&self) -> Option<Self> {
        let body = self.body.try_clone()?;
        Some(Self {
            head: self.head.clone(),
            body,
            trailers: self.trailers.clone(),
            hold: self.hold.clone(),
        })
    }
}
