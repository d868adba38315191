//! What routing and policy read of a message: the service, the method, and the fields that were asked for.

use std::borrow::Cow;

use bytes::Bytes;
use wireloom_codecs::{ErrorKind, Fields, FrameLimits, LocalError, Needs, Str};

use crate::header::{self, Refused, Seen};
use crate::sofa::{self, split_unique_name};
use crate::types::{CODEC_HESSIAN, Head, SOFA_REQUEST};

/// The longest service or method name.
const MAX_NAME: usize = 4096;
/// The fields that `interface:version:uniqueId` names.
const VERSION: &str = "version";
const GROUP: &str = "group";

/// The names in a request.
#[derive(Debug)]
pub(crate) struct Names {
    pub(crate) service: Str,
    pub(crate) method: Str,
    pub(crate) fields: Fields,
}

/// What is read of a response's header block.
#[derive(Debug)]
pub(crate) struct ResponseNames {
    pub(crate) is_error: bool,
    pub(crate) fields: Fields,
}

/// Reads the names of a request whose class name and header block are `image`.
pub(crate) fn of_request(
    head: &Head,
    image: &Bytes,
    content: &Bytes,
    needs: &Needs,
    limits: &FrameLimits,
) -> Result<Names, LocalError> {
    let (class, block) = split(head, image);
    let seen = scan(block, needs, limits)?;

    let unique_name = seen.service.or(seen.target_service);
    let mut method = seen.method.map(|name| text(image, name));
    let mut in_content = None;
    // The header is authoritative for the service, as in Java servers; the content is asked for what it lacks.
    if (method.is_none() || unique_name.is_none())
        && head.codec == CODEC_HESSIAN
        && class == SOFA_REQUEST.as_bytes()
    {
        let target = sofa::target(content, unique_name.is_none())
            .map_err(|bad| LocalError::new(ErrorKind::Malformed, bad.to_string()))?;
        if method.is_none() {
            method = target.method.map(|name| shared(content, name));
        }
        in_content = target
            .service
            .map(|name| shared(content, name).into_bytes());
    }
    let (service, fields) = match (unique_name, &in_content) {
        (Some(name), _) => of_service(image, name, needs, &seen, image),
        (None, Some(name)) => of_service(name, name, needs, &seen, image),
        (None, None) => (text(image, class), fields([], &seen, image)),
    };
    let method = method.unwrap_or_default();
    if service.len() > MAX_NAME || method.len() > MAX_NAME {
        let what = "the service or method name is over 4096 bytes";
        return Err(LocalError::new(ErrorKind::TooLarge, what));
    }
    Ok(Names {
        service,
        method,
        fields,
    })
}

/// Reads the header block of a response.
pub(crate) fn of_response(
    head: &Head,
    image: &Bytes,
    needs: &Needs,
    limits: &FrameLimits,
) -> Result<ResponseNames, LocalError> {
    let (_, block) = split(head, image);
    let seen = scan(block, needs, limits)?;
    Ok(ResponseNames {
        is_error: seen.response_error,
        fields: fields([], &seen, image),
    })
}

/// Class name and header block.
fn split<'a>(head: &Head, image: &'a [u8]) -> (&'a [u8], &'a [u8]) {
    image.split_at(usize::from(head.class_len).min(image.len()))
}

fn scan<'a>(block: &'a [u8], needs: &Needs, limits: &FrameLimits) -> Result<Seen<'a>, LocalError> {
    header::scan(block, needs, limits.headers).map_err(|refused| match refused {
        Refused::Broken(bad) => LocalError::new(ErrorKind::Malformed, bad.to_string()),
        Refused::TooMany => LocalError::new(ErrorKind::TooLarge, "too many header pairs"),
    })
}

/// The interface of the unique name, which is a slice of `whole`, and the fields with its version and group.
fn of_service(
    whole: &Bytes,
    unique_name: &[u8],
    needs: &Needs,
    seen: &Seen<'_>,
    image: &Bytes,
) -> (Str, Fields) {
    let (interface, version, group) = split_unique_name(unique_name);
    let wanted = |key: &'static str, value: Option<&[u8]>| {
        let value = value.filter(|_| needs.wants(key.as_bytes()));
        (key, value.map(|value| text(whole, value)))
    };
    let named = [wanted(VERSION, version), wanted(GROUP, group)];
    (text(whole, interface), fields(named, seen, image))
}

/// The fields that were asked for. Those of the service's name stand before header pairs of the same key, so that
/// they are what a rule sees.
fn fields<const N: usize>(
    named: [(&'static str, Option<Str>); N],
    seen: &Seen<'_>,
    image: &Bytes,
) -> Fields {
    let mut fields = Fields::new();
    for (name, value) in named {
        if let Some(value) = value {
            fields.push(Str::from_static(name), value);
        }
    }
    for (name, value) in &seen.fields {
        fields.push(text(image, name), text(image, value));
    }
    fields
}

/// `part` of `whole`, shared. What is no UTF-8 is replaced, as Java does.
fn text(whole: &Bytes, part: &[u8]) -> Str {
    Str::from_utf8_lossy(whole.slice_ref(part))
}

/// A text that was read from `content`, without a copy where it lies in it as it is.
fn shared(content: &Bytes, name: Cow<'_, str>) -> Str {
    match name {
        Cow::Borrowed(name) => text(content, name.as_bytes()),
        Cow::Owned(name) => Str::from(name),
    }
}
