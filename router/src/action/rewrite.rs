//! Other hosts and paths on the way to the upstream.

use wireloom_codecs::{ErrorKind, HttpRequest, LocalError, Str};

use super::path::{PathChange, Unfit};
use crate::Problem;
use crate::config::RewriteConfig;
use crate::matcher;

/// A compiled [`RewriteConfig`].
#[derive(Clone, Debug)]
pub struct Rewrite {
    host: Option<Str>,
    path: Option<PathChange>,
}

impl Rewrite {
    pub(super) fn compile(
        path: &str,
        config: &RewriteConfig,
        prefix: Option<&str>,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let before = problems.len();
        let place = |key: &str| format!("{path}.{key}");
        if let Some(host) = &config.host
            && let Err(why) = matcher::check_authority(host)
        {
            problems.push(Problem::new(place("host"), why));
        }
        let changes = [
            config
                .path
                .as_ref()
                .map(|new| ("path", PathChange::whole(&place("path"), new))),
            config
                .prefix
                .as_ref()
                .map(|new| ("prefix", PathChange::prefix(&place("prefix"), prefix, new))),
            config
                .regex
                .as_ref()
                .map(|regex| ("regex", PathChange::regex(&place("regex"), regex))),
        ];
        let mut change = None;
        for (key, compiled) in changes.into_iter().flatten() {
            if change.is_some() {
                let message = "only one of `path`, `prefix` and `regex` may be given";
                problems.push(Problem::new(place(key), message));
                break;
            }
            change = Some(compiled);
        }
        let change =
            change.and_then(|change| change.map_err(|problem| problems.push(problem)).ok());
        if *config == RewriteConfig::default() {
            let message =
                "changes nothing: write `host`, `path`, `prefix` or `regex`, or leave the key out";
            problems.push(Problem::new(path, message));
        }
        (problems.len() == before).then(|| Self {
            host: config.host.as_deref().map(Str::from),
            path: change,
        })
    }

    pub(crate) fn has_regex(&self) -> bool {
        self.path.as_ref().is_some_and(PathChange::has_regex)
    }

    /// Changes the request. Its query stays, and so does a target that is no path (`*`, or that of a CONNECT).
    ///
    /// # Errors
    /// A path that a regular expression made and that is longer than 64 KiB or no text. The request is as it was.
    pub fn apply(&self, request: &mut HttpRequest) -> Result<(), LocalError> {
        if let Some(change) = &self.path
            && request.target.as_bytes().starts_with(b"/")
        {
            let mut target = Vec::with_capacity(request.target.len() + 64);
            change.apply(request.path(), &mut target).map_err(|unfit| {
                LocalError::new(
                    ErrorKind::Malformed,
                    match unfit {
                        Unfit::TooLong => "the rewritten path is too long",
                        Unfit::NotText => "the rewritten path is not text",
                    },
                )
            })?;
            if let Some(query) = request.query() {
                target.push(b'?');
                target.extend_from_slice(query);
            }
            let target = Str::from_utf8(target.into());
            request.target = target.map_err(|_| {
                LocalError::new(ErrorKind::Malformed, "the rewritten path is not text")
            })?;
        }
        if let Some(host) = &self.host {
            request.authority = host.clone();
        }
        Ok(())
    }
}
