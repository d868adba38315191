//! The names inside the content of a SOFARPC request.
//!
//! The content of a `SofaRequest` in hessian is an object, then its arguments. The object's fields are told apart
//! by name: Java and Node write them in different orders. Nothing behind the last wanted field is looked at.

use std::borrow::Cow;

use wireloom_hessian::{Dialect, Reader};

/// Why the content of a `SofaRequest` names no target that everybody would read alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTarget {
    /// It is no hessian.
    #[error("the SofaRequest cannot be read: {0}")]
    Hessian(#[from] wireloom_hessian::Error),
    /// A field is there twice. A server takes the last, so one that stops at the first can be misled.
    #[error("the SofaRequest has a field twice")]
    Twice,
}

/// What a `SofaRequest` says of its target. Fields that are absent or null are None.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target<'a> {
    /// `methodName`.
    pub method: Option<Cow<'a, str>>,
    /// `targetServiceUniqueName`: `interface:version[:uniqueId]`. Read only if asked for.
    pub service: Option<Cow<'a, str>>,
}

/// Reads the method, and the service if `with_service`. Both None if the content does not start with a class
/// definition, as hessian of either dialect does for an object; an error if it does and is broken before the
/// last wanted field.
pub fn target(content: &[u8], with_service: bool) -> Result<Target<'_>, BadTarget> {
    let mut target = Target::default();
    let Some(dialect) = content
        .first()
        .and_then(|tag| Dialect::of_object_body(*tag))
    else {
        return Ok(target);
    };
    let mut reader = Reader::new(content, dialect);
    let Some(mut object) = reader.enter_object()? else {
        return Ok(target);
    };
    let mut wanted = 1 + u8::from(with_service);
    let mut seen = (false, false);
    while wanted > 0
        && let Some(field) = reader.next_field(&mut object)?
    {
        match &*field {
            METHOD if !seen.0 => {
                seen.0 = true;
                target.method = reader.read_string_or_null()?;
            }
            SERVICE if with_service && !seen.1 => {
                seen.1 = true;
                target.service = reader.read_string_or_null()?;
            }
            METHOD => return Err(BadTarget::Twice),
            SERVICE if with_service => return Err(BadTarget::Twice),
            _ => {
                reader.skip_value()?;
                continue;
            }
        }
        wanted -= 1;
    }
    // Names stand in the class definition, ahead of all values, so this walks over no value.
    while let Some(field) = reader.next_field(&mut object)? {
        if &*field == METHOD || with_service && &*field == SERVICE {
            return Err(BadTarget::Twice);
        }
    }
    Ok(target)
}

const METHOD: &str = "methodName";
const SERVICE: &str = "targetServiceUniqueName";

/// The parts of `interface:version[:uniqueId]`: interface, version, uniqueId.
pub fn split_unique_name(name: &[u8]) -> (&[u8], Option<&[u8]>, Option<&[u8]>) {
    let mut parts = name.splitn(3, |byte| *byte == b':');
    (
        parts.next().unwrap_or_default(),
        parts.next().filter(|part| !part.is_empty()),
        parts.next().filter(|part| !part.is_empty()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use wireloom_hessian::strings;

    /// An object of class `R` with these fields, in either dialect.
    fn object(dialect: Dialect, fields: &[(&str, Option<&str>)]) -> Vec<u8> {
        let mut out = match dialect {
            Dialect::Final => vec![b'C', 1, b'R'],
            Dialect::Draft => vec![b'O', 0x91, b'R'],
        };
        strings::put_int(&mut out, fields.len() as i32);
        for (name, _) in fields {
            strings::put_string(&mut out, dialect, name);
        }
        out.extend_from_slice(match dialect {
            Dialect::Final => &[0x60],
            Dialect::Draft => &[b'o', 0x90],
        });
        for (_, value) in fields {
            match value {
                Some(text) => strings::put_string(&mut out, dialect, text),
                None => strings::put_null(&mut out),
            }
        }
        out
    }

    #[test]
    fn fields_are_found_by_name_in_any_order() {
        let fields = [
            ("targetAppName", Some("app")),
            ("targetServiceUniqueName", Some("a.B:1.0")),
            ("methodName", Some("m")),
        ];
        let mut reversed = fields;
        reversed.reverse();
        for dialect in [Dialect::Final, Dialect::Draft] {
            for fields in [&fields, &reversed] {
                let content = object(dialect, fields);
                let both = target(&content, true).unwrap();
                assert_eq!(both.method.as_deref(), Some("m"));
                assert_eq!(both.service.as_deref(), Some("a.B:1.0"));
                let one = target(&content, false).unwrap();
                assert_eq!((one.method.as_deref(), one.service), (Some("m"), None));
            }
        }
    }

    #[test]
    fn nothing_behind_the_method_is_read() {
        let mut content = object(
            Dialect::Final,
            &[("methodName", Some("m")), ("x", Some("y"))],
        );
        content.truncate(content.len() - 2);
        content.push(b'Z');
        assert_eq!(
            target(&content, false).unwrap().method.as_deref(),
            Some("m")
        );
        assert!(target(&content, true).is_err());
    }

    #[test]
    fn null_absent_and_no_object_are_no_name() {
        let null = object(Dialect::Draft, &[("methodName", None)]);
        let absent = object(Dialect::Draft, &[("other", Some("x"))]);
        for content in [&null[..], &absent, b"", b"N", b"\x05hello", &[0; 40]] {
            assert_eq!(target(content, true).unwrap(), Target::default());
        }
    }

    #[test]
    fn a_cut_or_odd_object_is_an_error() {
        let whole = object(Dialect::Final, &[("methodName", Some("m"))]);
        for cut in 1..whole.len() {
            assert!(target(&whole[..cut], false).is_err(), "cut at {cut}");
        }
        // A method that is a number.
        assert!(target(b"C\x01R\x91\x0amethodName\x60\x91", false).is_err());
    }

    #[test]
    fn a_field_that_is_there_twice_is_refused() {
        let [get, delete] = [("methodName", Some("get")), ("methodName", Some("delete"))];
        let [a, b] = ["a", "b"].map(|name| ("targetServiceUniqueName", Some(name)));
        for dialect in [Dialect::Final, Dialect::Draft] {
            for fields in [
                &[get, delete][..],
                &[a, b, get],
                &[get, a, delete],
                &[a, get, b],
            ] {
                assert_eq!(
                    target(&object(dialect, fields), true),
                    Err(BadTarget::Twice)
                );
            }
            let services = object(dialect, &[a, get, b]);
            assert!(
                target(&services, false).is_ok(),
                "the header names the service"
            );
        }
    }

    #[test]
    fn unique_names() {
        let split = |name: &'static str| split_unique_name(name.as_bytes());
        assert_eq!(split("a.B"), (&b"a.B"[..], None, None));
        assert_eq!(split("a.B:1.0"), (&b"a.B"[..], Some(&b"1.0"[..]), None));
        assert_eq!(
            split("a.B:1.0:x:y"),
            (&b"a.B"[..], Some(&b"1.0"[..]), Some(&b"x:y"[..]))
        );
        assert_eq!(split("a.B::u"), (&b"a.B"[..], None, Some(&b"u"[..])));
        assert_eq!(split(""), (&b""[..], None, None));
    }
}
