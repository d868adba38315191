//! Compiled conditions on a request head. They compare bytes and allocate nothing.

mod host;
mod http;
mod path;
mod query;

use regex::bytes::{Regex, RegexBuilder};
use wireloom_codecs::http::{GRPC, TRIPLE};
use wireloom_codecs::{RequestHead, Str};

use crate::Problem;
use crate::config::{MatchConfig, StringMatch};

pub(crate) use self::host::{
    Key as HostKey, check as check_host, check_authority, default_port, port,
};
use self::http::HttpMatcher;
pub(crate) use self::path::check as check_path;

/// The largest compiled form of one regular expression, and of its lazily built automaton, in bytes.
const REGEX_LIMIT: usize = 1 << 20;

/// A compiled [`StringMatch`].
#[derive(Clone, Debug)]
pub(crate) enum Text {
    Exact(Box<[u8]>),
    Prefix(Box<[u8]>),
    Suffix(Box<[u8]>),
    Regex(Box<Regex>),
    Present(bool),
}

impl Text {
    /// Compiles the condition found at `path`.
    pub(crate) fn compile(path: &str, config: &StringMatch) -> Result<Self, Problem> {
        let part = |key: &str, text: &str| {
            if text.is_empty() {
                let message = "an empty text is part of every text: \
                               write {present: true} for any, or leave the condition out";
                return Err(Problem::new(format!("{path}.{key}"), message));
            }
            Ok(Box::from(text.as_bytes()))
        };
        Ok(match config {
            StringMatch::Exact(text) => Self::Exact(text.as_bytes().into()),
            StringMatch::Prefix(text) => Self::Prefix(part("prefix", text)?),
            StringMatch::Suffix(text) => Self::Suffix(part("suffix", text)?),
            StringMatch::Regex(pattern) => Self::Regex(Box::new(
                whole(pattern).map_err(|why| Problem::new(format!("{path}.regex"), why))?,
            )),
            StringMatch::Present(present) => Self::Present(*present),
        })
    }

    /// Judges a text that is there.
    fn matches(&self, text: &[u8]) -> bool {
        match self {
            Self::Exact(exact) => **exact == *text,
            Self::Prefix(prefix) => text.starts_with(prefix),
            Self::Suffix(suffix) => text.ends_with(suffix),
            Self::Regex(regex) => regex.is_match(text),
            Self::Present(present) => *present,
        }
    }

    /// Judges a name that every head has a place for: an empty one is not there.
    fn matches_name(&self, name: &Str) -> bool {
        match self {
            Self::Present(present) => *present != name.is_empty(),
            _ => self.matches(name.as_bytes()),
        }
    }
}

/// A regular expression that must match the whole text.
fn whole(pattern: &str) -> Result<Regex, String> {
    // First as written, so that `a)|(b` cannot close the group and errors show the user's own text.
    part(pattern)?;
    part(&format!(r"\A(?:{pattern})\z"))
}

/// A regular expression that may match a part of a text.
pub(crate) fn part(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern)
        // The texts are compared as bytes; classes are ASCII and the automata small.
        .unicode(false)
        .size_limit(REGEX_LIMIT)
        .dfa_size_limit(REGEX_LIMIT)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(limit) => {
                format!("compiles to more than {limit} bytes: repeat less, or match a prefix")
            }
            error => format!(
                "is not a regular expression: {}",
                sentence(&error.to_string())
            ),
        })
}

/// What an error of the regex crate says in the end: it draws the pattern over several lines first, which stands in the
/// configuration already.
fn sentence(error: &str) -> &str {
    let last = error.trim_end().lines().next_back().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last)
}

/// A condition on the values under one name.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    name: Box<[u8]>,
    /// The name in lower case, where that is another one: HTTP carries names so.
    lower: Option<Box<[u8]>>,
    /// Where gRPC carries it, it is base64.
    binary: bool,
    text: Text,
}

/// Base64 without the padding, which gRPC's clients write or leave out as they like.
fn unpadded(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| *byte != b'=');
    end.and_then(|end| text.get(..=end)).unwrap_or_default()
}

impl Field {
    fn compile(path: &str, name: &str, config: &StringMatch) -> Result<Self, Problem> {
        let lower = name.to_ascii_lowercase();
        Ok(Self {
            name: name.as_bytes().into(),
            binary: lower.ends_with("-bin"),
            lower: (lower != name).then(|| lower.into_bytes().into()),
            text: Text::compile(path, config)?,
        })
    }

    fn is_named(&self, name: &Str) -> bool {
        let name = name.as_bytes();
        *self.name == *name || self.lower.as_deref() == Some(name)
    }

