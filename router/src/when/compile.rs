//! From the syntax to what can be evaluated, or to what is wrong with it and where.

use super::eval::{Bool, Compare, Int, Part, Text};
use super::parse::{Node, Operator, Syntax, Wrong, parse};
use super::place::Place;
use crate::matcher::{FieldName, network, part};

type Result<T> = std::result::Result<T, Wrong>;

/// An expression of any type.
enum Typed {
    Bool(Bool),
    Int(Int),
    Text(Text),
    /// Texts by their names.
    Map(Map),
    /// A list of texts.
    List(Vec<Text>),
}

impl Typed {
    const fn name(&self) -> &'static str {
        match self {
            Self::Bool(_) => "true or false",
            Self::Int(_) => "a number",
            Self::Text(_) => "a text",
            Self::Map(_) => "a map",
            Self::List(_) => "a list",
        }
    }
}

#[derive(Clone, Copy)]
enum Map {
    Headers,
    Query,
    Cookie,
}

/// A condition, and what is named in it.
pub(super) struct Compiled {
    pub(super) condition: Bool,
    /// The fields that it reads.
    pub(super) fields: Vec<String>,
    /// What it compares `protocol` with.
    pub(super) protocols: Vec<Box<[u8]>>,
}

pub(super) fn compile(text: &str) -> Result<Compiled> {
    let expression = parse(text)?;
    let mut compiler = Compiler::default();
    Ok(Compiled {
        condition: compiler.bool(&expression)?,
        fields: compiler.fields,
        protocols: compiler.protocols,
    })
}

#[derive(Default)]
struct Compiler {
    fields: Vec<String>,
    protocols: Vec<Box<[u8]>>,
}

fn wrong(at: &Node, what: impl Into<String>) -> Wrong {
    (at.at, what.into())
}

impl Compiler {
    fn expected<T>(&self, at: &Node, wanted: &str, found: &Typed) -> Result<T> {
        let found = found.name();
        Err(wrong(
            at,
            format!("this is {found} where {wanted} is wanted"),
        ))
    }

    fn bool(&mut self, expression: &Node) -> Result<Bool> {
        match self.any(expression)? {
            Typed::Bool(condition) => Ok(condition),
            other => self.expected(expression, "true or false", &other),
        }
    }

    fn text(&mut self, expression: &Node) -> Result<Text> {
        match self.any(expression)? {
            Typed::Text(text) => Ok(text),
            other => self.expected(expression, "a text", &other),
        }
    }

    /// A text that is written out.
    fn literal(&self, expression: &Node) -> Result<String> {
        match &expression.syntax {
            Syntax::Text(text) => Ok(text.clone()),
            _ => Err(wrong(expression, "a text must be written here, in quotes")),
        }
    }

    fn any(&mut self, expression: &Node) -> Result<Typed> {
        Ok(match &expression.syntax {
            Syntax::Bool(is) => Typed::Bool(Bool::Const(*is)),
            Syntax::Int(number) => Typed::Int(Int::Const(*number)),
            Syntax::Text(text) => Typed::Text(Text::Const(text.as_bytes().into())),
            Syntax::Name(name) => self.name(expression, name)?,
            Syntax::Has(of, field) => match self.member(expression, of, field)? {
                Typed::Text(Text::At(place)) => Typed::Bool(Bool::Has(place)),
                _ => Typed::Bool(Bool::Const(true)),
            },
            Syntax::Member(of, field) => self.member(expression, of, field)?,
            Syntax::Call(name, target, arguments) => {
                self.call(expression, name, target.as_deref(), arguments)?
            }
            Syntax::Index(of, key) => {
                let key = self.literal(key)?;
                match self.any(of)? {
                    Typed::Map(map) => self.entry(map, &key),
                    other => return self.expected(of, "a map like `headers`", &other),
                }
            }
            Syntax::List(elements) => {
                let texts = elements.iter().map(|element| self.text(element));
                Typed::List(texts.collect::<Result<_>>()?)
            }
            Syntax::Not(of) => Typed::Bool(Bool::Not(Box::new(self.bool(of)?))),
            Syntax::Negative(of) => match self.any(of)? {
                Typed::Int(number) => Typed::Int(Int::Negative(Box::new(number))),
                other => return self.expected(of, "a number", &other),
            },
            Syntax::Binary(operator, one, other) => {
                Typed::Bool(self.binary(expression, *operator, one, other)?)
            }
            Syntax::If(parts) => self.either(&parts.0, &parts.1, &parts.2)?,
        })
    }

