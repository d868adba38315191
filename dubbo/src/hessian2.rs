//! The routing keys of a request in Hessian 2 (serialization id 2), read in place.

use std::borrow::Cow;

use bytes::Bytes;
use wireloom_codecs::LocalError;
use wireloom_hessian::{Dialect, Key, Reader, descriptor};

use crate::invocation::{Invocation, Stop, malformed, timeout};
use crate::wants::Wants;

/// Reads the first fields, and the attachments if they are wanted.
///
/// What is wrong before the method is an error; what is wrong behind it ends the reading, and the request is
/// routed by what was read (unless attachments are to be verified: then it is an error too).
pub(crate) fn read(body: &Bytes, wants: &Wants) -> Result<Invocation, LocalError> {
    let mut reader = Reader::new(body, Dialect::Final);
    let first = |what: &'static str| {
        move |error: wireloom_hessian::Error| malformed(format!("the {what}: {error}"))
    };
    reader.read_str().map_err(first("protocol version"))?;
    let service = reader.read_str().map_err(first("service"))?;
    // Null from callbacks and from clients that are not Java.
    let version = reader.read_string_or_null().map_err(first("version"))?;
    let method = reader.read_str().map_err(first("method"))?;
    let mut invocation = Invocation::new(body, service, version.clone(), method, wants)?;

    if !invocation.is_generic() && !wants.attachments() {
        return Ok(invocation);
    }
    let rest = Rest {
        body,
        wants,
        version: version.as_deref(),
    };
    let stop = rest.read(&mut reader, &mut invocation);
    invocation.settle(stop, wants)
}

impl From<wireloom_hessian::Error> for Stop {
    fn from(error: wireloom_hessian::Error) -> Self {
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
    fn read(&self, reader: &mut Reader<'_>, invocation: &mut Invocation) -> Result<(), Stop> {
        if reader.next_is_int() {
            // dubbox 2.8 writes an int before the descriptor.
            reader.read_int()?;
        }
        let types = reader.read_str()?;
        let bad = |_| Stop::Broken("the parameter descriptor is not valid".into());
        let mut arguments = descriptor::count(&types).map_err(bad)?;

        if arguments > 0 && invocation.is_generic() && reader.next_is_string() {
            arguments -= 1;
            let method = reader.read_str()?;
            invocation.set_generic_method(self.body, method)?;
        }
        if !self.wants.attachments() {
            return Ok(());
        }
        reader.skip_values(arguments)?;
        self.attachments(reader, invocation)
    }

    fn attachments(
        &self,
        reader: &mut Reader<'_>,
        invocation: &mut Invocation,
    ) -> Result<(), Stop> {
        let Some(mut map) = reader.enter_map()? else {
            return Ok(());
        };
        loop {
            while let Some((key, value)) = reader.next_ascii_pair(&mut map)? {
                if self.wants.reads(key) {
                    self.take(text(key), text(value), invocation)?;
                }
            }
            let Some(key) = reader.next_key(&mut map)? else {
                return Ok(());
            };
            let Key::Text(key) = key else {
                reader.skip_value()?;
                continue;
            };
            // dubbo2.js sends the timeout as an int, Java as text.
            if self.wants.timeout && key == "timeout" && reader.next_is_int() {
                invocation.timeout = timeout(reader.read_int()?.into());
                continue;
            }
            match reader.str_or_skip()? {
                Some(value) => self.take(key, value, invocation)?,
                None if self.wants.verify => invocation.verify(self.version, &key, None)?,
                None => {}
            }
        }
    }

    /// Takes an attachment.
    fn take(
        &self,
        key: Cow<'_, str>,
        value: Cow<'_, str>,
        invocation: &mut Invocation,
    ) -> Result<(), Stop> {
        if self.wants.verify {
            invocation.verify(self.version, &key, Some(&value))?;
        }
        invocation.attach(self.body, key, value, self.wants);
        Ok(())
    }
}

/// What is in ASCII is text.
fn text(ascii: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(ascii)
}
