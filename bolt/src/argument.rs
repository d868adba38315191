//! One value of a SOFARPC request, for the routes that ask for it: an argument, or one of the request's properties.

use wireloom_codecs::{Argument, ArgumentPath, Request};
use wireloom_hessian::{Dialect, Limits, Reader, Scalar};

use crate::types::{CODEC_HESSIAN, Head};

/// The field of a `SofaRequest` that has its properties.
const PROPERTIES: &str = "requestProps";

/// The value at `path`, of which none lies behind `budget` bytes of the content.
pub(crate) fn find<'a>(
    request: &'a Request,
    path: &ArgumentPath,
    budget: usize,
) -> Option<Argument<'a>> {
    let head = Head::parse(&request.head.wire.fixed)?;
    let content = request.body.whole()?;
    let dialect = Dialect::of_object_body(*content.first()?)?;
    if head.codec != CODEC_HESSIAN {
        return None;
    }
    let limits = Limits {
        bytes: budget,
        ..Limits::DEFAULT
    };
    let mut reader = Reader::with_limits(content, dialect, limits);
    let found = match path {
        ArgumentPath::Property(name) => reader.find(&[PROPERTIES, name]),
        ArgumentPath::Argument(index, names) => {
            // The arguments lie behind the request itself.
            reader.skip_value().ok()?;
            for _ in 0..*index {
                reader.skip_value().ok()?;
            }
            reader.find(names)
        }
        ArgumentPath::Ids(_) | ArgumentPath::Json(_) => return None,
    };
    Some(match found.ok()?? {
        Scalar::Text(text) => Argument::Text(text),
        Scalar::Int(number) => Argument::Int(number),
        Scalar::Double(number) => Argument::Double(number),
        Scalar::Bool(is) => Argument::Bool(is),
    })
}

#[cfg(test)]
mod tests {
    use wireloom_hessian::Value;

    use super::*;
    use crate::sofa_value::{CallOptions, SofaCall, encode_request};

    fn request(dialect: Dialect) -> Request {
        let user = Value::object(
            "User",
            [("name", Value::from("ann")), ("age", Value::Int(30))],
        );
        let call = SofaCall {
            service: "acme.Orders:1.0".into(),
            method: "find".into(),
            arg_types: vec!["User".into(), "int".into()],
            args: vec![user, Value::Int(7)],
            target_app: None,
            props: vec![
                ("tenant".into(), Value::from("eu")),
                ("baggage".into(), Value::map([("tier", "gold")])),
            ],
        };
        let options = CallOptions {
            dialect,
            ..CallOptions::default()
        };
        encode_request(&call, &options).unwrap()
    }

    #[test]
    fn arguments_and_properties_in_both_dialects() {
        for dialect in [Dialect::Final, Dialect::Draft] {
            let request = request(dialect);
            let at = |index, names: &[&str]| {
                let names = names.iter().map(|name| Box::from(*name)).collect();
                find(&request, &ArgumentPath::Argument(index, names), 1 << 10)
            };
            assert_eq!(at(0, &["name"]), Some(Argument::Text("ann".into())));
            assert_eq!(at(0, &["age"]), Some(Argument::Int(30)));
            assert_eq!(at(1, &[]), Some(Argument::Int(7)));
            assert_eq!((at(0, &[]), at(2, &[])), (None, None));
            let property =
                |name: &str, budget| find(&request, &ArgumentPath::Property(name.into()), budget);
            assert_eq!(
                property("tenant", 1 << 10),
                Some(Argument::Text("eu".into()))
            );
            assert_eq!(property("tenant", 100), None);
            assert_eq!(property("baggage", 1 << 10), None);
            assert_eq!(property("none", 1 << 10), None);
        }
    }

    #[test]
    fn content_that_is_no_sofa_request_has_no_values() {
        let path = ArgumentPath::Property("tenant".into());
        for content in [&b""[..], b"{}", b"C", &[0xff; 40]] {
            let mut request = request(Dialect::Final);
            request.body = wireloom_codecs::Body::Whole(content.to_vec().into());
            assert_eq!(find(&request, &path, 1 << 10), None);
        }
    }
}
