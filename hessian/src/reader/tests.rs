use super::*;

/// The body of `java27_request_group` in the Dubbo vectors: five strings, a String argument, attachments.
const DUBBO: &str = "05322e302e3214636f6d2e61636d652e44656d6f5365727669636505312e302e300873617948656c6c6f124c6a6176612f6c616e672f537472696e673b05776f726c64";

/// The content of a SofaRequest written by sofa-bolt-node, in the draft dialect (`v1_request_hessian3`).
const SOFA: &str = "4fbc636f6d2e616c697061792e736f66612e7270632e636f72652e726571756573742e536f666152657175657374950a6d6574686f644e616d650d6d6574686f64417267536967731774617267657453657276696365556e697175654e616d650d7461726765744170704e616d650c7265717565737450726f70736f9004706c7573567400115b6a6176612e6c616e672e537472696e676e0203696e7403696e747a19636f6d2e61636d652e4f72646572536572766963653a312e30096f726465722d6170704d117270635f74726163655f636f6e746578744d0d736f666143616c6c65724170700377656209736f6661527063496403302e310b736f6661547261636549641e3061306665393366313438383334393733323334323130303135333639357a7a9192";

fn bytes(hex: &str) -> Vec<u8> {
    hex::decode(hex).unwrap()
}

fn borrowed<'a>(text: Cow<'a, str>) -> &'a str {
    match text {
        Cow::Borrowed(text) => text,
        Cow::Owned(text) => panic!("{text} was copied"),
    }
}

#[test]
fn the_strings_of_a_dubbo_request_are_borrowed() {
    let body = bytes(DUBBO);
    let mut reader = Reader::new(&body, Dialect::Final);
    let mut texts = Vec::new();
    while reader.next_is_string() {
        texts.push(borrowed(reader.read_str().unwrap()));
    }
    let wanted = [
        "2.0.2",
        "com.acme.DemoService",
        "1.0.0",
        "sayHello",
        "Ljava/lang/String;",
        "world",
    ];
    assert_eq!(texts, wanted);
    assert!(reader.is_empty() && reader.peek_tag().is_none() && reader.remaining().is_empty());
    // They lie in the body, so `Bytes::slice_ref` can share them.
    let shared = bytes::Bytes::from(body);
    let mut reader = Reader::new(&shared, Dialect::Final);
    let version = reader.read_str().unwrap();
    assert_eq!(shared.slice_ref(version.as_bytes()), "2.0.2");
}

#[test]
fn attachments_behind_arguments_are_reached_without_copying() {
    // (Order, long[], the same Order), then HashMap {path, timeout: int, ctx: {}, tags: [..], group}.
    let body = bytes(
        "430e636f6d2e61636d652e4f7264657293046e65787403736b75026964604e01629272055b6c6f6e67e1e25190\
         48047061746801700774696d656f7574c9f40363747848016b915a04746167737a0161016205677 26f757002673 25a"
            .replace(' ', "")
            .as_str(),
    );
    let mut reader = Reader::new(&body, Dialect::Final);
    reader.skip_values(3).unwrap();
    let mut map = reader.enter_map().unwrap().unwrap();
    let mut found = Vec::new();
    while let Some(key) = reader.next_key(&mut map).unwrap() {
        let value = reader.str_or_skip().unwrap().map(borrowed);
        found.push((key.as_str().unwrap().to_owned(), value));
    }
    let wanted = [
        ("path", Some("p")),
        ("timeout", None),
        ("ctx", None),
        ("tags", None),
        ("group", Some("g2")),
    ];
    assert_eq!(found, wanted.map(|(key, value)| (key.to_owned(), value)));
    assert!(reader.is_empty());
    assert!(!reader.classes.spilled(), "the class table stays in line");
}

