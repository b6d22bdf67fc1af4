//! Tells the system's allocator to give memory back.
//!
//! By default glibc learns from the first large buffer that is freed to keep the next ones, in as
//! many arenas as there are threads: after a burst of large answers the process stays large. With
//! a fixed threshold such buffers are mapped and unmapped, and two arenas serve the rest.

/// Buffers from this size on go back to the system when they are freed.
#[cfg(target_env = "gnu")]
const MAPPED_BYTES: i32 = 32 << 10;

/// Sets the allocator up. Called once, before there are threads.
#[cfg(target_env = "gnu")]
#[allow(
    unsafe_code,
    reason = "mallopt takes two integers and has no other way to be called"
)]
pub(crate) fn give_back() {
    // SAFETY: `mallopt` reads its two integers and changes the allocator's own settings; glibc
    // documents it as safe to call at any time. Its answer says whether the value was taken; if
    // not, the defaults stay, which is sound too.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 2);
        libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPED_BYTES);
        libc::mallopt(libc::M_TRIM_THRESHOLD, MAPPED_BYTES);
    }
}

/// Other allocators have no such habit.
#[cfg(not(target_env = "gnu"))]
pub(crate) fn give_back() {}
