//! What a protocol of somebody else's has to show.

use std::sync::Arc;

use serde_json::Value as Json;
use wireloom_codecs::{Codec, Framed};

use super::exhibit::{Exhibit, Expected, Try};
use super::framed;
use crate::Extension;

/// One request that the demo shows, and sends with `--once`.
#[derive(Clone, Debug)]
pub struct Example {
    /// What it shows, in a few words.
    pub about: &'static str,
    /// What stands in the URL behind the address and its slash.
    pub target: &'static str,
    /// The body, as `call` takes it.
    pub body: Option<&'static str>,
    /// Whether it is sent with the header `x-canary: true`, which the demo routes to a server of its own.
    pub canary: bool,
    /// The value that must come back; None for a one-way request.
    pub answer: Option<Json>,
}

impl Exhibit {
    /// The demo of an extension.
    pub(crate) fn of<E: Extension>() -> Self {
        Self {
            name: E::Codec::ID.as_str(),
            title: E::Codec::ID.as_str(),
            matches: "",
            upstream: None,
            serve: |site| {
                let protocol = Arc::new(Framed::<E::Codec>::new(E::settings()));
                Box::pin(framed::serve(site, protocol, E::echo))
            },
            tries: || {
                let scheme = E::Codec::ID.as_str();
                let examples = E::examples().into_iter();
                examples.map(|example| example.to_try(scheme)).collect()
            },
            others: |_| Vec::new(),
        }
    }
}

impl Example {
    fn to_try(&self, scheme: &'static str) -> Try {
        let answer = self.answer.clone();
        Try {
            about: self.about,
            scheme,
            target: self.target.to_owned(),
            query: "",
            body: self.body,
            types: None,
            http2: false,
            canary: self.canary,
            expected: answer.map_or(Expected::Nothing, |answer| Expected::Values(vec![answer])),
        }
    }
}