    /// True if any value under the name matches; for `present: false`, if there is none.
    fn matches(&self, head: &RequestHead) -> bool {
        let fields = head.fields.iter();
        let fields = fields.filter(|(name, _)| self.is_named(name));
        let http = head.http.iter().flat_map(|http| http.headers.iter());
        let http = http.filter(|(name, _)| name.eq_ignore_ascii_case(&self.name));
        let mut values = fields
            .map(|(_, value)| value.as_bytes())
            .chain(http.map(|(_, value)| value));
        match self.text {
            Text::Present(present) => values.next().is_some() == present,
            _ if self.binary && (head.protocol == GRPC || head.protocol == TRIPLE) => {
                // Several values may come as one, with commas.
                let mut values = values.flat_map(|value| value.split(|byte| *byte == b','));
                values.any(|value| self.matches_base64(value.trim_ascii()))
            }
            _ => values.any(|value| self.text.matches(value)),
        }
    }

    fn matches_base64(&self, value: &[u8]) -> bool {
        match &self.text {
            Text::Exact(exact) => unpadded(exact) == unpadded(value),
            Text::Suffix(suffix) => unpadded(value).ends_with(unpadded(suffix)),
            text => text.matches(value),
        }
    }
}

/// All conditions of one route. The default matches everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Matcher {
    protocols: Box<[Box<str>]>,
    service: Option<Text>,
    method: Option<Text>,
    fields: Box<[Field]>,
    http: Option<Box<HttpMatcher>>,
}

impl Matcher {
    /// Compiles the conditions found at `path` (`routes.main[2].match`).
    pub(crate) fn compile(path: &str, config: &MatchConfig) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut note = |problem| problems.push(problem);

        let mut text = |key: &str, condition: &Option<StringMatch>| {
            let compiled = Text::compile(&format!("{path}.{key}"), condition.as_ref()?);
            compiled.map_err(&mut note).ok()
        };
        let service = text("service", &config.service);
        let method = text("method", &config.method);

        let mut fields = Vec::new();
        let own_keys = [("version", &config.version), ("group", &config.group)];
        let own_keys = own_keys.into_iter().filter_map(|(name, condition)| {
            Some((format!("{path}.{name}"), name, condition.as_ref()?))
        });
        let headers = config
            .headers
            .iter()
            .map(|(name, condition)| (format!("{path}.headers.{name}"), name.as_str(), condition));
        for (path, name, condition) in own_keys.chain(headers) {
            if name.is_empty() {
                note(Problem::new(path, "a header's name cannot be empty"));
                continue;
            }
            match Field::compile(&path, name, condition) {
                Ok(field) => fields.push(field),
                Err(problem) => note(problem),
            }
        }
        let http = config.http.as_ref().map(|config| {
            let path = format!("{path}.http");
            Box::new(HttpMatcher::compile(&path, config, &mut problems))
        });
        if !problems.is_empty() {
            return Err(problems);
        }
        let protocols = config.protocol.iter().flat_map(|names| names.iter());
        Ok(Self {
            protocols: protocols.map(Into::into).collect(),
            service,
            method,
            fields: fields.into(),
            http,
        })
    }

    /// True if every condition holds. Cheap ones come first.
    pub(crate) fn matches(&self, head: &RequestHead) -> bool {
        let holds = |text: &Option<Text>, name| text.as_ref().is_none_or(|t| t.matches_name(name));
        (self.protocols.is_empty() || self.takes_protocol(head.protocol.as_str()))
            && holds(&self.service, &head.service)
            && holds(&self.method, &head.method)
            && self.fields.iter().all(|field| field.matches(head))
            && self.http.as_ref().is_none_or(|http| {
                let request = head.http.as_ref();
                request.is_some_and(|request| http.matches(request))
            })
    }

    fn takes_protocol(&self, name: &str) -> bool {
        self.protocols.iter().any(|protocol| **protocol == *name)
    }

    /// The one service whose requests it can match, if it is bound to one.
    pub(crate) fn exact_service(&self) -> Option<&[u8]> {
        match &self.service {
            Some(Text::Exact(service)) => Some(service),
            _ => None,
        }
    }

    /// The one path whose requests it can match, if it is bound to one.
    pub(crate) fn exact_path(&self) -> Option<&[u8]> {
        self.http.as_ref()?.exact_path()
    }

    /// The hosts of which a request must name one, if all of them are written out.
    pub(crate) fn exact_hosts(&self) -> Option<Vec<&[u8]>> {
        self.http.as_ref()?.exact_hosts()
    }

    /// The protocols of which a request must be one; none means all.
    pub(crate) fn protocols(&self) -> impl Iterator<Item = &str> {
        self.protocols.iter().map(|name| &**name)
    }

    /// The fields that it reads. Names come from the configuration, so they are UTF-8.
    pub(crate) fn field_names(&self) -> impl Iterator<Item = &str> {
        self.fields
            .iter()
            .flat_map(|field| std::iter::once(&field.name).chain(&field.lower))
            .filter_map(|name| std::str::from_utf8(name).ok())
    }
}

#[cfg(test)]
mod tests;
