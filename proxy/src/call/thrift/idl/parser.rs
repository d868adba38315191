//! Tokens to syntax.

use super::lexer::{At, Mistake, Token, tokens};
use super::syntax::{
    Constant, Definition, Document, FieldSyntax, Function, Name, Presence, What, Written,
};
use crate::call::thrift::to_value::instead;
use crate::call::thrift::types::Type;

/// How deep types and constants may nest.
const DEEPEST: usize = 64;
const KEYWORDS: [&str; 10] = [
    "include",
    "cpp_include",
    "namespace",
    "const",
    "typedef",
    "enum",
    "struct",
    "union",
    "exception",
    "service",
];

/// Reads a file.
pub(super) fn parse(text: &str) -> Result<Document, Mistake> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        next: 0,
    };
    let mut document = Document::default();
    while *parser.peek() != Token::End {
        parser.top(&mut document)?;
    }
    Ok(document)
}

struct Parser {
    tokens: Vec<(At, Token)>,
    next: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        self.tokens
            .get(self.next)
            .map_or(&Token::End, |(_, token)| token)
    }

    /// Where the next token stands.
    fn at(&self) -> At {
        let last = self.tokens.last();
        self.tokens.get(self.next).or(last).map_or(0, |(at, _)| *at)
    }

    fn take(&mut self) -> Token {
        let token = self.peek().clone();
        self.next += 1;
        token
    }

    fn wanted<T>(&self, what: &str) -> Result<T, Mistake> {
        let found = self.peek().told();
        Err(Mistake::new(
            self.at(),
            format!("here must be {what}, not {found}"),
        ))
    }

    /// Takes the symbol if it comes next.
    fn has(&mut self, symbol: char) -> bool {
        let has = *self.peek() == Token::Symbol(symbol);
        self.next += usize::from(has);
        has
    }

    fn symbol(&mut self, symbol: char, behind: &str) -> Result<(), Mistake> {
        match self.has(symbol) {
            true => Ok(()),
            false => self.wanted(&format!("`{symbol}` {behind}")),
        }
    }

    /// Takes the word if it comes next.
    fn has_word(&mut self, word: &str) -> bool {
        let has = matches!(self.peek(), Token::Word(next) if next == word);
        self.next += usize::from(has);
        has
    }

    fn separator(&mut self) {
        let _ = self.has(',') || self.has(';');
    }

    fn name(&mut self, what: &str) -> Result<Name, Mistake> {
        let at = self.at();
        match self.peek() {
            Token::Word(_) => match self.take() {
                Token::Word(text) => Ok(Name { text, at }),
                _ => self.wanted(what),
            },
            _ => self.wanted(what),
        }
    }

    /// A name without dots, of what is declared here.
    fn own_name(&mut self, what: &str) -> Result<Name, Mistake> {
        let name = self.name(what)?;
        match name.text.contains('.') {
            true => Err(Mistake::new(
                name.at,
                format!("here must be {what} without a dot"),
            )),
            false => Ok(name),
        }
    }

    fn text(&mut self, what: &str) -> Result<Name, Mistake> {
        let at = self.at();
        match self.peek() {
            Token::Text(_) => match self.take() {
                Token::Text(text) => Ok(Name { text, at }),
                _ => self.wanted(what),
            },
            _ => self.wanted(what),
        }
    }

    /// One header or definition.
    fn top(&mut self, document: &mut Document) -> Result<(), Mistake> {
        let keyword = self.name("a definition like `struct` or `service`")?;
        let what = match keyword.text.as_str() {
            "include" => {
                document
                    .includes
                    .push(self.text("a file's name in quotes")?);
                self.separator();
                return Ok(());
            }
            "cpp_include" => {
                self.text("a file's name in quotes")?;
                self.separator();
                return Ok(());
            }
            "namespace" => return self.namespace(),
            "const" => {
                let of = self.written(0)?;
                let name = self.own_name("the constant's name")?;
                self.symbol('=', "behind the constant's name")?;
                let value = self.constant(0)?;
                (name, What::Const(of, value))
            }
            "typedef" => {
                let of = self.written(0)?;
                (self.own_name("the type's name")?, What::Typedef(of))
            }
            "enum" => {
                let name = self.own_name("the enum's name")?;
                (name, What::Enum(self.enum_values()?))
            }
            // Strings that are one of several, which is long out of use.
            "senum" => {
                let name = self.own_name("the enum's name")?;
                self.symbol('{', "behind the enum's name")?;
                while !self.has('}') {
                    self.text("a value in quotes, or `}`")?;
                    self.separator();
                }
                (name, What::Typedef(Written::Base(Type::String)))
            }
            kind @ ("struct" | "union" | "exception") => {
                let name = self.own_name(&format!("the {kind}'s name"))?;
                let _ = self.has_word("xsd_all");
                self.symbol('{', &format!("behind the {kind}'s name"))?;
                let fields = self.fields('}')?;
                let union = kind == "union";
                (name, What::Struct { union, fields })
            }
            "service" => self.service()?,
            other => {
                let instead = instead(other, KEYWORDS.into_iter());
                let what = format!("`{other}` begins no definition; {instead}");
                return Err(Mistake::new(keyword.at, what));
            }
        };
        self.annotations()?;
        self.separator();
        let (name, what) = what;
        document.definitions.push(Definition { name, what });
        Ok(())
    }

    /// Which code generators read.
    fn namespace(&mut self) -> Result<(), Mistake> {
        if !self.has('*') {
            self.name("a language or `*`")?;
        }
        match self.peek() {
            Token::Text(_) => self.text("a name")?,
            _ => self.name("a name")?,
        };
        self.annotations()?;
        self.separator();
        Ok(())
    }

    fn enum_values(&mut self) -> Result<Vec<(Name, Option<i64>)>, Mistake> {
        self.symbol('{', "behind the enum's name")?;
        let mut values = Vec::new();
        while !self.has('}') {
            let name = self.own_name("a value's name, or `}`")?;
            let number = match self.has('=') {
                true => Some(self.integer("the value's number")?),
                false => None,
            };
            self.annotations()?;
            self.separator();
            values.push((name, number));
        }
        Ok(values)
    }

    fn integer(&mut self, what: &str) -> Result<i64, Mistake> {
        match *self.peek() {
            Token::Int(number) => {
                self.next += 1;
                Ok(number)
            }
            _ => self.wanted(what),
        }
    }

    /// Fields, up to the bracket that closes them.
    fn fields(&mut self, end: char) -> Result<Vec<FieldSyntax>, Mistake> {
        let mut fields = Vec::new();
        while !self.has(end) {
            if *self.peek() == Token::End {
                return self.wanted(&format!("a field, or `{end}`"));
            }
            let id = match *self.peek() {
                Token::Int(id) => {
                    self.next += 1;
                    self.symbol(':', "behind the field's id")?;
                    Some(id)
                }
                _ => None,
            };
            let presence = if self.has_word("required") {
                Presence::Required
            } else if self.has_word("optional") {
                Presence::Optional
            } else {
                Presence::Default
            };
            let of = self.written(0)?;
            // A reference, for C++.
            let _ = self.has('&');
            let name = self.own_name("the field's name")?;
            let default = match self.has('=') {
                true => Some(self.constant(0)?),
                false => None,
            };
            let _ = (self.has_word("xsd_optional"), self.has_word("xsd_nillable"));
            self.annotations()?;
            self.separator();
            fields.push(FieldSyntax {
                id,
                presence,
                of,
                name,
                default,
            });
        }
        Ok(fields)
    }

    fn service(&mut self) -> Result<(Name, What), Mistake> {
        let name = self.own_name("the service's name")?;
        let extends = match self.has_word("extends") {
            true => Some(self.name("the name of a service")?),
            false => None,
        };
        self.symbol('{', "behind the service's name")?;
        let mut functions = Vec::new();
        while !self.has('}') {
            if *self.peek() == Token::End {
                return self.wanted("a method, or `}`");
            }
            functions.push(self.function()?);
        }
        Ok((name, What::Service { extends, functions }))
    }

    fn function(&mut self) -> Result<Function, Mistake> {
        // The old word for it.
        let one_way = self.has_word("oneway") || self.has_word("async");
        let result = match self.has_word("void") {
            true => {
                self.annotations()?;
                None
            }
            false => Some(self.written(0)?),
        };
        let name = self.own_name("the method's name")?;
        self.symbol('(', "behind the method's name")?;
        let parameters = self.fields(')')?;
        let throws = match self.has_word("throws") {
            true => {
                self.symbol('(', "behind `throws`")?;
                self.fields(')')?
            }
            false => Vec::new(),
        };
        self.annotations()?;
        self.separator();
        Ok(Function {
            name,
            one_way,
            result,
            parameters,
            throws,
        })
    }

    fn written(&mut self, depth: usize) -> Result<Written, Mistake> {
        if depth > DEEPEST {
            let what = format!("types are nested more than {DEEPEST} deep");
            return Err(Mistake::new(self.at(), what));
        }
        let name = self.name("a type")?;
        let base = |of| Ok(Written::Base(of));
        let of = match name.text.as_str() {
            "bool" => base(Type::Bool),
            "byte" | "i8" => base(Type::I8),
            "i16" => base(Type::I16),
            "i32" => base(Type::I32),
            "i64" => base(Type::I64),
            "double" => base(Type::Double),
            "string" | "slist" => base(Type::String),
            "binary" => base(Type::Binary),
            "uuid" => base(Type::Uuid),
            "void" => return Err(Mistake::new(name.at, "nothing but a method is `void`")),
            "list" => self.element('<', depth).map(Written::List),
            "set" => self.element('<', depth).map(Written::Set),
            "map" => {
                let key = self.element('<', depth)?;
                let of = self.element(',', depth)?;
                Ok(Written::Map(key, of))
            }
            _ => Ok(Written::Named(name.clone())),
        }?;
        if matches!(of, Written::List(_) | Written::Set(_) | Written::Map(..)) {
            self.symbol('>', "behind the type of the elements")?;
            self.cpp_type()?;
        }
        self.annotations()?;
        Ok(of)
    }

    fn element(&mut self, before: char, depth: usize) -> Result<Box<Written>, Mistake> {
        self.cpp_type()?;
        self.symbol(before, "before the type of the elements")?;
        self.written(depth + 1).map(Box::new)
    }

    fn cpp_type(&mut self) -> Result<(), Mistake> {
        if self.has_word("cpp_type") {
            self.text("a type in quotes")?;
        }
        Ok(())
    }

    fn constant(&mut self, depth: usize) -> Result<Constant, Mistake> {
        if depth > DEEPEST {
            let what = format!("values are nested more than {DEEPEST} deep");
            return Err(Mistake::new(self.at(), what));
        }
        let at = self.at();
        match self.peek() {
            Token::Int(_) | Token::Double(_) | Token::Text(_) | Token::Word(_) => {}
            Token::Symbol('[' | '{') => {}
            _ => return self.wanted("a value"),
        }
        Ok(match self.take() {
            Token::Int(number) => Constant::Int(number),
            Token::Double(number) => Constant::Double(number),
            Token::Text(text) => Constant::Text(text),
            Token::Word(text) => Constant::Name(Name { text, at }),
            Token::Symbol('[') => {
                let mut items = Vec::new();
                while !self.has(']') {
                    items.push(self.constant(depth + 1)?);
                    self.separator();
                }
                Constant::List(items)
            }
            _ => {
                let mut entries = Vec::new();
                while !self.has('}') {
                    let key = self.constant(depth + 1)?;
                    self.symbol(':', "behind the key")?;
                    entries.push((key, self.constant(depth + 1)?));
                    self.separator();
                }
                Constant::Map(entries)
            }
        })
    }

    /// Which code generators read: `(key = "value", key)`.
    fn annotations(&mut self) -> Result<(), Mistake> {
        if !self.has('(') {
            return Ok(());
        }
        while !self.has(')') {
            self.name("an annotation's name, or `)`")?;
            if self.has('=') {
                self.text("the annotation's value in quotes")?;
            }
            self.separator();
        }
        Ok(())
    }
}
