//! Entry point of the fuzz target: it takes any bytes and panics if a promise does not hold.
#![allow(
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "panics are how a fuzz target reports"
)]

use http::{Method, header::LOCATION};
use wireloom_codecs::{Downstream, Fields, HttpRequest, Kind, ProtocolId, RequestHead, Str, Wire};

use crate::config::{
    DEFAULT_TIMEOUT, HeaderEdits, HttpMatch, MatchConfig, PathMatch, Range, RedirectConfig,
    RegexRewrite, RewriteConfig, RouteConfig, StringMatch, SubsetMatch, TlsMatch, To,
    WeightedCluster,
};
use crate::{Action, Lookup, Route, RouteTable};

mod oracle;

use oracle::takes;

const PROTOCOLS: [&str; 3] = ["bolt", "dubbo", "http1"];
/// Labels of hosts and segments of paths, few so that they meet.
const WORDS: [&str; 4] = ["a", "b", "B", "cc"];
/// Networks; the client of every request is in the first two.
const NETWORKS: [&str; 4] = ["10.0.0.0/8", "10.0.0.1", "10.0.0.2", "2001:db8::/32"];
/// More than are tried one by one, so that the index by service is used too.
const ROUTES: usize = 24;

/// Makes a table and requests of `data`. The table finds what judging the routes one by one finds, and has asked for
/// every field that they read; what does not compile is told with the place of the route.
pub fn route_match(data: &[u8]) {
    matched(data);
}

/// How many of the requests were matched.
fn matched(data: &[u8]) -> usize {
    let mut input = Input::new(data);
    let routes: Vec<_> = (0..input.below(ROUTES)).map(|_| input.route()).collect();
    let table = match RouteTable::compile("main", &routes) {
        Ok(table) => table,
        Err(problems) => {
            assert!(!problems.is_empty());
            for problem in problems {
                let path = &problem.path;
                assert!(path.starts_with("routes.main["), "{path}");
                assert!(!problem.message.is_empty(), "{path}");
            }
            return 0;
        }
    };
    for config in routes.iter().filter_map(|route| route.r#match.as_ref()) {
        for name in config.headers.keys() {
            assert!(
                table.needs().wants(name.as_bytes()),
                "{name} is not asked for"
            );
        }
    }
    let mut matched = 0;
    let downstream = Downstream::new(([10, 0, 0, 1], 7).into(), None);
    for _ in 0..4 {
        let head = input.head();
        let random = u32::from_be_bytes([input.byte(), input.byte(), input.byte(), input.byte()]);
        let found = table.route(&Lookup::new(&head, &downstream));
        if let Some(route) = found {
            if matches!(route.action, Action::Forward(_)) {
                assert!(route.split.pick(random) < table.clusters().len());
            }
            if let Some(http) = &head.http {
                acted(route, http);
            }
        }
        matched += usize::from(found.is_some());
        let found = found.map_or(routes.len(), |route| route.index);
        for (index, route) in routes.iter().enumerate().take(found + 1) {
            let takes = takes(route, &head);
            let wrong = takes == Some(index != found);
            assert!(!wrong, "{route:?} and not the one at {found} for {head:?}");
        }
    }
    matched
}

/// What a route does to a request leaves a request, and what it answers is an answer.
fn acted(route: &Route, http: &HttpRequest) {
    match &route.action {
        Action::Forward(None) | Action::Respond(_) => {}
        Action::Forward(Some(rewrite)) => {
            let mut request = http.clone();
            let was_path = http.target.starts_with('/');
            if rewrite.apply(&mut request).is_ok() {
                let target = &request.target;
                assert_eq!(target.starts_with('/'), was_path, "{target}");
                assert_eq!(request.query(), http.query(), "{target}");
            } else {
                assert_eq!(request.target, http.target);
            }
        }
        Action::Redirect(redirect) => {
            let response = redirect.response(http);
            let Some(location) = response.headers.get(&LOCATION) else {
                assert_eq!(response.status, 400);
                return;
            };
            assert!(location.is_ascii());
            let absolute = location.starts_with(b"http://") || location.starts_with(b"https://");
            let relative = location.starts_with(b"/") && !location.starts_with(b"//");
            assert!(absolute != relative, "{}", location.escape_ascii());
        }
    }
}

/// Bytes, read as choices and texts. Texts come back, so that conditions and requests meet.
struct Input<'a> {
    rest: &'a [u8],
    texts: Vec<String>,
}

