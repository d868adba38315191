//! `iRet`, what it means to policy, and the replies that the proxy makes.

use wireloom_codecs::{Body, Class, ErrorKind, Message, Outcome, Response, ResponseHead, Wire};

use crate::wire::{put_bytes, put_int, put_map, put_string};

/// The framework's own codes, as its SDKs define them. A service's own are positive.
const CODES: [(&str, i32, Class); 12] = [
    ("SUCCESS", 0, Class::Success),
    ("SERVERDECODEERR", -1, Class::ClientError),
    ("SERVERENCODEERR", -2, Class::ServerError),
    ("SERVERNOFUNCERR", -3, Class::ClientError),
    ("SERVERNOSERVANTERR", -4, Class::ClientError),
    ("SERVERRESETGRID", -5, Class::ServerError),
    // It waited for too long and was not begun.
    ("SERVERQUEUETIMEOUT", -6, Class::Overloaded),
    ("INVOKETIMEOUT", -7, Class::Timeout),
    ("PROXYCONNECTERR", -8, Class::Unavailable),
    ("SERVEROVERLOAD", -9, Class::Overloaded),
    ("ADAPTERNULL", -10, Class::Unavailable),
    ("SERVERUNKNOWNERR", -99, Class::ServerError),
];

/// The names that configurations may use.
pub(crate) const NAMES: [(&str, u32); CODES.len()] = {
    let mut names = [("", 0); CODES.len()];
    let mut at = 0;
    while at < CODES.len() {
        names[at] = (CODES[at].0, CODES[at].1 as u32);
        at += 1;
    }
    names
};

pub(crate) fn name(ret: i32) -> &'static str {
    CODES.iter().find(|code| code.1 == ret).map_or("of the service's own", |code| code.0)
}

pub(crate) fn class(ret: i32) -> Class {
    let known = CODES.iter().find(|code| code.1 == ret);
    let unknown = if ret > 0 { Class::AppError } else { Class::ServerError };
    known.map_or(unknown, |code| code.2)
}

/// The code by which a client learns of a failure here.
pub(crate) fn code(kind: ErrorKind) -> i32 {
    match kind {
        ErrorKind::NoRoute => -4,
        ErrorKind::Malformed | ErrorKind::TooLarge => -1,
        ErrorKind::Timeout => -7,
        ErrorKind::ConnectFailure | ErrorKind::Reset | ErrorKind::Draining => -8,
        ErrorKind::Overloaded | ErrorKind::RateLimited => -9,
        ErrorKind::NoEndpoint => -10,
        ErrorKind::Denied | ErrorKind::Unsupported | ErrorKind::Internal => -99,
    }
}

/// A response of ours: what comes before its id is the wire image, and what comes behind it the body.
pub(crate) fn response(version: u8, function: &str, ret: i32, content: &[u8], text: &str) -> Response {
    let (mut image, mut body) = (Vec::new(), Vec::new());
    put_int(&mut image, 1, version.max(1).into());
    put_int(&mut image, 2, 0);
    if version > 1 {
        // TUP: an answer in the form of a request, and content that is a map even if there is none.
        put_int(&mut image, 3, 0);
        put_string(&mut body, 5, b"");
        put_string(&mut body, 6, function.as_bytes());
        put_bytes(&mut body, 7, if content.is_empty() { &[0x08, 0x0c] } else { content });
        put_int(&mut body, 8, 0);
        put_map(&mut body, 9, &[]);
        let ret = ret.to_string();
        put_map(&mut body, 10, &[("STATUS_RESULT_CODE", &ret), ("STATUS_RESULT_DESC", text)]);
    } else {
        put_int(&mut body, 4, 0);
        put_int(&mut body, 5, ret.into());
        put_bytes(&mut body, 6, content);
        put_map(&mut body, 7, &[]);
        put_string(&mut body, 8, text.as_bytes());
    }
    let mut wire = Wire { image: image.into(), ..Wire::default() };
    // Its id's tag.
    wire.fixed[1] = if version > 1 { 4 } else { 3 };
    let outcome = Outcome::new(class(ret), ret as u32);
    let head = ResponseHead { outcome, wire, ..ResponseHead::default() };
    Message::new(head, Body::Whole(body.into()))
}
