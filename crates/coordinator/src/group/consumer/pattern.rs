//! What a pattern matches, in time that does not depend on the pattern.
//!
//! Everybody waits while a pattern is matched against the topics. An automaton with one state per set
//! of positions (a DFA) takes one look at a table for each byte of a name; all the work that a pattern
//! can make is in building it, and that is bounded by its size. Nothing of it is kept.
//!
//! Kafka takes what RE2/J takes. Most of that is taken here. Refused are: octal escapes (`\012`), `\C`,
//! braces that are no repetition (`a{`), very long ones, and patterns whose automaton grows too large whether it reads
//! names forwards or backwards, for which a gap of bounded length must lie between repetitions without
//! bound (`.*-.{20}-.*`). A few spellings are taken that RE2/J refuses (`\u{e9}`, `a**`)
//! or reads in another way: `[--/]` and `[]-a]` have no range here, and `a{ 2 }` repeats.

use super::draft::Refusal;
use once_wire::ErrorCode;
use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind};
use regex_syntax::hir::Hir;

mod ascii;

/// The longest pattern, in bytes.
const LENGTH_MAX: usize = 16 << 10;
/// The largest automaton of a pattern before its positions are made sets, in bytes.
const POSITIONS_MAX: usize = 256 << 10;
/// What the sets may take while the table is made, in bytes: they are the work of it.
const SETS_MAX: usize = 96 << 10;
/// Beyond so many kinds of bytes that a pattern tells apart, it is half as much: each set is looked at
/// for each of them.
const ALPHABET_SMALL: usize = 16;
/// The largest table, in bytes.
const TABLE_MAX: usize = 1 << 20;

/// A pattern that can be matched.
pub(super) struct Pattern {
    table: dense::DFA<Vec<u32>>,
    backwards: bool,
    work: usize,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// INVALID_REGULAR_EXPRESSION: it is no pattern, or too large a one.
    pub(super) fn new(text: &str) -> Result<Self, Refusal> {
        let refused = |why: &str| {
            let text = format!("{text} is no regular expression: {why}");
            (ErrorCode::InvalidRegularExpression, text)
        };
        if text.len() > LENGTH_MAX {
            return Err(refused("it is too long"));
        }
        let hir = ascii::read(&unquoted(text)).map_err(|why| refused(&why))?;
        table(&hir, false)
            .or_else(|| table(&hir, true))
            .ok_or_else(|| refused("it takes too long to match"))
    }

    /// Whether it matches the whole of a topic's name.
    pub(super) fn matches(&self, name: &str) -> bool {
        if self.backwards {
            self.accepts(name.bytes().rev())
        } else {
            self.accepts(name.bytes())
        }
    }

    fn accepts(&self, bytes: impl Iterator<Item = u8>) -> bool {
        let from_the_edge = start::Config::new().anchored(Anchored::Yes);
        let Ok(mut state) = self.table.start_state(&from_the_edge) else {
            return false;
        };
        for byte in bytes {
            state = self.table.next_state(state, byte);
            if self.table.is_dead_state(state) {
                return false;
            }
        }
        self.table.is_match_state(self.table.next_eoi_state(state))
    }

    /// What it took to make its table: how many positions may be in how many sets.
    pub(super) fn work(&self) -> usize {
        self.work
    }
}

/// The table for a pattern, unless it would be too large.
fn table(hir: &Hir, backwards: bool) -> Option<Pattern> {
    let positions = thompson::Config::new()
        .reverse(backwards)
        .which_captures(WhichCaptures::None)
        .nfa_size_limit(Some(POSITIONS_MAX));
    let mut compiler = thompson::Compiler::new();
    let nfa = compiler.configure(positions).build_from_hir(hir).ok()?;
    let is_small = nfa.byte_classes().alphabet_len() <= ALPHABET_SMALL;
    let sets_max = if is_small { SETS_MAX } else { SETS_MAX / 2 };
    let config = dense::Config::new()
        .start_kind(StartKind::Anchored)
        .match_kind(MatchKind::All)
        .accelerate(false)
        .dfa_size_limit(Some(TABLE_MAX))
        .determinize_size_limit(Some(sets_max));
    let mut builder = dense::Builder::new();
    let table = builder.configure(config).build_from_nfa(&nfa).ok()?;
    let sets = table.memory_usage() / (size_of::<u32>() << table.stride2());
    let work = nfa.states().len() * sets;
    Some(Pattern {
        table,
        backwards,
        work,
    })
}

