//! JSON and type names, as they are written on the command line, to values.

use serde_json::Value as Json;
use wireloom_hessian::{Value, descriptor, json};

use super::Wrong;

/// The arguments of a call: a JSON list, or none at all.
pub(super) fn list(body: Option<&str>) -> Result<Vec<Json>, Wrong> {
    let Some(body) = body else {
        return Ok(Vec::new());
    };
    match serde_json::from_str(body) {
        Ok(Json::Array(items)) => Ok(items),
        Ok(_) => Err(Wrong::arguments(
            "they must be a JSON list, like '[\"42\", 7]'",
        )),
        Err(error) => Err(Wrong::arguments(format!("they are not JSON: {error}"))),
    }
}

/// Values of whatever type the JSON suggests.
pub(super) fn untyped(list: &[Json]) -> Result<Vec<Value>, Wrong> {
    let value = |(at, item)| {
        json::from_json(item).map_err(|bad| {
            let path = bad.path.replacen('$', &format!("$[{at}]"), 1);
            Wrong::arguments(format!("{path}: {}", bad.problem))
        })
    };
    list.iter().enumerate().map(value).collect()
}

/// Values of the types that `descriptors` state, in a row.
pub(super) fn typed(list: &[Json], descriptors: &str) -> Result<Vec<Value>, Wrong> {
    json::coerce_args(list, descriptors).map_err(Wrong::arguments)
}

/// Values and the names of their types: those that `--type` states, or else guesses.
pub(super) fn with_types(
    list: &[Json],
    types: Option<&str>,
) -> Result<(Vec<String>, Vec<Value>), Wrong> {
    let (types, values) = match types {
        Some(types) => {
            let types = descriptors(types)?;
            let values = typed(list, &types)?;
            (types, values)
        }
        None => {
            let values = untyped(list)?;
            (values.iter().map(json::guess_descriptor).collect(), values)
        }
    };
    Ok((class_names(&types), values))
}

/// The names of types as `Class.getName` has them, which is what servers look a method up by: `int`,
/// `java.lang.String`, `[Ljava.lang.String;`.
fn class_names(descriptors: &str) -> Vec<String> {
    let name = |one: &str| match one.starts_with('[') {
        true => Ok(one.replace('/', ".")),
        false => descriptor::java_name(one),
    };
    let each = descriptor::split(descriptors).flatten();
    each.filter_map(|one| name(one).ok()).collect()
}

/// Classes that may be named without their package.
const IMPORTED: [(&str, &[&str]); 2] = [
    (
        "java.lang",
        &[
            "Boolean",
            "Byte",
            "Character",
            "Double",
            "Float",
            "Integer",
            "Long",
            "Number",
            "Object",
            "Short",
            "String",
        ],
    ),
    ("java.util", &["Collection", "Date", "List", "Map", "Set"]),
];

/// What `--type` says, as JVM descriptors in a row: it takes these as they are, and Java names with commas between
/// them.
pub(super) fn descriptors(types: &str) -> Result<String, Wrong> {
    let types = types.trim();
    if descriptor::count(types).is_ok() {
        return Ok(types.to_owned());
    }
    let each = types.split(',').map(|name| {
        let name = name.trim();
        descriptor::of_java_name(&imported(name)).map_err(|_| {
            let forms = "write Java names like String,int or descriptors like Ljava/lang/String;I";
            Wrong::Types(format!("`{name}` is no type; {forms}"))
        })
    });
    each.collect()
}

/// The name with its package, if it is one of those that may come without.
fn imported(name: &str) -> String {
    let class = name.trim_end_matches("[]");
    let package = IMPORTED
        .iter()
        .find(|(_, classes)| classes.contains(&class));
    package.map_or_else(
        || name.to_owned(),
        |(package, _)| format!("{package}.{name}"),
    )
}