impl<'a> Input<'a> {
    const fn new(rest: &'a [u8]) -> Self {
        let texts = Vec::new();
        Self { rest, texts }
    }

    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.rest.split_first() else {
            return 0;
        };
        self.rest = rest;
        *first
    }

    fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end.max(1)
    }

    fn text(&mut self) -> String {
        let choice = self.below(256);
        // Half of the choices are among the texts that were there.
        let known = (choice / 2).checked_rem(self.texts.len());
        if let Some(text) = known.and_then(|known| self.texts.get(known))
            && choice.is_multiple_of(2)
        {
            return text.clone();
        }
        let (text, rest) = self.rest.split_at(self.rest.len().min(1 + choice / 2 % 8));
        self.rest = rest;
        let text = String::from_utf8_lossy(text).into_owned();
        self.texts.push(text.clone());
        text
    }

    fn condition(&mut self) -> Option<StringMatch> {
        // Most routes have few conditions, so that some match.
        Some(match self.below(24) {
            0 => StringMatch::Exact(self.text()),
            1 => StringMatch::Prefix(self.text()),
            2 => StringMatch::Suffix(self.text()),
            3 => StringMatch::Regex(self.text()),
            4 => StringMatch::Present(self.byte().is_multiple_of(2)),
            5 => StringMatch::Contains(self.text()),
            6 => {
                let (min, max) = (self.byte(), self.byte());
                StringMatch::Range(Range {
                    min: Some(i64::from(min) - 128),
                    max: (!max.is_multiple_of(4)).then(|| i64::from(max)),
                })
            }
            7 => StringMatch::Not(Box::new(match self.condition()? {
                StringMatch::Not(condition) => *condition,
                condition => condition,
            })),
            _ => return None,
        })
    }

    fn protocol(&mut self) -> &'static str {
        let choice = self.below(PROTOCOLS.len());
        PROTOCOLS.get(choice).copied().unwrap_or_default()
    }

    fn route(&mut self) -> RouteConfig {
        let protocol = self
            .byte()
            .is_multiple_of(4)
            .then(|| self.protocol().into());
        let (service, method) = (self.condition(), self.condition());
        let (version, group) = (self.condition(), self.condition());
        let headers = (0..self.below(3)).filter_map(|_| Some((self.text(), self.condition()?)));
        let headers = headers.collect();
        let to = match self.below(8) {
            clusters @ 1..=3 => To::Split((0..clusters).map(|_| self.weighted()).collect()),
            _ => To::Cluster(self.cluster()),
        };
        let matcher = MatchConfig {
            protocol,
            service,
            method,
            version,
            group,
            headers,
            http: self.http(),
            ..self.newer()
        };
        let mut route = RouteConfig {
            name: None,
            hosts: None,
            services: None,
            routes: None,
            r#match: Some(matcher),
            to: Some(to),
            redirect: None,
            respond: None,
            rewrite: None,
            filters: Vec::new(),
            headers: HeaderEdits::default(),
            timeout: DEFAULT_TIMEOUT,
            idle_timeout: None,
            retry: None,
            hash: Vec::new(),
            mirror: Vec::new(),
        };
        self.act(&mut route);
        route
    }

    /// What few routes ask beside names, fields and HTTP.
    fn newer(&mut self) -> MatchConfig {
        let mut config = MatchConfig::default();
        match self.below(48) {
            choice @ 0..=3 => config.source = NETWORKS.get(choice).map(|net| (*net).into()),
            4 => config.tls = Some(TlsMatch::default()),
            5 => config.percentage = Some(0.0),
            6 => config.percentage = Some(100.0),
            7 => config.when = Some(format!("service == \"{}\"", self.word())),
            8 => config.when = Some(format!("service != \"{}\"", self.word())),
            9 => config.when = Some(format!("!source.inCidr(\"{}\")", self.network())),
            10 => config.when = Some(format!("source.inCidr(\"{}\")", self.network())),
            11 if self.byte().is_multiple_of(8) => config.when = Some(self.text()),
            _ => {}
        }
        config
    }

    fn network(&mut self) -> &'static str {
        let choice = self.below(NETWORKS.len());
        NETWORKS.get(choice).copied().unwrap_or_default()
    }

    /// Has a few routes do more than to forward.
    fn act(&mut self, route: &mut RouteConfig) {
        let rewrite = match self.below(32) {
            0 => RewriteConfig {
                path: Some(self.path()),
                host: Some(self.word().to_owned()),
                ..RewriteConfig::default()
            },
            1 => RewriteConfig {
                prefix: Some(self.path()),
                ..RewriteConfig::default()
            },
            2 => {
                let (pattern, substitution) = (self.text(), format!("{}\\0", self.path()));
                let regex = RegexRewrite {
                    pattern,
                    substitution,
                };
                RewriteConfig {
                    regex: Some(regex),
                    ..RewriteConfig::default()
                }
            }
            3 | 4 => {
                let (path, prefix) = match self.byte().is_multiple_of(2) {
                    true => (Some(self.path()), None),
                    false => (None, Some(self.path())),
                };
                let redirect = RedirectConfig {
                    scheme: None,
                    host: None,
                    port: None,
                    path,
                    prefix,
                    status: 301,
                    strip_query: self.byte().is_multiple_of(2),
                };
                route.to = None;
                route.redirect = Some(redirect);
                return;
            }
            _ => return,
        };
        route.rewrite = Some(rewrite);
    }

    fn word(&mut self) -> &'static str {
        let choice = self.below(WORDS.len());
        WORDS.get(choice).copied().unwrap_or_default()
    }

    fn path(&mut self) -> String {
        (0..self.below(4)).fold("/".to_owned(), |path, _| match self.below(8) {
            0 => path + "/",
            _ => {
                path + self.word()
                    + if self.byte().is_multiple_of(2) {
                        "/"
                    } else {
                        ""
                    }
            }
        })
    }

    fn port(&mut self) -> &'static str {
        ["", "", ":80", ":81"]
            .get(self.below(4))
            .copied()
            .unwrap_or_default()
    }

    fn http(&mut self) -> Option<HttpMatch> {
        if !self.byte().is_multiple_of(4) {
            return None;
        }
        let (a, b, port) = (self.word(), self.word(), self.port());
        let host = match self.below(8) {
            0 => Some(format!("{a}.{b}{port}")),
            1 => Some(format!("*.{b}{port}")),
            2 => Some(format!("{a}.*{port}")),
            3 => Some(format!("*{port}")),
            _ => None,
        };
        let path = match self.below(8) {
            0 => Some(PathMatch::Exact(self.path())),
            1 | 2 => Some(PathMatch::Prefix(self.path())),
            _ => None,
        };
        let method = self.byte().is_multiple_of(8).then(|| "POST".into());
        let query = (0..self.below(2)).filter_map(|_| Some((self.text(), self.condition()?)));
        let query = query.collect();
        Some(HttpMatch {
            host: host.as_deref().map(Into::into),
            path,
            method,
            query,
            cookie: Default::default(),
        })
    }

    fn request(&mut self) -> HttpRequest {
        let host = match self.below(8) {
            0 => String::new(),
            1 => self.word().to_owned() + self.port(),
            2 => format!(
                "{}.{}.{}{}",
                self.word(),
                self.word(),
                self.word(),
                self.port()
            ),
            _ => format!("{}.{}{}", self.word(), self.word(), self.port()),
        };
        let mut target = match self.below(16) {
            0 => "*".to_owned(),
            1 => String::new(),
            _ => self.path(),
        };
        for at in 0..self.below(3) {
            target.push(if at == 0 { '?' } else { '&' });
            target.push_str(&self.text());
            if self.byte().is_multiple_of(2) {
                target.push('=');
                target.push_str(&self.text());
            }
        }
        let method = match self.below(4) {
            0 => Method::POST,
            _ => Method::GET,
        };
        HttpRequest::new(method, host.into(), target.into())
    }

    fn cluster(&mut self) -> String {
        format!("c{}", self.byte())
    }

    fn weighted(&mut self) -> WeightedCluster {
        let cluster = self.cluster();
        let weight = u32::from(self.byte());
        let subset = SubsetMatch::new();
        WeightedCluster {
            cluster,
            weight,
            subset,
        }
    }

    fn head(&mut self) -> RequestHead {
        let protocol = ProtocolId(self.protocol());
        let (service, method) = (Str::from(self.text()), Str::from(self.text()));
        let mut fields = Fields::new();
        for _ in 0..self.below(4) {
            let name = match self.below(4) {
                0 => "version".to_owned(),
                1 => "group".to_owned(),
                2 => self.text().to_ascii_lowercase(),
                _ => self.text(),
            };
            fields.push(name.into(), self.text().into());
        }
        RequestHead {
            protocol,
            kind: Kind::Unary,
            service,
            method,
            fields,
            timeout: None,
            wire: Wire::default(),
            http: self
                .byte()
                .is_multiple_of(2)
                .then(|| Box::new(self.request())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_keeps_the_promises_and_matches_something() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut noise = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        };
        let mut requests = 0;
        for _ in 0..2_500 {
            // As many bytes as some twenty routes take.
            let data: Vec<u8> = (0..1000).map(|_| noise()).collect();
            requests += matched(&data);
        }
        assert!(requests > 1_000, "only {requests} requests were matched");
    }
}
