//! Strings: joined, cut, searched. Positions count characters (`CP`, code points) or bytes of UTF-8.

use std::cmp::Ordering;

use crate::error::{Error, Result};
use crate::expr::{Bound, bound};
use crate::value::Text;

use super::convert::plain_text;
use super::{NULL, Operand, Operator, give, is_nullish, position_of, text_of, unsigned_of};

pub(super) const OPERATORS: &[Operator] = &[
    Operator::at_least("$concat", 0, concat),
    Operator::exactly("$toUpper", 1, |operands| {
        give(plain_text(&operands[0])?.to_ascii_uppercase())
    }),
    Operator::exactly("$toLower", 1, |operands| {
        give(plain_text(&operands[0])?.to_ascii_lowercase())
    }),
    Operator::exactly("$strcasecmp", 2, compare_without_case),
    Operator::exactly("$strLenCP", 1, |operands| {
        give(text_of(&operands[0])?.chars().count() as i64)
    }),
    Operator::exactly("$strLenBytes", 1, |operands| {
        give(text_of(&operands[0])?.len() as i64)
    }),
    Operator::exactly("$substrCP", 3, substring_by_characters),
    Operator::exactly("$substrBytes", 3, substring_by_bytes),
    Operator::exactly("$substr", 3, substring_by_bytes),
    Operator::between("$indexOfCP", 2, 4, index_by_characters),
    Operator::between("$indexOfBytes", 2, 4, index_by_bytes),
    Operator::exactly("$split", 2, split),
    Operator::named("$trim", 1, &["input", "chars"], trim_both),
    Operator::named("$ltrim", 1, &["input", "chars"], trim_start),
    Operator::named("$rtrim", 1, &["input", "chars"], trim_end),
    Operator::named("$replaceOne", 3, REPLACE, |operands| replace(operands, 1)),
    Operator::named("$replaceAll", 3, REPLACE, |operands| {
        replace(operands, usize::MAX)
    }),
];

const REPLACE: &[&str] = &["input", "find", "replacement"];

fn concat(operands: &[Operand]) -> Result<Operand> {
    let mut bound = Bound::new();
    let mut joined = Text::new();
    for operand in operands {
        if is_nullish(operand) {
            return NULL;
        }
        let text = text_of(operand)?;
        bound.take(text.len())?;
        joined.push_str(text);
    }
    give(joined)
}

fn compare_without_case(operands: &[Operand]) -> Result<Operand> {
    let [left, right] = [plain_text(&operands[0])?, plain_text(&operands[1])?];
    let order: Ordering = left
        .to_ascii_uppercase()
        .as_bytes()
        .cmp(right.to_ascii_uppercase().as_bytes());
    give(order as i32)
}

fn substring_by_characters(operands: &[Operand]) -> Result<Operand> {
    let text = plain_text(&operands[0])?;
    let (start, count) = (unsigned_of(&operands[1])?, unsigned_of(&operands[2])?);
    give(text.chars().skip(start).take(count).collect::<String>())
}

/// A negative count takes all that follows.
fn substring_by_bytes(operands: &[Operand]) -> Result<Operand> {
    let text = plain_text(&operands[0])?;
    let (start, count) = (unsigned_of(&operands[1])?, position_of(&operands[2])?);
    let start = start.min(text.len());
    let end = usize::try_from(count).map_or(text.len(), |count| (start + count).min(text.len()));
    match text.get(start..end) {
        Some(part) => give(part),
        None => Err(Error::query(
            "would cut through a character: count characters with $substrCP",
        )),
    }
}

/// Returns the string and the bounds to search in; none if the string is null or missing.
fn search(operands: &[Operand]) -> Result<Option<(&str, &str, usize, usize)>> {
    if is_nullish(&operands[0]) {
        return Ok(None);
    }
    let (text, wanted) = (text_of(&operands[0])?, text_of(&operands[1])?);
    let start = operands.get(2).map(unsigned_of).transpose()?.unwrap_or(0);
    let end = operands
        .get(3)
        .map(unsigned_of)
        .transpose()?
        .unwrap_or(usize::MAX);
    Ok(Some((text, wanted, start, end)))
}

fn index_by_characters(operands: &[Operand]) -> Result<Operand> {
    let Some((text, wanted, start, end)) = search(operands)? else {
        return NULL;
    };
    let byte_of = |position| {
        text.char_indices()
            .map(|(byte, _)| byte)
            .chain([text.len()])
            .nth(position)
    };
    let Some(first) = byte_of(start) else {
        return give(-1);
    };
    let last = byte_of(end).unwrap_or(text.len());
    let found = text.get(first..last).and_then(|part| part.find(wanted));
    give(found.map_or(-1, |byte| {
        (start + text[first..first + byte].chars().count()) as i64
    }))
}

fn index_by_bytes(operands: &[Operand]) -> Result<Operand> {
    let Some((text, wanted, start, end)) = search(operands)? else {
        return NULL;
    };
    // A character is found only where it begins, so what the bounds cut through does not count.
    let start = text.ceil_char_boundary(start);
    let found = text
        .get(start..text.floor_char_boundary(end))
        .and_then(|part| part.find(wanted));
    give(found.map_or(-1, |byte| (start + byte) as i64))
}

fn split(operands: &[Operand]) -> Result<Operand> {
    if operands.iter().any(is_nullish) {
        return NULL;
    }
    let (text, separator) = (text_of(&operands[0])?, text_of(&operands[1])?);
    if separator.is_empty() {
        return Err(Error::query("takes a separator that is not empty"));
    }
    give(bound::array(text.split(separator).map(|part| Ok(part.into())))?)
}

