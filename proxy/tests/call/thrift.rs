//! Calls in Thrift, with an IDL and without.

use serde_json::json;

use super::program::{Temporary, demo, run};
use super::{answer, error};

const ORDERS: &str = "\
enum Color { RED, GREEN = 5 }
struct Order { 1: required string sku, 2: i32 count = 1, 3: Color color, 4: optional map<i64, set<double>> weights }
struct Asked {
  1: string service, 2: string method, 3: Order arguments, 4: map<string, string> headers, 5: string servedBy
}
exception OutOfTea { 1: string message }
service OrderService {
  Order create(1: Order order, 2: bool again) throws (1: OutOfTea none),
  Asked describe(),
  string fail(1: string why) throws (1: OutOfTea none),
  i64 refuse(),
  i64 find(1: string id),
  oneway void notify(1: string text),
}
";

/// Every dialect that a port with other protocols on it recognises.
const DIALECTS: [&str; 8] = [
    "transport=framed&protocol=binary",
    "transport=framed&protocol=compact",
    "transport=buffered&protocol=binary",
    "transport=buffered&protocol=compact",
    "transport=header&protocol=binary",
    "transport=header&protocol=compact",
    "transport=ttheader&protocol=binary",
    "transport=ttheader&protocol=compact",
];

#[test]
fn thrift_is_answered_in_every_dialect() {
    let (_demo, proxy) = demo();
    let idl = Temporary::new("orders.thrift", ORDERS);
    for dialect in DIALECTS {
        let url = |method: &str| format!("thrift://{proxy}/OrderService/{method}?{dialect}");
        let by_ids = json!({
            "1:struct": {
                "1:bool": true,
                "2:list<i64>": [-1, i64::MAX],
                "3:map<string,double>": {"a": 2.5},
                "4:binary": "/w==",
                "5:uuid": "00112233-4455-6677-8899-aabbccddeeff",
                "300:set<struct>": [{"1:i8": 1}, {}],
            },
        });
        assert_eq!(
            answer(&[&url("create"), &by_ids.to_string()]),
            json!({ "0:struct": by_ids["1:struct"] }),
            "{dialect}"
        );
        let order = r#"{"sku": "tea", "color": "GREEN", "weights": {"7": [0.5]}}"#;
        let created = json!({"sku": "tea", "count": 1, "color": "GREEN", "weights": {"7": [0.5]}});
        for body in [format!("{{\"order\": {order}}}"), format!("[{order}]")] {
            let named = answer(&[&url("create"), &body, "--idl", idl.path()]);
            assert_eq!(named, created, "{dialect}");
        }
        assert_eq!(
            error(1, &[&url("fail"), "[\"no tea\"]", "--idl", idl.path()]),
            "exception OutOfTea: {\"message\":\"no tea\"}\n",
            "{dialect}"
        );
        assert_eq!(
            error(1, &[&url("fail"), "{\"1:string\": \"no tea\"}"]),
            "exception 1:struct: {\"1:string\":\"no tea\"}\n",
            "{dialect}"
        );
        let refused = "TApplicationException 1 UNKNOWN_METHOD: this echo has no such method\n";
        assert_eq!(error(1, &[&url("refuse"), "--idl", idl.path()]), refused);
        let told = error(1, &[&url("find"), "[\"x\"]", "--idl", idl.path()]);
        assert_eq!(
            told,
            "the answer cannot be read: the result is string, and the file says i64; without --idl it is printed\n"
        );
        // One-way, says the file.
        let sent = run(&["call", &url("notify"), "[\"x\"]", "--idl", idl.path()]);
        assert_eq!(sent, (Some(0), String::new(), String::new()), "{dialect}");
    }
}

#[test]
fn thrift_s_services_and_headers_are_where_servers_look_for_them() {
    let (_demo, proxy) = demo();
    let idl = Temporary::new("asked.thrift", ORDERS);
    let name = "com.acme.OrderService";
    let describe = |query: &str, more: &[&str]| {
        let url = format!("thrift://{proxy}/{name}/describe?{query}");
        let timeout = ["--idl", idl.path(), "--timeout", "9s"];
        answer(&[&[url.as_str()], &timeout[..], more].concat())
    };
    let pair = ["-H", "zone=a", "-H", "service=Other"];
    for (query, more, service, headers) in [
        ("", &[][..], "", json!({})),
        ("multiplexed=true", &[], name, json!({})),
        (
            "multiplexed=true&transport=buffered&protocol=compact",
            &[],
            name,
            json!({}),
        ),
        (
            "transport=header",
            &[],
            name,
            json!({"service": name, "client_timeout": "9000"}),
        ),
        (
            "transport=header",
            &pair,
            "Other",
            json!({"client_timeout": "9000", "zone": "a", "service": "Other"}),
        ),
        (
            "transport=ttheader",
            &[],
            name,
            json!({"to_service": name, "to_method": "describe", "rpc_timeout": "9000", "isn": name}),
        ),
    ] {
        let expected = json!({
            "service": service,
            "method": "describe",
            "arguments": {},
            "headers": headers,
            "servedBy": "thrift",
        });
        assert_eq!(describe(query, more), expected, "{query}");
    }
    let url = format!("thrift://{proxy}/{name}/servedBy?transport=ttheader");
    let (code, out, err) = run(&["call", &url, "-v", "-H", "x-canary: true"]);
    assert_eq!(
        (code, err.as_str()),
        (Some(0), "served-by: thrift-canary\n")
    );
    assert_eq!(out, "{\n  \"0:string\": \"thrift-canary\"\n}\n");
}

#[test]
fn thrift_s_files_are_listed_and_their_mistakes_told() {
    let idl = Temporary::new("listed.thrift", ORDERS);
    let server = "thrift://127.0.0.1:1";
    let (code, out, err) = run(&["call", server, "--idl", idl.path()]);
    assert_eq!(
        (code, out.as_str(), err.as_str()),
        (Some(0), "OrderService\n", "")
    );
    let service = format!("{server}/OrderService");
    let (_, out, _) = run(&["call", &service, "--idl", idl.path()]);
    let create = "Order create(1: Order order, 2: bool again) throws (1: OutOfTea none)";
    assert!(out.lines().any(|line| line == create), "{out}");
    let create = format!("{service}/create");
    for (url, body, told) in [
        (
            create.clone(),
            "{\"order\": {\"count\": 1}}",
            "the arguments are wrong: $.order: `Order` needs the field `sku`",
        ),
        (
            create.clone(),
            "[{\"sku\": \"a\", \"color\": \"GREEM\"}]",
            "the arguments are wrong: $.order.color: `Color` has no value `GREEM`; did you mean `GREEN`?",
        ),
        (
            format!("{service}/creat"),
            "[]",
            "the URL is wrong: `OrderService` has no method `creat`; did you mean `create`?",
        ),
        (
            format!("{create}?oneway=true"),
            "[]",
            "the URL is wrong: `create` is answered, says the file of --idl",
        ),
    ] {
        let told = format!("wireloom: {told}\n");
        assert_eq!(error(2, &[&url, body, "--idl", idl.path()]), told);
    }
    let wrong = Temporary::new(
        "wrong.thrift",
        "struct A {\n  1: Itm item\n}\nstruct Item {}\n",
    );
    let told = "2:6: there is no type `Itm`; did you mean `Item`?";
    assert_eq!(
        error(2, &[&create, "--idl", wrong.path()]),
        format!("wireloom: --idl is wrong: {}:{told}\n", wrong.path())
    );
}
