//! The filter `token`: lets requests pass that carry a token somebody is known by, and says in the answer who that was.
//!
//! The token is a field of the request in its protocol's own form: an HTTP header, gRPC metadata, a Dubbo attachment, a Bolt
//! header. Who it belongs to is asked of a [`Directory`], which may take its time; answers are remembered.

mod config;
mod directory;
mod remembered;

use std::collections::HashSet;
use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use wireloom_codecs::{ErrorKind, LocalError, Needs};
use wireloom_router::Problem;
use wireloom_router::filter::{Configured, Exchanged, Filter, Flow, Replied, Verdict};

pub use config::TokenConfig;
pub use directory::{Directory, Listed};
use remembered::Remembered;

/// Tokens longer than this are nobody's.
const LONGEST: usize = 512;

/// The filter.
pub struct Token {
    field: String,
    stamp: HeaderName,
    directory: Arc<dyn Directory>,
    remembered: Arc<Remembered>,
}

/// What the filter keeps of a request for its answer.
struct Caller(Arc<str>);

fn stranger() -> Flow {
    Flow::reject(LocalError::new(ErrorKind::Denied, "the token is not known"), "unknown")
}

fn decide(who: Option<Arc<str>>) -> Flow {
    who.map_or_else(stranger, |who| Flow::hold(Caller(who)))
}

impl Filter for Token {
    /// Codecs decode the fields that somebody needs.
    fn needs(&self) -> Needs {
        Needs::fields([self.field.as_str()])
    }

    fn request(&self, exchange: &mut Exchanged<'_>) -> Flow {
        let Some(token) = exchange.request.head.values(self.field.as_bytes()).next() else {
            let error = LocalError::new(ErrorKind::Denied, format!("there is no `{}`", self.field));
            return Flow::reject(error, "missing");
        };
        let Some(token) = std::str::from_utf8(token).ok().filter(|token| token.len() <= LONGEST) else {
            return stranger();
        };
        if let Some(who) = self.remembered.get(token) {
            return decide(Some(who));
        }
        // What waits owns what it needs: the filter itself may be gone by the time that it goes on.
        let (directory, remembered) = (self.directory.clone(), self.remembered.clone());
        let token = token.to_owned();
        Flow::wait(async move {
            let who = directory.find(&token).await;
            if let Some(who) = &who {
                remembered.put(token, who.clone());
            }
            decide(who)
        })
    }

    /// Says who it was. Answers of protocols that are not HTTP go as they came.
    fn response(&self, reply: &mut Replied<'_>) -> Verdict {
        let who = reply.held::<Caller>().map(|caller| caller.0.clone());
        if let (Some(who), Ok(response)) = (who, &mut *reply.result)
            && let Some(http) = &mut response.head.http
            && let Ok(who) = HeaderValue::from_str(&who)
        {
            http.headers.set(&self.stamp, &who);
        }
        Verdict::Continue
    }
}

impl Configured for Token {
    const NAME: &'static str = "token";
    type Config = TokenConfig;

    fn new(config: TokenConfig) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        if config.field.is_empty() {
            problems.push(Problem::new("field", "is empty: name the field that has the token"));
        }
        let mut known = HashSet::new();
        for (who, token) in &config.tokens {
            if !known.insert(token) {
                problems.push(Problem::new(format!("tokens.{who}"), "is somebody else's token too: give each their own"));
            }
        }
        if config.tokens.is_empty() {
            problems.push(Problem::new("tokens", "has no token, so that no request would pass"));
        }
        let stamp = HeaderName::try_from(&config.stamp);
        let stamp = stamp.map_err(|_| problems.push(Problem::new("stamp", "is no name of a header")));
        match (stamp, problems.is_empty()) {
            (Ok(stamp), true) => Ok(Self {
                field: config.field,
                stamp,
                directory: Arc::new(Listed::new(config.tokens, config.lookup.0)),
                remembered: Arc::new(Remembered::new(config.remember)),
            }),
            _ => Err(problems),
        }
    }
}
