//! JSON to values.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json};
use wireloom_thrift::types::MAX_DEPTH;
use wireloom_thrift::value::{Fields, Value};

use super::types::{Schema, Struct, Type};
use crate::config::nearest;

const FORM: &str =
    "keys are field ids and types, like \"1:string\", \"2:list<i32>\" or \"3:struct\"";

/// What is wrong with JSON, and where: `$.order.items[2]`.
#[derive(Debug, PartialEq)]
pub(super) struct Bad {
    path: String,
    problem: String,
}

impl Bad {
    pub(super) fn new(problem: impl Into<String>) -> Self {
        Self {
            path: String::new(),
            problem: problem.into(),
        }
    }

    fn within(mut self, part: impl fmt::Display) -> Self {
        self.path.insert_str(0, &part.to_string());
        self
    }
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${}: {}", self.path, self.problem)
    }
}

/// The fields of an object whose keys are ids and types.
pub(super) fn by_ids(schema: &Schema, json: &Json) -> Result<Fields, Bad> {
    Reader(schema).fields_by_ids(json, 1)
}

/// The fields of a struct, by their names.
pub(super) fn by_names(schema: &Schema, of: &Struct, json: &Json) -> Result<Fields, Bad> {
    Reader(schema).fields_by_names(of, json, 1)
}

/// The fields of a struct, in their order. A null is no value.
pub(super) fn in_order(schema: &Schema, of: &Struct, items: &[Json]) -> Result<Fields, Bad> {
    if items.len() > of.fields.len() {
        let what = format!(
            "`{}` has {} parameters, not {}",
            of.name,
            of.fields.len(),
            items.len()
        );
        return Err(Bad::new(what));
    }
    let named = of.fields.iter().zip(items);
    let named = named.map(|(field, item)| (field.name.clone(), item.clone()));
    Reader(schema).fields_by_names(of, &Json::Object(named.collect()), 1)
}

/// A value.
pub(super) fn value(schema: &Schema, of: &Type, json: &Json) -> Result<Value, Bad> {
    Reader(schema).value(of, json, 1)
}

struct Reader<'a>(&'a Schema);

