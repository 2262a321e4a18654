//! The words of `DynamoDB`'s expressions: tokens, placeholders and document paths (FACTS 129, 130).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::value::{TableItem, checked, parts};
use crate::error::AwsError;
use crate::state::Call;

/// The words that an expression cannot use as the name of an attribute.
const RESERVED: &str = include_str!("reserved.txt");
/// The longest expression, in bytes.
const LONGEST: usize = 4096;

/// The names of an attribute and of the map entries below it.
pub(super) type DocumentPath = Vec<String>;

/// A part of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A keyword, a function, or the name of an attribute.
    Word(String),
    /// A placeholder of a name, such as `#state`.
    Name(String),
    /// A placeholder of a value, such as `:state`.
    Value(String),
    Symbol(&'static str),
}

impl Token {
    fn text(&self) -> &str {
        match self {
            Self::Word(text) | Self::Name(text) | Self::Value(text) => text,
            Self::Symbol(text) => text,
        }
    }
}

/// The placeholders of a request, and which of them its expressions use.
#[derive(Debug, Default)]
pub(super) struct Placeholders {
    names: BTreeMap<String, String>,
    values: TableItem,
    used: BTreeSet<String>,
}

impl Placeholders {
    /// The placeholders of a request.
    pub(super) fn of(call: &Call<'_>) -> Result<Self, AwsError> {
        let mut placeholders = Self::default();
        for (member, mark) in
            [("ExpressionAttributeNames", '#'), ("ExpressionAttributeValues", ':')]
        {
            let Some(given) = call.input.get(member).filter(|given| !given.is_null()) else {
                continue;
            };
            let given = given.as_object().filter(|given| !given.is_empty());
            let given =
                given.ok_or_else(|| AwsError::validation(format!("{member} must not be empty")))?;
            for (key, content) in given {
                let rest = key.strip_prefix(mark).filter(|rest| !rest.is_empty());
                if !rest.is_some_and(|rest| rest.chars().all(is_word)) {
                    return Err(AwsError::validation(format!(
                        "{member} contains invalid key: Syntax error; key: \"{key}\""
                    )));
                }
                placeholders.take(key, content)?;
            }
        }
        Ok(placeholders)
    }

    fn take(&mut self, key: &str, content: &Value) -> Result<(), AwsError> {
        if key.starts_with('#') {
            let name = content.as_str().filter(|name| !name.is_empty()).ok_or_else(|| {
                let message =
                    "ExpressionAttributeNames contains invalid value: The attribute name is empty";
                AwsError::validation(message)
            })?;
            self.names.insert(key.to_owned(), name.to_owned());
            return Ok(());
        }
        let value = checked(content).map_err(|error| {
            AwsError::validation(format!(
                "ExpressionAttributeValues contains invalid value: {} for key {key}",
                error.message
            ))
        })?;
        self.values.insert(key.to_owned(), value);
        Ok(())
    }

    /// Fails if a placeholder is not used. Call this after all expressions are parsed.
    pub(super) fn all_used(&self) -> Result<(), AwsError> {
        let unused = |keys: Vec<&String>| -> Option<String> {
            let unused: Vec<&str> = keys
                .into_iter()
                .filter(|key| !self.used.contains(*key))
                .map(String::as_str)
                .collect();
            (!unused.is_empty()).then(|| unused.join(", "))
        };
        for (member, keys) in [
            ("ExpressionAttributeValues", self.values.keys().collect()),
            ("ExpressionAttributeNames", self.names.keys().collect()),
        ] {
            if let Some(unused) = unused(keys) {
                return Err(AwsError::validation(format!(
                    "Value provided in {member} unused in expressions: keys: {{{unused}}}"
                )));
            }
        }
        Ok(())
    }

    /// Fails if the request has placeholders without an expression that could use them.
    pub(super) fn need_an_expression(&self, expressions: &str) -> Result<(), AwsError> {
        if !self.values.is_empty() {
            return Err(AwsError::validation(format!(
                "ExpressionAttributeValues can only be specified when using expressions: {expressions} is null"
            )));
        }
        if !self.names.is_empty() {
            return Err(AwsError::validation(
                "ExpressionAttributeNames can only be specified when using expressions",
            ));
        }
        Ok(())
    }
}

