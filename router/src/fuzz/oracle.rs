//! What routes take, told without their compiled form.

use regex::bytes::RegexBuilder;
use wireloom_codecs::{HttpRequest, RequestHead};

use crate::config::{HttpMatch, PathMatch, RouteConfig, StringMatch};

/// Whether a route takes a request, told without the compiled form. None where a regular expression leaves it open.
pub(super) fn takes(route: &RouteConfig, head: &RequestHead) -> Option<bool> {
    let Some(config) = &route.r#match else {
        return Some(true);
    };
    let protocol = config.protocol.as_ref();
    let spoken =
        protocol.is_none_or(|names| names.iter().any(|name| name == head.protocol.as_str()));
    let mut verdicts = vec![Some(spoken)];
    for (condition, name) in [
        (&config.service, &head.service),
        (&config.method, &head.method),
    ] {
        let there = Some(name.as_bytes()).filter(|name| !name.is_empty());
        verdicts.extend(condition.as_ref().map(|condition| named(condition, there)));
    }
    let own = [("version", &config.version), ("group", &config.group)];
    let own = own
        .into_iter()
        .filter_map(|(name, condition)| Some((name, condition.as_ref()?)));
    let headers = config
        .headers
        .iter()
        .map(|(name, condition)| (name.as_str(), condition));
    for (name, condition) in own.chain(headers) {
        let lower = name.to_ascii_lowercase();
        let values = head
            .fields
            .iter()
            .filter(|(key, _)| **key == *name || **key == *lower)
            .map(|(_, value)| value.as_bytes());
        verdicts.push(one_of(condition, values));
    }
    verdicts.extend((config.source.iter()).map(|nets| Some(nets.iter().any(within))));
    // No request came over TLS.
    verdicts.extend(config.tls.iter().map(|_| Some(false)));
    verdicts.extend(config.percentage.map(|percent| match percent {
        0.0 => Some(false),
        100.0 => Some(true),
        _ => None,
    }));
    verdicts.extend(config.when.as_ref().map(|when| expression(when, head)));
    if let Some(config) = &config.http {
        match &head.http {
            Some(request) => http(config, request, &mut verdicts),
            None => return Some(false),
        }
    }
    any(verdicts
        .into_iter()
        .map(|verdict| verdict.map(|verdict| !verdict)))
    .map(|none| !none)
}

/// Whether the client of every request is in the network, or is that address.
fn within(net: &str) -> bool {
    net == "10.0.0.0/8" || net == "10.0.0.1"
}

/// What the expressions say that the routes are made with; any other is left open.
fn expression(when: &str, head: &RequestHead) -> Option<bool> {
    let quoted = |before: &str, after: &str| {
        let rest = when.strip_prefix(before)?.strip_suffix(after)?;
        (!rest.contains('"')).then_some(rest)
    };
    if let Some(net) = quoted("source.inCidr(\"", "\")") {
        return Some(within(net));
    }
    if let Some(net) = quoted("!source.inCidr(\"", "\")") {
        return Some(!within(net));
    }
    // A service that is not there is equal to nothing and unequal to nothing.
    let service = Some(head.service.as_bytes()).filter(|name| !name.is_empty());
    if let Some(name) = quoted("service == \"", "\"") {
        return service.map(|service| service == name.as_bytes());
    }
    let name = quoted("service != \"", "\"")?;
    service.map(|service| service != name.as_bytes())
}

/// What a condition says of a name; None for one that is empty.
fn named(condition: &StringMatch, name: Option<&[u8]>) -> Option<bool> {
    match condition {
        StringMatch::Present(present) => Some(*present == name.is_some()),
        StringMatch::Not(condition) => named(condition, name).map(|holds| !holds),
        condition => holds(condition, name.unwrap_or_default()),
    }
}

/// True if one is, false if all are false.
fn any(verdicts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut open = false;
    for verdict in verdicts {
        match verdict {
            Some(true) => return Some(true),
            Some(false) => {}
            None => open = true,
        }
    }
    (!open).then_some(false)
}