#[test]
fn a_sofa_request_is_read_by_field_names() {
    let body = bytes(SOFA);
    assert_eq!(Dialect::of_object_body(body[0]), Some(Dialect::Draft));
    let mut reader = Reader::new(&body, Dialect::Draft);
    let mut request = reader.enter_object().unwrap().unwrap();
    let class = borrowed(reader.class_name(&request).unwrap());
    assert_eq!(class, "com.alipay.sofa.rpc.core.request.SofaRequest");
    let (mut method, mut types, mut app) = (None, Vec::new(), None);
    let mut names = Vec::new();
    while let Some(field) = reader.next_field(&mut request).unwrap() {
        names.push(borrowed(field));
        match names.last().copied() {
            Some("methodName") => method = reader.read_string_or_null().unwrap(),
            Some("targetAppName") => app = reader.read_string_or_null().unwrap(),
            Some("methodArgSigs") => {
                let mut list = reader.enter_list().unwrap().unwrap();
                while reader.next_item(&mut list).unwrap() {
                    types.push(borrowed(reader.read_str().unwrap()));
                }
            }
            _ => reader.skip_value().unwrap(),
        }
    }
    let fields = [
        "methodName",
        "methodArgSigs",
        "targetServiceUniqueName",
        "targetAppName",
        "requestProps",
    ];
    assert_eq!(names, fields);
    assert_eq!(method.as_deref(), Some("plus"));
    assert_eq!(app.as_deref(), Some("order-app"));
    assert_eq!(types, ["int", "int"]);
    assert_eq!((reader.read_int(), reader.read_int()), (Ok(1), Ok(2)));
    assert!(reader.is_empty());
}

#[test]
fn surrogate_pairs_and_chunks_are_joined() {
    let body = bytes("02eda0bdedb880");
    assert_eq!(Reader::new(&body, Dialect::Final).read_str().unwrap(), "😀");
    let body = b"R\0\x02abS\0\x01cR\0\x05x";
    let mut reader = Reader::new(body, Dialect::Final);
    assert_eq!(reader.read_str().unwrap(), "abc");
    assert!(matches!(
        reader.read_str(),
        Err(Error::Truncated { at: 13 })
    ));
    assert_eq!(reader.position(), 9, "a failed read leaves the position");
    let body = b"s\0\x02\xc3\xbcb\x01c";
    assert_eq!(Reader::new(body, Dialect::Draft).read_str().unwrap(), "übc");
    let body = b"R\0\x01a\x30\x01b";
    assert_eq!(Reader::new(body, Dialect::Final).read_str().unwrap(), "ab");
}

#[test]
fn four_byte_utf8_is_two_units_and_borrowed() {
    let body = ["\x04".as_bytes(), "a😀b".as_bytes()].concat();
    assert_eq!(
        borrowed(Reader::new(&body, Dialect::Final).read_str().unwrap()),
        "a😀b"
    );
}

#[test]
fn copied_strings_are_capped_and_borrowed_ones_are_not() {
    let limits = Limits {
        owned_str: 8,
        ..Limits::DEFAULT
    };
    let plain = [b"\x30\x20".as_slice(), &[b'x'; 32]].concat();
    let mut reader = Reader::with_limits(&plain, Dialect::Final, limits);
    assert_eq!(borrowed(reader.read_str().unwrap()).len(), 32);

    let pairs = bytes(&("04".to_owned() + &"eda0bdedb880".repeat(2)));
    let mut reader = Reader::with_limits(&pairs, Dialect::Final, limits);
    assert_eq!(
        reader.read_str(),
        Err(Error::StringTooLong { limit: 8, at: 0 })
    );
    assert_eq!(reader.position(), 0);
    assert_eq!(
        reader.str_or_skip(),
        Ok(None),
        "and then it is stepped over"
    );
    assert!(reader.is_empty());
}