/// What is trimmed unless `chars` says otherwise, as MongoDB's manual lists it.
const WHITESPACE: &[char] = &[
    '\0', ' ', '\t', '\n', '\u{b}', '\u{c}', '\r', '\u{a0}', '\u{1680}', '\u{2000}', '\u{2001}', '\u{2002}',
    '\u{2003}', '\u{2004}', '\u{2005}', '\u{2006}', '\u{2007}', '\u{2008}', '\u{2009}', '\u{200a}',
];

fn trim_start(operands: &[Operand]) -> Result<Operand> {
    trim(operands, |text, chars| text.trim_start_matches(chars).into())
}

fn trim_end(operands: &[Operand]) -> Result<Operand> {
    trim(operands, |text, chars| text.trim_end_matches(chars).into())
}

fn trim_both(operands: &[Operand]) -> Result<Operand> {
    trim(operands, |text, chars| text.trim_matches(chars).into())
}

fn trim(operands: &[Operand], cut: fn(&str, &[char]) -> Text) -> Result<Operand> {
    if operands.iter().any(is_nullish) {
        return NULL;
    }
    let text = text_of(&operands[0])?;
    match operands.get(1) {
        Some(chars) => give(cut(text, &text_of(chars)?.chars().collect::<Vec<_>>())),
        None => give(cut(text, WHITESPACE)),
    }
}

fn replace(operands: &[Operand], times: usize) -> Result<Operand> {
    let [input, find, replacement] = operands else {
        return Err(Error::query("takes input, find and replacement"));
    };
    if operands.iter().any(is_nullish) {
        return NULL;
    }
    let (input, find, replacement) = (text_of(input)?, text_of(find)?, text_of(replacement)?);
    let found = input.matches(find).take(times).count();
    Bound::new().take(
        input
            .len()
            .saturating_add(found.saturating_mul(replacement.len())),
    )?;
    give(input.replacen(find, replacement, times))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{apply, value};
    use crate::value::Value;

    fn of(first: &str, numbers: &[i64]) -> Vec<Value> {
        [first.into()]
            .into_iter()
            .chain(numbers.iter().copied().map(Value::Int))
            .collect()
    }

    #[test]
    fn strings_are_joined_and_cased() {
        assert_eq!(value("$concat", ["a", "b"]), "ab".into());
        assert_eq!(value("$concat", [Value::from("a"), Value::Null]), Value::Null);
        assert!(apply("$concat", [Value::from("a"), 1.into()]).is_err());
        assert_eq!(value("$toUpper", "aé"), "Aé".into());
        assert_eq!(value("$toLower", Value::Null), "".into());
        assert_eq!(value("$toUpper", 1.5), "1.5".into());
        assert_eq!(value("$strcasecmp", ["aB", "Ab"]), 0.into());
    }

    #[test]
    fn lengths_and_parts_count_characters_or_bytes() {
        assert_eq!(value("$strLenCP", "né"), 2.into());
        assert_eq!(value("$strLenBytes", "né"), 3.into());
        assert!(apply("$strLenCP", Value::Null).is_err());
        assert_eq!(value("$substrCP", of("né!", &[1, 2])), "é!".into());
        assert_eq!(value("$substrBytes", of("né!", &[1, 2])), "é".into());
        assert_eq!(value("$substrBytes", of("né!", &[1, -1])), "é!".into());
        assert_eq!(value("$substrBytes", of("né!", &[9, 1])), "".into());
        assert!(apply("$substrBytes", of("né!", &[2, 1])).is_err());
        assert!(apply("$substrCP", of("né!", &[-1, 1])).is_err());
        assert_eq!(value("$substrCP", [Value::Null, 0.into(), 1.into()]), "".into());
    }

    #[test]
    fn strings_are_searched() {
        let find = |name: &str, numbers: &[i64]| {
            let mut operands = of("éaéa", numbers);
            operands.insert(1, "a".into());
            value(name, operands)
        };
        assert_eq!(find("$indexOfCP", &[]), 1.into());
        assert_eq!(find("$indexOfCP", &[2]), 3.into());
        assert_eq!(find("$indexOfCP", &[2, 3]), (-1).into());
        assert_eq!(find("$indexOfCP", &[9]), (-1).into());
        assert_eq!(find("$indexOfCP", &[3, 1]), (-1).into());
        assert_eq!(find("$indexOfBytes", &[]), 2.into());
        assert_eq!(find("$indexOfBytes", &[3]), 5.into());
        assert_eq!(value("$indexOfCP", ["a", ""]), 0.into());
        assert!(apply("$indexOfCP", [Value::from("a"), Value::Null]).is_err());
    }

    #[test]
    fn strings_are_split_trimmed_and_replaced() {
        assert_eq!(value("$split", ["a-b-", "-"]), ["a", "b", ""].into());
        assert!(apply("$split", ["a", ""]).is_err());
        assert_eq!(value("$trim", doc! {"input": " \u{a0}a b\n"}), "a b".into());
        assert_eq!(
            value("$ltrim", doc! {"input": "xxaxx", "chars": "x"}),
            "axx".into()
        );
        assert_eq!(
            value("$rtrim", doc! {"input": "xxaxx", "chars": "x"}),
            "xxa".into()
        );
        assert_eq!(value("$trim", doc! {"input": "a", "chars": null}), Value::Null);
        assert_eq!(value("$trim", doc! {"input": "a", "chars": "$none"}), Value::Null);
        assert_eq!(value("$trim", doc! {"input": "a", "chars": "$none"}), Value::Null);
        let replace = || doc! {"input": "aaa", "find": "a", "replacement": "b"};
        assert_eq!(value("$replaceOne", replace()), "baa".into());
        assert_eq!(value("$replaceAll", replace()), "bbb".into());
    }
}
