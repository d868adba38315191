//! What names stand for: syntax to types and services.

use std::collections::HashMap;

use super::constant::Defaults;
use super::files::File;
use super::lexer::{At, Mistake};
use super::service::{Idl, Method, Service};
use super::syntax::{Constant, FieldSyntax, Function, Name, Presence, What, Written};
use crate::call::thrift::to_value::instead;
use crate::call::thrift::types::{Enum, Field, Schema, Struct, Type};

/// How long a chain of typedefs or of `extends` may be.
const LONGEST_CHAIN: usize = 64;

/// A mistake, and the file it is in.
pub(super) type Fault = (usize, Mistake);

/// What a name is declared as.
#[derive(Clone, Copy, Debug)]
pub(super) enum Symbol<'a> {
    Const(&'a Constant),
    Typedef(&'a Written),
    Enum(usize),
    Struct(usize),
    Service(usize),
}

/// The names of each file.
pub(super) struct Names<'a> {
    pub(super) files: &'a [File],
    symbols: Vec<HashMap<&'a str, Symbol<'a>>>,
}

/// The types and services of files, of which `main` is the one that was asked for.
pub(super) fn resolve(files: &[File], main: usize) -> Result<Idl, Fault> {
    let mut resolver = Resolver {
        names: Names {
            files,
            symbols: Vec::new(),
        },
        schema: Schema::default(),
        services: Vec::new(),
        defaults: Vec::new(),
    };
    for at in 0..files.len() {
        resolver.declare(at)?;
    }
    for (at, file) in files.iter().enumerate() {
        resolver.define(at, file)?;
    }
    resolver.check_extends()?;
    let Resolver {
        names,
        mut schema,
        services,
        defaults,
    } = resolver;
    for default in &defaults {
        names.set_default(&mut schema, default)?;
    }
    for default in &defaults {
        names.check_default(&schema, default)?;
    }
    let mut found = Vec::new();
    let mut add = |before: &str, file: usize| {
        let symbols = names.symbols.get(file).into_iter().flatten();
        found.extend(symbols.filter_map(|(name, symbol)| match symbol {
            Symbol::Service(at) => Some((format!("{before}{name}"), *at)),
            _ => None,
        }));
    };
    add("", main);
    let main = files.get(main).map(|file| file.includes.as_slice());
    for (name, file) in main.unwrap_or_default() {
        add(&format!("{name}."), *file);
    }
    found.sort();
    Ok(Idl {
        schema,
        services,
        names: found,
    })
}

struct Resolver<'a> {
    names: Names<'a>,
    schema: Schema,
    services: Vec<Service>,
    defaults: Vec<Defaults<'a>>,
}

impl<'a> Resolver<'a> {
    /// Gives each name of a file its place.
    fn declare(&mut self, at: usize) -> Result<(), Fault> {
        let mut symbols = HashMap::new();
        let files = self.names.files;
        let definitions = files
            .get(at)
            .map(|file| file.document.definitions.as_slice());
        for definition in definitions.unwrap_or_default() {
            let name = definition.name.text.clone();
            let symbol = match &definition.what {
                What::Const(_, value) => Symbol::Const(value),
                What::Typedef(of) => Symbol::Typedef(of),
                What::Enum(values) => {
                    let values = numbered(values).map_err(|mistake| (at, mistake))?;
                    self.schema.enums.push(Enum { name, values });
                    Symbol::Enum(self.schema.enums.len() - 1)
                }
                What::Struct { union, .. } => Symbol::Struct(self.add_struct(name, *union)),
                What::Service { .. } => {
                    self.services.push(Service {
                        name,
                        extends: None,
                        methods: Vec::new(),
                    });
                    Symbol::Service(self.services.len() - 1)
                }
            };
            if symbols
                .insert(definition.name.text.as_str(), symbol)
                .is_some()
            {
                return Err((at, twice(&definition.name)));
            }
        }
        self.names.symbols.push(symbols);
        Ok(())
    }

