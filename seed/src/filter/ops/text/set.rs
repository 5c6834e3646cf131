//! Sets of characters: those with a name in PCRE, and the other cases of one.

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, HirKind};

use super::{too_large, unsupported};
use crate::error::Result;

/// How many characters of ranges may have their other cases looked up in one pattern, which takes about 50 ms.
const MAX_FOLDED: usize = 8_000_000;

pub(super) fn of(ranges: impl IntoIterator<Item = (char, char)>) -> ClassUnicode {
    ClassUnicode::new(
        ranges
            .into_iter()
            .map(|(start, end)| ClassUnicodeRange::new(start, end)),
    )
}

pub(super) fn of_char(character: char) -> ClassUnicode {
    of([(character, character)])
}

pub(super) fn negated(mut set: ClassUnicode) -> ClassUnicode {
    set.negate();
    set
}

pub(super) fn all() -> ClassUnicode {
    of([('\0', char::MAX)])
}

pub(super) fn not_newline() -> ClassUnicode {
    negated(of_char('\n'))
}

/// Line breaks as `\R` knows them, the pair of carriage return and newline aside.
pub(super) fn vertical() -> ClassUnicode {
    of([('\n', '\r'), ('\u{85}', '\u{85}'), ('\u{2028}', '\u{2029}')])
}

/// Returns the set of a letter after a backslash, if it stands for one. Without a mode of its own, which MongoDB does
/// not set, PCRE knows only ASCII here; `\h` and `\v` are the exception.
pub(super) fn by_letter(letter: char) -> Option<ClassUnicode> {
    let set = match letter.to_ascii_lowercase() {
        'd' => of([('0', '9')]),
        'w' => of([('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]),
        's' => of([('\t', '\r'), (' ', ' ')]),
        'v' => vertical(),
        'h' => of([
            ('\t', '\t'),
            (' ', ' '),
            ('\u{a0}', '\u{a0}'),
            ('\u{1680}', '\u{1680}'),
            ('\u{180e}', '\u{180e}'),
            ('\u{2000}', '\u{200a}'),
            ('\u{202f}', '\u{202f}'),
            ('\u{205f}', '\u{205f}'),
            ('\u{3000}', '\u{3000}'),
        ]),
        _ => return None,
    };
    Some(if letter.is_ascii_uppercase() {
        negated(set)
    } else {
        set
    })
}

/// Returns the set of a POSIX class such as `alpha`, in ASCII.
pub(super) fn by_posix_name(name: &str, caseless: bool) -> Option<ClassUnicode> {
    Some(match name {
        "lower" | "upper" if caseless => of([('A', 'Z'), ('a', 'z')]),
        "alpha" => of([('A', 'Z'), ('a', 'z')]),
        "lower" => of([('a', 'z')]),
        "upper" => of([('A', 'Z')]),
        "alnum" => of([('0', '9'), ('A', 'Z'), ('a', 'z')]),
        "ascii" => of([('\0', '\x7f')]),
        "blank" => of([('\t', '\t'), (' ', ' ')]),
        "cntrl" => of([('\0', '\x1f'), ('\x7f', '\x7f')]),
        "digit" => of([('0', '9')]),
        "graph" => of([('!', '~')]),
        "print" => of([(' ', '~')]),
        "punct" => of([('!', '/'), (':', '@'), ('[', '`'), ('{', '~')]),
        "space" => of([('\t', '\r'), (' ', ' ')]),
        "word" => of([('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]),
        "xdigit" => of([('0', '9'), ('A', 'F'), ('a', 'f')]),
        _ => return None,
    })
}

/// Returns the set of a general category of Unicode.
///
/// Scripts are refused: which characters belong to one changed between versions of PCRE.
pub(super) fn by_property(name: &str) -> Result<ClassUnicode> {
    const CATEGORIES: [&str; 37] = [
        "C", "Cc", "Cf", "Cn", "Co", "Cs", "L", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me", "Mn", "N",
        "Nd", "Nl", "No", "P", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "S", "Sc", "Sk", "Sm", "So", "Z",
        "Zl", "Zp", "Zs",
    ];
    let pattern = match name {
        "Any" => return Ok(all()),
        "L&" => r"[\p{Lu}\p{Ll}\p{Lt}]".to_owned(),
        // No text has surrogates.
        "Cs" => return Ok(of([])),
        name if CATEGORIES.contains(&name) => format!(r"\p{{{name}}}"),
        _ => return Err(unsupported(&format!("the property \\p{{{name}}}"))),
    };
    let parsed = regex_syntax::parse(&pattern).map(regex_syntax::hir::Hir::into_kind);
    match parsed {
        Ok(HirKind::Class(Class::Unicode(set))) => Ok(set),
        _ => Err(unsupported(&format!("the property \\p{{{name}}}"))),
    }
}

/// Adds the other cases of characters, counting what that costs.
#[derive(Debug, Default)]
pub(super) struct CaseFolder {
    folded: usize,
}

impl CaseFolder {
    pub(super) fn fold(&mut self, set: &mut ClassUnicode) -> Result<()> {
        self.folded += set.ranges().iter().map(ClassUnicodeRange::len).sum::<usize>();
        if self.folded > MAX_FOLDED {
            return Err(too_large());
        }
        set.case_fold_simple();
        Ok(())
    }
}
