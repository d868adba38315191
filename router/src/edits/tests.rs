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
        edits.request.apply(&mut headers, Values::none());
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
        edits.response.apply(&mut headers, Values::none());
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

mod made {
    use wireloom_codecs::http::{GRPC, HTTP1};
    use wireloom_codecs::{ClientTls, Downstream, HttpRequest, RequestHead, Str};

    use super::*;
    use crate::edits::{Facts, Values};

    fn head() -> RequestHead {
        let mut head = RequestHead::new(GRPC, "acme.Orders".into(), "get".into());
        let target = Str::from("/acme.Orders/get");
        let mut http = HttpRequest::new(http::Method::POST, "shop.test".into(), target);
        for (name, value) in [("x-user", "ann"), ("x-user", "bob"), ("x-empty", "")] {
            let name = HeaderName::from_static(name);
            http.headers.append(&name, &HeaderValue::from_static(value));
        }
        head.http = Some(Box::new(http));
        head
    }

    fn downstream() -> Downstream {
        let tls = ClientTls {
            sni: Some("shop.test".into()),
            identities: ["spiffe://a/b", "urn:c", "c.test"].map(Str::from).into(),
        };
        Downstream::new("[2001:db8::1]:77".parse().unwrap(), Some(tls))
    }

    /// What `set: {x: text}` makes of a request that has an `x` already; None if it has none then.
    fn of(head: &RequestHead, downstream: &Downstream, text: &str) -> Option<String> {
        let config = HeaderChanges {
            set: [("x".to_owned(), text.to_owned())].into(),
            ..HeaderChanges::default()
        };
        let config = HeaderEdits {
            request: config,
            ..HeaderEdits::default()
        };
        let edits = Edits::compile("h", &config).unwrap();
        let made = edits.values(&Facts {
            head,
            downstream,
            route: "r",
            cluster: "c",
        });
        let [mut headers, _] = both(&[("x", "client")]);
        edits.request.apply(&mut headers, &made);
        let name = HeaderName::from_static("x");
        let value = headers
            .get(&name)
            .map(|v| String::from_utf8(v.to_vec()).unwrap());
        let mut fields = FieldEdits::new();
        edits.request.collect(&made, &mut fields);
        assert!(fields.removes(b"x"));
        let added = fields.added().iter().map(|(_, value)| (*value).to_owned());
        assert_eq!(added.collect::<Vec<_>>(), Vec::from_iter(value.clone()));
        value
    }

    #[test]
    fn values_are_made_of_the_request() {
        let (head, downstream) = (head(), downstream());
        for (text, expected) in [
            ("%REQ(x-user)%", "ann"),
            ("%REQ(X-User)%!", "ann!"),
            ("%REQ(x-none?x-user)%", "ann"),
            ("%REQ(x-empty?x-user)%", "ann"),
            ("a%REQ(x-none)%b", "ab"),
            (
                "%REQ(:method)% %REQ(:scheme)%://%REQ(:authority)%%REQ(:path)%",
                "POST http://shop.test/acme.Orders/get",
            ),
            ("%DOWNSTREAM_REMOTE_ADDRESS%", "[2001:db8::1]:77"),
            ("%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%", "2001:db8::1"),
            ("%DOWNSTREAM_PEER_URI_SAN%", "spiffe://a/b,urn:c"),
            ("%REQUESTED_SERVER_NAME%", "shop.test"),
            ("%PROTOCOL%", "grpc"),
            ("%ROUTE_NAME%/%UPSTREAM_CLUSTER%", "r/c"),
            ("%SERVICE%.%METHOD%", "acme.Orders.get"),
            ("100%%", "100%"),
            ("%%PROTOCOL%%", "%PROTOCOL%"),
        ] {
            assert_eq!(
                of(&head, &downstream, text).as_deref(),
                Some(expected),
                "{text}"
            );
        }
    }

    /// And what the client wrote there goes.
    #[test]
    fn what_cannot_be_made_is_not_written() {
        let plain = Downstream::new("192.0.2.1:1".parse().unwrap(), None);
        let mut head = RequestHead::new(HTTP1, Str::default(), Str::default());
        let long = "x".repeat(8193);
        for (name, value) in [
            ("line", "a\r\nx-admin: 1"),
            ("null", "a\0b"),
            ("long", &long),
            ("blank", "  "),
        ] {
            head.fields.push(name.into(), value.into());
        }
        for text in [
            "%REQ(line)%",
            "%REQ(null)%",
            "%REQ(long)%",
            "%REQ(blank)%",
            "%REQ(none)%",
            "%REQ(:path)%",
            "%DOWNSTREAM_PEER_URI_SAN%",
            "%REQUESTED_SERVER_NAME%",
        ] {
            assert_eq!(of(&head, &plain, text), None, "{text}");
        }
        head.fields.push("fits".into(), Str::from(&long[1..]));
        assert_eq!(of(&head, &plain, "%REQ(fits)%").unwrap().len(), 8192);
    }

    #[test]
    fn operators_that_nobody_knows_are_refused() {
        for (text, expected) in [
            (
                "100%",
                "\"100%\" has a percent sign without a second one: write %%",
            ),
            ("%REQ(%", "%REQ(% is not known: there are %REQ(name)%"),
            ("%REQ()%", "%REQ()% names no field: write %REQ(name)%"),
            ("%REQ%", "%REQ% names no field: write %REQ(name)%"),
            ("%REQ(a?)%", "%REQ()% names no field"),
            (
                "%REQ(:status)%",
                "%REQ(:status)% is not known: there are :method",
            ),
            (
                "%START_TIME%",
                "%START_TIME% is not known: there are %REQ(name)%, %DOWN",
            ),
        ] {
            let problems = compile(&format!("request: {{set: {{x: '{text}'}}}}")).unwrap_err();
            let expected = format!("h.request.set.x: {expected}");
            assert!(problems[0].starts_with(&expected), "{problems:?}");
        }
    }

    #[test]
    fn fields_that_are_read_are_known() {
        let edits = compile(
            "{request: {set: {x: '%REQ(X-User?trace)%'}}, response: {add: {y: '%REQ(:path)%%REQ(zone)%'}}}",
        )
        .unwrap();
        let names: Vec<_> = edits.field_names().collect();
        assert_eq!(names, ["X-User", "x-user", "trace", "zone"]);
        assert!(edits.is_made() && !compile("request: {set: {x: '%%'}}").unwrap().is_made());
        let fixed = compile("request: {set: {x: '%%'}}").unwrap();
        let [mut headers, _] = both(&[]);
        fixed.request.apply(&mut headers, Values::none());
        assert_eq!(sorted(&headers), ["x=%"]);
    }
}
