//! Which requests go to the same endpoint.

use std::fmt::{Display, Write};

use http::header::HeaderValue;
use wireloom_codecs::{Argument, HttpRequest, RequestHead};
use xxhash_rust::xxh64::xxh64;

use crate::config::{CookieHash, HashConfig, MatchConfig};
use crate::matcher::{FieldName, Place, check_cookie, cookie_values, query_values};
use crate::{Lookup, Problem};

/// The most things that a hash is made of.
const MOST: usize = 32;

/// What a route's requests are hashed by, for the balancers that send the same hash to the same endpoint.
///
/// Parts are combined as Envoy does it (`HashPolicyImpl::generateHash`): each is an `xxHash64` with the seed 0, and the
/// hash so far is turned by one bit before the next is mixed in, so that two equal ones do not cancel out.
#[derive(Clone, Debug)]
pub struct HashPolicy(Box<[Part]>);

#[derive(Clone, Debug)]
struct Part {
    of: Of,
    terminal: bool,
}

#[derive(Clone, Debug)]
enum Of {
    Header(FieldName),
    Cookie(Box<Cookie>),
    Source,
    Argument(Place),
    Query(Box<[u8]>),
}

#[derive(Clone, Debug)]
struct Cookie {
    name: Box<str>,
    /// What stands behind the value of one that is made; None if none is.
    attributes: Option<Box<str>>,
}

/// A request's hash.
#[derive(Clone, Debug, Default)]
pub struct Hashed {
    /// None if the request has nothing of what it is made of.
    pub hash: Option<u64>,
    /// Values of `Set-Cookie` for the answer: cookies that the client had not, and that the hash was made of.
    pub cookies: Vec<HeaderValue>,
}

impl HashPolicy {
    /// Compiles what stands at `path` (`routes.main[2].hash`) for requests that `rule` matches; None if the list is empty.
    pub(crate) fn compile(
        path: &str,
        config: &[HashConfig],
        rule: Option<&MatchConfig>,
        problems: &mut Vec<Problem>,
    ) -> Option<Box<Self>> {
        if config.len() > MOST {
            let message = format!("there are more than {MOST} entries");
            problems.push(Problem::new(path, message));
            return None;
        }
        let mut parts = Vec::new();
        for (at, part) in config.iter().enumerate() {
            match Of::compile(&format!("{path}[{at}]"), part, rule) {
                Ok(of) => parts.push(Part {
                    of,
                    terminal: part.terminal,
                }),
                Err(problem) => problems.push(problem),
            }
        }
        (!parts.is_empty()).then(|| Box::new(Self(parts.into())))
    }

    /// The hash of a request. `random` is drawn for each cookie that is made.
    pub fn hash(&self, lookup: &Lookup<'_>, mut random: impl FnMut() -> u64) -> Hashed {
        let mut hashed = Hashed::default();
        for part in &self.0 {
            let own = match &part.of {
                Of::Cookie(cookie) => cookie.hash(lookup.head, &mut random, &mut hashed.cookies),
                of => of.hash(lookup),
            };
            if let Some(own) = own {
                hashed.hash = Some(hashed.hash.map_or(0, |hash| hash.rotate_left(1)) ^ own);
            }
            if part.terminal && hashed.hash.is_some() {
                break;
            }
        }
        hashed
    }

    /// The fields that it reads.
    pub(crate) fn field_names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(|part| {
            match &part.of {
                Of::Header(name) => Some(name.forms()),
                _ => None,
            }
            .into_iter()
            .flatten()
        })
    }

    /// How many bytes of an HTTP request's body it looks at.
    pub(crate) fn body(&self) -> usize {
        let bodies = self.0.iter().map(|part| match &part.of {
            Of::Argument(place) => place.body(),
            _ => 0,
        });
        bodies.max().unwrap_or_default()
    }
}

impl Of {
    fn compile(
        path: &str,
        config: &HashConfig,
        rule: Option<&MatchConfig>,
    ) -> Result<Self, Problem> {
        let key = |key: &str| format!("{path}.{key}");
        let bad = |key: String, why: &str| Err(Problem::new(key, why));
        let HashConfig {
            header,
            cookie,
            source,
            argument,
            query,
            terminal: _,
        } = config;
        match (header, cookie, source, argument, query) {
            (Some(name), None, None, None, None) if name.is_empty() => {
                bad(key("header"), "a header's name cannot be empty")
            }
            (Some(name), None, None, None, None) => Ok(Self::Header(FieldName::new(name))),
            (None, Some(cookie), None, None, None) => match Cookie::compile(cookie) {
                Ok(cookie) => Ok(Self::Cookie(Box::new(cookie))),
                Err((part, why)) => bad(key(&format!("cookie.{part}")), &why),
            },
            (None, None, Some(true), None, None) => Ok(Self::Source),
            (None, None, Some(false), None, None) => {
                bad(key("source"), "write `true`, or leave the entry out")
            }
            (None, None, None, Some(place), None) => {
                let path = key("argument");
                let at = place.at().map_err(|why| Problem::new(&path, why))?;
                let protocols = rule.and_then(|rule| rule.protocol.as_ref());
                let protocols = protocols.into_iter().flat_map(|names| names.iter());
                Place::compile(&path, &at, place.budget, protocols).map(Self::Argument)
            }
            (None, None, None, None, Some(name)) if name.is_empty() => {
                bad(key("query"), "a parameter's name cannot be empty")
            }
            (None, None, None, None, Some(name)) => Ok(Self::Query(name.as_bytes().into())),
            _ => Err(Problem::new(
                path,
                "an entry has one of `header`, `cookie`, `source`, `argument` and `query`: write another entry for \
                 another",
            )),
        }
    }

