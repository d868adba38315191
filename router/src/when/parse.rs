//! The syntax: what of CEL's grammar is known here, as a tree. Recursion is bounded, and so is the tree.

/// The deepest nesting.
const DEEPEST: usize = 48;
/// The most parts of an expression.
const MOST: usize = 512;

/// What is wrong, and at which character, from 1.
pub(super) type Wrong = (usize, String);

/// A part of an expression.
#[derive(Debug)]
pub(super) struct Node {
    /// Where it begins or its operator stands: a character, from 1.
    pub(super) at: usize,
    pub(super) syntax: Syntax,
}

/// What a part is.
#[derive(Debug)]
pub(super) enum Syntax {
    Bool(bool),
    Int(i64),
    Text(String),
    Name(String),
    /// `a.b`
    Member(Box<Node>, String),
    /// `has(a.b)`
    Has(Box<Node>, String),
    /// `f(…)` and `a.f(…)`
    Call(String, Option<Box<Node>>, Vec<Node>),
    /// `a[b]`
    Index(Box<Node>, Box<Node>),
    /// `[a, b]`
    List(Vec<Node>),
    Not(Box<Node>),
    Negative(Box<Node>),
    Binary(Operator, Box<Node>, Box<Node>),
    /// `a ? b : c`
    If(Box<(Node, Node, Node)>),
}

/// An operator between two parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    /// Addition and the like, which is not known.
    Calculate,
}

impl Operator {
    /// How tightly it binds.
    const fn binds(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And => 2,
            Self::Calculate => 4,
            _ => 3,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Name(String),
    Int(i64),
    Text(String),
    Sign(&'static str),
    End,
}

/// Longer ones first.
const SIGNS: [&str; 24] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "?", ":", "(", ")", "[", "]", "{", "}", ".",
    ",", "+", "-", "*", "/", "%",
];

/// Parses an expression.
pub(super) fn parse(text: &str) -> Result<Node, Wrong> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        next: 0,
        parts: 0,
    };
    let node = parser.expression(0)?;
    match parser.peek() {
        Token::End => Ok(node),
        token => Err(parser.unexpected(&token.clone(), "an operator like `==` or `&&`")),
    }
}

