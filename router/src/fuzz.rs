//! Entry point of the fuzz target: it takes any bytes and panics if a promise does not hold.
#![allow(
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "panics are how a fuzz target reports"
)]

use regex::bytes::RegexBuilder;
use wireloom_codecs::{Fields, Kind, ProtocolId, RequestHead, Str, Wire};

use crate::RouteTable;
use crate::config::{
    DEFAULT_TIMEOUT, HeaderEdits, MatchConfig, RouteConfig, StringMatch, To, WeightedCluster,
};

const PROTOCOLS: [&str; 3] = ["bolt", "dubbo", "http"];
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
    for _ in 0..4 {
        let head = input.head();
        let random = u32::from_be_bytes([input.byte(), input.byte(), input.byte(), input.byte()]);
        let found = table.route(&head);
        if let Some(route) = found {
            assert!(route.split.pick(random) < table.clusters().len());
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

/// Whether a route takes a request, told without the compiled form. None where a regular expression leaves it open.
fn takes(route: &RouteConfig, head: &RequestHead) -> Option<bool> {
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
        verdicts.extend(condition.as_ref().map(|condition| match condition {
            StringMatch::Present(present) => Some(*present != name.is_empty()),
            condition => holds(condition, name),
        }));
    }
    let own = [("version", &config.version), ("group", &config.group)];
    let own = own
        .into_iter()
        .filter_map(|(name, condition)| Some((name, condition.as_ref()?)));
    let named = config
        .headers
        .iter()
        .map(|(name, condition)| (name.as_str(), condition));
    for (name, condition) in own.chain(named) {
        let lower = name.to_ascii_lowercase();
        let values = head
            .fields
            .iter()
            .filter(|(key, _)| **key == *name || **key == *lower);
        verdicts.push(match condition {
            StringMatch::Present(present) => Some(*present == (values.count() > 0)),
            condition => any(values.map(|(_, value)| holds(condition, value))),
        });
    }
    any(verdicts
        .into_iter()
        .map(|verdict| verdict.map(|verdict| !verdict)))
    .map(|none| !none)
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

fn holds(condition: &StringMatch, text: &str) -> Option<bool> {
    Some(match condition {
        StringMatch::Exact(exact) => text == exact,
        StringMatch::Prefix(prefix) => text.starts_with(&**prefix),
        StringMatch::Suffix(suffix) => text.ends_with(&**suffix),
        StringMatch::Present(present) => *present,
        StringMatch::Regex(pattern) => {
            let regex = RegexBuilder::new(pattern).unicode(false).build().ok()?;
            // What matches nowhere does not match the whole, and what is found as the whole does.
            match regex.find(text.as_bytes()) {
                None => false,
                Some(found) if found.len() == text.len() => true,
                Some(_) => return None,
            }
        }
    })
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
        Some(match self.below(16) {
            0 => StringMatch::Exact(self.text()),
            1 => StringMatch::Prefix(self.text()),
            2 => StringMatch::Suffix(self.text()),
            3 => StringMatch::Regex(self.text()),
            4 => StringMatch::Present(self.byte().is_multiple_of(2)),
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
            http: None,
        };
        RouteConfig {
            name: None,
            r#match: Some(matcher),
            to: Some(to),
            redirect: None,
            respond: None,
            rewrite: None,
            headers: HeaderEdits::default(),
            timeout: DEFAULT_TIMEOUT,
            retry: None,
        }
    }

    fn cluster(&mut self) -> String {
        format!("c{}", self.byte())
    }

    fn weighted(&mut self) -> WeightedCluster {
        let cluster = self.cluster();
        let weight = u32::from(self.byte());
        WeightedCluster { cluster, weight }
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
            http: None,
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
        for _ in 0..2_000 {
            // As many bytes as some twenty routes take.
            let data: Vec<u8> = (0..1000).map(|_| noise()).collect();
            requests += matched(&data);
        }
        assert!(requests > 1_000, "only {requests} requests were matched");
    }
}