    fn hash(&self, lookup: &Lookup<'_>) -> Option<u64> {
        match self {
            Self::Header(name) => {
                let hashes = name.values(lookup.head).map(of);
                hashes.reduce(u64::wrapping_add)
            }
            // Has to give one to clients that have none.
            Self::Cookie(_) => None,
            Self::Source => Some(of_shown(lookup.downstream.source.ip())),
            Self::Argument(place) => Some(match place.find(lookup.arguments)? {
                Argument::Text(text) => of(text.as_bytes()),
                Argument::Int(number) => of_shown(number),
                Argument::Double(number) => of_shown(format_args!("{number:e}")),
                Argument::Bool(is) => of_shown(is),
            }),
            Self::Query(name) => {
                let query = lookup.head.http.as_ref()?.query();
                let value = query_values(query, name).next()?;
                Some(of(&value))
            }
        }
    }
}

impl Cookie {
    fn compile(config: &CookieHash) -> Result<Self, (&'static str, String)> {
        check_cookie(&config.name).map_err(|why| ("name", why))?;
        if let Some(path) = &config.path {
            let part = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b';';
            if !path.starts_with('/') || !path.bytes().all(part) {
                let why = format!(
                    "{path:?} is no path of a cookie: it begins with / and has no semicolon"
                );
                return Err(("path", why));
            }
            if config.ttl.is_none() {
                let why = "is for a cookie that is made: write its `ttl` too".to_owned();
                return Err(("path", why));
            }
        }
        let attributes = config.ttl.map(|ttl| {
            let mut attributes = String::new();
            let seconds = ttl.0.as_secs_f64().ceil();
            if seconds > 0.0 {
                attributes += &format!("; Max-Age={seconds}");
            }
            if let Some(path) = &config.path {
                attributes += &format!("; Path={path}");
            }
            attributes + "; HttpOnly"
        });
        Ok(Self {
            name: config.name.as_str().into(),
            attributes: attributes.map(Into::into),
        })
    }

    fn hash(
        &self,
        head: &RequestHead,
        random: &mut impl FnMut() -> u64,
        made: &mut Vec<HeaderValue>,
    ) -> Option<u64> {
        let http: &HttpRequest = head.http.as_ref()?;
        let mut values = cookie_values(http, self.name.as_bytes());
        if let Some(value) = values.find(|value| !value.is_empty()) {
            return Some(of(value));
        }
        let attributes = self.attributes.as_ref()?;
        let value = format!("{:016x}", random());
        let hash = of(value.as_bytes());
        let field = format!("{}={value}{attributes}", self.name);
        // Name and path were checked.
        made.push(HeaderValue::try_from(field).ok()?);
        Some(hash)
    }
}

fn of(value: &[u8]) -> u64 {
    xxh64(value, 0)
}

/// The hash of a short value as it is written.
fn of_shown(value: impl Display) -> u64 {
    let mut text = Shown {
        bytes: [0; 64],
        length: 0,
    };
    // Nothing that comes here is longer: addresses, numbers.
    let _ = write!(text, "{value}");
    of(text.bytes.get(..text.length).unwrap_or_default())
}

/// A text on the stack.
struct Shown {
    bytes: [u8; 64],
    length: usize,
}

impl Write for Shown {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.length + text.len();
        let place = self
            .bytes
            .get_mut(self.length..end)
            .ok_or(std::fmt::Error)?;
        place.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use http::Method;
    use http::header::COOKIE;
    use wireloom_codecs::{Downstream, Fields, Kind, Wire, http::HTTP1};

    use super::*;

    fn policy(yaml: &str) -> Box<HashPolicy> {
        let config: Vec<HashConfig> = serde_saphyr::from_str(yaml).unwrap();
        let mut problems = Vec::new();
        let policy = HashPolicy::compile("hash", &config, None, &mut problems);
        assert!(problems.is_empty(), "{problems:?}");
        policy.unwrap()
    }