/// Whether one of the values is as the condition has it.
fn one_of<V: AsRef<[u8]>>(
    condition: &StringMatch,
    values: impl Iterator<Item = V>,
) -> Option<bool> {
    match condition {
        StringMatch::Present(present) => Some(*present == (values.count() > 0)),
        StringMatch::Not(condition) => one_of(condition, values).map(|one| !one),
        condition => any(values.map(|value| holds(condition, value.as_ref()))),
    }
}

/// What is asked of the HTTP part, each by itself.
fn http(config: &HttpMatch, request: &HttpRequest, verdicts: &mut Vec<Option<bool>>) {
    let (authority, target) = (request.authority.to_lowercase(), request.target.as_str());
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, query.split('&').collect()),
        None => (target, Vec::new()),
    };
    let (host, port) = authority.split_once(':').unwrap_or((&authority, "80"));
    let hosts = config.host.iter().map(|hosts| {
        hosts.iter().any(|pattern| {
            let pattern = pattern.to_lowercase();
            let (name, wanted) = pattern.split_once(':').unwrap_or((&pattern, port));
            let labels: Vec<_> = host.split('.').collect();
            let like: Vec<_> = name.split('.').collect();
            let fits = match like.as_slice() {
                ["*"] => !host.is_empty(),
                ["*", like @ ..] => labels.len() > like.len() && labels.ends_with(like),
                [like @ .., "*"] => labels.len() > like.len() && labels.starts_with(like),
                like => labels == like,
            };
            fits && port == wanted
        })
    });
    let paths = config.path.iter().map(|condition| match condition {
        PathMatch::Exact(exact) => path == exact,
        PathMatch::Prefix(prefix) => {
            path == prefix
                || path.starts_with(&format!("{}/", prefix.trim_end_matches('/')))
                    && path.starts_with(&**prefix)
        }
        PathMatch::Regex(_) => false,
    });
    let methods = config.method.iter();
    let methods = methods.map(|methods| methods.iter().any(|method| request.method == *method));
    verdicts.extend(hosts.chain(paths).chain(methods).map(Some));
    for (name, condition) in &config.query {
        let values = query.iter().filter_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(key) == name.as_bytes()).then(|| decoded(value))
        });
        verdicts.push(one_of(condition, values));
    }
}

fn decoded(text: &str) -> Vec<u8> {
    let spaced = text.replace('+', " ");
    let mut parts = spaced.as_bytes().split(|byte| *byte == b'%');
    let mut out = parts.next().unwrap_or_default().to_vec();
    for part in parts {
        let digits = part
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        // A sign is no digit.
        let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                out.extend_from_slice(part.get(2..).unwrap_or_default());
            }
            None => {
                out.push(b'%');
                out.extend_from_slice(part);
            }
        }
    }
    out
}

fn holds(condition: &StringMatch, text: &[u8]) -> Option<bool> {
    Some(match condition {
        StringMatch::Exact(exact) => text == exact.as_bytes(),
        StringMatch::Prefix(prefix) => text.starts_with(prefix.as_bytes()),
        StringMatch::Suffix(suffix) => text.ends_with(suffix.as_bytes()),
        StringMatch::Contains(part) => {
            let part = part.as_bytes();
            (0..text.len()).any(|at| text.get(at..).is_some_and(|rest| rest.starts_with(part)))
        }
        StringMatch::Range(range) => {
            let number = std::str::from_utf8(text).ok().map(str::parse::<i64>);
            number.and_then(Result::ok).is_some_and(|number| {
                range.min.unwrap_or(i64::MIN) <= number && number <= range.max.unwrap_or(i64::MAX)
            })
        }
        StringMatch::Present(present) => *present,
        StringMatch::Not(condition) => !holds(condition, text)?,
        StringMatch::Regex(pattern) => {
            let regex = RegexBuilder::new(pattern).unicode(false).build().ok()?;
            // What matches nowhere does not match the whole, and what is found as the whole does.
            match regex.find(text) {
                None => false,
                Some(found) if found.len() == text.len() => true,
                Some(_) => return None,
            }
        }
    })
}
