use super::*;
use once_wire::Uuid;

fn topic(id: &str, partitions: i32) -> TopicInfo {
    let id: Uuid = id.parse().expect("an id");
    TopicInfo { id, partitions }
}

/// Topics and hashes as Apache Kafka 4.3.1 logged them ("Bumped group epoch to … with metadata
/// hash …"). Names and partitions make inputs of 41, 231 and more than 1,200 bytes: XXH3 treats
/// each of these lengths in its own way.
#[test]
fn a_groups_topics_have_kafkas_hash() {
    let t1 = topic("CesO7glTQuu0DhynyZ1o5Q", 3);
    let t50 = topic("nI2EGKugTkaRjR7RaAPAlA", 50);
    let many = topic("1NGiPa3eTE-3YMJGmXInCA", 300);
    let hash = |topics: &[(&str, &TopicInfo)]| hash_of_topics(topics.iter().copied());
    assert_eq!(hash(&[("t1", &t1)]), -6_156_343_608_589_787_082);
    assert_eq!(hash(&[("t50", &t50)]), -6_043_088_755_241_915_027);
    assert_eq!(hash(&[("many", &many)]), -2_370_459_291_838_552_610);
    assert_eq!(
        hash(&[("many", &many), ("t1", &t1), ("t50", &t50)]),
        6_982_907_922_151_387_833
    );
    assert_eq!(hash(&[]), 0);
}
