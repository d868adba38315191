//! Recognises HTTP/1 from the first bytes of a connection.

use wireloom_codecs::Sniff;

/// Methods that decide by themselves.
const METHODS: [&[u8]; 9] = [
    b"GET", b"PUT", b"POST", b"HEAD", b"DELETE", b"OPTIONS", b"PATCH", b"TRACE", b"CONNECT",
];
/// Methods of extensions, which other text protocols may have too: the version must follow.
const EXTENSIONS: [&[u8]; 13] = [
    b"PROPFIND",
    b"PROPPATCH",
    b"MKCOL",
    b"COPY",
    b"MOVE",
    b"LOCK",
    b"UNLOCK",
    b"REPORT",
    b"SEARCH",
    b"MERGE",
    b"BIND",
    b"PURGE",
    b"QUERY",
];
const VERSION: &[u8] = b" HTTP/1.";
/// Empty lines in front.
const BLANK: usize = 4;

/// Judges the first bytes of a connection.
pub(crate) fn sniff(prefix: &[u8]) -> Sniff {
    let mut rest = prefix;
    for _ in 0..BLANK {
        match rest {
            [b'\r', b'\n', behind @ ..] => rest = behind,
            [b'\r'] => return Sniff::More,
            _ => break,
        }
    }
    let Some(space) = rest.iter().position(|byte| *byte == b' ') else {
        let mut all = METHODS.iter().chain(&EXTENSIONS);
        return match all.any(|method| method.starts_with(rest)) {
            true => Sniff::More,
            false => Sniff::Never,
        };
    };
    let (method, line) = rest.split_at(space);
    if METHODS.contains(&method) {
        return Sniff::Match;
    }
    if !EXTENSIONS.contains(&method) {
        return Sniff::Never;
    }
    let end = line.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
    let text = line.get(..end.unwrap_or(line.len())).unwrap_or_default();
    match (text.windows(VERSION.len()).any(|part| part == VERSION), end) {
        (true, _) => Sniff::Match,
        (false, Some(_)) => Sniff::Never,
        (false, None) => Sniff::More,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_recognised_as_soon_as_they_are_there() {
        for (prefix, verdict) in [
            ("", Sniff::More),
            ("G", Sniff::More),
            ("GET", Sniff::More),
            ("GET ", Sniff::Match),
            ("CONNECT ", Sniff::Match),
            ("\r", Sniff::More),
            ("\r\n", Sniff::More),
            ("\r\nGET ", Sniff::Match),
            ("\r\n\r\n\0\r\nQUIT\n", Sniff::Never),
            ("get ", Sniff::Never),
            ("GETX ", Sniff::Never),
            ("P", Sniff::More),
            ("PR", Sniff::More),
            ("PRI", Sniff::Never),
            ("PROXY ", Sniff::Never),
            ("PROPFIND", Sniff::More),
            ("PROPFIND /a", Sniff::More),
            ("PROPFIND /a HTTP/1.", Sniff::Match),
            ("PROPFIND /a\r\n", Sniff::Never),
            ("SEARCH x\n", Sniff::Never),
            ("\x16\x03", Sniff::Never),
            ("*1\r\n", Sniff::Never),
        ] {
            assert_eq!(sniff(prefix.as_bytes()), verdict, "{prefix:?}");
        }
    }
}
