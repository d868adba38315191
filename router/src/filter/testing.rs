//! Requests for the tests of filters.

use wireloom_codecs::{
    Body, Downstream, ErrorKind, Fields, Kind, ProtocolId, Request, RequestHead, Str, Wire,
};

use super::{Exchanged, Filter, Flow};
use crate::config::RouteConfig;
use crate::{Route, RouteTable};

/// A request, and where it comes from.
pub(super) struct Given {
    pub(super) request: Request,
    pub(super) from: &'static str,
}

impl Default for Given {
    fn default() -> Self {
        let head = RequestHead {
            protocol: ProtocolId("dubbo"),
            kind: Kind::Unary,
            service: "acme.Orders".into(),
            method: "get".into(),
            fields: Fields::new(),
            timeout: None,
            wire: Wire::default(),
            http: None,
        };
        Self {
            request: Request::new(head, Body::Empty),
            from: "192.0.2.7",
        }
    }
}

impl Given {
    /// One from this address.
    pub(super) fn from(from: &'static str) -> Self {
        Self {
            from,
            ..Self::default()
        }
    }

    /// The same with another field.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        let fields = &mut self.request.head.fields;
        fields.push(Str::from(name.to_owned()), Str::from(value.to_owned()));
        self
    }

    /// What the filter makes of it.
    pub(super) fn ask(&mut self, filter: &impl Filter) -> Flow {
        let downstream = self.downstream();
        let route = route();
        filter.request(&mut Exchanged::new(&mut self.request, &downstream, &route))
    }

    pub(super) fn downstream(&self) -> Downstream {
        Downstream::new(
            (self.from.parse::<std::net::IpAddr>().unwrap(), 5).into(),
            None,
        )
    }
}

pub(super) fn route() -> Route {
    let to: RouteConfig = serde_json::from_str(r#"{"to": "a"}"#).unwrap();
    let table = RouteTable::compile("main", &[to]).unwrap();
    Route::clone(table.routes().next().unwrap())
}

/// The kind and the reason of a refusal.
pub(super) fn refused(flow: &Flow) -> Option<(ErrorKind, &'static str)> {
    match flow {
        Flow::Reject { error, reason } => Some((error.kind, reason)),
        _ => None,
    }
}
