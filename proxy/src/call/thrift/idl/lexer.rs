//! Text to tokens, and places in it.

/// An offset in a file, in bytes.
pub(super) type At = usize;

/// What is wrong, and where.
#[derive(Debug, PartialEq)]
pub(super) struct Mistake {
    pub(super) at: At,
    pub(super) what: String,
}

impl Mistake {
    pub(super) fn new(at: At, what: impl Into<String>) -> Self {
        Self {
            at,
            what: what.into(),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A word, with dots in it perhaps.
    Word(String),
    Int(i64),
    Double(f64),
    Text(String),
    Symbol(char),
    End,
}

impl Token {
    /// For people.
    pub(super) fn told(&self) -> String {
        match self {
            Self::Word(word) => format!("`{word}`"),
            Self::Int(number) => format!("`{number}`"),
            Self::Double(number) => format!("`{number}`"),
            Self::Text(text) => format!("{text:?}"),
            Self::Symbol(symbol) => format!("`{symbol}`"),
            Self::End => "the end of the file".to_owned(),
        }
    }
}

/// The line and the column of an offset, from 1; a column is a character.
pub(super) fn place(text: &str, at: At) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    let column = before.get(start..).unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// All tokens, each with its place; the last is the end.
pub(super) fn tokens(text: &str) -> Result<Vec<(At, Token)>, Mistake> {
    let mut lexer = Lexer { text, at: 0 };
    // Editors put a mark there.
    lexer.skip(|c| c == '\u{feff}');
    let mut tokens = Vec::new();
    loop {
        lexer.blanks()?;
        let at = lexer.at;
        let token = lexer.token()?;
        let end = token == Token::End;
        tokens.push((at, token));
        if end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: At,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Moves over characters, and gives them.
    fn skip(&mut self, over: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let len = rest.find(|c| !over(c)).unwrap_or(rest.len());
        self.at += len;
        rest.get(..len).unwrap_or_default()
    }

    /// Blanks and comments.
    fn blanks(&mut self) -> Result<(), Mistake> {
        loop {
            self.skip(char::is_whitespace);
            let rest = self.rest();
            if rest.starts_with("//") || rest.starts_with('#') {
                self.skip(|c| c != '\n');
            } else if let Some(comment) = rest.strip_prefix("/*") {
                let Some(end) = comment.find("*/") else {
                    return Err(Mistake::new(self.at, "the comment does not end"));
                };
                self.at += end + 4;
            } else {
                return Ok(());
            }
        }
    }

    fn token(&mut self) -> Result<Token, Mistake> {
        let at = self.at;
        let Some(first) = self.rest().chars().next() else {
            return Ok(Token::End);
        };
        Ok(match first {
            '"' | '\'' => Token::Text(self.literal(first)?),
            c if c.is_ascii_alphabetic() || c == '_' => {
                let word = self.skip(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
                Token::Word(word.to_owned())
            }
            c if c.is_ascii_digit() || matches!(c, '+' | '-' | '.') => self.number()?,
            '{' | '}' | '(' | ')' | '[' | ']' | '<' | '>' | ',' | ';' | ':' | '=' | '*' | '&'
            | '@' => {
                self.at += first.len_utf8();
                Token::Symbol(first)
            }
            other => return Err(Mistake::new(at, format!("`{other}` means nothing here"))),
        })
    }

    fn literal(&mut self, quote: char) -> Result<String, Mistake> {
        let start = self.at;
        let mut text = String::new();
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                c if c == quote => {
                    self.at += at + quote.len_utf8();
                    return Ok(text);
                }
                '\\' => match chars.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, 'r')) => text.push('\r'),
                    Some((_, 't')) => text.push('\t'),
                    Some((_, c @ ('\\' | '"' | '\''))) => text.push(c),
                    // The compiler leaves other escapes as they are.
                    Some((_, c)) => text.extend(['\\', c]),
                    None => break,
                },
                c => text.push(c),
            }
        }
        Err(Mistake::new(start, "the text does not end"))
    }

    fn number(&mut self) -> Result<Token, Mistake> {
        let at = self.at;
        let rest = self.rest();
        let sign = usize::from(rest.starts_with(['+', '-']));
        let unsigned = rest.get(sign..).unwrap_or_default();
        let hex = unsigned.strip_prefix("0x").or(unsigned.strip_prefix("0X"));
        self.at += sign + if hex.is_some() { 2 } else { 0 };
        let digits = match hex {
            Some(_) => self.skip(|c| c.is_ascii_hexdigit()),
            None => self.mantissa(),
        };
        let negative = if rest.starts_with('-') { "-" } else { "" };
        let text = format!("{negative}{digits}");
        let wrong = || Mistake::new(at, format!("`{text}` is no number that fits 64 bits"));
        match hex {
            Some(_) => i64::from_str_radix(&text, 16)
                .map(Token::Int)
                .map_err(|_| wrong()),
            None if digits.contains(['.', 'e', 'E']) => {
                text.parse().map(Token::Double).map_err(|_| wrong())
            }
            None => text.parse().map(Token::Int).map_err(|_| wrong()),
        }
    }

    /// Digits, a fraction and an exponent.
    fn mantissa(&mut self) -> &'a str {
        let (from, rest) = (self.at, self.rest());
        self.skip(|c| c.is_ascii_digit() || c == '.');
        if self.rest().starts_with(['e', 'E']) {
            self.at += 1;
            if self.rest().starts_with(['+', '-']) {
                self.at += 1;
            }
            self.skip(|c| c.is_ascii_digit());
        }
        rest.get(..self.at - from).unwrap_or_default()
    }
}
