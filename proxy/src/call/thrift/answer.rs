//! What an answer says, with an IDL and without.

use serde_json::Value as Json;
use wireloom_thrift::types::exception;
use wireloom_thrift::value::Value;

use super::idl::{Idl, Method};
use super::to_json;
use super::types::Type;
use crate::call::Failure;

/// The result of a call, or the exception that it declares.
pub(super) fn result(
    of: Option<(&Idl, &Method)>,
    fields: &[(i16, Value)],
) -> Result<Json, Failure> {
    let Some((idl, method)) = of else {
        return match fields {
            [(id @ 1.., value)] => Err(Failure::Exception {
                class: format!("{id}:{}", Type::of(value)),
                message: to_json::any(value).to_string(),
            }),
            _ => Ok(to_json::by_ids(fields)),
        };
    };
    match (fields, &method.result) {
        ([(0, value)], Some(of)) if value.kind() == of.kind() => {
            Ok(to_json::typed(&idl.schema, of, value))
        }
        ([(0, value)], _) => {
            let told = method.result.as_ref().map(|of| idl.told(of));
            let told = told.unwrap_or_else(|| "void".to_owned());
            let what = format!(
                "the result is {}, and the file says {told}; without --idl it is printed",
                Type::of(value)
            );
            Err(Failure::Unreadable(what))
        }
        ([(id, value)], _) => {
            let known = idl.throws(method).iter().find(|field| field.id == *id);
            let of = known.map(|field| &field.of);
            let of = of.filter(|of| of.kind() == value.kind());
            Err(match of {
                Some(of) => Failure::Exception {
                    class: idl.told(of),
                    message: to_json::typed(&idl.schema, of, value).to_string(),
                },
                None => Failure::Exception {
                    class: format!("{id}:{}, which the file does not declare", Type::of(value)),
                    message: to_json::any(value).to_string(),
                },
            })
        }
        ([], None) => Ok(Json::Null),
        ([], Some(_)) => {
            let what = "it has neither a result nor an exception";
            Err(Failure::Unreadable(what.to_owned()))
        }
        _ => {
            let what = format!("it has {} results", fields.len());
            Err(Failure::Unreadable(what))
        }
    }
}

/// Thrift's own exception.
pub(super) fn application(code: i32, message: String) -> Failure {
    let mut names = exception::NAMES.iter();
    let known = names.find(|(_, number)| number.cast_signed() == code);
    Failure::Application {
        code,
        name: known.map_or("of a type without a name", |(name, _)| name),
        message,
    }
}
