//! What an answer says about trying its request again.

use std::time::{Duration, SystemTime};

use http::HeaderName;
use http::header::RETRY_AFTER;
use wireloom_codecs::{ProtocolId, Response};
use wireloom_router::{Answered, Pushback, RetryPolicy};

/// Milliseconds until the retry; anything else, as a negative number, means that there is to be none (gRPC proposal A6).
const GRPC_PUSHBACK: HeaderName = HeaderName::from_static("grpc-retry-pushback-ms");

/// The answer in the words of the policy.
pub(super) fn answered(
    policy: &RetryPolicy,
    protocol: ProtocolId,
    response: &Response,
) -> Answered {
    let marked = policy
        .headers
        .iter()
        .any(|name| field(response, name).is_some());
    Answered::new(protocol, response.head.outcome).marked(marked)
}

/// When the server wants the request again, if it says so.
pub(super) fn named(response: &Response, now: SystemTime) -> Option<Pushback> {
    if let Some(value) = field(response, &GRPC_PUSHBACK) {
        let millis = number(value).map(Duration::from_millis);
        return Some(millis.map_or(Pushback::Never, Pushback::After));
    }
    // RFC 9110 §10.2.3: seconds, or a date.
    let value = field(response, &RETRY_AFTER)?;
    if let Some(seconds) = number(value) {
        return Some(Pushback::After(Duration::from_secs(seconds)));
    }
    let date = httpdate::parse_http_date(std::str::from_utf8(value).ok()?).ok()?;
    Some(Pushback::After(
        date.duration_since(now).unwrap_or_default(),
    ))
}

/// A header field of the answer, or one behind its body.
fn field<'a>(response: &'a Response, name: &HeaderName) -> Option<&'a [u8]> {
    let head = response.head.http.as_ref();
    let head = head.and_then(|http| http.headers.get(name));
    head.or_else(|| response.trailers.as_ref()?.get(name))
}

/// Digits and nothing else.
fn number(value: &[u8]) -> Option<u64> {
    let value = value.trim_ascii();
    if !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(value).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, StatusCode};
    use wireloom_codecs::{Body, Headers, HttpResponse, Message, ResponseHead};

    use super::*;

    fn response(name: &HeaderName, value: &'static str, behind: bool) -> Response {
        let mut http = HttpResponse::new(StatusCode::SERVICE_UNAVAILABLE);
        let mut trailers = Headers::new();
        let fields = if behind {
            &mut trailers
        } else {
            &mut http.headers
        };
        fields.append(name, &HeaderValue::from_static(value));
        let head = ResponseHead {
            http: Some(Box::new(http)),
            ..ResponseHead::default()
        };
        let mut response = Message::new(head, Body::Empty);
        response.trailers = Some(Box::new(trailers));
        response
    }

    #[test]
    fn servers_name_seconds_dates_and_milliseconds() {
        let after = |wait| Some(Pushback::After(wait));
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_770);
        for (value, expected) in [
            ("7", after(Duration::from_secs(7))),
            (
                "Sun, 06 Nov 1994 08:49:37 GMT",
                after(Duration::from_secs(7)),
            ),
            ("Sun, 06 Nov 1994 08:49:00 GMT", after(Duration::ZERO)),
            ("-7", None),
            ("soon", None),
        ] {
            assert_eq!(named(&response(&RETRY_AFTER, value, false), now), expected);
        }
        for (value, expected) in [
            ("15", after(Duration::from_millis(15))),
            ("-1", Some(Pushback::Never)),
            ("soon", Some(Pushback::Never)),
            ("99999999999999999999", Some(Pushback::Never)),
        ] {
            for behind in [false, true] {
                let answer = response(&GRPC_PUSHBACK, value, behind);
                assert_eq!(named(&answer, now), expected, "{value}");
            }
        }
    }
}
