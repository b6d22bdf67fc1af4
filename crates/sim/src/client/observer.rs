//! Clients that ask and change little: who asks what a group has committed, and who takes producer
//! ids and does nothing with them.

use super::member::Protocol;
use super::offsets::Question;
use super::producer::random_partition;
use super::setup::PATIENCE;
use super::trimmer::{LATEST, offset_seen};
use super::{Port, TOPICS};
use crate::invariant::Fact;
use crate::plan::Plan;
use once_check::history::{Init, Isolation, Kind, Observe, Op, Producer};
use once_wire::error::ErrorCode;
use once_wire::message::consumer_group_describe_request::ConsumerGroupDescribeRequest;
use once_wire::message::describe_groups_request::DescribeGroupsRequest;
use once_wire::message::init_producer_id_request::InitProducerIdRequest;
use once_wire::message::metadata_request::MetadataRequest;

/// Asks so often what a group has committed.
pub(crate) async fn observe(port: Port, protocol: Protocol, plan: &Plan) {
    let (operations, partitions) = (plan.operations, plan.partitions);
    let all: Vec<i32> = (0..partitions).collect();
    let mut described = false;
    for _ in 0..operations {
        if port.is_ending() {
            return;
        }
        let require_stable = port.random().below(4) == 0;
        let question = Question {
            port: &port,
            group: protocol.group(),
            member: None,
            partitions: all.clone(),
            require_stable,
        };
        question.ask().await;
        partitions_of_topics(&port).await;
        described = group(&port, protocol, described, plan.steady_clock()).await;
        end_of_a_log(&port, partitions).await;
        let pause = port.random().below(20_000);
        port.sleep(pause).await;
    }
}

/// Describes the group. Where the clock does not jump nobody removes an empty one: it does not go away, and the epochs
/// of one of KIP-848 never go back. True: it was there.
async fn group(port: &Port, protocol: Protocol, before: bool, steady: bool) -> bool {
    let link = port.connect().await;
    let name = protocol.group();
    let (code, epochs) = match protocol {
        Protocol::Classic => {
            let request = DescribeGroupsRequest {
                groups: vec![name.to_string()],
                ..Default::default()
            };
            let version = *port.random().pick(&[4, 5]);
            let answer = port.call(link, version, &request, PATIENCE).await.ok();
            let group = answer.and_then(|answer| answer.groups.into_iter().next());
            (group.map(|group| group.error_code), None)
        }
        Protocol::Consumer => {
            let request = ConsumerGroupDescribeRequest {
                group_ids: vec![name.to_string()],
                ..Default::default()
            };
            let answer = port.call(link, 1, &request, PATIENCE).await.ok();
            let group = answer.and_then(|answer| answer.groups.into_iter().next());
            let epochs = group.as_ref().map(|g| (g.group_epoch, g.assignment_epoch));
            (group.map(|group| group.error_code), epochs)
        }
    };
    port.close(link);
    let Some(code) = code else {
        return before;
    };
    match ErrorCode::from_code(code).unwrap_or(ErrorCode::UnknownServerError) {
        ErrorCode::None => {
            if let Some((group, assignment)) = epochs.filter(|_| steady) {
                observe_number(port, &format!("epoch of {name}"), group.into());
                let assigned = format!("epoch of the assignment of {name}");
                observe_number(port, &assigned, assignment.into());
            }
            true
        }
        ErrorCode::GroupIdNotFound if !(before && steady) => false,
        code if code.is_retriable() => before,
        code => {
            port.found(format!(
                "{name} is described as {code}, there before: {before}"
            ));
            before
        }
    }
}

/// A number that must not go down was seen.
fn observe_number(port: &Port, what: &str, number: i64) {
    let mut observe = Observe {
        what: what.into(),
        number: 0,
    };
    let invoked = port.invoke(Op::Observe(observe.clone()));
    observe.number = number;
    port.complete(invoked, Kind::Ok, Some(Op::Observe(observe)));
}

/// Asks for the end of a log, twice: within one life it does not go back.
async fn end_of_a_log(port: &Port, partitions: i32) {
    let topic = *port.random().pick(&TOPICS);
    let partition = random_partition(port, topic, partitions);
    let link = port.connect().await;
    let isolation = match port.random().coin() {
        true => Isolation::ReadCommitted,
        false => Isolation::ReadUncommitted,
    };
    let first = offset_seen(port, link, &partition, LATEST, isolation).await;
    let second = offset_seen(port, link, &partition, LATEST, isolation).await;
    port.close(link);
    if let (Some(first), Some(second)) = (first, second)
        && second < first
    {
        port.found(format!(
            "{partition} was said to end at {first}, and then at {second}"
        ));
    }
}

/// Sees how many partitions each topic has: never fewer than before.
async fn partitions_of_topics(port: &Port) {
    let link = port.connect().await;
    let request = MetadataRequest {
        topics: None,
        allow_auto_topic_creation: false,
        ..Default::default()
    };
    let answer = port.call(link, 12, &request, PATIENCE).await;
    port.close(link);
    let topics = answer.map(|answer| answer.topics).unwrap_or_default();
    let seen = topics.iter().filter(|topic| topic.error_code == 0);
    let seen = seen.map(|topic| (topic.topic_id, topic.partitions.len()));
    port.told(Fact::Partitions(seen.collect()));
    for topic in topics.iter().filter(|topic| topic.error_code == 0) {
        let name = topic.name.as_deref().unwrap_or_default();
        let what = format!("partitions of {name} {}", topic.topic_id);
        let number = i64::try_from(topic.partitions.len()).expect("a few");
        observe_number(port, &what, number);
    }
}

/// Takes more than a block of producer ids, more at a time than are left when the next one is
/// ordered.
pub(crate) async fn take_ids(port: Port) {
    let request = InitProducerIdRequest {
        transactional_id: None,
        transaction_timeout_ms: 1_000,
        producer_id: -1,
        producer_epoch: -1,
        ..Default::default()
    };
    let mut link = port.connect().await;
    for _ in 0..12 {
        if port.is_ending() {
            return;
        }
        let mut asked = Vec::new();
        for _ in 0..150 {
            let invoked = port.invoke(Op::Init(Init::default()));
            asked.push((invoked, port.send(link, 4, &request)));
        }
        let mut lost = false;
        for (invoked, pending) in asked {
            let Ok(response) = port.answer(pending, PATIENCE).await else {
                port.complete(invoked, Kind::Info, None);
                lost = true;
                continue;
            };
            let code = ErrorCode::from_code(response.error_code).unwrap_or_default();
            if code != ErrorCode::None {
                port.complete(invoked, Kind::Info, None);
                if !code.is_retriable() {
                    port.found(format!("a producer id was refused: {code}"));
                }
                continue;
            }
            port.given(response.producer_id);
            let producer = Producer {
                transactional_id: None,
                producer_id: Some(response.producer_id),
                epoch: Some(response.producer_epoch),
            };
            let op = Op::Init(Init { producer });
            port.complete(invoked, Kind::Ok, Some(op));
        }
        if lost {
            port.close(link);
            link = port.connect().await;
        }
    }
}
