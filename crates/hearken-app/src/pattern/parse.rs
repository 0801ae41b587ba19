//! Reads the text of a pattern.

use super::{PatternError, Token};

/// Groups in groups: more are refused, so that no text exhausts the stack.
const DEPTH_MAX: usize = 16;

pub(super) fn parse(text: &str) -> Result<Vec<Token>, PatternError> {
    let mut reader = Reader {
        text,
        chars: text.char_indices().collect(),
        at: 0,
    };
    reader.tokens(0)
}

struct Reader<'a> {
    text: &'a str,
    chars: Vec<(usize, char)>,
    at: usize,
}

impl Reader<'_> {
    fn error(&self, why: impl Into<Box<str>>) -> PatternError {
        PatternError::new(self.text, why)
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).map(|&(_, c)| c)
    }

    fn next(&mut self) -> Option<(usize, char)> {
        let next = self.chars.get(self.at).copied();
        self.at += 1;
        next
    }

    /// Tokens up to the end, or up to the `}` of a group.
    fn tokens(&mut self, depth: usize) -> Result<Vec<Token>, PatternError> {
        if depth > DEPTH_MAX {
            return Err(self.error(format!("expected at most {DEPTH_MAX} groups in each other")));
        }
        let mut tokens = Vec::new();
        let mut text = String::new();
        let put = |tokens: &mut Vec<Token>, text: &mut String| {
            if !text.is_empty() {
                tokens.push(Token::Text(std::mem::take(text)));
            }
        };
        while let Some((at, c)) = self.next() {
            match c {
                '\\' => match self.next() {
                    Some((_, escaped)) => text.push(escaped),
                    None => return Err(self.error("expected a character after the last '\\'")),
                },
                ':' | '*' => {
                    put(&mut tokens, &mut text);
                    let name = self.name(c)?;
                    let make = if c == ':' {
                        Token::Param
                    } else {
                        Token::Wildcard
                    };
                    tokens.push(make(name));
                }
                '{' => {
                    put(&mut tokens, &mut text);
                    tokens.push(Token::Group(self.tokens(depth + 1)?));
                }
                '}' if depth > 0 => {
                    put(&mut tokens, &mut text);
                    return Ok(tokens);
                }
                '}' | '(' | ')' | '[' | ']' | '+' | '?' | '!' => {
                    return Err(self.error(format!(
                        "{c:?} at byte {at} is reserved: write '\\{c}' for the character, {{…}} for what is optional"
                    )));
                }
                c => text.push(c),
            }
        }
        if depth > 0 {
            return Err(self.error("expected a '}' for each '{'"));
        }
        put(&mut tokens, &mut text);
        Ok(tokens)
    }

    /// The name after `:` or `*`.
    fn name(&mut self, sign: char) -> Result<String, PatternError> {
        let mut name = String::new();
        if self.peek() == Some('"') {
            self.at += 1;
            loop {
                match self.next() {
                    Some((_, '"')) => break,
                    Some((_, '\\')) => name.extend(self.next().map(|(_, c)| c)),
                    Some((_, c)) => name.push(c),
                    None => return Err(self.error("expected a second '\"' after the name")),
                }
            }
        } else {
            while let Some(c) = self.peek() {
                let fits = c == '_' || c == '$' || c.is_alphanumeric();
                if !fits || (name.is_empty() && c.is_numeric()) {
                    break;
                }
                name.push(c);
                self.at += 1;
            }
        }
        if name.is_empty() {
            return Err(self.error(format!(
                "expected a name after '{sign}', such as '{sign}rest': one that begins with a letter, or is in \"quotes\""
            )));
        }
        Ok(name)
    }
}
