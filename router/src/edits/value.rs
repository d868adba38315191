//! Values of header fields: fixed, or made of what is known of a request.

use std::fmt::Write;

use http::header::HeaderValue;
use wireloom_codecs::{Downstream, HttpRequest, RequestHead};

use crate::matcher::FieldName;

/// The longest value that is made, in bytes.
const LONGEST: usize = 8 << 10;

/// The operators without arguments.
const OPERATORS: [(&str, Piece); 9] = [
    ("DOWNSTREAM_REMOTE_ADDRESS", Piece::Remote),
    ("DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", Piece::RemoteIp),
    ("DOWNSTREAM_PEER_URI_SAN", Piece::Peer),
    ("REQUESTED_SERVER_NAME", Piece::ServerName),
    ("PROTOCOL", Piece::Protocol),
    ("ROUTE_NAME", Piece::Route),
    ("UPSTREAM_CLUSTER", Piece::Cluster),
    ("SERVICE", Piece::Service),
    ("METHOD", Piece::Method),
];

/// What values are made of.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    /// The request, before it is changed.
    pub head: &'a RequestHead,
    /// The connection that it came over.
    pub downstream: &'a Downstream,
    /// The name of its route.
    pub route: &'a str,
    /// The cluster that it goes to; empty if it goes to none.
    pub cluster: &'a str,
}

/// The made values of one layer of edits, in the order of its templates. None is one that a field cannot have, or that
/// nothing is known for.
#[derive(Clone, Debug, Default)]
pub struct Values(Box<[Option<HeaderValue>]>);

impl Values {
    /// No values, for edits that are all fixed.
    pub fn none() -> &'static Self {
        static NONE: std::sync::LazyLock<Values> = std::sync::LazyLock::new(Values::default);
        &NONE
    }
}

/// The value of a change.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Fixed(HeaderValue),
    /// The place of its template among the layer's.
    Made(usize),
}

impl Value {
    /// Compiles a text; what is to be made goes to the templates.
    pub(super) fn compile(text: &str, templates: &mut Vec<Template>) -> Result<Self, String> {
        let fixed = super::value(text)?;
        let template = Template::parse(text)?;
        match &*template.0 {
            [] => Ok(Self::Fixed(fixed)),
            [Piece::Text(text)] => super::value(text).map(Self::Fixed),
            _ => {
                templates.push(template);
                Ok(Self::Made(templates.len() - 1))
            }
        }
    }

    pub(super) fn get<'a>(&'a self, made: &'a Values) -> Option<&'a HeaderValue> {
        match self {
            Self::Fixed(value) => Some(value),
            Self::Made(place) => made.0.get(*place)?.as_ref(),
        }
    }
}

/// The values of these templates.
pub(super) fn made(templates: &[Template], facts: &Facts<'_>) -> Values {
    Values(templates.iter().map(|one| one.value(facts)).collect())
}

/// Text with operators in it.
#[derive(Clone, Debug)]
pub(super) struct Template(Box<[Piece]>);

#[derive(Clone, Debug)]
enum Piece {
    Text(Box<str>),
    /// A field of the request, and another where it has none of that name.
    Request(Source, Option<Source>),
    Remote,
    RemoteIp,
    Peer,
    ServerName,
    Protocol,
    Route,
    Cluster,
    Service,
    Method,
}

#[derive(Clone, Debug)]
enum Source {
    Field(FieldName),
    HttpMethod,
    Path,
    Authority,
    Scheme,
}

impl Template {
    fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('%') {
            plain.push_str(before);
            let Some((operator, behind)) = behind.split_once('%') else {
                return Err(format!(
                    "{text:?} has a percent sign without a second one: write %% for one that is meant"
                ));
            };
            rest = behind;
            if operator.is_empty() {
                plain.push('%');
                continue;
            }
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain).into()));
            }
            pieces.push(Piece::parse(operator)?);
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain.into()));
        }
        Ok(Self(pieces.into()))
    }

    /// The names of the request's fields that it reads.
    pub(super) fn field_names(&self) -> impl Iterator<Item = &str> {
        let sources = self.0.iter().flat_map(|piece| match piece {
            Piece::Request(first, second) => [Some(first), second.as_ref()],
            _ => [None, None],
        });
        let names = sources.flatten().filter_map(|source| match source {
            Source::Field(name) => Some(name.forms()),
            _ => None,
        });
        names.flatten()
    }

    /// None if it is empty, too long, or nothing that a field can have: a line's end would begin another field.
    fn value(&self, facts: &Facts<'_>) -> Option<HeaderValue> {
        let mut out = Vec::new();
        for piece in &self.0 {
            piece.write(facts, &mut out);
            if out.len() > LONGEST {
                return None;
            }
        }
        let value = out.trim_ascii();
        match value.is_empty() {
            true => None,
            false => HeaderValue::from_bytes(value).ok(),
        }
    }
}

