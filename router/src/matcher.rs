//! Compiled conditions on a request and its connection. They compare bytes and allocate nothing.

mod argument;
mod cookie;
mod each;
mod field;
mod host;
mod http;
mod path;
mod query;
mod share;
mod source;
mod text;

use crate::config::{MatchConfig, StringMatch};
use crate::when::When;
use crate::{Lookup, Problem};

use self::argument::Argument;
pub(crate) use self::argument::Place;
use self::field::Field;
pub(crate) use self::field::FieldName;

pub(crate) use self::cookie::{check as check_cookie, values as cookie_values};
pub(crate) use self::each::each;
pub(crate) use self::host::{
    Key as HostKey, Name as HostName, check as check_host, check_authority, default_port, port, v6,
};
use self::http::HttpMatcher;
pub(crate) use self::path::check as check_path;
pub(crate) use self::query::values as query_values;
pub(crate) use self::share::Share;
pub(crate) use self::source::network;
use self::source::{Source, Tls};
use self::text::whole;
pub(crate) use self::text::{Text, part};

/// All conditions of one route. The default matches everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Matcher {
    protocols: Box<[Box<str>]>,
    service: Option<Text>,
    method: Option<Text>,
    fields: Box<[Field]>,
    http: Option<Box<HttpMatcher>>,
    source: Source,
    tls: Option<Box<Tls>>,
    arguments: Box<[Argument]>,
    when: Option<Box<When>>,
    share: Option<Share>,
}

impl Matcher {
    /// Compiles the conditions found at `path` (`routes.main[2].match`). `salt` tells the route from the others of its
    /// table.
    pub(crate) fn compile(
        path: &str,
        config: &MatchConfig,
        salt: u64,
    ) -> Result<Self, Vec<Problem>> {
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
        let source = format!("{path}.source");
        let source = Source::compile(&source, config.source.as_ref(), &mut problems);
        let tls = config
            .tls
            .as_ref()
            .map(|tls| Box::new(Tls::compile(&format!("{path}.tls"), tls, &mut problems)));
        let mut arguments = Vec::new();
        for (at, argument) in config.arguments.iter().enumerate() {
            let path = format!("{path}.arguments[{at}]");
            let protocols = config.protocol.iter().flat_map(|names| names.iter());
            match Argument::compile(&path, argument, protocols) {
                Ok(argument) => arguments.push(argument),
                Err(problem) => problems.push(problem),
            }
        }
        let when = config.when.as_deref().and_then(|text| {
            let when = When::compile(&format!("{path}.when"), text);
            when.map_err(|problem| problems.push(problem)).ok()
        });
        let share = config.percentage.and_then(|percent| {
            let share = Share::new(percent, salt);
            if share.is_none() {
                let message = format!("{percent} is out of range: 0 to 100");
                problems.push(Problem::new(format!("{path}.percentage"), message));
            }
            share
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
            source,
            tls,
            arguments: arguments.into(),
            when: when.map(Box::new),
            share,
        })
    }

    /// True if every condition holds. Cheap ones come first.
    pub(crate) fn matches(&self, lookup: &Lookup<'_>) -> bool {
        let head = lookup.head;
        let holds = |text: &Option<Text>, name| text.as_ref().is_none_or(|t| t.matches_name(name));
        (self.protocols.is_empty() || self.takes_protocol(head.protocol.as_str()))
            && holds(&self.service, &head.service)
            && holds(&self.method, &head.method)
            && self.source.matches(lookup.downstream)
            && self
                .tls
                .as_ref()
                .is_none_or(|tls| tls.matches(lookup.downstream))
            && self.fields.iter().all(|field| field.matches(head))
            && self.http.as_ref().is_none_or(|http| {
                let request = head.http.as_ref();
                request.is_some_and(|request| http.matches(request))
            })
            && self
                .arguments
                .iter()
                .all(|argument| argument.matches(lookup.arguments))
            && self.when.as_ref().is_none_or(|when| when.matches(lookup))
            && self.share.is_none_or(|share| share.takes(lookup.random))
    }

    fn takes_protocol(&self, name: &str) -> bool {
        self.protocols.iter().any(|protocol| **protocol == *name)
    }

    /// How many bytes of an HTTP request's body it looks at.
    pub(crate) fn body(&self) -> usize {
        let bodies = self.arguments.iter().map(Argument::body);
        bodies.max().unwrap_or_default()
    }

    /// True if it takes a share of the requests.
    pub(crate) fn draws(&self) -> bool {
        self.share.is_some()
    }

    /// The one service whose requests it can match, if it is bound to one.
    pub(crate) fn exact_service(&self) -> Option<&[u8]> {
        exact(self.service.as_ref())
    }

    /// The one method whose requests it can match, if it is bound to one.
    pub(crate) fn exact_method(&self) -> Option<&[u8]> {
        exact(self.method.as_ref())
    }

    /// Fields of which a request must have this very value among others.
    pub(crate) fn exact_fields(&self) -> impl Iterator<Item = (&FieldName, &[u8])> {
        let fields = self.fields.iter();
        fields.filter_map(|field| Some((&field.name, field.exact()?)))
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
        let fields = self.fields.iter().flat_map(|field| field.name.forms());
        fields.chain(self.when.iter().flat_map(|when| when.field_names()))
    }
}

fn exact(text: Option<&Text>) -> Option<&[u8]> {
    match text {
        Some(Text::Exact(text)) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
