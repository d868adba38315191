use serde_json::{Value as Json, json};
use wireloom_thrift::value::Value;

use super::types::{Schema, Type};
use super::{to_json, to_value};

fn read(json: &Json) -> Result<Vec<(i16, Value)>, String> {
    to_value::by_ids(&Schema::default(), json).map_err(|bad| bad.to_string())
}

#[test]
fn what_is_written_by_ids_is_printed_by_ids() {
    let all = json!({
        "1:bool": true,
        "2:i8": -128,
        "3:i16": 1,
        "4:i32": 2,
        "5:i64": i64::MIN,
        "6:double": 2.5,
        "7:string": "tea ☕",
        "8:binary": "/w==",
        "9:uuid": "00112233-4455-6677-8899-aabbccddeeff",
        "-10:struct": {"1:struct": {}},
        "11:list<i64>": [1, 2],
        "12:set<string>": ["a"],
        "13:map<string,i32>": {"a": 1},
        "14:map<i32,list<double>>": {"7": ["NaN", "-Infinity"]},
        "15:map<list<i8>,bool>": [[[1], true]],
        "16:list<list<binary>>": [[], ["/w==", "YQ=="]],
        "17:map<bool,struct>": {"true": {"1:i8": 1}},
        "18:list<struct>": [],
    });
    let fields = read(&all).unwrap();
    assert_eq!(to_json::by_ids(&fields).to_string(), all.to_string());
}

#[test]
fn types_are_read_as_they_are_written() {
    for text in ["list<map<string,set<i8>>>", "map<map<i16,bool>,?>", "uuid"] {
        assert_eq!(Type::parse(text).unwrap().to_string(), text);
    }
    assert_eq!(
        Type::parse(" map < byte , i32 > "),
        Type::parse("map<i8,i32>")
    );
    for text in [
        "",
        "list",
        "list<",
        "list<i8",
        "list<i8>>",
        "map<i8>",
        "lst<i8>",
        "i8,i8",
        "i8 i8",
    ] {
        assert_eq!(Type::parse(text), None, "{text}");
    }
    assert_eq!(Type::parse(&"list<".repeat(100_000)), None);
}

#[test]
fn what_is_wrong_is_told_with_its_path() {
    for (json, told) in [
        (
            json!({"1:i8": 128}),
            "$.1:i8: must be an integer of 8 bits, not 128",
        ),
        (
            json!({"1:i64": 1.5}),
            "$.1:i64: must be an integer of 64 bits, not 1.5",
        ),
        (
            json!({"1:list<string>": ["a", 2]}),
            "$.1:list<string>[1]: must be a string, not 2",
        ),
        (
            json!({"1:struct": {"2:map<i32,bool>": {"x": true}}}),
            "$.1:struct.2:map<i32,bool>.x: must be an integer of 32 bits, not \"x\"",
        ),
        (
            json!({"1:binary": "?"}),
            "$.1:binary: must be bytes in base64, not \"?\"",
        ),
        (
            json!({"1:uuid": "0011"}),
            "$.1:uuid: must be a UUID like \"00112233-4455-6677-8899-aabbccddeeff\", not \"0011\"",
        ),
        (
            json!({"1:i8": 1, "1:i16": 2}),
            "$: it has the field 1 twice",
        ),
        (
            json!({"order": 1}),
            "$: `order` is no field; keys are field ids and types, like \"1:string\", \"2:list<i32>\" or \"3:struct\"",
        ),
        (
            json!({"1:list<?>": [1]}),
            "$.1:list<?>[0]: the type `?` stands for no value",
        ),
        (
            json!({"1:map<struct,i8>": {"a": 1}}),
            "$.1:map<struct,i8>: must be a list of pairs [[KEY, VALUE], …], for keys are structs, not {\"a\":1}",
        ),
    ] {
        assert_eq!(read(&json).unwrap_err(), told);
    }
}