/// Reads the tokens of one expression.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    /// The member of the request, such as `ConditionExpression`.
    kind: &'static str,
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    placeholders: &'a mut Placeholders,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        kind: &'static str,
        text: &'a str,
        placeholders: &'a mut Placeholders,
    ) -> Result<Self, AwsError> {
        let mut reader = Self { kind, text, tokens: Vec::new(), at: 0, placeholders };
        if text.is_empty() {
            return Err(reader.invalid("The expression can not be empty;"));
        }
        if text.len() > LONGEST {
            return Err(reader.invalid("Expression size has exceeded the maximum allowed size;"));
        }
        reader.tokens = tokens(text).map_err(|token| reader.syntax(token))?;
        Ok(reader)
    }

    /// The error for an expression that `DynamoDB` refuses.
    pub(super) fn invalid(&self, why: &str) -> AwsError {
        AwsError::validation(format!("Invalid {}: {why}", self.kind))
    }

    /// The error for a part of the language that the simulator does not implement.
    pub(super) fn unknown(&self, what: &str) -> AwsError {
        self.invalid(&format!("the simulator does not implement {what}; expression: {}", self.text))
    }

    fn syntax(&self, token: &str) -> AwsError {
        self.invalid(&format!("Syntax error; token: \"{token}\", near: \"{}\"", self.text))
    }

    /// The syntax error at the next token.
    pub(super) fn unexpected(&self) -> AwsError {
        self.syntax(self.tokens.get(self.at).map_or("<EOF>", Token::text))
    }

    pub(super) fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    /// Whether the next tokens are a word and an opening parenthesis: the call of a function.
    pub(super) fn function(&mut self) -> Option<String> {
        let (Some(Token::Word(name)), Some(Token::Symbol("("))) =
            (self.tokens.get(self.at), self.tokens.get(self.at + 1))
        else {
            return None;
        };
        let name = name.clone();
        self.at += 2;
        Some(name)
    }

    /// Reads this symbol if it is next.
    pub(super) fn symbol(&mut self, symbol: &str) -> bool {
        let is_next = matches!(self.peek(), Some(Token::Symbol(next)) if *next == symbol);
        self.at += usize::from(is_next);
        is_next
    }

    /// Reads one of these symbols if it is next.
    pub(super) fn one_of(&mut self, symbols: &[&'static str]) -> Option<&'static str> {
        symbols.iter().copied().find(|symbol| self.symbol(symbol))
    }

    pub(super) fn must(&mut self, symbol: &str) -> Result<(), AwsError> {
        if self.symbol(symbol) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Reads this keyword, in any case, if it is next.
    pub(super) fn keyword(&mut self, keyword: &str) -> bool {
        let is_next =
            matches!(self.peek(), Some(Token::Word(next)) if next.eq_ignore_ascii_case(keyword));
        self.at += usize::from(is_next);
        is_next
    }

    pub(super) fn ends(&self) -> Result<(), AwsError> {
        if self.peek().is_none() { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Reads a placeholder of a value, and returns the value.
    pub(super) fn value(&mut self) -> Result<Value, AwsError> {
        let Some(Token::Value(key)) = self.peek().cloned() else { return Err(self.unexpected()) };
        self.at += 1;
        let Some(value) = self.placeholders.values.get(&key).cloned() else {
            return Err(self.invalid(&format!(
                "An expression attribute value used in expression is not defined; attribute value: {key}"
            )));
        };
        self.placeholders.used.insert(key);
        Ok(value)
    }

    /// Reads a document path.
    pub(super) fn path(&mut self) -> Result<DocumentPath, AwsError> {
        let mut path = vec![self.path_element()?];
        loop {
            if self.symbol(".") {
                path.push(self.path_element()?);
            } else if self.symbol("[") {
                return Err(self.unknown("elements of lists"));
            } else {
                return Ok(path);
            }
        }
    }

    fn path_element(&mut self) -> Result<String, AwsError> {
        let token = self.peek().cloned();
        match token {
            Some(Token::Word(word)) => {
                if RESERVED.split_whitespace().any(|one| one.eq_ignore_ascii_case(&word)) {
                    return Err(self.invalid(&format!(
                        "Attribute name is a reserved keyword; reserved keyword: {word}"
                    )));
                }
                self.at += 1;
                Ok(word)
            }
            Some(Token::Name(key)) => {
                let Some(name) = self.placeholders.names.get(&key).cloned() else {
                    return Err(self.invalid(&format!(
                        "An expression attribute name used in the document path is not defined; attribute name: {key}"
                    )));
                };
                self.at += 1;
                self.placeholders.used.insert(key);
                Ok(name)
            }
            _ => Err(self.unexpected()),
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The tokens of an expression, or the character that begins no token.
fn tokens(text: &str) -> Result<Vec<Token>, &str> {
    const SYMBOLS: [&str; 14] =
        ["<=", ">=", "<>", "<", ">", "=", "(", ")", ",", ".", "+", "-", "[", "]"];
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) =
            if let Some(symbol) = SYMBOLS.iter().find(|one| rest.starts_with(**one)) {
                (Token::Symbol(symbol), symbol.len())
            } else {
                let mark = usize::from(matches!(first, '#' | ':'));
                let word = rest[mark..].find(|c| !is_word(c)).unwrap_or(rest.len() - mark);
                let token = rest[..mark + word].to_owned();
                if word == 0 || !(first.is_ascii() && (mark == 1 || is_word(first))) {
                    return Err(&rest[..first.len_utf8()]);
                }
                let token = match first {
                    '#' => Token::Name(token),
                    ':' => Token::Value(token),
                    _ => Token::Word(token),
                };
                (token, mark + word)
            };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

/// The value at a path of an item.
pub(super) fn at_path<'a>(item: &'a TableItem, path: &[String]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    let mut value = item.get(first)?;
    for name in rest {
        value = match parts(value) {
            ("M", map) => map.get(name)?,
            _ => return None,
        };
    }
    Some(value)
}

/// A path in the form that error messages have.
pub(super) fn shown(path: &[String]) -> String {
    format!("[{}]", path.join(", "))
}
