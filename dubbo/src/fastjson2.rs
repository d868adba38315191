//! The routing keys of a request in fastjson2 (serialization id 23), which Dubbo 3.1 and 3.2 prefer to Hessian.
//!
//! The fields are those of Hessian, each written as a JSONB value behind its length of four bytes
//! (`FastJson2ObjectOutput` of Dubbo 3.3.6). The lengths make it cheap to step over the arguments.

use std::borrow::Cow;

use bytes::Bytes;
use wireloom_codecs::{Argument, LocalError};
use wireloom_hessian::descriptor;

use crate::invocation::{Invocation, Stop, TEXT_MAX, is_generic, malformed, timeout};
use crate::jsonb::{Unreadable, Walk};
use crate::wants::Wants;

/// Reads the first fields, and the attachments if they are wanted, by the same rules as
/// [`hessian2::read`](crate::hessian2::read).
pub(crate) fn read(body: &Bytes, wants: &Wants) -> Result<Invocation, LocalError> {
    let mut walk = Walk::new(body);
    let mut first = |what: &str| {
        let text = value(&mut walk).and_then(text);
        text.map_err(|error| malformed(format!("the {what}: {error}")))
    };
    first("protocol version")?;
    let service = first("service")?.unwrap_or_default();
    let version = first("version")?;
    let method = first("method")?.unwrap_or_default();
    let mut invocation = Invocation::new(body, service, version.clone(), method, wants)?;

    if !invocation.is_generic() && !wants.attachments() {
        return Ok(invocation);
    }
    let rest = Rest {
        body,
        wants,
        version: version.as_deref(),
    };
    let stop = rest.read(&mut walk, &mut invocation);
    invocation.settle(stop, wants)
}

/// The value under `names` in the argument of this index.
pub(crate) fn find<'a>(body: &'a [u8], index: usize, names: &[Box<str>]) -> Option<Argument<'a>> {
    let mut walk = Walk::new(body);
    for _ in 0..3 {
        value(&mut walk).ok()?;
    }
    let method = text(value(&mut walk).ok()?).ok()??;
    let types = text(value(&mut walk).ok()?).ok()??;
    let arguments = descriptor::count(&types).ok()?;
    let mut argument = if is_generic(method.as_bytes()) {
        // The method and the types of its parameters come first.
        value(&mut walk).ok()?;
        value(&mut walk).ok()?;
        let mut list = value(&mut walk).ok()?;
        list.step_into(&index.to_string()).ok()?.then_some(list)?
    } else {
        for _ in 0..index.min(arguments) {
            value(&mut walk).ok()?;
        }
        (index < arguments).then(|| value(&mut walk))?.ok()?
    };
    for name in names {
        if !argument.step_into(name).ok()? {
            return None;
        }
    }
    argument.scalar(TEXT_MAX).ok()?
}

/// The next value, alone.
fn value<'a>(walk: &mut Walk<'a>) -> Result<Walk<'a>, Unreadable> {
    let len = walk.length()?;
    walk.take(len).map(Walk::new)
}

/// The text of a value; None for null.
fn text(mut value: Walk<'_>) -> Result<Option<Cow<'_, str>>, Unreadable> {
    match value.peek() {
        Some(0xaf) => Ok(None),
        _ => match value.text(TEXT_MAX)? {
            Some(text) => Ok(Some(text)),
            None => Err(Unreadable { at: 0 }),
        },
    }
}

impl From<Unreadable> for Stop {
    fn from(error: Unreadable) -> Self {
        Self::Broken(error.to_string())
    }
}

/// What lies behind the method.
struct Rest<'a> {
    body: &'a Bytes,
    wants: &'a Wants,
    version: Option<&'a str>,
}

impl Rest<'_> {
    fn read(&self, walk: &mut Walk<'_>, invocation: &mut Invocation) -> Result<(), Stop> {
        let types = text(value(walk)?)?.unwrap_or_default();
        let bad = |_| Stop::Broken("the parameter descriptor is not valid".into());
        let mut arguments = descriptor::count(&types).map_err(bad)?;

        if arguments > 0 && invocation.is_generic() {
            arguments -= 1;
            let mut first = value(walk)?;
            if first.is_text()
                && let Some(method) = first.text(TEXT_MAX)?
            {
                invocation.set_generic_method(self.body, method)?;
            }
        }
        if !self.wants.attachments() {
            return Ok(());
        }
        for _ in 0..arguments {
            value(walk)?;
        }
        self.attachments(value(walk)?, invocation)
    }

    fn attachments(&self, mut map: Walk<'_>, invocation: &mut Invocation) -> Result<(), Stop> {
        match map.peek() {
            Some(0xa6) => map.take(1)?,
            Some(0xaf) => return Ok(()),
            _ => return Err(Stop::Broken("the attachments are no map".into())),
        };
        while map.peek() != Some(0xa5) {
            if !map.is_text() {
                map.skip()?;
                map.skip()?;
                continue;
            }
            let Some(key) = map.text(TEXT_MAX)? else {
                map.skip()?;
                continue;
            };
            let value = match map.is_text() {
                true => map.text(TEXT_MAX)?,
                false if self.wants.timeout && key == "timeout" => {
                    let before = map;
                    match map.int() {
                        Ok(millis) => invocation.timeout = timeout(millis),
                        Err(_) => {
                            map = before;
                            map.skip()?;
                        }
                    }
                    None
                }
                false => {
                    map.skip()?;
                    None
                }
            };
            if self.wants.verify {
                invocation.verify(self.version, &key, value.as_deref())?;
            }
            if let Some(value) = value {
                invocation.attach(self.body, key, value, self.wants);
            }
        }
        Ok(())
    }
}