    fn name(&mut self, at: &Node, name: &str) -> Result<Typed> {
        let place = match name {
            "headers" => return Ok(Typed::Map(Map::Headers)),
            "protocol" => Place::Protocol,
            "service" => Place::Service,
            "method" => Place::Method,
            "version" => Place::Own("version"),
            "group" => Place::Own("group"),
            "http" | "source" | "tls" => {
                let what = format!(
                    "`{name}` is used with one of its parts, as in {}",
                    part_of(name)
                );
                return Err(wrong(at, what));
            }
            _ => {
                let what = format!(
                    "there is no `{name}`; there are protocol, service, method, version, group, headers, http, source and tls"
                );
                return Err(wrong(at, what));
            }
        };
        if let Place::Own(name) = place {
            self.fields.push(name.to_owned());
        }
        Ok(Typed::Text(Text::At(Box::new(place))))
    }

    fn member(&mut self, at: &Node, operand: &Node, field: &str) -> Result<Typed> {
        let place = match (&operand.syntax, field) {
            (Syntax::Name(name), _) if name == "http" => match field {
                "host" => Place::Host,
                "path" => Place::Path,
                "method" => Place::HttpMethod,
                "query" => return Ok(Typed::Map(Map::Query)),
                "cookie" => return Ok(Typed::Map(Map::Cookie)),
                _ => return Err(self.no_part(at, "http", field)),
            },
            (Syntax::Name(name), _) if name == "source" => match field {
                "address" => Place::Address,
                "port" => return Ok(Typed::Int(Int::Port)),
                _ => return Err(self.no_part(at, "source", field)),
            },
            (Syntax::Name(name), _) if name == "tls" => match field {
                "sni" => Place::Sni,
                "identity" => Place::Identity,
                _ => return Err(self.no_part(at, "tls", field)),
            },
            _ => {
                return match self.any(operand)? {
                    Typed::Map(map) => Ok(self.entry(map, field)),
                    other => {
                        let what = format!("{} has no parts like `{field}`", other.name());
                        Err(wrong(at, what))
                    }
                };
            }
        };
        Ok(Typed::Text(Text::At(Box::new(place))))
    }

    fn no_part(&self, at: &Node, of: &str, field: &str) -> Wrong {
        wrong(
            at,
            format!("there is no `{of}.{field}`; there is {}", part_of(of)),
        )
    }

    fn entry(&mut self, map: Map, name: &str) -> Typed {
        Typed::Text(Text::At(Box::new(self.at(map, name))))
    }

    fn at(&mut self, map: Map, name: &str) -> Place {
        match map {
            Map::Headers => {
                let name = FieldName::new(name);
                self.fields.extend(name.forms().map(str::to_owned));
                Place::Header(name)
            }
            Map::Query => Place::Query(name.as_bytes().into()),
            Map::Cookie => Place::Cookie(name.as_bytes().into()),
        }
    }

    fn call(
        &mut self,
        at: &Node,
        name: &str,
        target: Option<&Node>,
        arguments: &[Node],
    ) -> Result<Typed> {
        let part_of = |part, text, with| Bool::Part(part, Box::new((text, with)));
        Ok(Typed::Bool(match (name, target, arguments) {
            ("size", None, [text]) | ("size", Some(text), []) => {
                return Ok(Typed::Int(Int::Size(Box::new(self.text(text)?))));
            }
            ("int", None, [text]) => {
                return Ok(Typed::Int(Int::Of(Box::new(self.text(text)?))));
            }
            ("startsWith", Some(text), [with]) => {
                part_of(Part::Starts, self.text(text)?, self.text(with)?)
            }
            ("endsWith", Some(text), [with]) => {
                part_of(Part::Ends, self.text(text)?, self.text(with)?)
            }
            ("contains", Some(text), [with]) => {
                part_of(Part::Contains, self.text(text)?, self.text(with)?)
            }
            ("matches", Some(text), [pattern]) | ("matches", None, [text, pattern]) => {
                let regex = part(&self.literal(pattern)?);
                let regex = regex.map_err(|why| wrong(pattern, why))?;
                Bool::Matches(Box::new((self.text(text)?, regex)))
            }
            ("inCidr", Some(target), [text]) if is_source(target) => {
                let network = network(&self.literal(text)?);
                Bool::InNetwork(network.map_err(|why| wrong(text, why))?)
            }
            ("all" | "exists" | "exists_one" | "map" | "filter", Some(_), _) => {
                let what = "loops like all(), exists(), map() and filter() are not known here";
                return Err(wrong(at, what));
            }
            _ => {
                let what = format!(
                    "there is no `{name}` that is called like this; there are size, int, startsWith, endsWith, \
                     contains, matches and source.inCidr"
                );
                return Err(wrong(at, what));
            }
        }))
    }

