//! What a route does with its requests.

mod hash;
mod mirror;
mod named;
mod path;
mod redirect;
mod respond;
mod rewrite;
mod subset;

use crate::Problem;
use crate::config::{MatchConfig, PathMatch, RouteConfig};

pub use hash::{HashPolicy, Hashed};
pub use mirror::Mirror;
pub use named::NamedCluster;
pub use redirect::Redirect;
pub use respond::DirectResponse;
pub use rewrite::Rewrite;
pub use subset::SubsetRule;

/// What becomes of a route's requests.
#[derive(Clone, Debug)]
pub enum Action {
    /// They go to one of the clusters of [`Route::split`](crate::Route::split), perhaps with another host or path.
    Forward(Option<Box<Rewrite>>),
    /// The client is sent elsewhere. A request without an HTTP head cannot be.
    Redirect(Box<Redirect>),
    /// The client is answered.
    Respond(Box<DirectResponse>),
}

impl Action {
    /// Compiles what the route at `path` (`routes.main[2]`) does, and adds what is wrong with it. None where that
    /// leaves nothing.
    pub(crate) fn compile(
        path: &str,
        config: &RouteConfig,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let place = |key: &str| format!("{path}.{key}");
        let mut note = |key: &str, message: &str| problems.push(Problem::new(place(key), message));
        if config.to.is_none() {
            for (key, there) in [
                ("rewrite", config.rewrite.is_some()),
                ("retry", config.retry.is_some()),
                ("hash", !config.hash.is_empty()),
                ("mirror", !config.mirror.is_empty()),
                ("idle_timeout", config.idle_timeout.is_some()),
            ] {
                if there {
                    note(
                        key,
                        "is for requests that go to a cluster, and this route has no `to`",
                    );
                }
            }
        }
        match (&config.to, &config.redirect, &config.respond) {
            (Some(_), None, None) => {
                let Some(rewrite) = &config.rewrite else {
                    return Some(Self::Forward(None));
                };
                let rewrite =
                    Rewrite::compile(&place("rewrite"), rewrite, prefix(config), problems)?;
                Some(Self::Forward(Some(Box::new(rewrite))))
            }
            (None, Some(redirect), None) => {
                let redirect =
                    Redirect::compile(&place("redirect"), redirect, prefix(config), problems)?;
                Some(Self::Redirect(Box::new(redirect)))
            }
            (None, None, Some(respond)) => {
                let respond = DirectResponse::compile(&place("respond"), respond, problems)?;
                Some(Self::Respond(Box::new(respond)))
            }
            (None, None, None) => {
                let message = "does nothing with its requests: write `to` with the cluster that they go to, \
                               or `redirect`, or `respond`";
                problems.push(Problem::new(path, message));
                None
            }
            (to, redirect, _) => {
                let key = match (to, redirect) {
                    (Some(_), Some(_)) | (None, _) => "redirect",
                    (Some(_), None) => "respond",
                };
                note(
                    key,
                    "only one of `to`, `redirect` and `respond` may be given",
                );
                None
            }
        }
    }
}

/// The prefix that the route's requests have in common.
fn prefix(config: &RouteConfig) -> Option<&str> {
    let rule: Option<&MatchConfig> = config.r#match.as_ref();
    rule?
        .http
        .as_ref()?
        .path
        .as_ref()
        .and_then(PathMatch::prefix)
}

#[cfg(test)]
mod tests;
