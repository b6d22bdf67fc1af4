//! A call of one of Apache's tools, and how what it says is looked at.

use super::view::View;

/// One call of a tool: `{}` in its arguments is the broker's address.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) script: &'static str,
    args: Vec<String>,
    pub(super) stdin: String,
    pub(super) views: Vec<View>,
}

impl Call {
    pub(super) fn new(script: &'static str, args: &str) -> Self {
        Self {
            script,
            args: args.split_whitespace().map(str::to_owned).collect(),
            stdin: String::new(),
            views: Vec::new(),
        }
    }

    /// With one argument more, which may have blanks.
    pub(super) fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    pub(super) fn stdin(mut self, stdin: impl Into<String>) -> Self {
        self.stdin = stdin.into();
        self
    }

    pub(super) fn view(mut self, view: View) -> Self {
        self.views.push(view);
        self
    }

    /// The arguments for the broker at this address.
    pub(super) fn args(&self, address: &str) -> Vec<String> {
        let args = self.args.iter();
        args.map(|arg| arg.replace("{}", address)).collect()
    }

    /// Its name in the report.
    pub(super) fn name(&self, tag: &str) -> String {
        let args = self.args.join(" ").replace(tag, "T").replace("{}", "B");
        let views: Vec<String> = self.views.iter().map(View::describe).collect();
        let views = views.join(", ").replace(tag, "T");
        if views.is_empty() {
            format!("{} {args}", self.script)
        } else {
            format!("{} {args} [{views}]", self.script)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_told_without_what_differs_from_run_to_run() {
        let call = Call::new("kafka-topics.sh", "--bootstrap-server {} --topic cmp1-a");
        assert_eq!(
            call.view(View::Sorted).name("cmp1"),
            "kafka-topics.sh --bootstrap-server B --topic T-a [lines sorted]"
        );
    }
}
