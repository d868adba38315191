//! Requests of HTTP/1.1 that two parsers could read differently.

/// A request, and the statuses that may answer it; no status at all, for a connection that is closed, is one of them
/// where the first bytes do not look like HTTP or the client cannot be expected to get to the answer.
pub struct Bad {
    /// What is wrong with it.
    pub name: String,
    /// The request.
    pub bytes: Vec<u8>,
    /// Statuses with which Wireloom answers; 0 is none.
    pub statuses: Vec<u16>,
    /// The head is fine, so the server may see it, and a body that breaks off.
    pub body: bool,
}

fn bad(name: impl Into<String>, bytes: impl Into<Vec<u8>>, statuses: &[u16]) -> Bad {
    Bad {
        name: name.into(),
        bytes: bytes.into(),
        statuses: statuses.to_vec(),
        body: false,
    }
}

/// A POST with these fields, and what stands behind its head: a request of its own for whoever thinks the body ended.
fn post(fields: &str, rest: &str) -> Vec<u8> {
    format!("POST /bad HTTP/1.1\r\nHost: test\r\n{fields}\r\n{rest}").into_bytes()
}

const SMUGGLED: &str = "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: test\r\n\r\n";

/// Framing that two parsers could read differently.
pub fn framing() -> Vec<Bad> {
    let mut rows: Vec<Bad> = [
        (
            "both, the length first",
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        ),
        (
            "both, the length last",
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        ),
        ("an unknown coding", "Transfer-Encoding: xchunked\r\n"),
        (
            "a space before the colon of a coding",
            "Transfer-Encoding : chunked\r\n",
        ),
        (
            "a vertical tab before a coding",
            "Transfer-Encoding: \x0bchunked\r\n",
        ),
        ("a quoted coding", "Transfer-Encoding: \"chunked\"\r\n"),
        (
            "a coding with a parameter",
            "Transfer-Encoding: chunked;q=1\r\n",
        ),
        ("a coding with NUL", "Transfer-Encoding: chunked\0\r\n"),
        ("an empty coding", "Transfer-Encoding:\r\n"),
        (
            "chunked and then identity",
            "Transfer-Encoding: chunked, identity\r\n",
        ),
        ("identity", "Transfer-Encoding: identity\r\n"),
        (
            "gzip and then chunked",
            "Transfer-Encoding: gzip, chunked\r\n",
        ),
        (
            "chunked twice in a list",
            "Transfer-Encoding: chunked, chunked\r\n",
        ),
        (
            "chunked twice in two fields",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        ),
        (
            "chunked and identity in two fields",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        ),
        ("a folded coding", "Transfer-Encoding:\r\n chunked\r\n"),
        (
            "an underscore for the hyphen of a coding",
            "Transfer_Encoding: chunked\r\nContent-Length: 5\r\n",
        ),
        ("a coding behind CR", "X: y\rTransfer-Encoding: chunked\r\n"),
        ("a coding behind LF", "X: y\nTransfer-Encoding: chunked\r\n"),
        ("two lengths", "Content-Length: 5\r\nContent-Length: 6\r\n"),
        ("two lengths in a list", "Content-Length: 5, 6\r\n"),
        ("length plus five", "Content-Length: +5\r\n"),
        ("length minus five", "Content-Length: -5\r\n"),
        ("length in hexadecimal", "Content-Length: 0x5\r\n"),
        ("length with a space", "Content-Length: 5 5\r\n"),
        ("length with a fraction", "Content-Length: 5.0\r\n"),
        ("an empty length", "Content-Length:\r\n"),
        ("length with an underscore", "Content-Length: 0_5\r\n"),
        ("length with NUL", "Content-Length: 5\0\r\n"),
        ("length in other digits", "Content-Length: \u{665}\r\n"),
        (
            "length over 64 bits",
            "Content-Length: 18446744073709551621\r\n",
        ),
        (
            "a space before the colon of a length",
            "Content-Length : 5\r\n",
        ),
        (
            "an underscore for the hyphen of a length",
            "Content_Length: 5\r\n",
        ),
    ]
    .into_iter()
    .map(|(name, fields)| bad(name, post(fields, SMUGGLED), &[400, 501]))
    .collect();
    rows.push(bad(
        "Transfer-Encoding in HTTP/1.0",
        format!("POST /bad HTTP/1.0\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n{SMUGGLED}"),
        &[400],
    ));
    rows
}

