//! Valid requests of every API and version, spoilt in every way. The broker may answer anything
//! that is addressed to the request, or close the connection.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use super::super::ground::{Ground, Outcome};
use super::super::mutate::Mutation;
use super::super::samples::Sample;
use super::{crowd, sweep};
use crate::rng::Rng;

const ATTACKERS: usize = 12;
/// A spoilt request may rightly wait for long: a frame that lacks its end, a fetch whose wait is
/// now days.
const PATIENCE: Duration = Duration::from_millis(150);
/// Spares the ports.
const PAUSE: Duration = Duration::from_millis(2);

pub(super) async fn run(ground: Arc<Ground>, rng: Rng, until: Instant) {
    crowd(ATTACKERS, &ground, &rng, |_, ground, rng| async move {
        attack(&ground, rng, until).await;
    })
    .await;
}

async fn attack(ground: &Ground, mut rng: Rng, until: Instant) {
    let requests: Vec<_> = sweep::requests(&ground.apis).collect();
    let mut connection = None;
    while Instant::now() < until && !requests.is_empty() {
        let (sample, version) = *rng.pick(&requests);
        let stream = match connection.take() {
            Some(stream) => Some(stream),
            None => ground.connect().await,
        };
        if let Some(stream) = stream {
            connection = one(ground, stream, sample, version, &mut rng).await;
        }
        if connection.is_none() {
            sleep(PAUSE).await;
        }
    }
}

/// Sends one mutant; gives the connection back if it can be used on.
async fn one(
    ground: &Ground,
    mut stream: TcpStream,
    sample: &Sample,
    version: i16,
    rng: &mut Rng,
) -> Option<TcpStream> {
    let id = rng.next() as i32;
    let content = sample.content(&ground.scene, version, id);
    let content = content.expect("every sample can be written");
    let mutation = *rng.pick(&Mutation::ALL);
    let sent = mutation.apply(&content, rng);
    let outcome = ground.exchange(&mut stream, &sent, PATIENCE).await;
    let Outcome::Answer(answer) = outcome else {
        return None;
    };
    if answer.get(..4) != correlation_id(&sent) {
        ground.find("answers to nobody", || {
            format!(
                "{} version {version}, {mutation:?}: sent {sent:02x?}, got {answer:02x?}",
                sample.api
            )
        });
    }
    // The rest of a frame cut short is read as the next request.
    (mutation != Mutation::Short).then_some(stream)
}

/// The correlation id of the first frame in here, if it is long enough to have one.
fn correlation_id(sent: &[u8]) -> Option<&[u8]> {
    let announced = u32::from_be_bytes(*sent.first_chunk()?) as usize;
    sent.get(4..)
        .and_then(|content| content.get(..announced.min(content.len())))
        .and_then(|content| content.get(4..8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_correlation_id_is_that_of_the_frame_announced() {
        let sent = |announced: u32| [&announced.to_be_bytes()[..], b"keyvCORRrest"].concat();
        assert_eq!(correlation_id(&sent(12)), Some(&b"CORR"[..]));
        assert_eq!(correlation_id(&sent(8)), Some(&b"CORR"[..]));
        assert_eq!(correlation_id(&sent(7)), None);
        assert_eq!(correlation_id(&sent(1 << 20)), Some(&b"CORR"[..]));
        assert_eq!(correlation_id(b"abc"), None);
    }
}
