//! Texts that a record could not hold.
//!
//! Keys, and the values of classic groups, have strings of at most 32,767 bytes. A request in a flexible
//! version can bring longer ones; they are refused before anything is decided, so that everything
//! decided can be written.

use super::command::{Command, OffsetToCommit};
use super::reply::{JoinReply, Reply};
use once_wire::ErrorCode;

/// Room is left for what the broker adds to a client id to make a member id.
const LONGEST: usize = i16::MAX as usize - 64;

/// The refusal of a command that brings too long a text.
pub(super) fn refusal(command: &Command) -> Option<Reply> {
    let error = ErrorCode::InvalidRequest;
    match command {
        Command::Join(join) => {
            let names = join.protocols.iter().map(|protocol| &protocol.name);
            let texts = [&join.group_id, &join.member_id, &join.protocol_type];
            let origin = [&join.origin.client_id, &join.origin.client_host];
            let all = names.chain(texts).chain(origin).chain(&join.instance_id);
            exceeds(all).then(|| Reply::Join(JoinReply::refused("", error)))
        }
        Command::ConsumerHeartbeat(beat) => {
            let texts = [&beat.group_id, &beat.member_id].into_iter();
            let refused =
                || Reply::ConsumerHeartbeat(Err((error, "a name is too long".to_owned())));
            exceeds(texts.chain(&beat.subscribed_regex)).then(refused)
        }
        Command::CommitOffsets(commit) => {
            exceeds(texts_of(&commit.group_id, &commit.offsets)).then(|| Reply::Offsets(Err(error)))
        }
        Command::TxnCommitOffsets(commit) => {
            exceeds(texts_of(&commit.group_id, &commit.offsets)).then(|| Reply::Offsets(Err(error)))
        }
        // These bring names only to look them up.
        Command::Sync(_)
        | Command::Heartbeat(_)
        | Command::Leave(_)
        | Command::DeleteOffsets(_)
        | Command::DeleteGroup(_)
        | Command::Topics(_)
        | Command::Tick => None,
    }
}

fn texts_of<'a>(
    group_id: &'a String,
    offsets: &'a [OffsetToCommit],
) -> impl Iterator<Item = &'a String> {
    let texts = offsets
        .iter()
        .flat_map(|asked| [&asked.partition.topic].into_iter().chain(&asked.metadata));
    texts.chain([group_id])
}

fn exceeds<'a>(mut texts: impl Iterator<Item = &'a String>) -> bool {
    texts.any(|text| text.len() > LONGEST)
}
