//! What is left of a pattern where there are only ASCII characters, as in the names of topics.
//!
//! A class may stand for a million characters, and more if the case does not matter; to read it would
//! take as long. So every class is clipped before it is read, and the rest of the pattern is read byte
//! by byte. A character outside ASCII becomes a byte that no name has. That `(?i)` takes the sign of
//! Kelvin for a `k`, and the long s for an `s`, is lost with it.

use regex_syntax::ast::{
    AssertionKind, Ast, ClassBracketed, ClassSet, ClassSetItem, ClassSetRange, ClassSetUnion,
    ClassUnicode, ClassUnicodeKind, Flag, Flags, FlagsItemKind, GroupKind, HexLiteralKind, Literal,
    LiteralKind, RepetitionKind, RepetitionRange, Span,
};
use regex_syntax::hir::translate::{Translator, TranslatorBuilder};
use regex_syntax::hir::{self, Hir, HirKind};

/// The last character of ASCII.
const LAST: char = '\x7f';
/// A byte that is in no name.
const NOWHERE: char = '\u{ff}';
/// How often a pattern may name a kind of characters (`\pL`). To read each takes long, as it stands for
/// hundreds of ranges.
const KINDS_MAX: usize = 64;
/// RE2's most repetitions.
const REPETITIONS_MAX: u32 = 1_000;

/// Reads a pattern.
///
/// # Errors
/// It is no pattern, or one with something in it that RE2 does not have or reads in another way (the head of
/// the module above names what is not noticed).
pub(super) fn read(text: &str) -> Result<Hir, String> {
    let parsed = regex_syntax::ast::parse::Parser::new().parse(text);
    let mut ast = parsed.map_err(|error| error.to_string())?;
    Clipper::default().clip(&mut ast)?;
    let mut bytes = TranslatorBuilder::new();
    let mut translator = bytes.unicode(false).utf8(false).build();
    translator
        .translate(text, &ast)
        .map_err(|error| error.to_string())
}

#[derive(Default)]
struct Clipper {
    kinds: usize,
}

impl Clipper {
    fn clip(&mut self, ast: &mut Ast) -> Result<(), String> {
        match ast {
            Ast::Empty(_) | Ast::Dot(_) | Ast::ClassPerl(_) => {}
            Ast::Flags(set) => known(&set.flags)?,
            Ast::Literal(literal) => clip_literal(literal),
            Ast::Assertion(assertion) => match assertion.kind {
                AssertionKind::StartLine
                | AssertionKind::EndLine
                | AssertionKind::StartText
                | AssertionKind::EndText
                | AssertionKind::WordBoundary
                | AssertionKind::NotWordBoundary => {}
                _ => return Err("words begin and end at \\b only".into()),
            },
            Ast::ClassUnicode(class) => {
                *ast = Ast::class_bracketed(self.kind(class)?);
            }
            Ast::ClassBracketed(class) => self.clip_class(&mut class.kind)?,
            Ast::Repetition(repeated) => {
                if let RepetitionKind::Range(range) = &repeated.op.kind {
                    bounded(range)?;
                }
                self.clip(&mut repeated.ast)?;
            }
            Ast::Group(group) => {
                if let GroupKind::NonCapturing(flags) = &group.kind {
                    known(flags)?;
                }
                self.clip(&mut group.ast)?;
            }
            Ast::Alternation(of) => self.clip_all(&mut of.asts)?,
            Ast::Concat(of) => self.clip_all(&mut of.asts)?,
        }
        Ok(())
    }

    fn clip_all(&mut self, asts: &mut [Ast]) -> Result<(), String> {
        asts.iter_mut().try_for_each(|ast| self.clip(ast))
    }

    fn clip_class(&mut self, set: &mut ClassSet) -> Result<(), String> {
        match set {
            ClassSet::Item(item) => self.clip_item(item),
            ClassSet::BinaryOp(_) => Err("classes know no &&, -- and ~~".into()),
        }
    }

    fn clip_item(&mut self, item: &mut ClassSetItem) -> Result<(), String> {
        match item {
            ClassSetItem::Empty(_) | ClassSetItem::Ascii(_) | ClassSetItem::Perl(_) => {}
            ClassSetItem::Literal(literal) => {
                if !literal.c.is_ascii() {
                    *item = ClassSetItem::Empty(literal.span);
                }
            }
            ClassSetItem::Range(range) => {
                if !range.start.c.is_ascii() {
                    *item = ClassSetItem::Empty(range.span);
                } else if !range.end.c.is_ascii() {
                    range.end = literal(range.end.span, LAST);
                }
            }
            ClassSetItem::Unicode(class) => {
                *item = ClassSetItem::Bracketed(Box::new(self.kind(class)?));
            }
            ClassSetItem::Bracketed(_) => return Err("a [ in a class is written \\[".into()),
            ClassSetItem::Union(union) => {
                for item in &mut union.items {
                    self.clip_item(item)?;
                }
            }
        }
        Ok(())
    }

