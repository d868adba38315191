//! One value of a JSON body, for the routes that ask for it.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use wireloom_codecs::http::{HTTP1, HTTP2};
use wireloom_codecs::{Argument, ArgumentPath, Request};

/// The value at `path`, in a body of at most `budget` bytes. Of members with one name the last counts, as for most who
/// read JSON, so all of the body must be there and be JSON.
pub(crate) fn find<'a>(
    request: &'a Request,
    path: &ArgumentPath,
    budget: usize,
) -> Option<Argument<'a>> {
    let ArgumentPath::Json(tokens) = path else {
        return None;
    };
    let is_plain = request.head.protocol == HTTP1 || request.head.protocol == HTTP2;
    let body = request.body.whole()?;
    if !is_plain || body.is_empty() || body.len() > budget {
        return None;
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let found = Seek(tokens).deserialize(&mut json).ok()?;
    json.end().ok()?;
    found
}

/// Looks for the value that the tokens lead to, and steps over everything else.
#[derive(Clone, Copy)]
struct Seek<'p>(&'p [Box<str>]);

impl<'de> DeserializeSeed<'de> for Seek<'_> {
    type Value = Option<Argument<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Seek<'_> {
    /// A value that has no others in it.
    fn leaf<'de>(self, value: Argument<'de>) -> Option<Argument<'de>> {
        self.0.is_empty().then_some(value)
    }
}

impl<'de> Visitor<'de> for Seek<'_> {
    type Value = Option<Argument<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E: de::Error>(self, is: bool) -> Result<Self::Value, E> {
        Ok(self.leaf(Argument::Bool(is)))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(self.leaf(Argument::Int(number)))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(self.leaf(match i64::try_from(number) {
            Ok(number) => Argument::Int(number),
            Err(_) => Argument::Double(number as f64),
        }))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Self::Value, E> {
        Ok(self.leaf(Argument::Double(number)))
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(self.leaf(Argument::Text(Cow::Borrowed(text))))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        let text = || Argument::Text(Cow::Owned(text.to_owned()));
        Ok(self.0.is_empty().then(text))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let wanted = self.0.split_first();
        let wanted = wanted.and_then(|(token, rest)| Some((index(token)?, rest)));
        let mut found = None;
        for at in 0_usize.. {
            let more = match wanted {
                Some((index, rest)) if index == at => match list.next_element_seed(Seek(rest))? {
                    Some(value) => {
                        found = value;
                        true
                    }
                    None => false,
                },
                _ => list.next_element::<IgnoredAny>()?.is_some(),
            };
            if !more {
                break;
            }
        }
        Ok(found)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(is_it) = map.next_key_seed(Name(self.0.first().map(|token| &**token)))? {
            match self.0.split_first() {
                Some((_, rest)) if is_it => found = map.next_value_seed(Seek(rest))?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(found)
    }
}

/// An index as JSON pointers write it (RFC 6901 §4).
fn index(token: &str) -> Option<usize> {
    let canonical = token == "0" || !token.starts_with('0');
    let digits = token.bytes().all(|byte| byte.is_ascii_digit());
    token.parse().ok().filter(|_| canonical && digits)
}

/// Whether a member has this name.
struct Name<'p>(Option<&'p str>);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<bool, E> {
        Ok(self.0.is_some_and(|wanted| wanted == name))
    }
}

#[cfg(test)]
mod tests {
    use http::Method;
    use wireloom_codecs::{Body, HttpRequest, Kind, Message};

    use super::*;
    use crate::semantics;

    fn request(body: &str) -> Request {
        let http = HttpRequest::new(Method::POST, "a".into(), "/".into());
        let head = semantics::request_head(Box::new(http), HTTP1, Kind::Unary);
        Message::new(head, Body::Whole(body.to_owned().into()))
    }

    fn at(tokens: &[&str]) -> ArgumentPath {
        ArgumentPath::Json(tokens.iter().map(|token| Box::from(*token)).collect())
    }

    #[test]
    fn a_pointer_leads_to_a_value() {
        let request = request(
            r#"{"user": {"id": 7, "name": "ann", "say": "a\"b", "big": 18446744073709551615},
                "list": [1, {"x": [true, null]}, -2.5], "user2": {}, "last": 1, "last": 2, "": "e"}"#,
        );
        let find = |tokens: &[&str]| find(&request, &at(tokens), 1 << 10);
        assert_eq!(find(&["user", "id"]), Some(Argument::Int(7)));
        assert_eq!(find(&["user", "name"]), Some(Argument::Text("ann".into())));
        assert_eq!(find(&["user", "say"]), Some(Argument::Text("a\"b".into())));
        assert_eq!(
            find(&["user", "big"]),
            Some(Argument::Double(u64::MAX as f64))
        );
        assert_eq!(find(&["list", "1", "x", "0"]), Some(Argument::Bool(true)));
        assert_eq!(find(&["list", "2"]), Some(Argument::Double(-2.5)));
        assert_eq!(find(&["last"]), Some(Argument::Int(2)));
        assert_eq!(find(&[""]), Some(Argument::Text("e".into())));
        for none in [
            &[][..],
            &["user"],
            &["none"],
            &["user", "id", "x"],
            &["list", "3"],
            &["list", "01"],
            &["list", "+1"],
            &["list", "-"],
            &["list", "1", "x", "1"],
        ] {
            assert_eq!(find(none), None, "{none:?}");
        }
    }

    #[test]
    fn a_value_alone_is_found_without_a_token() {
        let find = |body: &str| find(&request(body), &at(&[]), 100).is_some();
        assert!(find("7") && find(" \"x\" ") && find("true"));
        assert!(!find("null") && !find("[]") && !find(""));
    }

    #[test]
    fn what_is_no_json_or_over_the_budget_has_no_values() {
        let find = |body: &str, budget| find(&request(body), &at(&["a"]), budget).is_some();
        assert!(find(r#"{"a": 1}"#, 8));
        assert!(!find(r#"{"a": 1}"#, 7));
        for broken in [r#"{"a": 1"#, r#"{"a": 1} x"#, r#"{"a": 1, }"#, "a=1"] {
            assert!(!find(broken, 100), "{broken}");
        }
        let deep = format!("{}{{\"a\": 1}}{}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(!find(&deep, 100_000));
        let mut grpc = request(r#"{"a": 1}"#);
        grpc.head.protocol = wireloom_codecs::http::GRPC;
        assert_eq!(super::find(&grpc, &at(&["a"]), 100), None);
    }
}