struct Parser {
    /// With the character that each begins at, and an end.
    tokens: Vec<(usize, Token)>,
    next: usize,
    parts: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        self.tokens
            .get(self.next)
            .map_or(&Token::End, |(_, token)| token)
    }

    fn at(&self) -> usize {
        let token = self.tokens.get(self.next).or(self.tokens.last());
        token.map_or(1, |(at, _)| *at)
    }

    fn take(&mut self) -> Token {
        let token = self.peek().clone();
        self.next += 1;
        token
    }

    /// Takes a sign if it is next.
    fn takes(&mut self, sign: &'static str) -> bool {
        let is_it = *self.peek() == Token::Sign(sign);
        self.next += usize::from(is_it);
        is_it
    }

    fn wants(&mut self, sign: &'static str) -> Result<(), Wrong> {
        match self.takes(sign) {
            true => Ok(()),
            false => {
                let found = describe(self.peek());
                Err((
                    self.at(),
                    format!("there is {found} where `{sign}` is wanted"),
                ))
            }
        }
    }

    fn unexpected(&self, token: &Token, wanted: &str) -> Wrong {
        let found = describe(token);
        (
            self.at(),
            format!("{found} is not expected here, but {wanted}"),
        )
    }

    fn node(&mut self, at: usize, syntax: Syntax) -> Result<Node, Wrong> {
        self.parts += 1;
        match self.parts > MOST {
            true => Err((at, format!("the expression has more than {MOST} parts"))),
            false => Ok(Node { at, syntax }),
        }
    }

    fn expression(&mut self, depth: usize) -> Result<Node, Wrong> {
        if depth > DEEPEST {
            return Err((self.at(), format!("more than {DEEPEST} levels of nesting")));
        }
        let test = self.binary(1, depth)?;
        let at = self.at();
        if !self.takes("?") {
            return Ok(test);
        }
        let one = self.binary(1, depth + 1)?;
        self.wants(":")?;
        let other = self.expression(depth + 1)?;
        self.node(at, Syntax::If(Box::new((test, one, other))))
    }

    /// Operators that bind as tightly as `least`, or more.
    fn binary(&mut self, least: u8, depth: usize) -> Result<Node, Wrong> {
        let mut one = self.unary(depth)?;
        loop {
            let operator = match self.peek() {
                Token::Name(name) if name == "in" => Operator::In,
                Token::Sign(sign) => match *sign {
                    "||" => Operator::Or,
                    "&&" => Operator::And,
                    "==" => Operator::Equal,
                    "!=" => Operator::NotEqual,
                    "<" => Operator::Less,
                    "<=" => Operator::LessOrEqual,
                    ">" => Operator::Greater,
                    ">=" => Operator::GreaterOrEqual,
                    "+" | "-" | "*" | "/" | "%" => Operator::Calculate,
                    _ => return Ok(one),
                },
                _ => return Ok(one),
            };
            if operator.binds() < least {
                return Ok(one);
            }
            let at = self.at();
            self.take();
            let other = self.binary(operator.binds() + 1, depth)?;
            one = self.node(at, Syntax::Binary(operator, Box::new(one), Box::new(other)))?;
        }
    }

    fn unary(&mut self, depth: usize) -> Result<Node, Wrong> {
        if depth > DEEPEST {
            return Err((self.at(), format!("more than {DEEPEST} levels of nesting")));
        }
        let at = self.at();
        if self.takes("!") {
            let inner = self.unary(depth + 1)?;
            return self.node(at, Syntax::Not(Box::new(inner)));
        }
        if self.takes("-") {
            let inner = self.unary(depth + 1)?;
            return self.node(at, Syntax::Negative(Box::new(inner)));
        }
        self.member(depth)
    }

    fn member(&mut self, depth: usize) -> Result<Node, Wrong> {
        let mut node = self.primary(depth)?;
        loop {
            let at = node.at;
            if self.takes(".") {
                let place = self.at();
                let Token::Name(name) = self.take() else {
                    self.next -= 1;
                    return Err((place, "a name is wanted behind the dot".to_owned()));
                };
                node = match self.takes("(") {
                    true => {
                        let arguments = self.list(")", depth)?;
                        self.node(at, Syntax::Call(name, Some(Box::new(node)), arguments))?
                    }
                    false => self.node(at, Syntax::Member(Box::new(node), name))?,
                };
            } else if self.takes("[") {
                let key = self.expression(depth + 1)?;
                self.wants("]")?;
                node = self.node(at, Syntax::Index(Box::new(node), Box::new(key)))?;
            } else {
                return Ok(node);
            }
        }
    }

    fn primary(&mut self, depth: usize) -> Result<Node, Wrong> {
        let at = self.at();
        let syntax = match self.take() {
            Token::Int(number) => Syntax::Int(number),
            Token::Text(text) => Syntax::Text(text),
            Token::Name(name) if name == "true" => Syntax::Bool(true),
            Token::Name(name) if name == "false" => Syntax::Bool(false),
            Token::Name(name) if name != "in" => match self.takes("(") {
                true => self.call(at, name, depth)?,
                false => Syntax::Name(name),
            },
            Token::Sign("(") => {
                let inner = self.expression(depth + 1)?;
                self.wants(")")?;
                return Ok(inner);
            }
            Token::Sign("[") => Syntax::List(self.list("]", depth)?),
            token => {
                self.next -= 1;
                return Err(self.unexpected(&token, "a name, a text or a number"));
            }
        };
        self.node(at, syntax)
    }

    fn call(&mut self, at: usize, name: String, depth: usize) -> Result<Syntax, Wrong> {
        let mut arguments = self.list(")", depth)?;
        if name != "has" {
            return Ok(Syntax::Call(name, None, arguments));
        }
        match (arguments.pop(), arguments.is_empty()) {
            (
                Some(Node {
                    syntax: Syntax::Member(of, field),
                    ..
                }),
                true,
            ) => Ok(Syntax::Has(of, field)),
            _ => Err((at, "has() asks for a part, as in has(headers.x)".to_owned())),
        }
    }

    /// Expressions with commas between them.
    fn list(&mut self, end: &'static str, depth: usize) -> Result<Vec<Node>, Wrong> {
        let mut nodes = Vec::new();
        while !self.takes(end) {
            if !nodes.is_empty() {
                self.wants(",")?;
            }
            nodes.push(self.expression(depth + 1)?);
        }
        Ok(nodes)
    }
}

