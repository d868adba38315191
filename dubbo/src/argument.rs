//! One value of a request's arguments, for the routes that ask for it.
//!
//! The arguments of a generic call are those of the method that it is about: the values of its third argument.

use wireloom_codecs::{Argument, ArgumentPath, Request};
use wireloom_hessian::{Dialect, Limits, Reader, Scalar, descriptor};

use crate::fastjson2;
use crate::invocation::is_generic;
use crate::types::{Head, serialization};

/// The value at `path`, of which none lies behind `budget` bytes of the body.
pub(crate) fn find<'a>(
    request: &'a Request,
    path: &ArgumentPath,
    budget: usize,
) -> Option<Argument<'a>> {
    let ArgumentPath::Argument(index, names) = path else {
        return None;
    };
    let body = request.body.whole()?;
    match Head::parse(&request.head.wire.fixed)?.serialization() {
        serialization::HESSIAN2 => hessian2(body, *index, names, budget),
        serialization::FASTJSON2 => {
            fastjson2::find(body.get(..budget).unwrap_or(body), *index, names)
        }
        _ => None,
    }
}

fn hessian2<'a>(
    body: &'a [u8],
    index: usize,
    names: &[Box<str>],
    budget: usize,
) -> Option<Argument<'a>> {
    let limits = Limits {
        bytes: budget,
        ..Limits::DEFAULT
    };
    let mut reader = Reader::with_limits(body, Dialect::Final, limits);
    // The protocol's version, the path, the service's version.
    reader.skip_values(3).ok()?;
    let method = reader.read_str().ok()?;
    if reader.next_is_int() {
        // dubbox 2.8 writes an int before the descriptor.
        reader.read_int().ok()?;
    }
    let types = reader.read_str().ok()?;
    let arguments = descriptor::count(&types).ok()?;
    if is_generic(method.as_bytes()) {
        // The method and the types of its parameters come first.
        reader.skip_values(2).ok()?;
        let mut list = reader.enter_list().ok()??;
        for at in 0..=index {
            if !reader.next_item(&mut list).ok()? {
                return None;
            }
            if at < index {
                reader.skip_value().ok()?;
            }
        }
    } else if index < arguments {
        reader.skip_values(index).ok()?;
    } else {
        return None;
    }
    reader.find(names).ok()?.map(argument)
}

fn argument(scalar: Scalar<'_>) -> Argument<'_> {
    match scalar {
        Scalar::Text(text) => Argument::Text(text),
        Scalar::Int(number) => Argument::Int(number),
        Scalar::Double(number) => Argument::Double(number),
        Scalar::Bool(is) => Argument::Bool(is),
    }
}

#[cfg(test)]
mod tests {
    use wireloom_hessian::Value;

    use super::*;
    use crate::call::{Arguments, DubboCall};

    fn call(arguments: Arguments) -> Request {
        let call = DubboCall {
            service: "a.B".into(),
            version: None,
            group: None,
            method: "get".into(),
            arguments,
            timeout: None,
            attachments: Vec::new(),
        };
        call.request(false).unwrap()
    }

    fn values() -> Vec<Value> {
        let user = Value::object(
            "User",
            [("name", Value::from("ann")), ("age", Value::Int(30))],
        );
        vec![
            Value::from("first"),
            Value::Long(7),
            Value::Bool(true),
            user,
        ]
    }

    fn at(index: usize, names: &[&str]) -> ArgumentPath {
        ArgumentPath::Argument(index, names.iter().map(|name| Box::from(*name)).collect())
    }

    #[test]
    fn arguments_of_typed_and_generic_calls() {
        let typed = call(Arguments::Typed {
            descriptor: "Ljava/lang/String;JZLUser;".into(),
            values: values(),
        });
        let generic = call(Arguments::Generic {
            types: None,
            values: values(),
        });
        for request in [&typed, &generic] {
            let find = |index, names: &[&str]| find(request, &at(index, names), 1 << 10);
            assert_eq!(find(0, &[]), Some(Argument::Text("first".into())));
            assert_eq!(find(1, &[]), Some(Argument::Int(7)));
            assert_eq!(find(2, &[]), Some(Argument::Bool(true)));
            assert_eq!(find(3, &["name"]), Some(Argument::Text("ann".into())));
            assert_eq!(find(3, &["age"]), Some(Argument::Int(30)));
            assert_eq!(find(3, &[]), None);
            assert_eq!(find(3, &["none"]), None);
            // The attachments are none of the arguments.
            assert_eq!(find(4, &[]), None);
            assert_eq!(find(9, &[]), None);
        }
        let own = ArgumentPath::Json(Box::default());
        assert_eq!(find(&typed, &own, 1 << 10), None);
    }

    #[test]
    fn what_lies_behind_the_budget_is_not_there() {
        let text = Value::from("x".repeat(2_000));
        let request = call(Arguments::Typed {
            descriptor: "Ljava/lang/String;I".into(),
            values: vec![text, Value::Int(1)],
        });
        assert_eq!(find(&request, &at(1, &[]), 1_000), None);
        assert_eq!(find(&request, &at(1, &[]), 4_000), Some(Argument::Int(1)));
    }
}
