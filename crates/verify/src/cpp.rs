//! The consume-process-produce load: many records through transactions, and the judge that reads
//! back what became of each.
//!
//! Everything the judge needs is in the records' own headers, so that it needs no memory of the
//! run: an output names its input and its transaction, and the transaction's size.

mod judge;
mod load;
mod processor;
mod tag;

pub use judge::{Judge, Judgement, judge};
pub use load::{Load, LoadOptions, LoadReport};
pub use processor::{Processor, ProcessorConfig, Source};
pub use tag::{InputTag, OutputTag};
