//! The requests and responses of Kafka's client listeners, the headers, and the structures that travel
//! within them; one module per message, named after it. Generated from `schema/`.
#![allow(
    clippy::all,
    clippy::too_many_lines,
    unused_imports,
    reason = "generated; the generator is what is reviewed"
)]

include!(concat!(env!("OUT_DIR"), "/message.rs"));
