//! Where the texts of an expression come from.

use std::borrow::Cow;

use wireloom_codecs::{HttpRequest, Str};

use crate::Lookup;
use crate::matcher::{FieldName, cookie_values, query_values};

/// A text of a request or its connection.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Protocol,
    Service,
    Method,
    /// `version` and `group`: empty where there is none.
    Own(&'static str),
    Header(FieldName),
    Host,
    Path,
    HttpMethod,
    Query(Box<[u8]>),
    Cookie(Box<[u8]>),
    Address,
    Sni,
    Identity,
}

impl Place {
    /// The text; None if it is not there.
    pub(super) fn get<'a>(&'a self, lookup: &Lookup<'a>) -> Option<Cow<'a, [u8]>> {
        let head = lookup.head;
        let http = head.http.as_deref();
        let tls = lookup.downstream.tls.as_deref();
        let text = |text: &'a [u8]| Some(Cow::Borrowed(text));
        match self {
            Self::Protocol => text(head.protocol.as_str().as_bytes()),
            Self::Service => text(head.service.as_bytes()),
            Self::Method => text(head.method.as_bytes()),
            Self::Own(name) => text(head.fields.get(name.as_bytes()).map_or(b"", Str::as_bytes)),
            Self::Header(name) => name.values(head).next().map(Cow::Borrowed),
            Self::Host => http.map(host),
            Self::Path => text(http?.path()),
            Self::HttpMethod => text(http?.method.as_str().as_bytes()),
            Self::Query(name) => query_values(http?.query(), name).next(),
            Self::Cookie(name) => cookie_values(http?, name).next().map(Cow::Borrowed),
            Self::Address => {
                let address = lookup.downstream.source.ip().to_string();
                Some(Cow::Owned(address.into_bytes()))
            }
            Self::Sni => text(tls?.sni.as_ref()?.as_bytes()),
            Self::Identity => text(tls?.identities.first()?.as_bytes()),
        }
    }
}

fn host(http: &HttpRequest) -> Cow<'_, [u8]> {
    let host = http.host();
    let host = host.strip_suffix(b".").unwrap_or(host);
    match host.iter().any(u8::is_ascii_uppercase) {
        true => Cow::Owned(host.to_ascii_lowercase()),
        false => Cow::Borrowed(host),
    }
}