impl Reader<'_> {
    fn value(&self, of: &Type, json: &Json, depth: usize) -> Result<Value, Bad> {
        if depth > MAX_DEPTH {
            let what = format!("values are nested more than {MAX_DEPTH} deep");
            return Err(Bad::new(what));
        }
        let must_be = |what: &str| Err(Bad::new(format!("must be {what}, not {}", told(json))));
        Ok(match of {
            Type::Bool => match json {
                Json::Bool(is) => Value::Bool(*is),
                _ => return must_be("true or false"),
            },
            Type::I8 => Value::I8(integer(json, "an integer of 8 bits")?),
            Type::I16 => Value::I16(integer(json, "an integer of 16 bits")?),
            Type::I32 => Value::I32(integer(json, "an integer of 32 bits")?),
            Type::I64 => Value::I64(integer(json, "an integer of 64 bits")?),
            Type::Double => Value::Double(match (json.as_f64(), json.as_str()) {
                (Some(number), _) => number,
                (_, Some("NaN")) => f64::NAN,
                (_, Some("Infinity")) => f64::INFINITY,
                (_, Some("-Infinity")) => f64::NEG_INFINITY,
                _ => return must_be("a number, \"NaN\", \"Infinity\" or \"-Infinity\""),
            }),
            Type::String => match json {
                Json::String(text) => Value::text(text),
                _ => return must_be("a string"),
            },
            Type::Binary => match json.as_str().map(|text| STANDARD.decode(text)) {
                Some(Ok(bytes)) => Value::Binary(bytes.into()),
                _ => return must_be("bytes in base64"),
            },
            Type::Uuid => match json.as_str().and_then(uuid) {
                Some(bytes) => Value::Uuid(bytes),
                None => return must_be("a UUID like \"00112233-4455-6677-8899-aabbccddeeff\""),
            },
            Type::Enum(at) => Value::I32(self.number(*at, json)?),
            Type::List(of) => Value::List(of.kind(), self.items(of, json, depth)?),
            Type::Set(of) => Value::Set(of.kind(), self.items(of, json, depth)?),
            Type::Map(key, of) => {
                let entries = self.entries(key, of, json, depth)?;
                Value::Map(Some((key.kind(), of.kind())), entries)
            }
            Type::ByIds => Value::Struct(self.fields_by_ids(json, depth + 1)?),
            Type::Struct(at) => match self.0.structs.get(*at) {
                Some(of) => Value::Struct(self.fields_by_names(of, json, depth + 1)?),
                None => return must_be("a struct that is known"),
            },
            Type::Any => return Err(Bad::new("the type `?` stands for no value")),
        })
    }

    fn items(&self, of: &Type, json: &Json, depth: usize) -> Result<Vec<Value>, Bad> {
        let Json::Array(items) = json else {
            return Err(Bad::new(format!("must be a JSON list, not {}", told(json))));
        };
        let items = items.iter().enumerate().map(|(at, item)| {
            let value = self.value(of, item, depth + 1);
            value.map_err(|bad| bad.within(format_args!("[{at}]")))
        });
        items.collect()
    }

    /// A map's entries: an object, if its keys can be an object's, or a list of pairs.
    fn entries(
        &self,
        key: &Type,
        of: &Type,
        json: &Json,
        depth: usize,
    ) -> Result<Vec<(Value, Value)>, Bad> {
        match json {
            Json::Object(entries) if key.is_scalar() || entries.is_empty() => {
                let entries = entries.iter().map(|(name, value)| {
                    let path = format!(".{name}");
                    let name = self
                        .key(key, name, depth)
                        .map_err(|bad| bad.within(&path))?;
                    let value = self.value(of, value, depth + 1);
                    Ok((name, value.map_err(|bad| bad.within(&path))?))
                });
                entries.collect()
            }
            Json::Array(pairs) => {
                let pairs = pairs.iter().enumerate().map(|(at, pair)| {
                    let Some([name, value]) = pair.as_array().map(Vec::as_slice) else {
                        let what = format!("must be a pair [KEY, VALUE], not {}", told(pair));
                        return Err(Bad::new(what).within(format_args!("[{at}]")));
                    };
                    let name = self.value(key, name, depth + 1);
                    let name = name.map_err(|bad| bad.within(format_args!("[{at}][0]")))?;
                    let value = self.value(of, value, depth + 1);
                    Ok((
                        name,
                        value.map_err(|bad| bad.within(format_args!("[{at}][1]")))?,
                    ))
                });
                pairs.collect()
            }
            other if key.is_scalar() => Err(Bad::new(format!(
                "must be a JSON object, not {}",
                told(other)
            ))),
            other => Err(Bad::new(format!(
                "must be a list of pairs [[KEY, VALUE], …], for keys are {key}s, not {}",
                told(other)
            ))),
        }
    }

    /// A map's key that is an object's, where all is text.
    fn key(&self, of: &Type, text: &str, depth: usize) -> Result<Value, Bad> {
        let plain = || Json::from(text);
        let json = match of {
            Type::String | Type::Binary | Type::Uuid => plain(),
            // Numbers, true and false as they are; names of enums.
            _ => match serde_json::from_str(text) {
                Ok(json @ (Json::Number(_) | Json::Bool(_))) => json,
                _ => plain(),
            },
        };
        self.value(of, &json, depth + 1)
    }

    fn number(&self, at: usize, json: &Json) -> Result<i32, Bad> {
        let known = self.0.enums.get(at);
        let values = known
            .map(|known| known.values.as_slice())
            .unwrap_or_default();
        let Some(text) = json.as_str() else {
            return integer(json, "an enum's name or an integer of 32 bits");
        };
        let found = values.iter().find(|(name, _)| name == text);
        found.map(|(_, number)| *number).ok_or_else(|| {
            let of = known.map(|known| known.name.as_str()).unwrap_or_default();
            let names = values.iter().map(|(name, _)| name.as_str());
            Bad::new(format!(
                "`{of}` has no value `{text}`; {}",
                instead(text, names)
            ))
        })
    }

    fn fields_by_ids(&self, json: &Json, depth: usize) -> Result<Fields, Bad> {
        let object = object(json)?;
        let mut fields = Fields::new();
        for (key, json) in object {
            let found = key.split_once(':').and_then(|(id, of)| {
                let id = id.trim().parse::<i16>().ok()?;
                Some((id, Type::parse(of)?))
            });
            let Some((id, of)) = found else {
                return Err(Bad::new(format!("`{key}` is no field; {FORM}")));
            };
            if fields.iter().any(|(other, _)| *other == id) {
                return Err(Bad::new(format!("it has the field {id} twice")));
            }
            let value = self.value(&of, json, depth);
            fields.push((id, value.map_err(|bad| bad.within(format_args!(".{key}")))?));
        }
        Ok(fields)
    }

    fn fields_by_names(&self, of: &Struct, json: &Json, depth: usize) -> Result<Fields, Bad> {
        let object = object(json)?;
        let names = || of.fields.iter().map(|field| field.name.as_str());
        for key in object.keys() {
            if !names().any(|name| name == key) {
                let what = format!(
                    "`{}` has no field `{key}`; {}",
                    of.name,
                    instead(key, names())
                );
                return Err(Bad::new(what));
            }
        }
        let mut fields = Fields::new();
        for field in &of.fields {
            // A null is no value, in any type.
            let written = object.get(&field.name).filter(|json| !json.is_null());
            let Some(json) = written.or(field.default.as_ref()) else {
                if field.required {
                    let what = format!("`{}` needs the field `{}`", of.name, field.name);
                    return Err(Bad::new(what));
                }
                continue;
            };
            let value = self.value(&field.of, json, depth);
            let value = value.map_err(|bad| bad.within(format_args!(".{}", field.name)))?;
            fields.push((field.id, value));
        }
        if of.union && fields.len() != 1 {
            let what = format!(
                "the union `{}` needs exactly one field, not {}",
                of.name,
                fields.len()
            );
            return Err(Bad::new(what));
        }
        Ok(fields)
    }
}

