//! A valid request of every API and version that the broker advertises: each must be answered, by
//! bytes that are its answer. What the answer says is for other checks.

use std::sync::Arc;
use std::time::Duration;

use once_wire::{ApiKey, VersionRange};

use super::super::ground::{Ground, Outcome};
use super::super::mutate::frame;
use super::super::samples::Sample;
use super::crowd;
use crate::rng::Rng;

const CALLERS: usize = 8;
/// A JoinGroup may wait for a session timeout.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) async fn run(ground: Arc<Ground>) {
    crowd(
        CALLERS,
        &ground,
        &Rng::new(0),
        |number, ground, _| async move {
            for (sample, version) in requests(&ground.apis).skip(number).step_by(CALLERS) {
                ask(&ground, sample, version).await;
            }
        },
    )
    .await;
}

/// Every version that both sides know of every API that has a sample.
pub(super) fn requests(
    apis: &[(ApiKey, VersionRange)],
) -> impl Iterator<Item = (&'static Sample, i16)> {
    apis.iter().flat_map(|(api, offered)| {
        let known = api.versions().map(|versions| versions.stable);
        let range = known.map_or(VersionRange::new(0, -1), |known| {
            VersionRange::new(known.min.max(offered.min), known.max.min(offered.max))
        });
        Sample::of(*api)
            .into_iter()
            .flat_map(move |sample| range.iter().map(move |version| (sample, version)))
    })
}

async fn ask(ground: &Ground, sample: &Sample, version: i16) {
    let id = i32::from(sample.api.key()) << 8 | i32::from(version);
    let content = sample
        .content(&ground.scene, version, id)
        .expect("every sample can be written");
    let Some(mut stream) = ground.connect().await else {
        return;
    };
    let sent = frame(content.len(), &content);
    let name = || format!("{} version {version}", sample.api);
    match ground.exchange(&mut stream, &sent, PATIENCE).await {
        Outcome::Answer(answer) => {
            if let Err(error) = sample.check(answer, version, id) {
                ground.find("malformed answers", || error.to_string());
            }
        }
        outcome => ground.find("valid requests not answered", || {
            format!("{}: {outcome:?}", name())
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_that_only_one_side_knows_are_left_out() {
        let apis = [
            (ApiKey::Produce, VersionRange::new(0, 4)),
            (ApiKey::Heartbeat, VersionRange::new(3, 99)),
            (ApiKey::Vote, VersionRange::new(0, 1)),
        ];
        let met: Vec<_> = requests(&apis)
            .map(|(s, version)| (s.api, version))
            .collect();
        assert_eq!(
            met,
            [
                (ApiKey::Produce, 3),
                (ApiKey::Produce, 4),
                (ApiKey::Heartbeat, 3),
                (ApiKey::Heartbeat, 4)
            ]
        );
    }
}
