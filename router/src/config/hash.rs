//! What a request's hash is made of.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wireloom_codecs::units::{Size, Span};

use super::{ArgumentAt, DEFAULT_BUDGET, not_null};

/// One thing that a request's hash is made of: one of `header`, `cookie`, `source`, `argument` and `query`. Clusters that
/// balance by `ring_hash` or `maglev` send requests of the same hash to the same endpoint. What a request lacks does not
/// count; a request that lacks all of it has no hash, and goes to any endpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{"required": ["header"]}, {"required": ["cookie"]}, {"required": ["source"]}, {"required": ["argument"]}, {"required": ["query"]}]))]
pub struct HashConfig {
    /// The values of a header, gRPC metadata, Dubbo attachment, Bolt header or THeader info header of this name; in which
    /// order they come does not count.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "String")]
    pub header: Option<String>,
    /// A cookie. For HTTP.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "CookieHash")]
    pub cookie: Option<CookieHash>,
    /// The client's address, without its port; `true` is the only value.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "bool")]
    pub source: Option<bool>,
    /// A value inside of the request's body.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "ArgumentPlace")]
    pub argument: Option<ArgumentPlace>,
    /// The first parameter of this name in the query. For HTTP.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "String")]
    pub query: Option<String>,
    /// If there is a hash after this entry, those behind it do not count.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub terminal: bool,
}

/// A cookie that keeps a client with an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CookieHash {
    /// Its name.
    pub name: String,
    /// A client that has no such cookie gets one with its answer, which lasts so long; with `0s` until the client closes.
    /// Default: none is made.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Span")]
    pub ttl: Option<Span>,
    /// The `Path` of a cookie that is made. Default: clients derive one from the request's path.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "String")]
    pub path: Option<String>,
}

/// Where a value lies in a request's body: one of `index`, `thrift`, `json` and `property`, as under `match.arguments`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{"required": ["index"]}, {"required": ["thrift"]}, {"required": ["json"]}, {"required": ["property"]}]))]
pub struct ArgumentPlace {
    /// The argument of this index, from 0. Dubbo, and Bolt's `SofaRequest`.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "usize")]
    pub index: Option<usize>,
    /// What is meant in that argument: names behind dots, of fields, keys, or indices of a list.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "String")]
    pub field: Option<String>,
    /// The field of the first id in the arguments, then of the second in it, and so on.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Vec<i16>", length(min = 1))]
    pub thrift: Option<Vec<i16>>,
    /// A JSON pointer into the body of an HTTP request.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "String")]
    pub json: Option<String>,
    /// A request property of Bolt's `SofaRequest`.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "String")]
    pub property: Option<String>,
    /// What lies behind so many bytes of the body is not there, 1 to 8 MiB; a JSON body that is longer has no values.
    /// Default: 64KiB.
    #[serde(default = "budget", skip_serializing_if = "is_default")]
    pub budget: Size,
}

fn budget() -> Size {
    DEFAULT_BUDGET
}

fn is_default(budget: &Size) -> bool {
    *budget == DEFAULT_BUDGET
}

impl ArgumentPlace {
    /// The place, or what is wrong with it.
    pub(crate) fn at(&self) -> Result<ArgumentAt, &'static str> {
        match (
            &self.index,
            &self.field,
            &self.thrift,
            &self.json,
            &self.property,
        ) {
            (Some(index), field, None, None, None) => Ok(ArgumentAt::Index(*index, field.clone())),
            (None, Some(_), ..) => Err("`field` is a part of an argument: write its `index` too"),
            (None, None, Some(ids), None, None) => Ok(ArgumentAt::Thrift(ids.clone())),
            (None, None, None, Some(pointer), None) => Ok(ArgumentAt::Json(pointer.clone())),
            (None, None, None, None, Some(name)) => Ok(ArgumentAt::Property(name.clone())),
            _ => Err("one of `index`, `thrift`, `json` and `property` says where the value lies"),
        }
    }
}
