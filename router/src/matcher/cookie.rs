//! Conditions on cookies.

use http::header::COOKIE;
use wireloom_codecs::HttpRequest;

use super::Text;

/// A condition on the cookies of one name.
#[derive(Clone, Debug)]
pub(super) struct Cookie {
    name: Box<[u8]>,
    text: Text,
}

impl Cookie {
    /// The condition, unless no cookie can have the name.
    pub(super) fn new(name: &str, text: Text) -> Result<Self, String> {
        check(name)?;
        let name = name.as_bytes().into();
        Ok(Self { name, text })
    }

    /// True if any cookie of the name matches; for `present: false`, if there is none.
    pub(super) fn matches(&self, request: &HttpRequest) -> bool {
        self.text.any(values(request, &self.name))
    }
}

/// Says why no cookie can have the name.
pub(crate) fn check(name: &str) -> Result<(), String> {
    let token = |byte: u8| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(&byte);
    match !name.is_empty() && name.bytes().all(token) {
        true => Ok(()),
        false => Err(format!("{name:?} is not a cookie's name")),
    }
}

/// The values of the cookies of this name.
pub(crate) fn values<'a>(
    request: &'a HttpRequest,
    name: &'a [u8],
) -> impl Iterator<Item = &'a [u8]> {
    // HTTP/2 may split them over several fields (RFC 9113 §8.2.3).
    let pairs = request.headers.all(&COOKIE);
    let pairs = pairs.flat_map(|field| field.split(|byte| *byte == b';'));
    pairs.filter_map(move |pair| {
        let at = pair.iter().position(|byte| *byte == b'=')?;
        let (own, value) = pair.split_at_checked(at)?;
        (own.trim_ascii() == name).then(|| plain(value.get(1..).unwrap_or_default()))
    })
}

/// A value without what may stand around it: blanks, and a pair of quotes (RFC 6265 §4.1.1).
fn plain(value: &[u8]) -> &[u8] {
    let value = value.trim_ascii();
    let quoted = value.strip_prefix(b"\"");
    let quoted = quoted.and_then(|value| value.strip_suffix(b"\""));
    quoted.unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use http::Method;
    use http::header::HeaderValue;

    use super::*;
    use crate::config::StringMatch;

    fn matches(condition: StringMatch, fields: &[&'static str]) -> bool {
        let mut request = HttpRequest::new(Method::GET, "a".into(), "/".into());
        for field in fields {
            let value = HeaderValue::from_static(field);
            request.headers.append(&COOKIE, &value);
        }
        let text = Text::compile("c", &condition).unwrap();
        Cookie::new("user", text).unwrap().matches(&request)
    }

    #[test]
    fn one_of_the_cookies_of_the_name_must_match() {
        for (fields, expected) in [
            (&["user=7"][..], true),
            (&["a=b; user=7"], true),
            (&["a=b;user = 7 ;c=d"], true),
            (&["user=\"7\""], true),
            (&["user=1; user=7"], true),
            (&["a=b", "user=7"], true),
            (&["User=7"], false),
            (&["xuser=7"], false),
            (&["user=77"], false),
            (&["a=user=7"], false),
            (&["user"], false),
            (&[], false),
        ] {
            let exact = StringMatch::Exact("7".into());
            assert_eq!(matches(exact, fields), expected, "{fields:?}");
        }
        assert!(matches(StringMatch::Exact("a=b".into()), &["user=a=b"]));
        assert!(matches(StringMatch::Exact("".into()), &["user="]));
        assert!(matches(StringMatch::Present(false), &["other=1", ";;="]));
        assert!(!matches(StringMatch::Present(false), &["user="]));
    }

    #[test]
    fn names_that_no_cookie_has() {
        for name in ["", "a b", "a;b", "a=b", "\u{fc}"] {
            Cookie::new(name, Text::Present(true)).unwrap_err();
        }
    }
}
