//! What the demo has for a protocol, and what to try with it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;
use wireloom_codecs::units::Span;
use wireloom_codecs::{LocalError, Protocol, Request, Response};

use super::echo::Echo;
use super::{bolt, dubbo};
use crate::cli::{CallArgs, Header};

/// Every protocol of the demo. One more is one file and one line here.
pub(super) const EXHIBITS: [Exhibit; 2] = [dubbo::EXHIBIT, bolt::EXHIBIT];

/// The service that requests are for; the echo services answer to any name.
pub(super) const SERVICE: &str = "com.acme.OrderService";
/// The header that the route to the canary asks for.
pub(super) const CANARY: &str = "x-canary";

/// One protocol.
pub(super) struct Exhibit {
    /// Its name in the configuration.
    pub(super) name: &'static str,
    /// Its name in full.
    pub(super) title: &'static str,
    /// The downstream side, which serves the echo.
    pub(super) protocol: fn() -> Arc<dyn Protocol<Echo>>,
    /// The answer to a request, by the service of this name.
    pub(super) answer: fn(&Request, &str) -> Result<Response, LocalError>,
    /// How other clients are pointed to the proxy at this address.
    pub(super) clients: fn(SocketAddr) -> String,
    /// What to try.
    pub(super) tries: fn() -> Vec<Try>,
}

/// One request, and what must come of it.
#[derive(Clone)]
pub(super) struct Try {
    /// What it shows.
    pub(super) about: &'static str,
    /// The URL's scheme.
    pub(super) scheme: &'static str,
    /// The service as the URL writes it, a slash, and the method.
    pub(super) target: String,
    /// What follows in the URL, with its question mark.
    pub(super) query: &'static str,
    pub(super) body: &'static str,
    pub(super) types: Option<&'static str>,
    /// Whether it asks for the canary.
    pub(super) canary: bool,
    /// The answer; None for a one-way request.
    pub(super) expected: Option<Json>,
}

impl Try {
    /// The command line that sends it to this proxy.
    pub(super) fn args(&self, proxy: SocketAddr) -> CallArgs {
        let canary = Header {
            name: CANARY.to_owned(),
            value: "true".to_owned(),
        };
        CallArgs {
            url: self.url(proxy),
            body: Some(self.body.to_owned()),
            timeout: Span(Duration::from_secs(5)),
            headers: self.canary.then_some(canary).into_iter().collect(),
            types: self.types.map(str::to_owned),
            dialect: None,
        }
    }

    /// The same as people type it; `program` is how they call this one.
    pub(super) fn command(&self, program: &str, proxy: SocketAddr) -> String {
        let quoted = |text: &str| match text.contains(['?', '&', ';', '"', ' ']) {
            true => format!("'{text}'"),
            false => text.to_owned(),
        };
        let mut line = format!("{} call {}", quoted(program), quoted(&self.url(proxy)));
        line = format!("{line} '{}'", self.body);
        if let Some(types) = self.types {
            line = format!("{line} --type {}", quoted(types));
        }
        if self.canary {
            line = format!("{line} -H {CANARY}=true");
        }
        line
    }

    fn url(&self, proxy: SocketAddr) -> String {
        format!("{}://{proxy}/{}{}", self.scheme, self.target, self.query)
    }
}
