use bytes::Bytes;
use http::HeaderMap;
use wireloom_codecs::HeaderList;

use super::*;

fn compile(yaml: &str) -> Result<Edits, Vec<String>> {
    let config: HeaderEdits = serde_saphyr::from_str(yaml).unwrap();
    let edits = Edits::compile("h", &config);
    edits.map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

/// The same fields in both kinds.
fn both(fields: &[(&'static str, &'static str)]) -> [Headers; 2] {
    let list: HeaderList = fields
        .iter()
        .map(|(name, value)| (Bytes::from(*name), Bytes::from(*value)))
        .collect();
    let mut map = HeaderMap::new();
    for (name, value) in fields {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        map.append(name, HeaderValue::from_static(value));
    }
    [list.into(), map.into()]
}

fn sorted(headers: &Headers) -> Vec<String> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_ascii_lowercase()).unwrap();
    let fields = headers.iter();
    let mut fields: Vec<_> = fields
        .map(|(name, value)| format!("{}={}", text(name), text(value)))
        .collect();
    fields.sort();
    fields
}

#[test]
fn fields_are_removed_then_set_then_added() {
    let edits = compile(
        "request: {remove: [X-Gone, x-both, x-none], set: {X-Set: new, x-both: again}, add: {x-set: more, x-two: [a, b]}}",
    )
    .unwrap();
    assert!(!edits.is_empty() && edits.response.is_empty());
    let fields = [
        ("X-Gone", "1"),
        ("x-gone", "2"),
        ("x-set", "1"),
        ("X-Set", "2"),
        ("X-Both", "3"),
        ("X-Kept", "4"),
    ];
    for mut headers in both(&fields) {
        edits.request.apply(&mut headers);
        assert_eq!(
            sorted(&headers),
            [
                "x-both=again",
                "x-kept=4",
                "x-set=more",
                "x-set=new",
                "x-two=a",
                "x-two=b"
            ]
        );
        let set = HeaderName::from_static("x-set");
        assert_eq!(
            headers.all(&set).collect::<Vec<_>>(),
            [&b"new"[..], b"more"]
        );
        let before = sorted(&headers);
        edits.response.apply(&mut headers);
        assert_eq!(sorted(&headers), before);
    }
}

#[test]
fn nothing_to_change_is_known() {
    for yaml in [
        "{}",
        "{request: {}, response: {}}",
        "{request: {add: {}, remove: []}}",
    ] {
        assert!(compile(yaml).unwrap().is_empty(), "{yaml}");
        assert!(
            serde_saphyr::from_str::<HeaderEdits>(yaml)
                .unwrap()
                .is_empty()
        );
    }
}

#[test]
fn what_is_not_the_users_to_change_is_refused() {
    for name in [
        "connection",
        "Proxy-Connection",
        "keep-alive",
        "Transfer-Encoding",
        "content-length",
        "TE",
        "trailer",
        "upgrade",
        "expect",
        "Host",
        ":path",
        "",
        "a b",
        "größe",
    ] {
        for yaml in [
            format!("request: {{remove: ['{name}']}}"),
            format!("request: {{set: {{'{name}': x}}}}"),
            format!("response: {{add: {{'{name}': x}}}}"),
        ] {
            let problems = compile(&yaml).expect_err(&yaml);
            assert_eq!(problems.len(), 1, "{problems:?}");
        }
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let problems = compile(
        r#"
request: {remove: [x, host], set: {":path": /x, x-a: " b"}, add: {"x y": z}}
response: {set: {x-a: "1", X-A: "2"}, add: {x-b: [a, "b\nc"], TE: x}}"#,
    );
    let expected = [
        "h.request.remove[1]: the host is changed by `rewrite: {host: …}`",
        "h.request.set.:path: \":path\" is no header",
        "h.request.set.x-a: \" b\" starts or ends with a space",
        "h.request.add.x y: \"x y\" is not a header's name",
        "h.response.set.x-a: is in this list already",
        "h.response.add.TE: `te` is about a connection or the framing of a message",
        "h.response.add.x-b: \"b\\nc\" has a control character",
    ];
    let problems = problems.unwrap_err();
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (problem, expected) in problems.iter().zip(expected) {
        assert!(
            problem.starts_with(expected),
            "{problem}\nis not\n{expected}"
        );
    }
    let many: Vec<_> = (0..257).map(|n| format!("x{n}")).collect();
    let many = format!("request: {{remove: [{}]}}", many.join(", "));
    assert_eq!(
        compile(&many).unwrap_err(),
        ["h.request: there are more than 256 changes"]
    );
}
