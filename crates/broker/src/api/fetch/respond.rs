//! A fetch's answer from what was gathered.

use super::plan::{Plan, Session};
use crate::engine::{Context, FetchKey, Told};
use once_wire::error::ErrorCode;
use once_wire::message::fetch_response::{FetchResponse, FetchableTopicResponse, PartitionData};

/// The answer. An incremental session leaves out partitions of which there is nothing new to say.
pub(super) fn response(cx: &mut Context<'_>, plan: &mut Plan) -> FetchResponse {
    let session_id = match plan.session {
        Session::None => 0,
        Session::New(id) | Session::Incremental(id) => id,
    };
    let mut responses: Vec<FetchableTopicResponse> = Vec::new();
    for target in &mut plan.targets {
        let Some(data) = target.data.take() else {
            continue;
        };
        let news = session_id == 0 || {
            let has_records = data
                .records
                .as_ref()
                .is_some_and(|records| !records.is_empty());
            cx.fetch_sessions()
                .tell(session_id, &target.key, told(&data), has_records)
        };
        if news || !matches!(plan.session, Session::Incremental(_)) {
            push(&mut responses, &target.key, *data);
        }
    }
    FetchResponse {
        session_id,
        responses,
        ..Default::default()
    }
}

fn told(data: &PartitionData) -> Told {
    Told {
        high_watermark: data.high_watermark,
        log_start_offset: data.log_start_offset,
        error: ErrorCode::from_code(data.error_code).unwrap_or(ErrorCode::UnknownServerError),
    }
}

/// Partitions of one topic that follow each other share its entry.
fn push(responses: &mut Vec<FetchableTopicResponse>, key: &FetchKey, data: PartitionData) {
    match responses.last_mut() {
        Some(last) if *last.topic == *key.topic && last.topic_id == key.topic_id => {
            last.partitions.push(data);
        }
        _ => responses.push(FetchableTopicResponse {
            topic: key.topic.to_string(),
            topic_id: key.topic_id,
            partitions: vec![data],
            ..Default::default()
        }),
    }
}