fn describe(token: &Token) -> String {
    match token {
        Token::Name(name) => format!("`{name}`"),
        Token::Int(number) => format!("`{number}`"),
        Token::Text(text) => format!("{text:?}"),
        Token::Sign(sign) => format!("`{sign}`"),
        Token::End => "the end".to_owned(),
    }
}

fn tokens(text: &str) -> Result<Vec<(usize, Token)>, Wrong> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let place = |rest: &str| {
        let before = text.len().saturating_sub(rest.len());
        text.get(..before).unwrap_or_default().chars().count() + 1
    };
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\r', '\n']);
        let at = place(rest);
        let Some(first) = rest.chars().next() else {
            tokens.push((at, Token::End));
            return Ok(tokens);
        };
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let length = rest.find(|c: char| !word(c)).unwrap_or(rest.len());
        let (start, behind) = rest.split_at(length);
        if matches!(first, '\'' | '"') || start == "r" && behind.starts_with(['\'', '"']) {
            let raw = first == 'r';
            let quoted = if raw { behind } else { rest };
            let (string, after) = string(quoted, raw).map_err(|why| (at, why))?;
            tokens.push((at, Token::Text(string)));
            rest = after;
        } else if first.is_ascii_digit() {
            let number = match start.strip_prefix("0x") {
                Some(digits) => i64::from_str_radix(digits, 16),
                None => start.parse(),
            };
            let number = number.ok().filter(|_| !behind.starts_with('.'));
            let what = || format!("`{start}` is not a whole number of 64 bits");
            tokens.push((at, Token::Int(number.ok_or_else(|| (at, what()))?)));
            rest = behind;
        } else if length > 0 {
            tokens.push((at, Token::Name(start.to_owned())));
            rest = behind;
        } else {
            let sign = SIGNS.into_iter().find(|sign| rest.starts_with(sign));
            let sign = sign.ok_or_else(|| (at, format!("{first:?} is not expected here")))?;
            tokens.push((at, Token::Sign(sign)));
            rest = rest.get(sign.len()..).unwrap_or_default();
        }
    }
}

/// The text between quotes, and what follows it.
fn string(quoted: &str, raw: bool) -> Result<(String, &str), String> {
    const OPEN: &str = "the quotes are not closed";
    let mut chars = quoted.chars();
    let quote = chars.next();
    let mut text = String::new();
    loop {
        match chars.next().ok_or(OPEN)? {
            c if Some(c) == quote => return Ok((text, chars.as_str())),
            '\n' => return Err(OPEN.to_owned()),
            '\\' if !raw => text.push(match chars.next().ok_or(OPEN)? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                c @ ('\\' | '\'' | '"' | '`' | '?') => c,
                'x' => code(&mut chars, 2)?,
                'u' => code(&mut chars, 4)?,
                'U' => code(&mut chars, 8)?,
                c => return Err(format!("`\\{c}` is no escape: a backslash is written \\\\")),
            }),
            c => text.push(c),
        }
    }
}

