//! Constants and defaults, as the JSON that a user would write for them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json};

use super::lexer::{At, Mistake};
use super::resolve::{Fault, Names, Symbol};
use super::syntax::{Constant, Name};
use crate::call::thrift::to_value;
use crate::call::thrift::types::{Schema, Type};

/// How far a constant may refer to others.
const LONGEST_CHAIN: usize = 64;

/// The default of a field.
pub(super) struct Defaults<'a> {
    pub(super) file: usize,
    pub(super) at: At,
    /// The struct, and the field in it.
    pub(super) place: (usize, usize),
    pub(super) is_sent: bool,
    pub(super) constant: &'a Constant,
}

impl Names<'_> {
    /// Gives a field its default.
    pub(super) fn set_default(
        &self,
        schema: &mut Schema,
        default: &Defaults<'_>,
    ) -> Result<(), Fault> {
        let json = self.default(schema, default)?;
        let (of, field) = default.place;
        let found = schema.structs.get_mut(of);
        let found = found.filter(|of| default.is_sent && !of.union);
        if let Some(field) = found.and_then(|of| of.fields.get_mut(field)) {
            field.default = Some(json);
        }
        Ok(())
    }

    /// Whether a default is a value of its field's type. All others are set: structs in it may have some.
    pub(super) fn check_default(
        &self,
        schema: &Schema,
        default: &Defaults<'_>,
    ) -> Result<(), Fault> {
        let json = self.default(schema, default)?;
        let value = to_value::value(schema, &of_field(schema, default), &json);
        value.map(|_| ()).map_err(|bad| {
            let what = format!("the default is none: {bad}");
            (default.file, Mistake::new(default.at, what))
        })
    }

    fn default(&self, schema: &Schema, default: &Defaults<'_>) -> Result<Json, Fault> {
        let context = Context {
            names: self,
            schema,
            at: default.at,
        };
        let of = of_field(schema, default);
        context.json(default.file, default.constant, &of, 0)
    }
}

fn of_field(schema: &Schema, default: &Defaults<'_>) -> Type {
    let (of, field) = default.place;
    let found = schema.structs.get(of).and_then(|of| of.fields.get(field));
    found.map_or(Type::Any, |field| field.of.clone())
}

struct Context<'a> {
    names: &'a Names<'a>,
    schema: &'a Schema,
    /// Where the field is.
    at: At,
}

impl Context<'_> {
    fn json(
        &self,
        file: usize,
        constant: &Constant,
        of: &Type,
        depth: usize,
    ) -> Result<Json, Fault> {
        let wrong = |at, what: &str| Err((file, Mistake::new(at, what)));
        if depth > LONGEST_CHAIN {
            return wrong(self.at, "the default is made of itself, or nested too deep");
        }
        let inner = |constant, of| self.json(file, constant, of, depth + 1);
        Ok(match (constant, of) {
            (Constant::Int(number), Type::Bool) => Json::Bool(*number != 0),
            (Constant::Int(number), _) => Json::from(*number),
            (Constant::Double(number), _) => Json::from(*number),
            (Constant::Text(text), Type::Binary) => Json::String(STANDARD.encode(text)),
            (Constant::Text(text), _) => Json::from(text.as_str()),
            (Constant::Name(name), _) => self.named(file, name, of, depth)?,
            (Constant::List(items), Type::List(of) | Type::Set(of)) => {
                let items = items.iter().map(|item| inner(item, of));
                Json::Array(items.collect::<Result<_, _>>()?)
            }
            (Constant::List(items), _) if items.is_empty() => Json::Array(Vec::new()),
            (Constant::List(_), _) => return wrong(self.at, "the default is a list"),
            (Constant::Map(entries), Type::Map(key, of)) => {
                let pairs = entries.iter().map(|(name, value)| {
                    Ok(Json::Array(vec![inner(name, key)?, inner(value, of)?]))
                });
                Json::Array(pairs.collect::<Result<_, Fault>>()?)
            }
            (Constant::Map(entries), Type::Struct(place)) => {
                let mut object = Map::new();
                for (name, value) in entries {
                    let Constant::Text(name) = name else {
                        return wrong(self.at, "a struct's fields are named by text");
                    };
                    let of = self.schema.structs.get(*place);
                    let field = of.and_then(|of| of.fields.iter().find(|f| f.name == *name));
                    let of = field.map_or(&Type::Any, |field| &field.of);
                    object.insert(name.clone(), inner(value, of)?);
                }
                Json::Object(object)
            }
            (Constant::Map(entries), _) if entries.is_empty() => Json::Array(Vec::new()),
            (Constant::Map(_), _) => return wrong(self.at, "the default is a map"),
        })
    }

    /// True, false, another constant, or an enum's value as `Enum.VALUE`.
    fn named(&self, file: usize, name: &Name, of: &Type, depth: usize) -> Result<Json, Fault> {
        match name.text.as_str() {
            "true" => return Ok(Json::Bool(true)),
            "false" => return Ok(Json::Bool(false)),
            _ => {}
        }
        if let Some((file, Symbol::Const(constant))) = self.names.get(file, &name.text) {
            return self.json(file, constant, of, depth + 1);
        }
        let value = name.text.rsplit_once('.').and_then(|(of, value)| {
            let (_, Symbol::Enum(place)) = self.names.get(file, of)? else {
                return None;
            };
            let values = &self.schema.enums.get(place)?.values;
            values.iter().find(|(known, _)| known == value)
        });
        // Some compilers take a value without its enum.
        let own = match of {
            Type::Enum(place) => self.schema.enums.get(*place),
            _ => None,
        };
        let own = own.and_then(|of| of.values.iter().find(|(known, _)| *known == name.text));
        match value.or(own) {
            Some((_, number)) => Ok(Json::from(*number)),
            None => {
                let what = format!("there is no constant and no enum's value `{}`", name.text);
                Err((file, Mistake::new(name.at, what)))
            }
        }
    }
}
