//! The routing keys of a request: the first fields of its body, and the attachments behind its arguments.
//!
//! The layout is the same in every serialization; [`hessian2`](crate::hessian2) and
//! [`fastjson2`](crate::fastjson2) read theirs into an [`Invocation`] by the rules below.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use wireloom_codecs::{ErrorKind, Fields, LocalError, Str};

use crate::types::serialization;
use crate::wants::Wants;
use crate::{fastjson2, hessian2};

/// The longest text that is matched on, in bytes. A longer name is refused, a longer attachment not seen.
pub(crate) const TEXT_MAX: usize = 4096;

/// What routing reads of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Invocation {
    pub(crate) service: Str,
    pub(crate) method: Str,
    pub(crate) fields: Fields,
    pub(crate) timeout: Option<Duration>,
}

/// Why reading behind the method ended early.
pub(crate) enum Stop {
    /// The bytes are not what they should be.
    Broken(String),
    /// They are, and the request is not to be routed.
    Refuse(LocalError),
}

impl From<LocalError> for Stop {
    fn from(error: LocalError) -> Self {
        Self::Refuse(error)
    }
}

/// Reads what `wants` asks for. An `Err` is for the client: the request cannot be routed.
///
/// A body in a serialization that is not understood here yields empty names: only routes without a service
/// and a method match it.
pub(crate) fn read(
    serialization: u8,
    body: &Bytes,
    wants: &Wants,
) -> Result<Invocation, LocalError> {
    match serialization {
        serialization::HESSIAN2 => hessian2::read(body, wants),
        serialization::FASTJSON2 => fastjson2::read(body, wants),
        _ => Ok(Invocation::default()),
    }
}

impl Invocation {
    /// Takes the first fields. The version `0.0.0` is Java's word for none.
    pub(crate) fn new(
        body: &Bytes,
        service: Cow<'_, str>,
        version: Option<Cow<'_, str>>,
        method: Cow<'_, str>,
        wants: &Wants,
    ) -> Result<Self, LocalError> {
        let mut invocation = Self {
            service: name(body, service, "service")?,
            method: name(body, method, "method")?,
            ..Self::default()
        };
        if let Some(version) = version.filter(|version| wants.version && is_version(version)) {
            let version = name(body, version, "version")?;
            let key = Str::from_static("version");
            invocation.fields.push(key, version);
        }
        Ok(invocation)
    }

    /// Judges what ended the reading behind the method. What is broken there is the provider's to refuse, and the
    /// request is routed by what was read, unless attachments are to be verified.
    pub(crate) fn settle(self, read: Result<(), Stop>, wants: &Wants) -> Result<Self, LocalError> {
        match read {
            Ok(()) => Ok(self),
            Err(Stop::Refuse(error)) => Err(error),
            Err(Stop::Broken(error)) if wants.verify => {
                Err(malformed(format!("the attachments: {error}")))
            }
            Err(Stop::Broken(_)) => Ok(self),
        }
    }

    /// True if the method's real name is the first argument: `GenericService` calls, which providers turn into
    /// calls of that method.
    pub(crate) fn is_generic(&self) -> bool {
        is_generic(self.method.as_bytes())
    }

    /// Takes a generic call's first argument, cut as providers cut it (`String.trim`).
    pub(crate) fn set_generic_method(
        &mut self,
        body: &Bytes,
        argument: Cow<'_, str>,
    ) -> Result<(), LocalError> {
        self.method = name(body, trim(argument), "method")?;
        Ok(())
    }

    /// Takes an attachment. The last one of a name wins, as in the map that providers read.
    pub(crate) fn attach(
        &mut self,
        body: &Bytes,
        key: Cow<'_, str>,
        value: Cow<'_, str>,
        wants: &Wants,
    ) {
        if wants.timeout && key == "timeout" {
            self.timeout = value.parse().ok().and_then(timeout);
        }
        if !wants.attachment(&key) || value.len() > TEXT_MAX {
            return;
        }
        let value = text(body, value);
        if self.fields.get(key.as_bytes()).is_none() {
            self.fields.push(text(body, key), value);
            return;
        }
        let old = std::mem::take(&mut self.fields);
        let replaced = |n: &Str| n.as_bytes() == key.as_bytes();
        self.fields = old
            .iter()
            .map(|(n, v)| {
                (
                    n.clone(),
                    if replaced(n) {
                        value.clone()
                    } else {
                        v.clone()
                    },
                )
            })
            .collect();
    }

    /// Checks one attachment against the first fields. `value` is None for what is not text.
    pub(crate) fn verify(
        &self,
        version: Option<&str>,
        key: &str,
        value: Option<&str>,
    ) -> Result<(), LocalError> {
        let agrees = match (key, value) {
            // A provider with a context path has it in front of the interface.
            ("path", Some(path)) => path
                .strip_suffix(self.service.as_str())
                .is_some_and(|context| context.is_empty() || context.ends_with('/')),
            ("version", Some(given)) => {
                let given = Some(given).filter(|given| is_version(given));
                given == version.filter(|version| is_version(version))
            }
            ("path" | "version", None) => false,
            _ => true,
        };
        if agrees {
            return Ok(());
        }
        Err(malformed(format!(
            "the attachment `{key}` does not agree with the request's {key}"
        )))
    }
}

/// The methods of `GenericService`.
pub(crate) fn is_generic(method: &[u8]) -> bool {
    method == b"$invoke" || method == b"$invokeAsync"
}

/// A timeout of `millis` milliseconds. None for Java's "no timeout", zero and less.
pub(crate) fn timeout(millis: i64) -> Option<Duration> {
    let millis = u64::try_from(millis).ok().filter(|millis| *millis > 0)?;
    Some(Duration::from_millis(millis))
}

/// A fault of the client's making.
pub(crate) fn malformed(detail: impl Into<Cow<'static, str>>) -> LocalError {
    LocalError::new(ErrorKind::Malformed, detail)
}

fn is_version(version: &str) -> bool {
    !version.is_empty() && version != "0.0.0"
}

fn name(body: &Bytes, given: Cow<'_, str>, what: &str) -> Result<Str, LocalError> {
    match given.len() {
        0 => Err(malformed(format!("the {what} is empty"))),
        len if len > TEXT_MAX => Err(malformed(format!(
            "the {what} has {len} bytes, more than {TEXT_MAX}"
        ))),
        _ => Ok(text(body, given)),
    }
}

/// Text of the body, without a copy where it lies there as it is.
fn text(body: &Bytes, text: Cow<'_, str>) -> Str {
    match text {
        Cow::Borrowed(text) => Str::part_of(body, text),
        Cow::Owned(text) => Str::from(text),
    }
}

fn trim(text: Cow<'_, str>) -> Cow<'_, str> {
    let blank = |c: char| c <= ' ';
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_matches(blank)),
        Cow::Owned(text) => Cow::Owned(text.trim_matches(blank).to_owned()),
    }
}
