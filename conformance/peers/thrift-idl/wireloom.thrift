// What every Thrift peer serves; the rules are in ../README.md.

namespace java org.wireloom.thrift
namespace go wireloom

enum Color {
  RED = 1
  GREEN = 2
  BLUE = 40000
}

struct Leaf {
  1: string name
  2: i32 number
}

union Choice {
  1: i32 number
  2: string text
  3: Leaf leaf
}

// Ids with gaps, out of order and beyond 255, which compact writes in its long form.
struct Everything {
  1: bool yes
  2: bool no
  3: i8 small
  4: i16 short_number
  5: i32 number
  6: i64 long_number
  7: double ratio
  8: string text
  9: binary data
  10: Color color
  11: Leaf leaf
  30: list<i32> numbers
  31: list<bool> bools
  32: list<string> words
  33: list<Leaf> leaves
  34: list<list<i32>> lists
  35: list<i32> empty_list
  40: set<string> names
  41: set<i64> longs
  50: map<string, i32> counts
  51: map<i32, Leaf> by_number
  52: map<string, list<Leaf>> by_name
  53: map<i32, map<string, string>> maps
  54: map<string, i32> empty_map
  // Long lists: 15 elements and more have a size of their own in compact.
  55: list<double> ratios
  20: optional string unset
  300: optional i32 late
  32000: optional string last
}

struct Tree {
  1: i32 depth
  2: optional Tree child
}

exception Refused {
  1: i32 code
  2: string reason
  3: list<string> details
}

exception Missing {
  1: string key
}

service Base {
  // The peer and the port's dialect: `thrift-python framed-binary`.
  string whoami()
}

service Echo extends Base {
  void nothing()
  bool echo_bool(1: bool value)
  i8 echo_byte(1: i8 value)
  i16 echo_i16(1: i16 value)
  i32 echo_i32(1: i32 value)
  i64 echo_i64(1: i64 value)
  double echo_double(1: double value)
  string echo_string(1: string value)
  binary echo_binary(1: binary value)
  Color echo_color(1: Color value)
  Leaf echo_leaf(1: Leaf value)
  Choice echo_choice(1: Choice value)
  Everything echo_everything(1: Everything value)
  Tree echo_tree(1: Tree value)
  list<i64> echo_list(1: list<i64> value)
  set<string> echo_set(1: set<string> value)
  map<string, list<i32>> echo_map(1: map<string, list<i32>> value)
  // Arguments that are not in the order of their ids.
  string join(3: string third, 1: string first, 2: i32 second)

  // That many bytes; byte i is i modulo 251.
  binary bytes(1: i32 count)
  // How many bytes came, and their sum modulo 2^31.
  list<i32> count(1: binary data)

  // `fine`, or what `how` asks for: `refused`, `missing`, `application`.
  string fail(1: string how) throws (1: Refused refused, 2: Missing missing)
  void fail_void(1: string how) throws (1: Refused refused)

  oneway void note(1: string token, 2: i32 number)
  // What was noted under the token, in order.
  list<i32> notes(1: string token)

  // Answers so many milliseconds later, with that number.
  i32 slow(1: i32 millis)

  // The info headers (THeader) or string headers (TTHeader) that came with this call; nothing in other dialects.
  map<string, string> headers()
}

// What clients are made from: the server does not know its method.
service EchoLater extends Echo {
  string later(1: string value)
}

service Second {
  // `second`.
  string whoami()
  // `hello NAME`.
  string greet(1: string name) throws (1: Missing missing)
  oneway void note(1: string token, 2: i32 number)
}
