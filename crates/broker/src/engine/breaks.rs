//! Fences that a mutant opens, to show that a simulation sees it.

use super::action::Action;
use super::core::Engine;
use crate::mutant::Mutant;

impl Engine {
    /// Whether a mutant lets `action` pass before its fences are open.
    pub(super) fn lets_pass(&self, action: &Action) -> bool {
        let breaks = |mutant| self.config.breaks(mutant);
        match action {
            Action::Reply(..) | Action::Settle(..) => breaks(Mutant::AnswerBeforeFlush),
            Action::Effect { .. } => breaks(Mutant::MarkerBeforePrepare),
            Action::MarkersFlushed { .. } => breaks(Mutant::CompleteBeforeMarkers),
            Action::Refill(_) => breaks(Mutant::UseIdsBeforeDurable),
            Action::Remove(_) => breaks(Mutant::RemoveBeforeDurable),
            Action::Silence(_)
            | Action::Wake(..)
            | Action::Added(_)
            | Action::Snapshot(_)
            | Action::GoOn(_) => false,
        }
    }
}