    fn add_struct(&mut self, name: String, union: bool) -> usize {
        self.schema.structs.push(Struct {
            name,
            union,
            fields: Vec::new(),
        });
        self.schema.structs.len() - 1
    }

    fn define(&mut self, at: usize, file: &'a File) -> Result<(), Fault> {
        for definition in &file.document.definitions {
            let name = definition.name.text.as_str();
            match (&definition.what, self.names.get(at, name)) {
                (What::Typedef(of) | What::Const(of, _), _) => {
                    self.names.resolve(at, of, 0)?;
                }
                (What::Struct { fields, .. }, Some((_, Symbol::Struct(place)))) => {
                    self.fields(at, place, fields)?;
                }
                (What::Service { extends, functions }, Some((_, Symbol::Service(place)))) => {
                    let extends = match extends {
                        None => None,
                        Some(name) => match self.names.get(at, &name.text) {
                            Some((_, Symbol::Service(base))) => Some((base, at, name.at)),
                            _ => return Err((at, self.names.unknown(at, name, "service"))),
                        },
                    };
                    let mut methods: Vec<Method> = Vec::new();
                    for function in functions {
                        if methods.iter().any(|other| other.name == function.name.text) {
                            return Err((at, twice(&function.name)));
                        }
                        methods.push(self.method(at, function)?);
                    }
                    if let Some(service) = self.services.get_mut(place) {
                        service.extends = extends;
                        service.methods = methods;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn fields(&mut self, at: usize, place: usize, written: &'a [FieldSyntax]) -> Result<(), Fault> {
        let mut fields: Vec<Field> = Vec::new();
        // Without ids, as the compiler gives them.
        let mut next = -1;
        for field in written {
            let id = field.id.unwrap_or(next);
            if field.id.is_none() {
                next -= 1;
            }
            let Some(id) = i16::try_from(id).ok().filter(|id| *id != 0) else {
                let what = format!("a field's id has 16 bits and is not 0, and {id} is none");
                return Err((at, Mistake::new(field.name.at, what)));
            };
            if fields.iter().any(|other| other.id == id) {
                let what = format!("the id {id} is there twice");
                return Err((at, Mistake::new(field.name.at, what)));
            }
            if fields.iter().any(|other| other.name == field.name.text) {
                return Err((at, twice(&field.name)));
            }
            let of = self.names.resolve(at, &field.of, 0)?;
            if let Some(constant) = &field.default {
                self.defaults.push(Defaults {
                    file: at,
                    at: field.name.at,
                    place: (place, fields.len()),
                    // An optional field that nobody sets stays away.
                    is_sent: field.presence != Presence::Optional,
                    constant,
                });
            }
            fields.push(Field {
                id,
                name: field.name.text.clone(),
                required: field.presence == Presence::Required,
                of,
                default: None,
            });
        }
        if let Some(of) = self.schema.structs.get_mut(place) {
            of.fields = fields;
        }
        Ok(())
    }

    /// A method: its parameters and its results are structs.
    fn method(&mut self, at: usize, function: &'a Function) -> Result<Method, Fault> {
        let name = &function.name.text;
        let parameters = self.add_struct(name.clone(), false);
        self.fields(at, parameters, &function.parameters)?;
        let throws = self.add_struct(name.clone(), false);
        self.fields(at, throws, &function.throws)?;
        let result = match &function.result {
            Some(of) => Some(self.names.resolve(at, of, 0)?),
            None => None,
        };
        Ok(Method {
            name: name.clone(),
            one_way: function.one_way,
            parameters,
            throws,
            result,
        })
    }

    fn check_extends(&self) -> Result<(), Fault> {
        for service in &self.services {
            let mut base = service.extends;
            for _ in 0..LONGEST_CHAIN {
                base = match base {
                    Some((next, ..)) => self.services.get(next).and_then(|next| next.extends),
                    None => break,
                };
            }
            if let (Some(_), Some((_, file, at))) = (base, service.extends) {
                let what = format!("`{}` extends itself", service.name);
                return Err((file, Mistake::new(at, what)));
            }
        }
        Ok(())
    }
}

impl<'a> Names<'a> {
    /// What a name stands for in a file, and the file that declares it.
    pub(super) fn get(&self, at: usize, name: &str) -> Option<(usize, Symbol<'a>)> {
        if let Some(symbol) = self.symbols.get(at)?.get(name) {
            return Some((at, *symbol));
        }
        // A file's name may have dots, a declared one has none.
        let (file, name) = name.rsplit_once('.')?;
        let includes = &self.files.get(at)?.includes;
        let mut named = includes.iter().filter(|(known, _)| known == file);
        named.find_map(|(_, at)| Some((*at, *self.symbols.get(*at)?.get(name)?)))
    }

    /// The type that is written, in this file.
    fn resolve(&self, at: usize, written: &Written, depth: usize) -> Result<Type, Fault> {
        let boxed = |written| self.resolve(at, written, depth).map(Box::new);
        Ok(match written {
            Written::Base(of) => of.clone(),
            Written::List(of) => Type::List(boxed(of)?),
            Written::Set(of) => Type::Set(boxed(of)?),
            Written::Map(key, of) => Type::Map(boxed(key)?, boxed(of)?),
            Written::Named(name) => match self.get(at, &name.text) {
                Some((_, Symbol::Enum(place))) => Type::Enum(place),
                Some((_, Symbol::Struct(place))) => Type::Struct(place),
                Some((file, Symbol::Typedef(of))) if depth < LONGEST_CHAIN => {
                    self.resolve(file, of, depth + 1)?
                }
                Some((_, Symbol::Typedef(_))) => {
                    let what = format!("the type `{}` is made of itself", name.text);
                    return Err((at, Mistake::new(name.at, what)));
                }
                _ => return Err((at, self.unknown(at, name, "type"))),
            },
        })
    }

    /// There is no type or service of this name.
    fn unknown(&self, at: usize, name: &Name, what: &str) -> Mistake {
        let fits = |symbol: &Symbol<'_>| match symbol {
            Symbol::Const(_) => false,
            Symbol::Service(_) => what == "service",
            Symbol::Typedef(_) | Symbol::Enum(_) | Symbol::Struct(_) => what == "type",
        };
        let mut known = Vec::new();
        let mut add = |before: &str, file: usize| {
            let symbols = self.symbols.get(file).into_iter().flatten();
            let symbols = symbols.filter(|(_, symbol)| fits(symbol));
            known.extend(symbols.map(|(name, _)| format!("{before}{name}")));
        };
        add("", at);
        let includes = self.files.get(at).map(|file| file.includes.as_slice());
        for (name, file) in includes.unwrap_or_default() {
            add(&format!("{name}."), *file);
        }
        known.sort();
        let instead = instead(&name.text, known.iter().map(String::as_str));
        Mistake::new(
            name.at,
            format!("there is no {what} `{}`; {instead}", name.text),
        )
    }
}

/// The numbers of an enum: those without are one more than the one before.
fn numbered(values: &[(Name, Option<i64>)]) -> Result<Vec<(String, i32)>, Mistake> {
    let mut next = 0i64;
    let mut numbered: Vec<(String, i32)> = Vec::new();
    for (name, number) in values {
        let number = number.unwrap_or(next);
        let Ok(fits) = i32::try_from(number) else {
            let what = format!("an enum's number has 32 bits, and {number} has more");
            return Err(Mistake::new(name.at, what));
        };
        if numbered.iter().any(|(other, _)| *other == name.text) {
            return Err(twice(name));
        }
        next = number + 1;
        numbered.push((name.text.clone(), fits));
    }
    Ok(numbered)
}

fn twice(name: &Name) -> Mistake {
    let at: At = name.at;
    Mistake::new(at, format!("`{}` is there twice", name.text))
}
