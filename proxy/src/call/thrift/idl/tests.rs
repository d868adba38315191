use std::fs;

use serde_json::json;
use tempfile::TempDir;

use super::super::{to_json, to_value};
use super::{Idl, load};

/// Loads the first of these files, all of which are in one directory.
fn loaded(files: &[(&str, &str)]) -> (TempDir, Result<Idl, String>) {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let idl = load(&dir.path().join(files[0].0), &[dir.path().join("more")]);
    (dir, idl)
}

fn idl(files: &[(&str, &str)]) -> Idl {
    loaded(files).1.unwrap()
}

/// What is told of files with a mistake, without the directory.
fn mistake(files: &[(&str, &str)]) -> String {
    let (dir, idl) = loaded(files);
    let told = idl.map(|_| ()).unwrap_err();
    told.replace(&format!("{}/", dir.path().display()), "")
}

const ALL: &str = r##"/** Orders. */
include "base/common.thrift"
include 'far.thrift';
cpp_include "<vector>"
namespace java com.acme.orders
namespace * acme (uri = "x")  # and a comment

const i32 MANY = 0x1F
const string WORD = 'it\'s'
typedef list<Item> (cpp.template = "std::list") Items
typedef common.Money Price;
enum Color { RED = 1, GREEN, BLUE = 7; } (a.b = "c")
senum Old { "a", "b" }
struct Item {
  1: required string sku (go.tag = 'json:"sku"'),
  2: optional i32 count = 5
  3: Color color = Color.GREEN;
  4: Price price
  5: i32 many = MANY
  6: list<string> tags = ["a", 'b',]
  7: map<string, double> weights = {"x": 1.5e0, "y": 2}
  8: bool good = 1
  9: common.Money base = {"cents": -3}
  -4: Item & inner
  string old
  10: set<binary> cpp_type "x" blobs
}
union Key { 1: i64 number, 2: string text, 3: uuid id }
exception Gone { 1: string message, 2: Color color }
service Orders extends common.Base {
  Items find(1: Key key, 2: map<Color, list<Item>> by, 3: i64 limit = 10) throws (1: Gone gone, 2: far.Off off);
  oneway void notify(1: string text)
  async void old(),
  void nothing()
} (x)
"##;

const COMMON: &str = r#"
include "deep.thrift"
struct Money { 1: i64 cents, 2: string currency = deep.DEFAULT }
service Base extends deep.Root { string servedBy() }
"#;
const DEEP: &str = "const string DEFAULT = \"EUR\" service Root { i32 root() }";
const FAR: &str = "exception Off {}";

fn all() -> Idl {
    idl(&[
        ("all.thrift", ALL),
        ("base/common.thrift", COMMON),
        ("base/deep.thrift", DEEP),
        ("more/far.thrift", FAR),
    ])
}

#[test]
fn services_are_listed_with_what_they_extend() {
    let idl = all();
    let names: Vec<_> = idl.service_names().collect();
    assert_eq!(names, ["Orders", "common.Base"]);
    let orders = idl.service("com.acme.Orders").unwrap();
    let lines = idl
        .methods(orders)
        .into_iter()
        .map(|method| idl.line(method));
    assert_eq!(
        lines.collect::<Vec<_>>(),
        [
            "list<Item> find(1: Key key, 2: map<Color, list<Item>> by, 3: i64 limit) throws (1: Gone gone, 2: Off off)",
            "oneway void notify(1: string text)",
            "oneway void old()",
            "void nothing()",
            "string servedBy()",
            "i32 root()",
        ]
    );
    assert_eq!(
        idl.service("Order").unwrap_err().to_string(),
        "the URL is wrong: there is no service `Order`; did you mean `Orders`?"
    );
    assert_eq!(
        idl.method(orders, "fnid").unwrap_err().to_string(),
        "the URL is wrong: `Orders` has no method `fnid`; did you mean `find`?"
    );
}

