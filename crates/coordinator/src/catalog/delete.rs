//! DeleteTopics (Kafka: `ControllerApis.deleteTopics`).

use std::collections::BTreeSet;

use once_wire::{ErrorCode, Uuid};

use super::command::{DeletedTopic, Event, Refusal, TopicRef};
use super::machine::Catalog;
use super::once_each::once_each;

impl Catalog {
    pub(super) fn delete_topics(&self, topics: &[TopicRef]) -> (Vec<Event>, Vec<DeletedTopic>) {
        let mut events = Vec::new();
        let mut results = Vec::new();
        let mut gone = BTreeSet::new();
        for (topic, twice) in once_each(topics, |topic| (&topic.name, topic.id.0)) {
            let mut result = self.find_to_delete(topic, twice);
            if result.result.is_ok() {
                if gone.insert(result.id) {
                    events.push(Event::TopicRemoved { id: result.id });
                } else {
                    result.result = Err(Refusal::new(
                        ErrorCode::InvalidRequest,
                        "The provided topic name maps to an ID that was already supplied.",
                    ));
                }
            }
            results.push(result);
        }
        (events, results)
    }

    fn find_to_delete(&self, wanted: &TopicRef, twice: bool) -> DeletedTopic {
        let TopicRef { name, id } = wanted;
        let refused = |refusal| DeletedTopic {
            name: name.clone(),
            id: *id,
            result: Err(refusal),
        };
        let invalid = |message: &str| refused(Refusal::new(ErrorCode::InvalidRequest, message));
        if !self.config.delete_topic_enable {
            return refused(Refusal::bare(ErrorCode::TopicDeletionDisabled));
        }
        let (found, missing) = match (name, id.is_zero()) {
            (None, true) => return invalid("Neither topic name nor id were specified."),
            (Some(_), false) => {
                return invalid("You may not specify both topic name and topic id.");
            }
            (Some(_), true) if twice => return invalid("Duplicate topic name."),
            (None, false) if twice => return invalid("Duplicate topic id."),
            (Some(name), true) => (self.topic(name), ErrorCode::UnknownTopicOrPartition),
            (None, false) => (self.topic_by_id(*id), ErrorCode::UnknownTopicId),
        };
        match found {
            None => DeletedTopic {
                name: name.clone(),
                id: if name.is_some() { Uuid::ZERO } else { *id },
                result: Err(Refusal::bare(missing)),
            },
            Some(topic) => DeletedTopic {
                name: Some(topic.name.clone()),
                id: topic.id,
                result: Ok(()),
            },
        }
    }
}
