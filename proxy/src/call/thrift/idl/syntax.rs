//! What a file says, before anybody knows what its names stand for.

use super::lexer::At;
use crate::call::thrift::types::Type;

/// A name, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Name {
    pub(super) text: String,
    pub(super) at: At,
}

#[derive(Debug, Default)]
pub(super) struct Document {
    /// Files, as they are written.
    pub(super) includes: Vec<Name>,
    pub(super) definitions: Vec<Definition>,
}

#[derive(Debug)]
pub(super) struct Definition {
    pub(super) name: Name,
    pub(super) what: What,
}

#[derive(Debug)]
pub(super) enum What {
    Const(Written, Constant),
    Typedef(Written),
    /// Names with the numbers that are written.
    Enum(Vec<(Name, Option<i64>)>),
    Struct {
        union: bool,
        fields: Vec<FieldSyntax>,
    },
    Service {
        extends: Option<Name>,
        functions: Vec<Function>,
    },
}

/// A type as it is written.
#[derive(Clone, Debug)]
pub(super) enum Written {
    Base(Type),
    Named(Name),
    List(Box<Self>),
    Set(Box<Self>),
    Map(Box<Self>, Box<Self>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    Required,
    Optional,
    Default,
}

#[derive(Debug)]
pub(super) struct FieldSyntax {
    pub(super) id: Option<i64>,
    pub(super) presence: Presence,
    pub(super) of: Written,
    pub(super) name: Name,
    pub(super) default: Option<Constant>,
}

#[derive(Clone, Debug)]
pub(super) enum Constant {
    Int(i64),
    Double(f64),
    Text(String),
    Name(Name),
    List(Vec<Self>),
    Map(Vec<(Self, Self)>),
}

#[derive(Debug)]
pub(super) struct Function {
    pub(super) name: Name,
    pub(super) one_way: bool,
    /// None for void.
    pub(super) result: Option<Written>,
    pub(super) parameters: Vec<FieldSyntax>,
    pub(super) throws: Vec<FieldSyntax>,
}
