//! What a protocol does for a call, and which protocols there are.

use std::sync::Arc;

use serde_json::Value as Json;
use wireloom_codecs::{Connector, Request, Response};

use super::{CallUrl, Failure, Wrong, bolt, dubbo};
use crate::cli::CallArgs;
use crate::config::nearest;

/// One protocol's part of a call.
pub trait Caller: Send + Sync {
    /// The scheme of its URLs.
    fn scheme(&self) -> &'static str;
    /// The upstream side of the protocol.
    fn connector(&self) -> Arc<dyn Connector>;
    /// What was written, as a request. Its kind says whether an answer is waited for.
    fn request(&self, url: &CallUrl, args: &CallArgs) -> Result<Request, Wrong>;
    /// What the answer says. Its body is whole.
    fn read(&self, response: &Response) -> Result<Reply, Failure>;
}

/// What came back.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    /// The value. None for a one-way request, which has no answer.
    pub value: Option<Json>,
    /// What came with it: Dubbo attachments, Bolt headers.
    pub attachments: Vec<(String, String)>,
}

const CALLERS: [&dyn Caller; 2] = [&dubbo::Dubbo, &bolt::Bolt];

/// The protocol of a scheme.
pub(super) fn of_scheme(scheme: &str) -> Result<&'static dyn Caller, Wrong> {
    let found = CALLERS.iter().find(|caller| caller.scheme() == scheme);
    found.copied().ok_or_else(|| {
        let schemes = CALLERS.map(Caller::scheme);
        let instead = match nearest(scheme, schemes) {
            Some(near) => format!("did you mean `{near}://`?"),
            None => format!("write {}://", schemes.join(":// or ")),
        };
        Wrong::url(format!("the scheme `{scheme}` is not known; {instead}"))
    })
}
