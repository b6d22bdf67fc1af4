//! Both brokers at once: every tool runs against each, and what it says is compared.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::both::Both;
use super::call::Call;
use super::diff::diff;
use super::normalise::{Known, normalise};
use super::view::View;
use crate::error::Error;
use crate::link::Link;
use crate::tool::{Running, Said, Tools};

/// How a tool ends that has done what it was asked.
const GOOD_END: &str = "exit status: 0";
/// How long a call by hand may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// One of the two.
#[derive(Debug, Clone)]
pub(super) struct Side {
    pub(super) name: &'static str,
    pub(super) address: String,
    pub(super) data: Option<PathBuf>,
}

/// A comparison made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// What was compared.
    pub name: String,
    /// The lines only Kafka has (`-`) and only `once` has (`+`); empty if they are equal.
    pub difference: Vec<String>,
}

/// The stage on which the comparison goes.
pub(super) struct Stage<'a> {
    pub(super) sides: Both<Side>,
    /// What the names of everything this run makes begin with.
    pub(super) tag: String,
    tools: Tools,
    since_ms: u64,
    only: Option<String>,
    cases: Vec<Case>,
    tell: &'a mut dyn FnMut(&str),
}

impl<'a> Stage<'a> {
    pub(super) fn new(
        sides: Both<Side>,
        tools: Tools,
        only: Option<String>,
        tell: &'a mut dyn FnMut(&str),
    ) -> Self {
        let since_1970 = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        Self {
            sides,
            tag: format!("cmp{:x}", since_1970.as_secs()),
            tools,
            since_ms: u64::try_from(since_1970.as_millis())
                .unwrap_or(u64::MAX)
                .saturating_sub(3_600_000),
            only,
            cases: Vec::new(),
            tell,
        }
    }

    /// A name of this run.
    pub(super) fn name(&self, what: &str) -> String {
        format!("{}-{what}", self.tag)
    }

    /// Runs a tool on both sides and compares what it says and how it ends.
    pub(super) fn compare(&mut self, call: &Call) -> Result<(), Error> {
        let name = call.name(&self.tag);
        if self
            .only
            .as_ref()
            .is_some_and(|only| !name.contains(only.as_str()))
        {
            return Ok(());
        }
        let said = self.run(call)?;
        self.judge(name, call, &said);
        Ok(())
    }

    /// Runs a tool on both sides because of what it does; where it fails, that is a difference.
    pub(super) fn act(&mut self, call: &Call) -> Result<(), Error> {
        let said = self.run(call)?;
        let mut difference = failure('-', &said.kafka);
        difference.extend(failure('+', &said.once));
        if !difference.is_empty() {
            self.note(call.name(&self.tag), difference);
        }
        Ok(())
    }

    /// Compares two texts that no tool said.
    pub(super) fn compare_texts(&mut self, name: String, texts: &Both<Vec<String>>) {
        self.note(name, diff(&texts.kafka, &texts.once));
    }

    /// Starts a tool on both sides and leaves it running.
    pub(super) fn start(&self, call: &Call) -> Result<Both<Running>, Error> {
        let (script, tools) = (self.script(call)?, &self.tools);
        self.sides.each(|side| {
            let args = call.args(&side.address);
            let name = format!("{}-running", side.name);
            tools.start(&name, &script, &args, &call.stdin)
        })
    }

    /// Whether the scripts have this one.
    pub(super) fn has(&self, script: &str) -> bool {
        self.tools.find(script).is_some()
    }

    /// Does something by hand on both sides.
    pub(super) fn by_hand<U: Send>(
        &self,
        act: impl Fn(&mut Link) -> Result<U, Error> + Sync,
    ) -> Result<Both<U>, Error> {
        self.sides
            .each(|side| act(&mut Link::connect(&side.address, PATIENCE)?))
    }

    /// Notes a comparison that was made.
    pub(super) fn note(&mut self, name: String, difference: Vec<String>) {
        let outcome = if difference.is_empty() {
            "equal    "
        } else {
            "DIFFERENT"
        };
        (self.tell)(&format!("{outcome} {name}"));
        for line in &difference {
            (self.tell)(&format!("    {line}"));
        }
        self.cases.push(Case { name, difference });
    }

    pub(super) fn tell(&mut self, line: &str) {
        (self.tell)(line);
    }

    pub(super) fn cases(self) -> Vec<Case> {
        self.cases
    }

    fn script(&self, call: &Call) -> Result<PathBuf, Error> {
        let missing = || Error::Usage(format!("the scripts lack {}", call.script));
        self.tools.find(call.script).ok_or_else(missing)
    }

    fn run(&self, call: &Call) -> Result<Both<Said>, Error> {
        let (script, tools) = (self.script(call)?, &self.tools);
        self.sides.each(|side| {
            let args = call.args(&side.address);
            tools.start(side.name, &script, &args, &call.stdin)?.wait()
        })
    }

