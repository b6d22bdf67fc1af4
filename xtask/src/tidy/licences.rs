//! Every dependency's licence is one that `deny.toml` allows: `cargo deny check licenses` in small,
//! so that the gate needs no other tool.

use super::Finding;
use super::workspace::{Package, Workspace};

const LIST: &str = "deny.toml";

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let allowed = allowed(workspace.text(LIST));
    let refused = |package: &Package| {
        let Package {
            name,
            version,
            license,
            ..
        } = package;
        match satisfied(license, &allowed) {
            Some(true) => None,
            Some(false) => Some(format!(
                "{name} {version}: {LIST} does not allow '{license}'"
            )),
            None => Some(format!(
                "{name} {version}: no licence can be read in '{license}'"
            )),
        }
    };
    workspace.others.iter().filter_map(refused).collect()
}

/// The texts in `allow = [ … ]` under `[licenses]`.
fn allowed(deny: &str) -> Vec<&str> {
    deny.lines()
        .skip_while(|line| *line != "[licenses]")
        .skip_while(|line| *line != "allow = [")
        .skip(1)
        .take_while(|line| *line != "]")
        .filter_map(|line| line.split('"').nth(1))
        .collect()
}

/// Whether an SPDX expression can be met with the allowed licences; `None` if it is not one.
fn satisfied(expression: &str, allowed: &[&str]) -> Option<bool> {
    // Old manifests write "MIT/Apache-2.0" for a choice.
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let met = any(&mut rest, allowed)?;
    rest.is_empty().then_some(met)
}

/// `a OR b OR …`; OR binds less than AND.
fn any(words: &mut &[&str], allowed: &[&str]) -> Option<bool> {
    let mut met = all(words, allowed)?;
    while take(words, "OR") {
        met |= all(words, allowed)?;
    }
    Some(met)
}

/// `a AND b AND …`
fn all(words: &mut &[&str], allowed: &[&str]) -> Option<bool> {
    let mut met = one(words, allowed)?;
    while take(words, "AND") {
        met &= one(words, allowed)?;
    }
    Some(met)
}

/// A licence, one `WITH` an exception, or an expression in parentheses.
fn one(words: &mut &[&str], allowed: &[&str]) -> Option<bool> {
    if take(words, "(") {
        let met = any(words, allowed)?;
        return take(words, ")").then_some(met);
    }
    let (licence, rest) = words.split_first()?;
    if ["OR", "AND", "WITH", "(", ")"].contains(licence) {
        return None;
    }
    *words = rest;
    if !take(words, "WITH") {
        return Some(allowed.contains(licence));
    }
    let (exception, rest) = words.split_first()?;
    *words = rest;
    Some(allowed.contains(&format!("{licence} WITH {exception}").as_str()))
}

fn take(words: &mut &[&str], word: &str) -> bool {
    match words.split_first() {
        Some((first, rest)) if *first == word => {
            *words = rest;
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWED: [&str; 3] = ["MIT", "BSD-3-Clause", "Apache-2.0 WITH LLVM-exception"];

    #[test]
    fn an_expression_is_met_by_one_choice_and_needs_every_part() {
        for (expression, met) in [
            ("MIT", Some(true)),
            ("GPL-3.0", Some(false)),
            ("GPL-3.0 OR MIT", Some(true)),
            ("GPL-3.0/MIT", Some(true)),
            ("GPL-3.0 AND MIT", Some(false)),
            ("MIT AND BSD-3-Clause", Some(true)),
            ("(MIT OR GPL-3.0) AND BSD-3-Clause", Some(true)),
            ("(MIT OR GPL-3.0) AND GPL-2.0", Some(false)),
            ("MIT OR GPL-3.0 AND GPL-2.0", Some(true)),
            ("Apache-2.0 WITH LLVM-exception", Some(true)),
            ("Apache-2.0", Some(false)),
            ("", None),
            ("MIT OR", None),
            ("(MIT", None),
            ("MIT BSD-3-Clause", None),
        ] {
            assert_eq!(satisfied(expression, &ALLOWED), met, "{expression}");
        }
    }

    #[test]
    fn the_list_is_read_from_its_own_section() {
        let deny = "[bans]\nallow = [\n  \"x\",\n]\n\n[licenses]\nversion = 2\nallow = [\n  \"MIT\",\n  \"Zlib\",\n]\n";
        assert_eq!(allowed(deny), ["MIT", "Zlib"]);
    }
}
