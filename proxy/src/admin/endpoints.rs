//! What can be asked, and the answers.

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HOST, ORIGIN};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Body;
use serde_json::{Value, json};

use super::AdminState;
use crate::config::nearest;

/// The longest body of a request.
const MAX_BODY: usize = 4096;

/// An answer. All of them are short and whole.
pub(super) type Answer = Response<Full<Bytes>>;

/// One thing that can be asked.
struct Endpoint {
    path: &'static str,
    post: bool,
    what: &'static str,
}

const fn get(path: &'static str, what: &'static str) -> Endpoint {
    Endpoint {
        path,
        post: false,
        what,
    }
}

const fn post(path: &'static str, what: &'static str) -> Endpoint {
    Endpoint {
        path,
        post: true,
        what,
    }
}

const ENDPOINTS: [Endpoint; 10] = [
    get("/help", "this list"),
    get(
        "/ready",
        "200 while new requests are welcome, else 503: before endpoints are known and warm, and in a drain",
    ),
    get("/metrics", "everything counted, for Prometheus"),
    get("/config", "the configuration at work"),
    get("/listeners", "the ports, and who is connected"),
    get("/routes", "the route tables"),
    get("/clusters", "the clusters and their endpoints"),
    get("/version", "what runs"),
    post(
        "/log",
        "change the log filter to the body, like debug or info,wireloom_cluster=debug",
    ),
    post(
        "/drain",
        "take no new requests, finish those under way, and stop",
    ),
];

/// Answers one request.
pub(super) async fn answer<B>(state: &dyn AdminState, request: Request<B>) -> Answer
where
    B: Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let path = match request.uri().path() {
        "/" => "/help",
        path => path,
    };
    let Some(endpoint) = ENDPOINTS.iter().find(|endpoint| endpoint.path == path) else {
        return not_found(path);
    };
    let right = match *request.method() {
        Method::GET | Method::HEAD => !endpoint.post,
        Method::POST => endpoint.post,
        _ => false,
    };
    if !right {
        return wrong_method(endpoint);
    }
    if endpoint.post {
        if let Some(refusal) = from_a_browser(request.headers()) {
            return refusal;
        }
        return change(state, endpoint.path, request).await;
    }
    match endpoint.path {
        "/help" => text(StatusCode::OK, help()),
        "/ready" if state.ready() => text(StatusCode::OK, "ready\n"),
        "/ready" => text(StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
        "/metrics" => typed(wireloom_telemetry::CONTENT_TYPE, state.metrics()),
        "/config" => json(&state.config()),
        "/listeners" => json(&state.listeners()),
        "/routes" => json(&state.routes()),
        "/clusters" => json(&state.clusters()),
        "/version" => json(&json!({"name": "wireloom", "version": crate::cli::VERSION})),
        _ => not_found(path),
    }
}

/// What changes the proxy's state.
async fn change<B>(state: &dyn AdminState, path: &str, request: Request<B>) -> Answer
where
    B: Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let body = match Limited::new(request.into_body(), MAX_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            let message = format!("the body is longer than {MAX_BODY} bytes\n");
            return text(StatusCode::PAYLOAD_TOO_LARGE, message);
        }
        Err(_) => return text(StatusCode::BAD_REQUEST, "the body did not come whole\n"),
    };
    if path == "/drain" {
        state.drain();
        return text(StatusCode::ACCEPTED, "draining\n");
    }
    let filter = String::from_utf8_lossy(&body);
    match state.set_log(filter.trim()) {
        Ok(()) => text(StatusCode::OK, format!("logging at {}\n", filter.trim())),
        Err(message) => text(StatusCode::BAD_REQUEST, format!("{message}\n")),
    }
}

/// Any web page can make a browser on this host POST to a loopback port, and then its request tells so: such a header
/// is one that scripts can neither set nor leave out.
fn from_a_browser(headers: &HeaderMap) -> Option<Answer> {
    let browser = headers.contains_key(ORIGIN) || headers.contains_key("sec-fetch-site");
    let message = "changes are not taken from web pages; use curl\n";
    // A request without Host is none that an HTTP/1.1 client makes.
    (browser || !headers.contains_key(HOST)).then(|| text(StatusCode::FORBIDDEN, message))
}

fn help() -> String {
    let mut text = String::new();
    for endpoint in &ENDPOINTS {
        let method = if endpoint.post { "POST" } else { "GET" };
        text.push_str(&format!(
            "{method:<4} {:<10} {}\n",
            endpoint.path, endpoint.what
        ));
    }
    text
}

fn not_found(path: &str) -> Answer {
    let known = ENDPOINTS.iter().map(|endpoint| endpoint.path);
    let hint = match nearest(path, known) {
        Some(name) => format!("did you mean {name}?"),
        None => "GET /help lists what there is".to_owned(),
    };
    text(
        StatusCode::NOT_FOUND,
        format!("there is nothing here; {hint}\n"),
    )
}

fn wrong_method(endpoint: &Endpoint) -> Answer {
    let (allowed, hint) = if endpoint.post {
        ("POST", "this changes the proxy, so it must be a POST")
    } else {
        ("GET, HEAD", "this only shows, so it must be a GET")
    };
    let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, format!("{hint}\n"));
    let headers = answer.headers_mut();
    headers.insert(ALLOW, http::HeaderValue::from_static(allowed));
    answer
}

fn json(value: &Value) -> Answer {
    // A `Value` always has a text form; the alternate one is indented.
    typed("application/json", format!("{value:#}\n"))
}

fn text(status: StatusCode, body: impl Into<String>) -> Answer {
    let mut answer = typed("text/plain; charset=utf-8", body.into());
    *answer.status_mut() = status;
    answer
}

fn typed(content_type: &'static str, body: String) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, http::HeaderValue::from_static(content_type));
    // What is shown to people may hold names from the configuration: never let a browser take it for a page.
    headers.insert(
        "x-content-type-options",
        http::HeaderValue::from_static("nosniff"),
    );
    answer
}