    /// Runs a tool with other arguments on each side.
    pub(super) fn compare_apart(
        &mut self,
        call: &Call,
        args: &Both<String>,
        name: &str,
    ) -> Result<(), Error> {
        if self
            .only
            .as_ref()
            .is_some_and(|only| !name.contains(only.as_str()))
        {
            return Ok(());
        }
        let (script, tools) = (self.script(call)?, &self.tools);
        let both = Both {
            kafka: (&self.sides.kafka, &args.kafka),
            once: (&self.sides.once, &args.once),
        };
        let said = both.each(|(side, arg)| {
            let mut args = call.args(&side.address);
            args.push((*arg).clone());
            tools.start(side.name, &script, &args, "")?.wait()
        })?;
        self.judge(name.to_owned(), call, &said);
        Ok(())
    }

    /// Runs a tool by itself, without a broker; gives all that it says.
    pub(super) fn run_alone(&self, script: &'static str, args: &[String]) -> Result<String, Error> {
        let script = self.script(&Call::new(script, ""))?;
        let said = self.tools.start("alone", &script, args, "")?.wait()?;
        Ok(format!("{}{}", said.stdout, said.stderr))
    }

    fn judge(&mut self, name: String, call: &Call, said: &Both<Said>) {
        let kafka = self.seen(&self.sides.kafka, call, &said.kafka);
        let once = self.seen(&self.sides.once, call, &said.once);
        self.note(name, diff(&kafka, &once));
    }

    /// What of an output is compared: its records in the views asked for, then its errors and its
    /// end.
    fn seen(&self, side: &Side, call: &Call, said: &Said) -> Vec<String> {
        let data = side.data.as_deref().and_then(Path::to_str);
        let known = Known {
            address: &side.address,
            data,
            since_ms: self.since_ms,
        };
        let (early, late): (Vec<&View>, Vec<&View>) =
            call.views.iter().partition(|view| view.is_early());
        let raw = early.iter().fold(said.stdout.clone(), |text, view| {
            let lines = text.lines().map(str::to_owned).collect();
            view.apply(lines).join("\n")
        });
        let lines = late
            .iter()
            .fold(normalise(&raw, &known), |lines, view| view.apply(lines));
        let errors = normalise(&said.stderr, &known);
        let errors = errors.into_iter().map(|line| format!("stderr: {line}"));
        let end = (said.ended != GOOD_END).then(|| format!("ended: {}", said.ended));
        lines.into_iter().chain(errors).chain(end).collect()
    }
}

/// How a tool failed, with the last that it said; nothing if it did not.
fn failure(mark: char, said: &Said) -> Vec<String> {
    if said.ended == GOOD_END {
        return Vec::new();
    }
    let lines: Vec<&str> = said.stdout.lines().chain(said.stderr.lines()).collect();
    let last = lines[lines.len().saturating_sub(5)..].iter();
    let told = std::iter::once(said.ended.as_str()).chain(last.copied());
    told.map(|line| format!("{mark} {line}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(tell: &mut dyn FnMut(&str)) -> Stage<'_> {
        let scratch = tempfile::tempdir().expect("a directory").keep();
        std::fs::write(scratch.join("kafka-topics.sh"), "").expect("a file");
        let side = |name, address: &str| Side {
            name,
            address: address.to_owned(),
            data: None,
        };
        let sides = Both {
            kafka: side("kafka", "h:1"),
            once: side("once", "h:2"),
        };
        let tools = Tools::new(Some(&scratch), &scratch).expect("there is one");
        Stage::new(sides, tools, None, tell)
    }

    fn said(stdout: &str, ended: &str) -> Said {
        Said {
            stdout: stdout.to_owned(),
            stderr: String::new(),
            ended: ended.to_owned(),
        }
    }

    #[test]
    fn outputs_are_equal_up_to_what_is_normalised() {
        let mut tell = |_: &str| {};
        let mut stage = stage(&mut tell);
        let call = Call::new("kafka-topics.sh", "--bootstrap-server {} --list").view(View::Sorted);
        let good = "exit status: 0";
        let outputs = [
            (said("a h:1\nb", good), said("b\na  h:2", good)),
            (said("a", good), said("a", "exit status: 1")),
            (said("a", good), said("b", good)),
        ];
        for (kafka, once) in outputs {
            stage.judge("x".to_owned(), &call, &Both { kafka, once });
        }
        let differences: Vec<_> = stage.cases().into_iter().map(|c| c.difference).collect();
        let expected: [&[&str]; 3] = [&[], &["+ ended: exit status: 1"], &["- a", "+ b"]];
        assert_eq!(differences, expected);
    }
}
