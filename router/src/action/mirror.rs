//! Which requests are copied, and for whom.

use wireloom_codecs::HttpRequest;

use crate::Problem;
use crate::config::MirrorConfig;
use crate::matcher::Share;

/// The largest buffer, in bytes.
const MOST: usize = 8 << 20;
/// What stands behind a copy's host.
const SHADOW: &str = "-shadow";

/// Copies for one cluster.
#[derive(Clone, Debug)]
pub struct Mirror {
    /// The cluster, as an index into [`RouteTable::clusters`](crate::RouteTable::clusters).
    pub cluster: usize,
    /// Streamed bodies up to so many bytes are copied.
    pub buffer: usize,
    share: Share,
    shadow_host: bool,
}

impl Mirror {
    /// Compiles what stands at `path` (`routes.main[2].mirror[0]`), and adds what is wrong with it. `salt` sets it apart
    /// from others.
    pub(crate) fn compile(
        path: &str,
        config: &MirrorConfig,
        (cluster, salt): (usize, u64),
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let share = Share::new(config.percentage, salt);
        if share.is_none() {
            let message = format!("{} is out of range: 0 to 100", config.percentage);
            problems.push(Problem::new(format!("{path}.percentage"), message));
        }
        if config.buffer.0 > MOST {
            let message = format!("{} bytes are out of range: 0 to {MOST}", config.buffer.0);
            problems.push(Problem::new(format!("{path}.buffer"), message));
        }
        Some(Self {
            cluster,
            buffer: config.buffer.0,
            share: share?,
            shadow_host: config.shadow_host,
        })
    }

    /// Whether a request is copied, of which this random number decides.
    pub fn takes(&self, random: u64) -> bool {
        self.share.takes(random)
    }

    /// Gives a copy the host that says what it is.
    pub fn mark(&self, copy: &mut HttpRequest) {
        let authority = &*copy.authority;
        if !self.shadow_host || authority.is_empty() || authority.starts_with('[') {
            return;
        }
        let end = copy.host().len();
        let (host, port) = authority.split_at_checked(end).unwrap_or((authority, ""));
        copy.authority = format!("{host}{SHADOW}{port}").into();
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;

    fn compile(yaml: &str) -> Result<Mirror, Vec<Problem>> {
        let config: MirrorConfig = serde_saphyr::from_str(yaml).unwrap();
        let mut problems = Vec::new();
        let mirror = Mirror::compile("mirror[0]", &config, (0, 1), &mut problems);
        mirror.filter(|_| problems.is_empty()).ok_or(problems)
    }

    #[test]
    fn hosts_of_copies() {
        let host = |yaml: &str, host: &'static str| {
            let mut http = HttpRequest::new(Method::GET, host.into(), "/".into());
            compile(yaml).unwrap().mark(&mut http);
            http.authority.to_string()
        };
        for (before, after) in [
            ("a.example", "a.example-shadow"),
            ("a.example:80", "a.example-shadow:80"),
            ("10.0.0.1:80", "10.0.0.1-shadow:80"),
            ("[::1]:80", "[::1]:80"),
            ("", ""),
        ] {
            assert_eq!(host("{cluster: a}", before), after);
            assert_eq!(host("{cluster: a, shadow_host: false}", before), before);
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (yaml, path) in [
            ("{cluster: a, percentage: 101}", "mirror[0].percentage"),
            ("{cluster: a, percentage: -1}", "mirror[0].percentage"),
            ("{cluster: a, buffer: 9MiB}", "mirror[0].buffer"),
        ] {
            let problems = compile(yaml).unwrap_err();
            assert_eq!(problems[0].path, path, "{yaml}");
        }
    }
}
