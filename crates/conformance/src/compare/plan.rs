//! What is compared, in order.

mod files;
mod groups;
mod records;
mod topics;
mod transactions;

use super::stage::Stage;
use crate::error::Error;

/// All of it. An error is that a side could not be brought to the state that was to be compared.
pub(super) fn run(stage: &mut Stage<'_>) -> Result<(), Error> {
    topics::run(stage)?;
    records::run(stage)?;
    let loaded = transactions::run(stage)?;
    groups::run(stage)?;
    transactions::finish(stage, loaded)?;
    files::run(stage)
}
