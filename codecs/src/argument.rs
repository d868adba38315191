//! Values inside of requests, for the routes that ask for them.
//!
//! Bodies are the users' own: nothing looks into one unless a route asks for a value of it, and then the codec walks to
//! this value and steps over the rest, within a budget of bytes.

use std::borrow::Cow;

/// Where in a request's body a value lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArgumentPath {
    /// The argument of this index, from 0, and then the value under these names in it: fields of an object, keys of a map,
    /// indices of a list. Dubbo, and Bolt's `SofaRequest`.
    Argument(usize, Box<[Box<str>]>),
    /// The field of this id in the struct of the arguments, then those in it. Thrift.
    Ids(Box<[i16]>),
    /// The request property of this name. Bolt's `SofaRequest`.
    Property(Box<str>),
    /// The value that a JSON pointer (RFC 6901) with these tokens leads to. HTTP.
    Json(Box<[Box<str>]>),
}

/// A value that can be compared. There is none where a path leads to nothing, to null, or to what has values in it.
#[derive(Clone, Debug, PartialEq)]
pub enum Argument<'a> {
    /// A text.
    Text(Cow<'a, str>),
    /// A whole number. A date is one, in milliseconds since 1970.
    Int(i64),
    /// A number of floating point.
    Double(f64),
    /// True or false.
    Bool(bool),
}
