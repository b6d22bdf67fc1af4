//! Two of something, and the same done with both at once.

use std::thread;

use crate::error::Error;

/// Two of something, Kafka's first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Both<T> {
    pub(super) kafka: T,
    pub(super) once: T,
}

impl<T> Both<T> {
    /// Does the same with both at once.
    pub(super) fn each<U: Send>(
        &self,
        act: impl Fn(&T) -> Result<U, Error> + Sync,
    ) -> Result<Both<U>, Error>
    where
        T: Sync,
    {
        let Both { kafka, once } = self;
        Both { kafka, once }.each_own(act)
    }

    /// The same with what they own.
    pub(super) fn each_own<U: Send>(
        self,
        act: impl Fn(T) -> Result<U, Error> + Sync,
    ) -> Result<Both<U>, Error>
    where
        T: Send,
    {
        let (act, kafka) = (&act, self.kafka);
        thread::scope(|scope| {
            let kafka = scope.spawn(move || act(kafka));
            let once = act(self.once);
            let kafka = kafka
                .join()
                .map_err(|_| Error::Wrong("a comparing thread panicked".to_owned()))?;
            Ok(Both {
                kafka: kafka?,
                once: once?,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_one_side_is_the_error_of_both() {
        let both = Both { kafka: 1, once: 2 };
        let sum = both.each(|n| Ok(n + 1)).expect("both go well");
        assert_eq!(sum, Both { kafka: 2, once: 3 });
        let failed = both.each(|n| {
            if *n == 1 {
                Err(Error::Wrong("x".to_owned()))
            } else {
                Ok(())
            }
        });
        failed.expect_err("one did not");
    }
}
