//! Walking to one value inside of others, and building nothing but it.

use std::borrow::Cow;

use super::Reader;
use crate::Result;
use crate::tags::Kind;

/// A value that has no others in it.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar<'a> {
    /// A string; borrowed where it lies in one piece and is UTF-8.
    Text(Cow<'a, str>),
    /// An int or a long; a date in milliseconds since 1970.
    Int(i64),
    /// A double.
    Double(f64),
    /// A boolean.
    Bool(bool),
}

impl<'a> Reader<'a> {
    /// The value under these names in the next value, which is an object, a map with string keys, or a list with indices
    /// for names; the next value itself if there are no names. None if there is none, or it is null, binary, a
    /// reference, a string beyond [`Limits::owned_str`](crate::Limits::owned_str), or has values in it.
    ///
    /// Where the reader stands then is not told: nothing can be read behind it.
    pub fn find<N: AsRef<str>>(&mut self, names: &[N]) -> Result<Option<Scalar<'a>>> {
        for name in names {
            if !self.step_into(name.as_ref())? {
                return Ok(None);
            }
        }
        self.scalar()
    }

    /// Goes in front of the value of this name in the next value. False if there is none.
    fn step_into(&mut self, name: &str) -> Result<bool> {
        match self.cursor.peek_kind() {
            Some(Kind::ClassDef | Kind::Object0 | Kind::ObjectInt) => {
                let Some(mut object) = self.enter_object()? else {
                    return Ok(false);
                };
                while let Some(field) = self.next_field(&mut object)? {
                    if field == name {
                        return Ok(true);
                    }
                    self.skip_value()?;
                }
                Ok(false)
            }
            Some(Kind::Map | Kind::TypedMap | Kind::DraftMap) => {
                let Some(mut map) = self.enter_map()? else {
                    return Ok(false);
                };
                while let Some(key) = self.next_key(&mut map)? {
                    if key.as_str() == Some(name) {
                        return Ok(true);
                    }
                    self.skip_value()?;
                }
                Ok(false)
            }
            Some(
                Kind::List0
                | Kind::TypedList0
                | Kind::ListInt
                | Kind::TypedListInt
                | Kind::ListEnd
                | Kind::TypedListEnd
                | Kind::DraftList
                | Kind::DraftListRef,
            ) => {
                let Ok(index) = name.parse::<usize>() else {
                    return Ok(false);
                };
                let Some(mut list) = self.enter_list()? else {
                    return Ok(false);
                };
                for at in 0.. {
                    if !self.next_item(&mut list)? {
                        break;
                    }
                    if at == index {
                        return Ok(true);
                    }
                    self.skip_value()?;
                }
                Ok(false)
            }
            Some(_) => Ok(false),
            None => Err(self.cursor.short()),
        }
    }

    fn scalar(&mut self) -> Result<Option<Scalar<'a>>> {
        if self.next_is_string() {
            return Ok(self.str_or_skip()?.map(Scalar::Text));
        }
        self.charge()?;
        let (tag, kind) = self.cursor.tag()?;
        Ok(Some(match kind {
            Kind::True => Scalar::Bool(true),
            Kind::False => Scalar::Bool(false),
            _ if kind.is_int() => Scalar::Int(self.cursor.int_of(tag, kind)?.into()),
            _ if kind.is_long() => Scalar::Int(self.cursor.long_of(tag, kind)?),
            _ if kind.is_date() => Scalar::Int(self.cursor.date_of(kind)?),
            _ if kind.is_double() => Scalar::Double(self.cursor.double_of(kind)?),
            _ => return Ok(None),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dialect, Limits, Value, encode};

    fn body(dialect: Dialect, value: &Value) -> Vec<u8> {
        encode([value], dialect).unwrap().to_vec()
    }

    fn value() -> Value {
        let item = Value::object(
            "Item",
            [("sku", Value::from("tea")), ("count", Value::Int(300))],
        );
        let map = Value::map([("plan", Value::from("gold")), ("age", Value::Long(1 << 40))]);
        Value::object(
            "Order",
            [
                ("empty", Value::Null),
                ("items", Value::list([Value::Int(1), item])),
                ("user", map),
                ("price", Value::Double(12.25)),
                ("paid", Value::Bool(true)),
                ("at", Value::Date(1_700_000_000_000)),
            ],
        )
    }

    #[test]
    fn values_are_found_by_names_in_both_dialects() {
        for dialect in [Dialect::Final, Dialect::Draft] {
            let body = body(dialect, &value());
            let find = |names: &[&str]| Reader::new(&body, dialect).find(names).unwrap();
            let text = |text: &'static str| Some(Scalar::Text(text.into()));
            assert_eq!(find(&["items", "1", "sku"]), text("tea"));
            assert_eq!(find(&["items", "1", "count"]), Some(Scalar::Int(300)));
            assert_eq!(find(&["items", "0"]), Some(Scalar::Int(1)));
            assert_eq!(find(&["user", "plan"]), text("gold"));
            assert_eq!(find(&["user", "age"]), Some(Scalar::Int(1 << 40)));
            assert_eq!(find(&["price"]), Some(Scalar::Double(12.25)));
            assert_eq!(find(&["paid"]), Some(Scalar::Bool(true)));
            assert_eq!(find(&["at"]), Some(Scalar::Int(1_700_000_000_000)));
            for none in [
                &[][..],
                &["empty"],
                &["empty", "x"],
                &["none"],
                &["items"],
                &["items", "2"],
                &["items", "x"],
                &["items", "-1"],
                &["user", "none"],
                &["price", "x"],
            ] {
                assert_eq!(find(none), None, "{none:?}");
            }
        }
    }

    #[test]
    fn what_lies_behind_the_limit_or_the_end_is_an_error() {
        let body = body(Dialect::Final, &value());
        for len in 0..body.len() {
            let limits = Limits {
                bytes: len,
                ..Limits::DEFAULT
            };
            let mut reader = Reader::with_limits(&body, Dialect::Final, limits);
            reader.find(&["none"]).unwrap_err();
            // Cut off, the same; whatever a walk finds before that is what it finds in all.
            let mut reader = Reader::new(&body[..len], Dialect::Final);
            reader.find(&["none"]).unwrap_err();
            let found = Reader::new(&body[..len], Dialect::Final).find(&["user", "plan"]);
            assert!(found.is_err() || found == Ok(Some(Scalar::Text("gold".into()))));
        }
    }
}
