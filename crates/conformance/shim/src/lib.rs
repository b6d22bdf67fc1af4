//! File calls that fail, fall short or take long.
//!
//! Preloaded (`LD_PRELOAD`) into a broker, this library stands between it and the C library: it
//! counts the calls that write and flush, and treats some of them as the environment says.
//!
//! | variable | means |
//! |---|---|
//! | `ONCE_SHIM_FAULT` | `sync:7`: the seventh flush of a file fails with EIO. `write:7`: so does the seventh write, of which nothing is done; `short:7`: of which half is done first. |
//! | `ONCE_SHIM_DELAY` | `20:150`: every twentieth call takes up to 150 ms longer. |
//! | `ONCE_SHIM_LOG` | A file that gets a line for each fault and each delay. |
//!
//! After the fault every further call of its kind fails too: a disk that fails does not mend.

pub mod calls;
mod plan;
