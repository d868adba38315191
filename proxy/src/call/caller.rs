//! What a protocol does for a call, and which protocols there are.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use wireloom_codecs::{Connector, Request, Response};

use super::{
    CallError, CallUrl, Failure, Out, Reply, Wrong, bolt, dubbo, grpc, http, thrift, triple,
    websocket,
};
use crate::Program;
use crate::cli::CallArgs;
use crate::config::nearest;

/// One protocol's part of a call.
pub(crate) trait Caller: Send + Sync {
    /// The scheme of its URLs.
    fn scheme(&self) -> &'static str;
    /// Sends what was written, over a connection of its own, and hands on what comes back as it comes. Whoever calls
    /// this bounds its time.
    fn call<'a>(
        &'a self,
        url: &'a CallUrl,
        args: &'a CallArgs,
        out: Out<'a>,
    ) -> BoxFuture<'a, Result<(), CallError>>;
}

/// A protocol whose requests and answers are one message each: its caller makes the one and reads the other, and in
/// between lies the upstream side that the proxy uses (`whole`).
pub(crate) trait Messages: Send + Sync {
    /// The scheme of its URLs.
    const SCHEME: &'static str;
    /// The upstream side of the protocol.
    fn connector(&self) -> Arc<dyn Connector>;
    /// What was written, as a request. Its kind says whether an answer is waited for.
    fn request(&self, url: &CallUrl, args: &CallArgs) -> Result<Request, Wrong>;
    /// What the answer says. Its body is whole.
    fn read(&self, response: &Response) -> Result<Reply, Failure>;
}

const CALLERS: [&dyn Caller; 7] = [
    &dubbo::Dubbo,
    &bolt::Bolt,
    &thrift::Thrift,
    &triple::Triple,
    &grpc::Grpc,
    &http::Http,
    &websocket::WebSocket,
];

/// Schemes that stand for TLS, which calls do not speak.
const SECURE: [&str; 3] = ["https", "grpcs", "wss"];

/// The protocol of a scheme.
pub(super) fn of_scheme<'a>(program: &'a Program, scheme: &str) -> Result<&'a dyn Caller, Wrong> {
    let own = program.callers();
    let callers: Vec<&dyn Caller> = own.chain(CALLERS).collect();
    let found = callers.iter().find(|caller| caller.scheme() == scheme);
    found.copied().ok_or_else(|| {
        if SECURE.contains(&scheme) {
            let plain = scheme.trim_end_matches('s');
            let what = format!("`{scheme}` needs TLS, which `wireloom call` does not speak");
            return Wrong::url(format!("{what}; write {plain}:// and a port without it"));
        }
        let schemes: Vec<_> = callers.iter().map(|caller| caller.scheme()).collect();
        let instead = match nearest(scheme, schemes.iter().copied()) {
            Some(near) => format!("did you mean `{near}://`?"),
            None => format!("write one of {}://", schemes.join("://, ")),
        };
        Wrong::url(format!("the scheme `{scheme}` is not known; {instead}"))
    })
}