fn object(json: &Json) -> Result<&Map<String, Json>, Bad> {
    let what = || Bad::new(format!("must be a JSON object, not {}", told(json)));
    json.as_object().ok_or_else(what)
}

fn integer<T: TryFrom<i64>>(json: &Json, what: &str) -> Result<T, Bad> {
    let number = json.as_i64().and_then(|number| T::try_from(number).ok());
    number.ok_or_else(|| Bad::new(format!("must be {what}, not {}", told(json))))
}

/// The 16 bytes of `00112233-4455-6677-8899-aabbccddeeff`.
fn uuid(text: &str) -> Option<[u8; 16]> {
    let dashes = text.char_indices().filter(|(_, c)| *c == '-');
    if text.len() != 36 || !dashes.map(|(at, _)| at).eq([8, 13, 18, 23]) {
        return None;
    }
    let mut bytes = [0; 16];
    let mut digits = text.chars().filter(|c| *c != '-').map(|c| c.to_digit(16));
    for byte in &mut bytes {
        let (high, low) = (digits.next()??, digits.next()??);
        *byte = u8::try_from(high << 4 | low).ok()?;
    }
    Some(bytes)
}

/// "Did you mean …?", or the choice.
pub(super) fn instead<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    match nearest(name, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => match known.collect::<Vec<_>>().as_slice() {
            [] => "there are none".to_owned(),
            names => format!("there are {}", names.join(", ")),
        },
    }
}

/// JSON as errors show it, which may be long.
fn told(json: &Json) -> String {
    const SHOWN: usize = 40;
    let text = json.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