#[test]
fn values_go_by_names_and_come_back() {
    let idl = all();
    let find = idl.method(idl.service("Orders").unwrap(), "find").unwrap();
    let of = idl.parameters(find).unwrap();
    let written = json!({
        "key": {"id": "00112233-4455-6677-8899-aabbccddeeff"},
        "by": {"BLUE": [{"sku": "tea", "price": {"cents": 5}, "inner": {"sku": "leaf"}, "old": "x"}], "1": []},
    });
    let fields = to_value::by_names(&idl.schema, of, &written).unwrap();
    let read = to_json::named(&idl.schema, of, &fields);
    let defaults = json!({
        "color": "GREEN",
        "many": 31,
        "tags": ["a", "b"],
        "weights": {"x": 1.5, "y": 2.0},
        "good": true,
        "base": {"cents": -3, "currency": "EUR"},
    });
    let item = &read["by"]["BLUE"][0];
    for (name, value) in defaults.as_object().unwrap() {
        assert_eq!(&item[name], value, "{name}");
        assert_eq!(&item["inner"][name], value, "{name}");
    }
    assert_eq!(item["price"], json!({"cents": 5, "currency": "EUR"}));
    // Optional, and nobody wrote it.
    assert_eq!(item.get("count"), None);
    assert_eq!(read["by"]["RED"], json!([]));
    assert_eq!(read["limit"], 10);
    assert_eq!(read["key"], written["key"]);
    let by_ids = to_json::by_ids(&fields).to_string();
    assert!(by_ids.contains(r#""-1:string":"x""#), "{by_ids}");
}

#[test]
fn wrong_values_are_told_with_their_path() {
    let idl = all();
    let find = idl.method(idl.service("Orders").unwrap(), "find").unwrap();
    let of = idl.parameters(find).unwrap();
    for (json, told) in [
        (
            json!({"kye": {}}),
            "$: `find` has no field `kye`; did you mean `key`?",
        ),
        (
            json!({"key": {}}),
            "$.key: the union `Key` needs exactly one field, not 0",
        ),
        (
            json!({"key": {"number": 1, "text": "a"}}),
            "$.key: the union `Key` needs exactly one field, not 2",
        ),
        (
            json!({"by": {"PINK": []}}),
            "$.by.PINK: `Color` has no value `PINK`; there are RED, GREEN, BLUE",
        ),
        (
            json!({"by": {"RED": [{}]}}),
            "$.by.RED[0]: `Item` needs the field `sku`",
        ),
        (
            json!({"by": {"RED": [{"sku": "a", "count": 3_000_000_000u32}]}}),
            "$.by.RED[0].count: must be an integer of 32 bits, not 3000000000",
        ),
        (json!([1, 2]), "$: must be a JSON object, not [1,2]"),
    ] {
        let bad = to_value::by_names(&idl.schema, of, &json).unwrap_err();
        assert_eq!(bad.to_string(), told);
    }
    let many = json!([null, null, 1, 2]);
    let bad = to_value::in_order(&idl.schema, of, many.as_array().unwrap()).unwrap_err();
    assert_eq!(bad.to_string(), "$: `find` has 3 parameters, not 4");
    let fields = to_value::in_order(&idl.schema, of, &[json!(null), json!({}), json!(7)]).unwrap();
    assert_eq!(
        to_json::named(&idl.schema, of, &fields),
        json!({"by": {}, "limit": 7})
    );
}

#[test]
fn mistakes_have_a_place() {
    let mut wrong = Vec::new();
    for (text, told) in [
        (
            "struct A {\n  1: i32 a,\n  2 string b\n}",
            "3:5: here must be `:` behind the field's id, not `string`",
        ),
        (
            "strct A {}",
            "1:1: `strct` begins no definition; did you mean `struct`?",
        ),
        (
            "struct A { 1: i32 a",
            "1:20: here must be a field, or `}`, not the end of the file",
        ),
        (
            "struct A { 1: lst<i32> a }",
            "1:18: here must be the field's name, not `<`",
        ),
        (
            "struct A { 1: Itm a }\nstruct Item {}",
            "1:15: there is no type `Itm`; did you mean `Item`?",
        ),
        (
            "struct A { 1: i32 a, 1: i32 b }",
            "1:29: the id 1 is there twice",
        ),
        (
            "struct A { 1: i32 a, 2: i32 a }",
            "1:29: `a` is there twice",
        ),
        (
            "struct A { 40000: i32 a }",
            "1:23: a field's id has 16 bits and is not 0, and 40000 is none",
        ),
        ("struct A {} enum A {}", "1:18: `A` is there twice"),
        (
            "enum E { A = 5000000000 }",
            "1:10: an enum's number has 32 bits, and 5000000000 has more",
        ),
        (
            "typedef B A typedef A B",
            "1:9: the type `B` is made of itself",
        ),
        (
            "service S extends T {}",
            "1:19: there is no service `T`; there are S",
        ),
        (
            "service S extends T {} service T extends S {}",
            "1:19: `S` extends itself",
        ),
        (
            "service S { void f() void f() }",
            "1:27: `f` is there twice",
        ),
        (
            "struct A { 1: i8 a = 300 }",
            "1:18: the default is none: $: must be an integer of 8 bits, not 300",
        ),
        (
            "struct A { 1: i8 a = B }",
            "1:22: there is no constant and no enum's value `B`",
        ),
        (
            "const i32 A = B const i32 B = A struct S { 1: i32 a = A }",
            "1:51: the default is made of itself, or nested too deep",
        ),
        ("struct A { 1: A a = {} }", "1:17: the default is none: $"),
        ("const string A = \"x", "1:18: the text does not end"),
        ("/* é */ ~", "1:9: `~` means nothing here"),
        ("/* x", "1:1: the comment does not end"),
        (
            "const i64 A = 99999999999999999999",
            "1:15: `99999999999999999999` is no number that fits 64 bits",
        ),
        (
            "include \"gone.thrift\"",
            "1:9: `gone.thrift` is not there; --proto-path names more places to look at",
        ),
        ("include \"a.thrift\"", "1:9: `a.thrift` includes itself"),
    ] {
        let found = mistake(&[("a.thrift", text)]);
        if !found.starts_with(&format!("a.thrift:{told}")) {
            wrong.push(format!("{text}\n{found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let deep = format!(
        "struct A {{ 1: {}i8{} a }}",
        "list<".repeat(100_000),
        ">".repeat(100_000)
    );
    assert!(mistake(&[("a.thrift", &deep)]).contains("types are nested more than 64 deep"));
    let deep = format!("const i8 A = {}", "[".repeat(100_000));
    assert!(mistake(&[("a.thrift", &deep)]).contains("values are nested more than 64 deep"));
}

#[test]
fn mistakes_in_included_files_are_told_of_these() {
    let cycle = [
        ("a.thrift", "include 'b.thrift'"),
        ("b.thrift", "\n include 'a.thrift'"),
    ];
    assert_eq!(mistake(&cycle), "b.thrift:2:10: `a.thrift` includes itself");
    let wrong = [
        ("a.thrift", "include 'b.thrift' struct A {1: b.X x}"),
        ("b.thrift", "struct B {1: i32 }"),
    ];
    assert_eq!(
        mistake(&wrong),
        "b.thrift:1:18: here must be the field's name, not `}`"
    );
    let unknown = [
        ("a.thrift", "include 'b.thrift'\nstruct A {1: b.Itm x}"),
        ("b.thrift", "struct Item {}"),
    ];
    assert_eq!(
        mistake(&unknown),
        "a.thrift:2:14: there is no type `b.Itm`; did you mean `b.Item`?"
    );
    // One file may be included in two ways.
    let twice = [
        (
            "a.thrift",
            "include 'b.thrift' include 'c.thrift' struct A {1: b.X x, 2: c.Y y}",
        ),
        ("b.thrift", "struct X {}"),
        ("c.thrift", "include './b.thrift' typedef b.X Y"),
    ];
    idl(&twice);
}

/// Whatever the text is, there is an answer to it.
#[test]
fn no_text_breaks_the_parser() {
    let all = ALL.as_bytes();
    for cut in 0..all.len() {
        if let Some(text) = ALL.get(..cut) {
            let _ = super::parser::parse(text);
        }
        let mut other = all.to_vec();
        other.remove(cut);
        let _ = super::parser::parse(&String::from_utf8_lossy(&other));
    }
    for text in [
        "(",
        ")",
        "-",
        "+",
        "0x",
        "1e",
        ".",
        "const",
        "'\\",
        "struct A{1:",
        "é",
        "\u{feff}struct A{}",
    ] {
        let _ = super::parser::parse(text);
    }
}