#[test]
fn the_wrong_type_is_an_error_that_consumes_nothing() {
    let mut reader = Reader::new(b"\x91\x01aNT", Dialect::Final);
    assert_eq!(
        reader.read_str(),
        Err(Error::Expected {
            expected: "a string",
            tag: 0x91,
            at: 0
        })
    );
    assert!(matches!(
        reader.enter_map(),
        Err(Error::Expected {
            expected: "a map",
            at: 0,
            ..
        })
    ));
    assert!(matches!(reader.enter_object(), Err(Error::Expected { .. })));
    assert!(reader.next_is_int());
    assert_eq!(reader.read_int(), Ok(1));
    assert!(matches!(
        reader.read_int(),
        Err(Error::Expected {
            expected: "an int",
            at: 1,
            ..
        })
    ));
    assert!(matches!(
        reader.read_bool(),
        Err(Error::Expected { at: 1, .. })
    ));
    assert_eq!(reader.read_str().unwrap(), "a");
    assert!(reader.next_is_null());
    assert!(reader.enter_map().unwrap().is_none());
    assert_eq!(reader.read_bool(), Ok(true));
    assert!(matches!(reader.enter_list(), Err(Error::Truncated { .. })));
}

#[test]
fn maps_and_lists_of_every_form_are_entered() {
    for (dialect, body) in [
        (Dialect::Final, "48016b01765a"),
        (Dialect::Final, "4d0174016b01765a"),
        (Dialect::Final, "4d90016b01765a"),
        (Dialect::Draft, "4d016b01767a"),
        (Dialect::Draft, "4d74000174016b01767a"),
        (Dialect::Draft, "4d7590016b01767a"),
    ] {
        let body = bytes(body);
        let mut reader = Reader::new(&body, dialect);
        let mut map = reader.enter_map().unwrap().unwrap();
        assert_eq!(
            reader.next_key(&mut map).unwrap(),
            Some(Key::Text("k".into()))
        );
        assert_eq!(reader.read_str().unwrap(), "v");
        assert_eq!(reader.next_key(&mut map).unwrap(), None);
        assert!(reader.is_empty());
    }
    for (dialect, body) in [
        (Dialect::Final, "7a0161016b"),
        (Dialect::Final, "5892016101 6b"),
        (Dialect::Final, "5701 61016b5a"),
        (Dialect::Final, "72017401 61016b"),
        (Dialect::Final, "5601 74920161016b"),
        (Dialect::Final, "550174 0161016b5a"),
        (Dialect::Draft, "566e020161016b7a"),
        (Dialect::Draft, "566c000000020161016b7a"),
        (Dialect::Draft, "560161016b7a"),
        (Dialect::Draft, "5674000174 0161016b7a"),
        (Dialect::Draft, "7690920161016b"),
    ] {
        let body = bytes(&body.replace(' ', ""));
        let mut reader = Reader::new(&body, dialect);
        let mut list = reader.enter_list().unwrap().unwrap();
        let mut items = Vec::new();
        while reader.next_item(&mut list).unwrap() {
            items.push(reader.read_str().unwrap());
        }
        assert_eq!(items, ["a", "k"]);
        assert!(reader.is_empty());
    }
}

#[test]
fn keys_that_are_no_strings_are_stepped_over() {
    let body = b"H\x91\x01a\x7a\x90\x91\x01bZ";
    let mut reader = Reader::new(body, Dialect::Final);
    let mut map = reader.enter_map().unwrap().unwrap();
    for value in ["a", "b"] {
        assert_eq!(reader.next_key(&mut map).unwrap(), Some(Key::Other));
        assert_eq!(reader.read_str().unwrap(), value);
    }
    assert_eq!(reader.next_key(&mut map).unwrap(), None);
}

#[test]
fn classes_hold_across_values() {
    let body = b"C\x01A\x92\x01x\x01y\x60\x90\x91\x60\x92\x93C\x01B\x90\x61\x60\x94\x95";
    let mut reader = Reader::new(body, Dialect::Final);
    reader.skip_value().unwrap();
    let mut sum = 0;
    for (class, fields) in [("A", 2), ("B", 0), ("A", 2)] {
        let mut object = reader.enter_object().unwrap().unwrap();
        assert_eq!(reader.class_name(&object).unwrap(), class);
        for _ in 0..fields {
            assert!(reader.next_field(&mut object).unwrap().is_some());
            sum += reader.read_int().unwrap();
        }
        assert_eq!(reader.next_field(&mut object).unwrap(), None);
    }
    assert_eq!(sum, 2 + 3 + 4 + 5);
    assert!(reader.is_empty());
}
