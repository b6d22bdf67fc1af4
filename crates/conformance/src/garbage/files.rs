//! Open files: each connection is one, here and in the broker, which inherits what is allowed.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::error::Error;

/// Lets this process and those it starts have `needed` files open.
pub(super) fn allow(needed: usize) -> Result<(), Error> {
    let needed = needed as u64;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    // Up to the hard limit anybody may; beyond it, root.
    let maximum = limit.maximum.map(|maximum| maximum.max(needed));
    let raised = Rlimit {
        current: maximum.or(Some(needed)),
        maximum,
    };
    setrlimit(Resource::Nofile, raised).map_err(|errno| {
        Error::Usage(format!(
            "{needed} open files are needed, and the hard limit is {} ({errno}): raise it \
             (ulimit -Hn), or ask for fewer --connections",
            limit.maximum.unwrap_or(u64::MAX)
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_allowed_already_stays_so() {
        let before = getrlimit(Resource::Nofile);
        allow(1).expect("one is always allowed");
        assert_eq!(getrlimit(Resource::Nofile), before);
    }
}
