//! What the demo has for a protocol, and what to try with it.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::Value as Json;
use wireloom_codecs::units::Span;

use super::servers::Site;
use super::{bolt, dubbo, grpc, http, thrift, triple, websocket};
use crate::call::Reply;
use crate::cli::{CallArgs, Header};

/// Every protocol of the demo. One more is one file and one line here. Their routes stand in this order, so that the
/// WebSocket's path comes before all of HTTP.
pub(crate) const EXHIBITS: [Exhibit; 7] = [
    grpc::EXHIBIT,
    websocket::EXHIBIT,
    http::EXHIBIT,
    triple::EXHIBIT,
    dubbo::EXHIBIT,
    bolt::EXHIBIT,
    thrift::EXHIBIT,
];

/// The service that requests are for; most of the echo services answer to any name.
pub(super) const SERVICE: &str = "com.acme.OrderService";
/// The header that the routes to the canaries ask for.
pub(super) const CANARY: &str = "x-canary";

/// One protocol.
#[derive(Clone)]
pub(crate) struct Exhibit {
    /// Its name, which is its route's and its cluster's too.
    pub(super) name: &'static str,
    /// Its name in full.
    pub(super) title: &'static str,
    /// Which requests its route takes, as keys of `match`; empty for all of the protocol of that name.
    pub(super) matches: &'static str,
    /// What its clusters speak, where that is not what the client speaks.
    pub(super) upstream: Option<&'static str>,
    /// Runs an echo service.
    pub(super) serve: fn(Site) -> BoxFuture<'static, ()>,
    /// What to try with this program.
    pub(super) tries: fn() -> Vec<Try>,
    /// What to try with others, through the proxy at this address: what it shows, and the line.
    pub(super) others: fn(SocketAddr) -> Vec<(&'static str, String)>,
}

/// One request, and what must come of it.
#[derive(Clone)]
pub(super) struct Try {
    /// What it shows.
    pub(super) about: &'static str,
    /// The URL's scheme.
    pub(super) scheme: &'static str,
    /// The service as the URL writes it, a slash, and the method; or the path.
    pub(super) target: String,
    /// What follows in the URL, with its question mark.
    pub(super) query: &'static str,
    pub(super) body: Option<&'static str>,
    pub(super) types: Option<&'static str>,
    /// Whether it uses HTTP/2 where there is a choice.
    pub(super) http2: bool,
    /// Whether it asks for the canary.
    pub(super) canary: bool,
    pub(super) expected: Expected,
}

/// What must come of a request.
#[derive(Clone)]
pub(super) enum Expected {
    /// Nothing: it is one-way.
    Nothing,
    /// These values.
    Values(Vec<Json>),
    /// Text with these lines in it.
    Lines(&'static [&'static str]),
}

impl Expected {
    /// What came back, for people; an error if it is something else.
    pub(super) fn compare(&self, reply: &Reply) -> Result<String, String> {
        let text = String::from_utf8_lossy(&reply.body);
        let joined = |values: &[Json]| {
            let each: Vec<_> = values.iter().map(Json::to_string).collect();
            each.join(" ")
        };
        let came = match reply.values.as_slice() {
            [] => text.trim_end().replace('\n', " | "),
            values => joined(values),
        };
        let (right, told) = match self {
            Self::Nothing => (came.is_empty(), "nothing".to_owned()),
            Self::Values(values) => (reply.values == *values, joined(values)),
            Self::Lines(lines) => {
                let here = |wanted: &&str| text.lines().any(|line| line == *wanted);
                (lines.iter().all(here), lines.join(", "))
            }
        };
        match right {
            true => Ok(told),
            false => Err(format!("{came}, instead of {told}")),
        }
    }
}

impl Try {
    /// The command line that sends it to this proxy.
    pub(super) fn args(&self, proxy: SocketAddr) -> CallArgs {
        let canary = Header {
            name: CANARY.to_owned(),
            value: "true".to_owned(),
        };
        CallArgs {
            body: self.body.map(str::to_owned),
            timeout: Span(Duration::from_secs(5)),
            headers: self.canary.then_some(canary).into_iter().collect(),
            types: self.types.map(str::to_owned),
            http2: self.http2,
            ..CallArgs::new(self.url(proxy))
        }
    }

    /// The same as people type it; `program` is how they call this one.
    pub(super) fn command(&self, program: &str, proxy: SocketAddr) -> String {
        let quoted = |text: &str| match text.contains(['?', '&', ';', '"', ' ']) {
            true => format!("'{text}'"),
            false => text.to_owned(),
        };
        let mut line = format!("{} call {}", quoted(program), quoted(&self.url(proxy)));
        if let Some(body) = self.body {
            line = format!("{line} '{body}'");
        }
        if let Some(types) = self.types {
            line = format!("{line} --type {}", quoted(types));
        }
        if self.http2 {
            line.push_str(" --http2");
        }
        if self.canary {
            line = format!("{line} -H {CANARY}=true");
        }
        line
    }

    fn url(&self, proxy: SocketAddr) -> String {
        let slash = if self.target.is_empty() { "" } else { "/" };
        format!(
            "{}://{proxy}{slash}{}{}",
            self.scheme, self.target, self.query
        )
    }
}
