//! The calls themselves, under the names that the C library gives them.
#![allow(
    unsafe_code,
    reason = "to stand in the place of C functions is to be called as C calls, and to call them"
)]
// Why this is sound: each function has the name, the arguments and the result of the C library's of
// that name (`unistd.h`, `sys/uio.h`), hands its arguments on unchanged but for lengths that it only
// makes smaller, and reads none of the memory behind them but the lengths of a vector's parts, which
// the caller must have passed valid. What it calls is found by `dlsym(RTLD_NEXT)`, the next
// definition of the same name, so of the same type.

use std::ffi::CStr;
use std::sync::OnceLock;

use libc::{c_int, c_void, iovec, off64_t, size_t, ssize_t};

use crate::plan::{Plan, Treatment};

struct Shim {
    plan: Plan,
    log: Option<c_int>,
}

fn shim() -> &'static Shim {
    static SHIM: OnceLock<Shim> = OnceLock::new();
    SHIM.get_or_init(|| {
        let variable = |name| std::env::var(name).ok();
        let plan = Plan::read(
            variable("ONCE_SHIM_FAULT").as_deref(),
            variable("ONCE_SHIM_DELAY").as_deref(),
        );
        let log = variable("ONCE_SHIM_LOG").and_then(|path| open(&path));
        Shim { plan, log }
    })
}

fn open(path: &str) -> Option<c_int> {
    let path = std::ffi::CString::new(path).ok()?;
    let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_APPEND | libc::O_CLOEXEC;
    // SAFETY: a C string and, because a file may be made, its mode.
    let file = unsafe { libc::open(path.as_ptr(), flags, 0o644) };
    (file >= 0).then_some(file)
}

impl Shim {
    /// A line for the campaign, in one call, so that lines of threads do not mix.
    fn note(&self, line: &str) {
        if let Some(log) = self.log {
            // SAFETY: as many bytes as the text has; `write` is none of ours.
            unsafe { libc::write(log, line.as_ptr().cast(), line.len()) };
        }
    }
}

fn fails() -> c_int {
    // SAFETY: the calling thread's own `errno`.
    unsafe { *libc::__errno_location() = libc::EIO };
    -1
}

/// The next definition of a function.
fn next(name: &CStr) -> *mut c_void {
    // SAFETY: a C string.
    let found = unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) };
    if found.is_null() {
        // Nothing can be done for a caller whose function does not exist.
        std::process::abort();
    }
    found
}

fn flush(name: &'static CStr, file: c_int) -> c_int {
    let shim = shim();
    match shim.plan.sync() {
        Treatment::Fail | Treatment::Short => {
            shim.note("fault: a flush fails\n");
            return fails();
        }
        Treatment::Late(time) => {
            shim.note("delay: a flush\n");
            std::thread::sleep(time);
        }
        Treatment::Pass => {}
    }
    type Flush = unsafe extern "C" fn(c_int) -> c_int;
    // SAFETY: `fsync` and `fdatasync` are both such functions.
    let next = unsafe { std::mem::transmute::<*mut c_void, Flush>(next(name)) };
    // SAFETY: the caller's argument.
    unsafe { next(file) }
}

/// See `fdatasync(2)`.
#[unsafe(no_mangle)]
pub extern "C" fn fdatasync(file: c_int) -> c_int {
    flush(c"fdatasync", file)
}

/// See `fsync(2)`.
#[unsafe(no_mangle)]
pub extern "C" fn fsync(file: c_int) -> c_int {
    flush(c"fsync", file)
}

/// What is to be done of a write; `None`: nothing, it fails.
fn part(shim: &Shim, whole: usize) -> Option<usize> {
    match shim.plan.write() {
        Treatment::Fail => {
            shim.note("fault: a write fails\n");
            None
        }
        Treatment::Short => {
            shim.note("fault: half of a write fails\n");
            Some(whole / 2)
        }
        Treatment::Late(time) => {
            shim.note("delay: a write\n");
            std::thread::sleep(time);
            Some(whole)
        }
        Treatment::Pass => Some(whole),
    }
}

/// See `pwrite(2)`.
///
/// # Safety
/// `bytes` are `count`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwrite64(
    file: c_int,
    bytes: *const c_void,
    count: size_t,
    at: off64_t,
) -> ssize_t {
    type Write = unsafe extern "C" fn(c_int, *const c_void, size_t, off64_t) -> ssize_t;
    let Some(some) = part(shim(), count) else {
        return fails() as ssize_t;
    };
    // SAFETY: `pwrite64` is such a function.
    let next = unsafe { std::mem::transmute::<*mut c_void, Write>(next(c"pwrite64")) };
    // SAFETY: the caller's arguments, of which no more than it gave are used.
    let written = unsafe { next(file, bytes, some, at) };
    if some < count {
        fails() as ssize_t
    } else {
        written
    }
}

/// See `pwrite(2)`; on these machines offsets have 64 bits under either name.
///
/// # Safety
/// `bytes` are `count`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwrite(
    file: c_int,
    bytes: *const c_void,
    count: size_t,
    at: off64_t,
) -> ssize_t {
    // SAFETY: the same contract.
    unsafe { pwrite64(file, bytes, count, at) }
}

/// See `pwritev(2)`.
///
/// # Safety
/// `parts` are `count`, each valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwritev64(
    file: c_int,
    parts: *const iovec,
    count: c_int,
    at: off64_t,
) -> ssize_t {
    type Write = unsafe extern "C" fn(c_int, *const iovec, c_int, off64_t) -> ssize_t;
    let whole = usize::try_from(count).unwrap_or(0);
    let Some(some) = part(shim(), whole) else {
        return fails() as ssize_t;
    };
    // SAFETY: `pwritev64` is such a function.
    let next = unsafe { std::mem::transmute::<*mut c_void, Write>(next(c"pwritev64")) };
    let some_parts = c_int::try_from(some).unwrap_or(count);
    // SAFETY: the caller's arguments, of which no more than it gave are used.
    let written = unsafe { next(file, parts, some_parts, at) };
    if some < whole {
        fails() as ssize_t
    } else {
        written
    }
}

/// See `pwritev(2)`; as with `pwrite`.
///
/// # Safety
/// `parts` are `count`, each valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwritev(
    file: c_int,
    parts: *const iovec,
    count: c_int,
    at: off64_t,
) -> ssize_t {
    // SAFETY: the same contract.
    unsafe { pwritev64(file, parts, count, at) }
}