    fn head(target: &'static str, fields: &[(&'static str, &'static str)]) -> RequestHead {
        let mut http = HttpRequest::new(Method::GET, "a".into(), target.into());
        for (name, value) in fields {
            let name = http::HeaderName::from_static(name);
            http.headers.append(&name, &HeaderValue::from_static(value));
        }
        RequestHead {
            protocol: HTTP1,
            kind: Kind::Unary,
            service: "".into(),
            method: "".into(),
            fields: Fields::new(),
            timeout: None,
            wire: Wire::default(),
            http: Some(Box::new(http)),
        }
    }

    fn hash(policy: &HashPolicy, head: &RequestHead) -> Hashed {
        let from: SocketAddr = "10.1.2.3:4".parse().unwrap();
        policy.hash(&Lookup::new(head, &Downstream::new(from, None)), || 7)
    }

    #[test]
    fn parts_are_what_envoy_hashes() {
        for (yaml, head, hashed) in [
            (
                "[{header: X-User}]",
                head("/", &[("x-user", "ann")]),
                Some("ann"),
            ),
            ("[{header: x-user}]", head("/", &[]), None),
            ("[{source: true}]", head("/", &[]), Some("10.1.2.3")),
            ("[{query: q}]", head("/?p=1&q=a%20b&q=c", &[]), Some("a b")),
            ("[{query: q}]", head("/?p=1", &[]), None),
            (
                "[{cookie: {name: c}}]",
                head("/", &[("cookie", "b=1; c=2")]),
                Some("2"),
            ),
            (
                "[{cookie: {name: c}}]",
                head("/", &[("cookie", "c=")]),
                None,
            ),
        ] {
            let is = hash(&policy(yaml), &head);
            assert_eq!(
                is.hash,
                hashed.map(|text| xxh64(text.as_bytes(), 0)),
                "{yaml}"
            );
            assert!(is.cookies.is_empty());
        }
    }

    #[test]
    fn parts_are_mixed_as_envoy_mixes_them() {
        let (a, b) = (xxh64(b"1", 0), xxh64(b"2", 0));
        let both = "[{header: a}, {header: none}, {header: b}]";
        let head = head("/", &[("a", "1"), ("b", "2")]);
        assert_eq!(hash(&policy(both), &head).hash, Some(a.rotate_left(1) ^ b));
        let first = "[{header: none, terminal: true}, {header: a, terminal: true}, {header: b}]";
        assert_eq!(hash(&policy(first), &head).hash, Some(a));
    }

    #[test]
    fn the_order_of_values_does_not_count() {
        let policy = policy("[{header: a}]");
        let of = |fields| hash(&policy, &head("/", fields)).hash.unwrap();
        let (one, other) = (of(&[("a", "1"), ("a", "2")]), of(&[("a", "2"), ("a", "1")]));
        assert_eq!(one, other);
        assert_ne!(one, of(&[("a", "1")]));
    }

    #[test]
    fn a_cookie_is_made_for_who_has_none() {
        let policy =
            policy("[{cookie: {name: c, ttl: 90s, path: /shop}}, {cookie: {name: d, ttl: 0s}}]");
        let hashed = hash(&policy, &head("/", &[("cookie", "d=1")]));
        assert_eq!(
            hashed.cookies,
            ["c=0000000000000007; Max-Age=90; Path=/shop; HttpOnly"]
        );
        // With that cookie it has the same hash.
        let again = hash(
            &policy,
            &head("/", &[("cookie", "d=1; c=0000000000000007")]),
        );
        assert_eq!((again.hash, again.cookies.len()), (hashed.hash, 0));
        let session = hash(&policy, &head("/", &[("cookie", "c=1")]));
        assert_eq!(session.cookies, ["d=0000000000000007; HttpOnly"]);
        assert!(COOKIE == "cookie");
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (yaml, path) in [
            ("[{}]", "hash[0]"),
            ("[{terminal: true}]", "hash[0]"),
            ("[{source: true, header: a}]", "hash[0]"),
            ("[{source: false}]", "hash[0].source"),
            ("[{header: ''}]", "hash[0].header"),
            ("[{query: ''}]", "hash[0].query"),
            (
                "[{source: true}, {cookie: {name: 'a b'}}]",
                "hash[1].cookie.name",
            ),
            ("[{cookie: {name: a, path: /}}]", "hash[0].cookie.path"),
            (
                "[{cookie: {name: a, ttl: 1s, path: '/;'}}]",
                "hash[0].cookie.path",
            ),
            ("[{argument: {field: a}}]", "hash[0].argument"),
            ("[{argument: {index: 0, json: /a}}]", "hash[0].argument"),
            ("[{argument: {json: a}}]", "hash[0].argument.json"),
            (
                "[{argument: {index: 0, budget: 9MiB}}]",
                "hash[0].argument.budget",
            ),
        ] {
            let config: Vec<HashConfig> = serde_saphyr::from_str(yaml).unwrap();
            let mut problems = Vec::new();
            HashPolicy::compile("hash", &config, None, &mut problems);
            let paths: Vec<_> = problems.iter().map(|problem| &*problem.path).collect();
            assert_eq!(paths, [path], "{yaml}");
        }
    }
}