    /// The ASCII characters of a kind. What is negated stays so: if the case does not matter, that comes first.
    fn kind(&mut self, class: &ClassUnicode) -> Result<ClassBracketed, String> {
        self.kinds += 1;
        if self.kinds > KINDS_MAX {
            return Err("it names kinds of characters too often".into());
        }
        if matches!(class.kind, ClassUnicodeKind::NamedValue { .. }) {
            return Err("kinds of characters have one name".into());
        }
        let (span, negated) = (class.span, false);
        let ast = Ast::class_unicode(ClassUnicode {
            negated,
            ..class.clone()
        });
        let all = Translator::new().translate("", &ast);
        let all = all.map_err(|error| error.kind().to_string())?;
        let range = |(start, end)| {
            ClassSetItem::Range(ClassSetRange {
                span,
                start: literal(span, start),
                end: literal(span, end),
            })
        };
        let items = ranges(&all).into_iter().map(range).collect();
        Ok(ClassBracketed {
            span,
            negated: class.negated,
            kind: ClassSet::union(ClassSetUnion { span, items }),
        })
    }
}

/// The ranges of ASCII characters that a class has.
fn ranges(class: &Hir) -> Vec<(char, char)> {
    match class.kind() {
        HirKind::Class(hir::Class::Unicode(class)) => class
            .iter()
            .take_while(|range| range.start() <= LAST)
            .map(|range| (range.start(), range.end().min(LAST)))
            .collect(),
        HirKind::Literal(hir::Literal(bytes)) if bytes.is_ascii() => {
            let one = |byte: &u8| (char::from(*byte), char::from(*byte));
            bytes.iter().map(one).collect()
        }
        _ => Vec::new(),
    }
}

fn literal(span: Span, c: char) -> Literal {
    let kind = LiteralKind::Verbatim;
    Literal { span, kind, c }
}

fn clip_literal(literal: &mut Literal) {
    if !literal.c.is_ascii() {
        literal.c = NOWHERE;
        literal.kind = LiteralKind::HexFixed(HexLiteralKind::X);
    }
}

/// RE2's flags.
fn known(flags: &Flags) -> Result<(), String> {
    for item in &flags.items {
        let FlagsItemKind::Flag(flag) = item.kind else {
            continue;
        };
        match flag {
            Flag::CaseInsensitive | Flag::MultiLine | Flag::DotMatchesNewLine | Flag::SwapGreed => {
            }
            _ => return Err("the flags are i, m, s and U".into()),
        }
    }
    Ok(())
}

fn bounded(range: &RepetitionRange) -> Result<(), String> {
    let (RepetitionRange::Exactly(most)
    | RepetitionRange::AtLeast(most)
    | RepetitionRange::Bounded(_, most)) = *range;
    if most > REPETITIONS_MAX {
        return Err(format!("nothing is repeated above {REPETITIONS_MAX} times"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_re2_reads_in_another_way_is_refused() {
        for pattern in [
            "[a&&b]",
            "[+--]",
            "[a~~b]",
            "[[a]b]",
            "(?u)a",
            "(?x)a b",
            "(?x:a b)",
            "(?R)a",
            "\\b{start}a",
            "\\<a",
            "a{1001}",
            "a{2,1001}",
            "a{1001,}",
        ] {
            assert!(read(pattern).is_err(), "{pattern}");
        }
        for pattern in [
            "[[:alpha:]b]",
            "(?imsU)a",
            "(?-i:a)",
            "a{1000}",
            "\\ba\\B",
            "[]a]",
        ] {
            assert!(read(pattern).is_ok(), "{pattern}");
        }
    }

    #[test]
    fn nothing_outside_ascii_is_left() {
        let is_small = |pattern: &str| read(pattern).expect(pattern).properties().is_utf8();
        assert!(is_small("(?i)[!-\u{10ffff}\\pL\\p{Greek}é]"));
        assert!(is_small("\\pN+\\p{Greek}*"));
        assert!(!is_small("é"));
    }

    #[test]
    fn a_class_of_everything_is_read_as_quickly_as_any() {
        let classes = "[!-\u{10ffff}]".repeat(2_000);
        assert!(read(&format!("(?i){classes}")).is_ok());
    }
}
