//! Sending a client elsewhere.

use http::StatusCode;
use http::header::{HeaderValue, LOCATION};
use wireloom_codecs::{HttpRequest, HttpResponse, Scheme};

use super::path::PathChange;
use crate::Problem;
use crate::config::{RedirectConfig, RedirectScheme};
use crate::matcher;

/// A compiled [`RedirectConfig`].
#[derive(Clone, Debug)]
pub struct Redirect {
    status: StatusCode,
    scheme: Option<Scheme>,
    host: Option<Box<str>>,
    port: Option<u16>,
    path: Option<PathChange>,
    strip_query: bool,
}

impl Redirect {
    pub(super) fn compile(
        path: &str,
        config: &RedirectConfig,
        prefix: Option<&str>,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let before = problems.len();
        let place = |key: &str| format!("{path}.{key}");
        if !matches!(config.status, 301 | 302 | 303 | 307 | 308) {
            let message = format!(
                "{} is not a status of a redirect: write 301, 302, 303, 307 or 308",
                config.status
            );
            problems.push(Problem::new(place("status"), message));
        }
        if let Some(host) = &config.host
            && let Err(why) = matcher::check_host(host)
        {
            problems.push(Problem::new(place("host"), why));
        }
        if config.port == Some(0) {
            problems.push(Problem::new(
                place("port"),
                "0 is no port: write 1 to 65535",
            ));
        }
        let change = match (&config.path, &config.prefix) {
            (Some(_), Some(_)) => {
                let message = "only one of `path` and `prefix` may be given";
                problems.push(Problem::new(place("prefix"), message));
                None
            }
            (Some(new), None) => Some(PathChange::whole(&place("path"), new)),
            (None, Some(new)) => Some(PathChange::prefix(&place("prefix"), prefix, new)),
            (None, None) => None,
        };
        let change =
            change.and_then(|change| change.map_err(|problem| problems.push(problem)).ok());
        let (scheme, host, port) = (
            config.scheme.is_some(),
            config.host.is_some(),
            config.port.is_some(),
        );
        let moves = scheme || host || port || config.path.is_some() || config.prefix.is_some();
        if !moves && !config.strip_query {
            let message = "sends the client back to where it was: \
                           write `scheme`, `host`, `port`, `path` or `prefix`";
            problems.push(Problem::new(path, message));
        }
        let status = StatusCode::from_u16(config.status).ok()?;
        (problems.len() == before).then(|| Self {
            status,
            scheme: config.scheme.map(|scheme| match scheme {
                RedirectScheme::Http => Scheme::Http,
                RedirectScheme::Https => Scheme::Https,
            }),
            host: config.host.as_deref().map(Box::from),
            port: config.port,
            path: change,
            strip_query: config.strip_query,
        })
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The answer, without a body: the status and a `location`, which is absolute if the request or the configuration
    /// names a host. Where none can be made of the request, it is a 400 without one.
    pub fn response(&self, request: &HttpRequest) -> HttpResponse {
        let Some(location) = self.location(request) else {
            return HttpResponse::new(StatusCode::BAD_REQUEST);
        };
        let mut response = HttpResponse::new(self.status);
        response.headers.append(&LOCATION, &location);
        response
    }

    fn location(&self, request: &HttpRequest) -> Option<HeaderValue> {
        let mut location = Vec::with_capacity(request.authority.len() + request.target.len() + 64);
        let host = self
            .host
            .as_ref()
            .map_or(request.host(), |host| host.as_bytes());
        if !host.is_empty() {
            let scheme = self.scheme.unwrap_or(request.scheme);
            location.extend_from_slice(scheme.as_str().as_bytes());
            location.extend_from_slice(b"://");
            location.extend_from_slice(host);
            let stays = self.host.is_none() && scheme == request.scheme;
            let port = self
                .port
                .or_else(|| stays.then(|| matcher::port(request)).flatten());
            if let Some(port) = port
                && port != matcher::default_port(scheme)
            {
                location.extend_from_slice(format!(":{port}").as_bytes());
            }
        }
        let path = match request.path() {
            path @ [b'/', ..] => path,
            // Of `*` and of a CONNECT there is no path to go on with.
            _ => b"/",
        };
        match &self.path {
            Some(change) => change.apply(path, &mut location).ok()?,
            None => location.extend_from_slice(path),
        }
        if location.starts_with(b"//") {
            // There is no host, and two slashes would make one of what follows.
            let slashes = location.iter().take_while(|byte| **byte == b'/').count();
            location.drain(..slashes - 1);
        }
        if let Some(query) = request.query().filter(|_| !self.strip_query) {
            location.push(b'?');
            location.extend_from_slice(query);
        }
        HeaderValue::from_maybe_shared(bytes::Bytes::from(ascii(location))).ok()
    }
}

/// Percent-encodes what is not ASCII: clients differ in how they read it.
fn ascii(location: Vec<u8>) -> Vec<u8> {
    if location.is_ascii() {
        return location;
    }
    let mut encoded = Vec::with_capacity(location.len() * 2);
    for byte in location {
        match byte.is_ascii() {
            true => encoded.push(byte),
            false => encoded.extend_from_slice(format!("%{byte:02X}").as_bytes()),
        }
    }
    encoded
}