/// Chunks that are none.
pub fn chunks() -> Vec<Bad> {
    let mut rows = Vec::new();
    let long = format!("5;{}\r\nhello\r\n0\r\n\r\n", "x".repeat(1 << 20));
    let each = "1;".to_owned() + &"x".repeat(510) + "\r\ny\r\n";
    let many = each.repeat(2000) + "0\r\n\r\n";
    let trailers = format!("5\r\nhello\r\n0\r\nX-Long: {}\r\n\r\n", "x".repeat(1 << 20));
    for (name, body) in [
        (
            "a chunk size of 17 digits",
            "00000000000000005\r\nhello\r\n0\r\n\r\n",
        ),
        (
            "a chunk size of 2^64 + 5",
            "10000000000000005\r\nhello\r\n0\r\n\r\n",
        ),
        ("a chunk size of -5", "-5\r\nhello\r\n0\r\n\r\n"),
        ("a chunk size of +5", "+5\r\nhello\r\n0\r\n\r\n"),
        ("a chunk size of 0x5", "0x5\r\nhello\r\n0\r\n\r\n"),
        ("a space before a chunk size", " 5\r\nhello\r\n0\r\n\r\n"),
        ("a chunk size of 0_5", "0_5\r\nhello\r\n0\r\n\r\n"),
        ("an empty chunk size", "\r\nhello\r\n0\r\n\r\n"),
        ("a chunk size that is a name", "five\r\nhello\r\n0\r\n\r\n"),
        ("no line end behind a chunk", "5\r\nhello0\r\n\r\n"),
        ("LF behind a chunk", "5\r\nhello\n0\r\n\r\n"),
        ("a chunk size that is too small", "4\r\nhello\r\n0\r\n\r\n"),
        ("LF behind a chunk size", "5\nhello\r\n0\r\n\r\n"),
        ("LF behind an extension", "5;a\nhello\r\n0\r\n\r\n"),
        ("CR in an extension", "5;a\rb\r\nhello\r\n0\r\n\r\n"),
        (
            "LF that hides a request in an extension",
            "5;\nxx\r\nhello\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: test\r\n\r\n",
        ),
        ("an extension of 1 MiB", &long),
        ("an extension of 510 bytes on each byte", &many),
        ("a trailer of 1 MiB", &trailers),
        (
            "a trailer that is folded",
            "5\r\nhello\r\n0\r\nX: y\r\n z\r\n\r\n",
        ),
        ("a trailer without a colon", "5\r\nhello\r\n0\r\nXY\r\n\r\n"),
        ("LF behind a trailer", "5\r\nhello\r\n0\r\nX: y\n\r\n"),
    ] {
        let mut row = bad(
            name,
            post("Transfer-Encoding: chunked\r\n", body),
            &[400, 413, 431, 0],
        );
        row.body = true;
        rows.push(row);
    }
    rows
}

/// Lines and fields that are none.
pub fn lines() -> Vec<Bad> {
    let field = |name: &str, line: &[u8]| {
        let bytes = [b"GET /bad HTTP/1.1\r\nHost: test\r\n", line, b"\r\n\r\n"].concat();
        bad(name, bytes, &[400])
    };
    vec![
        bad(
            "LF alone everywhere",
            "GET /bad HTTP/1.1\nHost: test\n\n",
            &[400],
        ),
        bad(
            "LF alone behind the request line",
            "GET /bad HTTP/1.1\nHost: test\r\n\r\n",
            &[400],
        ),
        bad(
            "LF alone for the empty line",
            "GET /bad HTTP/1.1\r\nHost: test\r\n\nX: y\r\n\r\n",
            &[400],
        ),
        bad(
            "CR alone everywhere",
            "GET /bad HTTP/1.1\rHost: test\r\rX\r\n\r\n",
            &[400, 505],
        ),
        bad(
            "a space before the first field",
            "GET /bad HTTP/1.1\r\n Host: test\r\n\r\n",
            &[400],
        ),
        field("CR in a value", b"X: a\rb"),
        field("CR before a field", b"\rX: a"),
        field("NUL in a value", b"X: a\0b"),
        field("DEL in a value", b"X: a\x7fb"),
        field("ESC in a value", b"X: a\x1bb"),
        field("a folded field", b"X: a\r\n b"),
        field("a field folded with a tab", b"X: a\r\n\tb"),
        field("a space before the colon", b"X : a"),
        field("a tab before the colon", b"X\t: a"),
        field("no colon", b"X"),
        field("no name", b": a"),
        field("a control byte in a name", b"X\x01: a"),
        field("NUL in a name", b"X\0: a"),
        field("a byte over 127 in a name", b"X\xe4: a"),
        field("a space in a name", b"X Y: a"),
        field("a bracket in a name", b"X(Y): a"),
    ]
}