impl Piece {
    fn parse(operator: &str) -> Result<Self, String> {
        let known = OPERATORS.iter().find(|(name, _)| *name == operator);
        if let Some((_, piece)) = known {
            return Ok(piece.clone());
        }
        let names = operator.strip_prefix("REQ(");
        if let Some(names) = names.and_then(|names| names.strip_suffix(')')) {
            let (first, second) = match names.split_once('?') {
                Some((first, second)) => (first, Some(second)),
                None => (names, None),
            };
            let second = second.map(Source::parse).transpose()?;
            return Ok(Self::Request(Source::parse(first)?, second));
        }
        if operator == "REQ" {
            return Err("%REQ% names no field: write %REQ(name)%".to_owned());
        }
        let names: Vec<_> = OPERATORS.iter().map(|(name, _)| *name).collect();
        Err(format!(
            "%{operator}% is not known: there are %REQ(name)%, %{}%; and write %% for a percent sign that is meant",
            names.join("%, %")
        ))
    }

    fn write(&self, facts: &Facts<'_>, out: &mut Vec<u8>) {
        let Facts {
            head, downstream, ..
        } = facts;
        let tls = downstream.tls.as_deref();
        match self {
            Self::Text(text) => out.extend_from_slice(text.as_bytes()),
            Self::Request(first, second) => {
                if !first.write(head, out)
                    && let Some(second) = second
                {
                    second.write(head, out);
                }
            }
            Self::Remote => put(out, format_args!("{}", downstream.source)),
            Self::RemoteIp => put(out, format_args!("{}", downstream.source.ip())),
            Self::Peer => {
                let names = tls.iter().flat_map(|tls| &tls.identities);
                // The others are DNS names, which have no colon.
                let uris = names.filter(|name| name.contains(':')).enumerate();
                for (place, uri) in uris {
                    if place > 0 {
                        out.push(b',');
                    }
                    out.extend_from_slice(uri.as_bytes());
                }
            }
            Self::ServerName => {
                if let Some(name) = tls.and_then(|tls| tls.sni.as_ref()) {
                    out.extend_from_slice(name.as_bytes());
                }
            }
            Self::Protocol => out.extend_from_slice(head.protocol.as_str().as_bytes()),
            Self::Route => out.extend_from_slice(facts.route.as_bytes()),
            Self::Cluster => out.extend_from_slice(facts.cluster.as_bytes()),
            Self::Service => out.extend_from_slice(head.service.as_bytes()),
            Self::Method => out.extend_from_slice(head.method.as_bytes()),
        }
    }
}

fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    let mut written = String::new();
    // A string takes everything.
    let _ = written.write_fmt(text);
    out.extend_from_slice(written.as_bytes());
}

impl Source {
    fn parse(name: &str) -> Result<Self, String> {
        Ok(match name {
            ":method" => Self::HttpMethod,
            ":path" => Self::Path,
            ":authority" => Self::Authority,
            ":scheme" => Self::Scheme,
            "" => return Err("%REQ()% names no field: write %REQ(name)%".to_owned()),
            name if name.starts_with(':') => {
                return Err(format!(
                    "%REQ({name})% is not known: there are :method, :path, :authority and :scheme"
                ));
            }
            name => Self::Field(FieldName::new(name)),
        })
    }

    /// Writes the first value; false if there is none.
    fn write(&self, head: &RequestHead, out: &mut Vec<u8>) -> bool {
        let own = |value: fn(&HttpRequest) -> &str| head.http.as_deref().map(value);
        let value = match self {
            Self::Field(name) => name.values(head).next(),
            Self::HttpMethod => own(|http| http.method.as_str()).map(str::as_bytes),
            Self::Path => own(|http| &http.target).map(str::as_bytes),
            Self::Authority => own(|http| &http.authority).map(str::as_bytes),
            Self::Scheme => own(|http| http.scheme.as_str()).map(str::as_bytes),
        };
        let Some(value) = value.filter(|value| !value.is_empty()) else {
            return false;
        };
        // One more is too long already.
        out.extend_from_slice(value.get(..LONGEST + 1).unwrap_or(value));
        true
    }
}