/// The character of so many hexadecimal digits.
fn code(chars: &mut std::str::Chars<'_>, digits: usize) -> Result<char, String> {
    let code = (0..digits).try_fold(0_u32, |code, _| {
        Some(code.checked_mul(16)? + chars.next()?.to_digit(16)?)
    });
    let character = code.and_then(char::from_u32);
    character.ok_or_else(|| format!("an escape wants {digits} hexadecimal digits of a character"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tree with a pair of parentheses around every part.
    fn shown(node: &Node) -> String {
        let all = |nodes: &[Node]| nodes.iter().map(shown).collect::<Vec<_>>().join(", ");
        match &node.syntax {
            Syntax::Bool(is) => is.to_string(),
            Syntax::Int(number) => number.to_string(),
            Syntax::Text(text) => format!("{text:?}"),
            Syntax::Name(name) => name.clone(),
            Syntax::Member(of, name) => format!("{}.{name}", shown(of)),
            Syntax::Has(of, name) => format!("has({}.{name})", shown(of)),
            Syntax::Call(name, None, of) => format!("{name}({})", all(of)),
            Syntax::Call(name, Some(on), of) => format!("{}.{name}({})", shown(on), all(of)),
            Syntax::Index(of, key) => format!("{}[{}]", shown(of), shown(key)),
            Syntax::List(of) => format!("[{}]", all(of)),
            Syntax::Not(of) => format!("!{}", shown(of)),
            Syntax::Negative(of) => format!("-{}", shown(of)),
            Syntax::Binary(operator, a, b) => format!("({} {operator:?} {})", shown(a), shown(b)),
            Syntax::If(of) => format!("({} ? {} : {})", shown(&of.0), shown(&of.1), shown(&of.2)),
        }
    }

    #[test]
    fn operators_bind_as_in_cel() {
        for (text, tree) in [
            ("a || b && c", "(a Or (b And c))"),
            ("a && b && c", "((a And b) And c)"),
            ("!a == b", "(!a Equal b)"),
            ("a == b in c", "((a Equal b) In c)"),
            ("a<b||c>=d", "((a Less b) Or (c GreaterOrEqual d))"),
            ("a + b == c", "((a Calculate b) Equal c)"),
            ("a ? b : c ? d : e", "(a ? b : (c ? d : e))"),
            ("a || b ? c : d", "((a Or b) ? c : d)"),
            ("(a || b) && !!c", "((a Or b) And !!c)"),
            ("-x.y[0].f(1, 'z')", "-x.y[0].f(1, \"z\")"),
            ("[a, 'b']", "[a, \"b\"]"),
            ("has(a.b.c)", "has(a.b.c)"),
            ("f()", "f()"),
            ("inner in input", "(inner In input)"),
            ("0x1F", "31"),
        ] {
            let tree_of = shown(&parse(text).unwrap_or_else(|wrong| panic!("{text}: {wrong:?}")));
            assert_eq!(tree_of, tree, "{text}");
        }
    }

    #[test]
    fn texts_and_their_escapes() {
        for (text, value) in [
            (r#""a'b""#, "a'b"),
            (r"'a\'b\\\n\x41\u00e9\U0001F600'", "a'b\\\nA\u{e9}\u{1F600}"),
            (r"r'\d+\.'", r"\d+\."),
            ("''", ""),
        ] {
            let node = parse(text).unwrap();
            assert!(
                matches!(node.syntax, Syntax::Text(own) if own == value),
                "{text}"
            );
        }
        for text in ["'a", "'a\nb'", r"'\q'", r"'\x4'", r"'\ud800'", r"'\", "r'"] {
            parse(text).unwrap_err();
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, at, part) in [
            ("", 1, "the end is not expected"),
            ("a ==", 5, "the end is not expected"),
            ("a = b", 3, "'=' is not expected"),
            ("a b", 3, "`b` is not expected"),
            ("(a", 3, "the end where `)` is wanted"),
            ("a.1", 3, "a name is wanted"),
            ("f(a b)", 5, "`b` where `,` is wanted"),
            ("\u{fc} a", 1, "'\u{fc}' is not expected"),
            ("'\u{fc}' &", 5, "'&' is not expected"),
            ("has(a)", 1, "has() asks for a part"),
            ("99999999999999999999", 1, "is not a whole number"),
            ("1.5", 1, "is not a whole number"),
        ] {
            let (found, what) = parse(text).unwrap_err();
            assert!(found == at && what.contains(part), "{text}: {found} {what}");
        }
    }

    #[test]
    fn depth_and_size_are_bounded() {
        for (open, close) in [
            ("(", ")"),
            ("[", "]"),
            ("!", ""),
            ("-", ""),
            ("f(", ")"),
            ("a[", "]"),
        ] {
            let nested = |depth| format!("{}a{}", open.repeat(depth), close.repeat(depth));
            parse(&nested(40)).unwrap();
            let (_, what) = parse(&nested(1_000)).unwrap_err();
            assert!(what.contains("nesting"), "{what}");
        }
        let chain = |parts: usize| vec!["a"; parts].join(" && ");
        parse(&chain(200)).unwrap();
        assert!(
            parse(&chain(1_000))
                .unwrap_err()
                .1
                .contains("more than 512 parts")
        );
        assert!(parse(&"a?b:".repeat(1_000)).is_err());
    }
}