    fn binary(&mut self, at: &Node, by: Operator, one: &Node, other: &Node) -> Result<Bool> {
        let compare = match by {
            Operator::And => {
                return Ok(Bool::And(Box::new((self.bool(one)?, self.bool(other)?))));
            }
            Operator::Or => return Ok(Bool::Or(Box::new((self.bool(one)?, self.bool(other)?)))),
            Operator::In => return self.contained(one, other),
            Operator::Calculate => {
                return Err(wrong(
                    at,
                    "nothing is calculated here: compare what is there",
                ));
            }
            Operator::Equal => Compare::Equal,
            Operator::NotEqual => Compare::NotEqual,
            Operator::Less => Compare::Less,
            Operator::LessOrEqual => Compare::LessOrEqual,
            Operator::Greater => Compare::Greater,
            Operator::GreaterOrEqual => Compare::GreaterOrEqual,
        };
        self.compared(compare, one, other)
    }

    fn either(&mut self, test: &Node, one: &Node, other: &Node) -> Result<Typed> {
        let test = self.bool(test)?;
        match (self.any(one)?, self.any(other)?) {
            (Typed::Bool(a), Typed::Bool(b)) => Ok(Typed::Bool(Bool::If(Box::new((test, a, b))))),
            (Typed::Int(a), Typed::Int(b)) => Ok(Typed::Int(Int::If(Box::new((test, a, b))))),
            (Typed::Text(a), Typed::Text(b)) => Ok(Typed::Text(Text::If(Box::new((test, a, b))))),
            (a, b) => self.expected(other, a.name(), &b),
        }
    }

    /// Remembers the name that the protocol is compared with.
    fn note_protocol(&mut self, one: &Text, other: &Text) {
        if let (Text::At(place), Text::Const(name)) = (one, other)
            && matches!(**place, Place::Protocol)
        {
            self.protocols.push(name.clone());
        }
    }

    fn contained(&mut self, one: &Node, other: &Node) -> Result<Bool> {
        match self.any(other)? {
            Typed::Map(map) => {
                let name = self.literal(one)?;
                Ok(Bool::Has(Box::new(self.at(map, &name))))
            }
            Typed::List(texts) => {
                let one = self.text(one)?;
                for text in &texts {
                    self.note_protocol(&one, text);
                }
                Ok(Bool::OneOf(Box::new((one, texts))))
            }
            found => self.expected(other, "a list or a map", &found),
        }
    }

    fn compared(&mut self, compare: Compare, one: &Node, other: &Node) -> Result<Bool> {
        match (self.any(one)?, self.any(other)?) {
            (Typed::Bool(a), Typed::Bool(b))
                if matches!(compare, Compare::Equal | Compare::NotEqual) =>
            {
                Ok(Bool::Bools(compare, Box::new((a, b))))
            }
            (Typed::Int(a), Typed::Int(b)) => Ok(Bool::Ints(compare, Box::new((a, b)))),
            (Typed::Text(a), Typed::Text(b)) => {
                self.note_protocol(&a, &b);
                self.note_protocol(&b, &a);
                Ok(Bool::Texts(compare, Box::new((a, b))))
            }
            (a @ (Typed::Int(_) | Typed::Text(_)), b) => self.expected(other, a.name(), &b),
            (a, _) => {
                let what = format!("{} cannot be compared like this", a.name());
                Err(wrong(one, what))
            }
        }
    }
}

fn is_source(target: &Node) -> bool {
    matches!(&target.syntax, Syntax::Name(name) if name == "source")
}

/// The parts that a name has.
fn part_of(name: &str) -> &'static str {
    match name {
        "http" => "http.host, http.path, http.method, http.query and http.cookie",
        "source" => "source.address, source.port and source.inCidr(…)",
        _ => "tls.sni and tls.identity",
    }
}
