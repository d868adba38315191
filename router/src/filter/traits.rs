//! What a filter implements.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use wireloom_codecs::{Needs, RequestHead, ResponseHead};

use super::{Exchanged, Flow, Replied, Verdict};
use crate::{Mention, Problem};

/// One filter as one place of the configuration has it. All workers and exchanges share it, and it stays, with all
/// that it counts, over reloads that leave its place and its configuration as they were.
pub trait Filter: Send + Sync + 'static {
    /// The message fields (attachments, metadata, header pairs) that it reads on requests. HTTP's are there anyway.
    fn needs(&self) -> Needs {
        Needs::NOTHING
    }

    /// The protocols that its configuration names, with paths that begin within it, for the configuration's check to look
    /// up. [`MatchConfig::protocols`](crate::config::MatchConfig::protocols) finds those of a rule.
    fn protocols(&self) -> Vec<Mention> {
        Vec::new()
    }

    /// How many bytes of this request's body must be there, whole, when [`Filter::request`] is called: a request with
    /// a longer one is refused. 0: it does not look at the body, which is left to stream.
    ///
    /// Who waits for the whole body of a gRPC stream may wait for a client that waits for an answer. Bodies behind a switch
    /// of protocols (`CONNECT`, WebSocket) are never waited for.
    fn request_body(&self, request: &RequestHead) -> usize {
        let _ = request;
        0
    }

    /// The same for the body of an answer, when [`Filter::response`] is called: a longer one becomes a failure.
    fn response_body(&self, response: &ResponseHead) -> usize {
        let _ = response;
        0
    }

    /// A request has its route, and has gone nowhere yet. It may be changed in place.
    ///
    /// Called on the connection's own task: it must not block.
    fn request(&self, exchange: &mut Exchanged<'_>) -> Flow {
        let _ = exchange;
        Flow::Continue
    }

    /// An answer, or a failure, is about to go to the client. It may be changed in place. Called for those exchanges that
    /// [`Filter::request`] let through, whoever answered them.
    fn response(&self, reply: &mut Replied<'_>) -> Verdict {
        let _ = reply;
        Verdict::Continue
    }
}

/// A filter that configurations name.
pub trait Configured: Filter + Sized {
    /// Its name in configurations: lower case letters, digits, `_` and `-`.
    const NAME: &'static str;

    /// What stands behind the name. Its comments are the schema's descriptions; it should refuse unknown fields.
    type Config: DeserializeOwned + JsonSchema;

    /// Makes it. Also called to check a configuration that is never put to work: it must not touch anything outside.
    ///
    /// # Errors
    /// Everything that is wrong, with paths that begin within the configuration: `delay.percentage`, or empty for
    /// all of it.
    fn new(config: Self::Config) -> Result<Self, Vec<Problem>>;
}
