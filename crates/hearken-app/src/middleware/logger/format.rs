//! Formats: text with tokens.
//!
//! Here: [`Format`], and the formats that have names. Not here: the values of tokens (`line.rs`).

pub(super) const COMBINED: &str = r#":remote-addr - :remote-user [:date[clf]] ":method :url HTTP/:http-version" :status :res[content-length] ":referrer" ":user-agent""#;
pub(super) const COMMON: &str = r#":remote-addr - :remote-user [:date[clf]] ":method :url HTTP/:http-version" :status :res[content-length]"#;
pub(super) const SHORT: &str = ":remote-addr :remote-user :method :url HTTP/:http-version :status :res[content-length] - :response-time ms";
pub(super) const TINY: &str = ":method :url :status :res[content-length] - :response-time ms";

/// A format, taken apart.
#[derive(Clone, Debug)]
pub(super) struct Format(pub(super) Vec<Item>);

/// A part of a format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    Text(Box<str>),
    /// The sequence that sets the colour of a status on a terminal.
    Colour,
    Token(Token),
}

/// A token, with its argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Date(DateForm),
    HttpVersion,
    Method,
    Url,
    RemoteAddr,
    RemoteUser,
    Req(Box<str>),
    Res(Box<str>),
    Status,
    ResponseTime(usize),
    TotalTime(usize),
    Pid,
    /// Defined by the application, or set by a handler.
    Own(Box<str>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DateForm {
    /// `27/Nov/2026:18:07:51 +0000`.
    Clf,
    /// `2026-11-27T18:07:51Z`.
    Iso,
    /// `Fri, 27 Nov 2026 18:07:51 GMT`.
    Web,
}

impl Format {
    /// A token is a colon, two or more letters, digits and hyphens, and maybe an argument in brackets.
    pub(super) fn parse(format: &str) -> Self {
        let mut items = Vec::new();
        let (mut text, mut rest) = (String::new(), format);
        while let Some(at) = rest.find(':') {
            text.push_str(&rest[..at]);
            let behind = &rest[at + 1..];
            let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            let len = behind.find(|c| !is_name(c)).unwrap_or(behind.len());
            if len < 2 {
                text.push(':');
                rest = behind;
                continue;
            }
            let (name, behind) = behind.split_at(len);
            let (argument, behind) = argument(behind);
            if !text.is_empty() {
                items.push(Item::Text(std::mem::take(&mut text).into()));
            }
            items.push(Item::Token(Token::named(name, argument)));
            rest = behind;
        }
        text.push_str(rest);
        if !text.is_empty() {
            items.push(Item::Text(text.into()));
        }
        Self(items)
    }

    /// `:method :url :status :response-time ms - :res[content-length]`, with colours.
    pub(super) fn dev() -> Self {
        let mut items = vec![Item::Text("\x1b[0m".into())];
        items.extend(Self::parse(":method :url ").0);
        items.push(Item::Colour);
        items.extend(Self::parse(":status").0);
        items.push(Item::Text("\x1b[0m".into()));
        items.extend(Self::parse(" :response-time ms - :res[content-length]").0);
        Self(items)
    }
}

/// `[argument]` at the front, and what follows.
fn argument(text: &str) -> (Option<&str>, &str) {
    let inner = text.strip_prefix('[').and_then(|text| text.split_once(']'));
    match inner {
        Some((argument, rest)) if !argument.is_empty() => (Some(argument), rest),
        _ => (None, text),
    }
}

impl Token {
    fn named(name: &str, argument: Option<&str>) -> Self {
        let digits = || argument.and_then(|digits| digits.parse().ok());
        let digits = || digits().unwrap_or(3).min(9);
        match (name, argument) {
            ("date", Some("clf")) => Self::Date(DateForm::Clf),
            ("date", Some("iso")) => Self::Date(DateForm::Iso),
            ("date", _) => Self::Date(DateForm::Web),
            ("http-version", _) => Self::HttpVersion,
            ("method", _) => Self::Method,
            ("url", _) => Self::Url,
            ("remote-addr", _) => Self::RemoteAddr,
            ("remote-user", _) => Self::RemoteUser,
            ("referrer" | "referer", _) => Self::Req("referer".into()),
            ("user-agent", _) => Self::Req("user-agent".into()),
            ("req", Some(field)) => Self::Req(field.into()),
            ("res", Some(field)) => Self::Res(field.into()),
            ("status", _) => Self::Status,
            ("response-time", _) => Self::ResponseTime(digits()),
            ("total-time", _) => Self::TotalTime(digits()),
            ("pid", _) => Self::Pid,
            _ => Self::Own(name.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_text_and_tokens() {
        let Format(items) = Format::parse("a:b ::method[:url] :res[x-y] :date[iso]:total-time[0]:");
        let expected = [
            Item::Text("a:b :".into()),
            Item::Token(Token::Method),
            Item::Text(" ".into()),
            Item::Token(Token::Res("x-y".into())),
            Item::Text(" ".into()),
            Item::Token(Token::Date(DateForm::Iso)),
            Item::Token(Token::TotalTime(0)),
            Item::Text(":".into()),
        ];
        assert_eq!(items, expected);
    }

    #[test]
    fn an_unclosed_argument_is_text() {
        let Format(items) = Format::parse(":req[a :user");
        let expected = [
            Item::Token(Token::Own("req".into())),
            Item::Text("[a ".into()),
            Item::Token(Token::Own("user".into())),
        ];
        assert_eq!(items, expected);
    }
}