/// RE2/J's quotes: all between `\Q` and `\E`, or the end, stands for itself.
fn unquoted(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        plain.push_str(before);
        if let Some(quoted) = escape.strip_prefix("\\Q") {
            let (literal, after) = quoted.split_once("\\E").unwrap_or((quoted, ""));
            plain.push_str(&regex_syntax::escape(literal));
            rest = after;
        } else {
            let length = escape.chars().take(2).map(char::len_utf8).sum();
            let (pair, after) = escape.split_at(length);
            plain.push_str(pair);
            rest = after;
        }
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        let pattern = Pattern::new(pattern);
        pattern
            .map_err(|refused| refused.1)
            .expect("a pattern")
            .matches(name)
    }

    #[test]
    fn common_patterns_are_taken_and_match_whole_names() {
        let names: Vec<String> = (0..40).map(|n| format!("orders-eu-{n:04}")).collect();
        let alternatives = names.join("|");
        let cases = [
            ("orders-.*", "orders-eu", "my-orders-eu"),
            (".*", "anything", "\u{e9}\n"),
            (
                "(eu|us)\\.(orders|payments)\\.v[0-9]{1,3}",
                "us.orders.v17",
                "us.orders.v1723",
            ),
            ("a|ab", "ab", "abc"),
            (&*alternatives, "orders-eu-0039", "orders-eu-0040"),
            ("[a-z0-9]{1,200}", "t0", "T0"),
            ("x{1000}", &"x".repeat(1000), "x"),
            ("\\pL+", "Orders", "orders1"),
            ("\\p{Lu}\\w+", "Orders_1", "orders_1"),
            ("\\P{Lu}+[\\P{Lu}]", "orders", "Orders"),
            ("(?i)\\P{Lu}+[\\P{Ll}]", "1.2", "orders"),
            ("\\Qa.b\\E", "a.b", "axb"),
            ("\\Qa.b\\E.|\\\\Q|\\Q(", "a.bc", "a.b"),
            ("\\Qa.b\\E.|\\\\Q|\\Q(", "(", "Q"),
            ("(?i)orders\\b.*", "ORDERS-1", "ORDERS1"),
            ("orders\\_\\-1", "orders_-1", "orders1"),
            (".*-.{1,60}", "a-b", "a-"),
            ("(?:)", "", "a"),
        ];
        for (pattern, good, bad) in cases {
            assert!(matches(pattern, good), "{pattern} matches {good}");
            assert!(!matches(pattern, bad), "{pattern} does not match {bad}");
        }
    }

    #[test]
    fn what_is_no_pattern_by_itself_is_refused() {
        for pattern in ["a)|(?:b", "(", "a)", "(?:", "[a", "*", "a\\", "(?x:a #"] {
            let refused = Pattern::new(pattern).map(|_| ()).expect_err(pattern);
            assert_eq!(refused.0, ErrorCode::InvalidRegularExpression);
        }
    }

    #[test]
    fn a_pattern_that_takes_long_to_match_is_refused() {
        let kinds = "(?i:\\pL)".repeat(1_000);
        for pattern in [
            "((a?){1,250}){1,100}b",
            "(a|b)*a(a|b){80}a(a|b)*",
            "(a?){4000}b",
            &*kinds,
        ] {
            let refused = Pattern::new(pattern).map(|_| ()).expect_err(pattern);
            assert_eq!(refused.0, ErrorCode::InvalidRegularExpression);
        }
    }
}