/// Request lines that are none.
pub fn request_lines() -> Vec<Bad> {
    let line = |name: &str, line: &str, statuses: &[u16]| {
        bad(name, format!("{line}\r\nHost: test\r\n\r\n"), statuses)
    };
    let mut rows = vec![
        line("two spaces behind the method", "GET  /bad HTTP/1.1", &[400]),
        line(
            "two spaces before the version",
            "GET /bad  HTTP/1.1",
            &[400, 505],
        ),
        line(
            "a space behind the version",
            "GET /bad HTTP/1.1 ",
            &[400, 505],
        ),
        line("a tab for a space", "GET\t/bad HTTP/1.1", &[400, 0]),
        line("a tab before the version", "GET /bad\tHTTP/1.1", &[400]),
        line("a space in the target", "GET /bad x HTTP/1.1", &[400, 505]),
        line(
            "a control byte in the target",
            "GET /bad\x01 HTTP/1.1",
            &[400],
        ),
        line("NUL in the target", "GET /bad\0 HTTP/1.1", &[400]),
        line("CR in the target", "GET /bad\r HTTP/1.1", &[400]),
        line("DEL in the target", "GET /bad\x7f HTTP/1.1", &[400]),
        line("a fragment", "GET /bad#here HTTP/1.1", &[400]),
        line("no slash", "GET bad HTTP/1.1", &[400]),
        line("an asterisk", "GET * HTTP/1.1", &[400]),
        line("another scheme", "GET ftp://test/bad HTTP/1.1", &[400]),
        line("no target", "GET HTTP/1.1", &[400]),
        line("HTTP/9.9", "GET /bad HTTP/9.9", &[505, 400]),
        line("HTTP/1.10", "GET /bad HTTP/1.10", &[505, 400]),
        line("HTTP/1.2", "GET /bad HTTP/1.2", &[505, 400]),
        line("a negative version", "GET /bad HTTP/-1.1", &[505, 400]),
        line("a version in lower case", "GET /bad http/1.1", &[505, 400]),
        line("HTTP/2.0", "GET /bad HTTP/2.0", &[505, 400]),
        line("no version", "GET /bad", &[505, 400]),
        line("a method that is no token", "G(T /bad HTTP/1.1", &[400, 0]),
        line("a space in front", " GET /bad HTTP/1.1", &[400, 0]),
        line(
            "CONNECT to a host",
            "CONNECT test:443 HTTP/1.1",
            &[405, 400],
        ),
        line("CONNECT to a path", "CONNECT /bad HTTP/1.1", &[405, 400]),
    ];
    let blank = "\r\n".repeat(200_000);
    rows.push(bad(
        "200,000 empty lines",
        blank + "GET /bad HTTP/1.1\r\nHost: test\r\n\r\n",
        &[400, 0],
    ));
    rows
}

/// Hosts that are none.
pub fn hosts() -> Vec<Bad> {
    let mut rows = Vec::new();
    for (name, fields) in [
        ("no Host", ""),
        ("an empty Host", "Host:\r\n"),
        ("two Hosts", "Host: test\r\nHost: test\r\n"),
        ("two different Hosts", "Host: test\r\nHost: other\r\n"),
        ("a list of hosts", "Host: test, other\r\n"),
        ("a space in the host", "Host: te st\r\n"),
        ("a slash in the host", "Host: test/x\r\n"),
        ("a user in the host", "Host: me@test\r\n"),
        ("a fragment in the host", "Host: test#x\r\n"),
        ("port 65536", "Host: test:65536\r\n"),
        ("port -1", "Host: test:-1\r\n"),
        ("port x", "Host: test:x\r\n"),
        ("half an IPv6 address", "Host: [::1\r\n"),
    ] {
        rows.push(bad(
            name,
            format!("GET /bad HTTP/1.1\r\n{fields}\r\n"),
            &[400],
        ));
    }
    rows.push(bad(
        "an absolute form against Host",
        "GET http://one/bad HTTP/1.1\r\nHost: two\r\n\r\n",
        &[400],
    ));
    rows.push(bad(
        "a user in an absolute form",
        "GET http://me@test/bad HTTP/1.1\r\nHost: test\r\n\r\n",
        &[400],
    ));
    rows
}

/// Heads that are too large.
pub fn sizes() -> Vec<Bad> {
    let many = (0..20_000)
        .map(|n| format!("X-{n}: y\r\n"))
        .collect::<String>();
    let hundred = (0..100)
        .map(|n| format!("X-{n}: y\r\n"))
        .collect::<String>();
    let mib = "x".repeat(1 << 20);
    vec![
        bad("20,000 fields", post(&many, ""), &[431, 0]),
        bad("101 fields", post(&hundred, ""), &[431]),
        bad(
            "a field of 66,000 bytes",
            post(&format!("X: {}\r\n", "y".repeat(66_000)), ""),
            &[431],
        ),
        bad(
            "a field of 1 MiB",
            post(&format!("X: {mib}\r\n"), ""),
            &[431, 0],
        ),
        bad(
            "a name of 256 KiB",
            post(&format!("{}: y\r\n", "x".repeat(256 << 10)), ""),
            &[431, 400, 0],
        ),
        bad(
            "a head of 2 MiB",
            post(&format!("X: {mib}\r\nY: {mib}\r\n"), ""),
            &[431, 0],
        ),
        bad(
            "a target of 8,300 bytes",
            format!("GET /{} HTTP/1.1\r\nHost: test\r\n\r\n", "b".repeat(8300)),
            &[414],
        ),
        bad(
            "a target of 1 MiB",
            format!("GET /{mib} HTTP/1.1\r\nHost: test\r\n\r\n"),
            &[414, 431, 400, 0],
        ),
        bad(
            "a method of 64 KiB",
            format!("{} / HTTP/1.1\r\nHost: test\r\n\r\n", "G".repeat(64 << 10)),
            &[400, 414, 431, 501, 0],
        ),
    ]
}
