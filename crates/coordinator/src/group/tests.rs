//! Laws of the whole machine, and what its tests share.

mod properties;
pub(super) mod rig;
