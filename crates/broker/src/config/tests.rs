use super::*;

#[test]
fn keys_are_in_order_and_read_back_what_they_were_set_to() {
    assert!(SETTINGS.windows(2).all(|pair| pair[0].key < pair[1].key));
    for setting in SETTINGS {
        let mut config = Config::default();
        let value = match setting.key {
            "listeners" | "advertised.listeners" => "PLAINTEXT://example:1234".to_owned(),
            "log.dirs" => "data".to_owned(),
            "log.flush.interval.messages" => i64::MAX.to_string(),
            "compression.type" => "zstd".to_owned(),
            "auto.create.topics.enable" | "log.cleaner.enable" => "false".to_owned(),
            "log.cleaner.min.cleanable.ratio" => "0.25".to_owned(),
            "log.cleanup.policy" => "compact,delete".to_owned(),
            "log.segment.bytes" | "queued.max.request.bytes" => "2000000".to_owned(),
            _ => "2048".to_owned(),
        };
        assert_eq!(config.set(setting.key, &value), Ok(None), "{}", setting.key);
        assert_eq!((setting.get)(&config), Some(value), "{}", setting.key);
        assert!(
            config.set(setting.key, "no,such thing").is_err(),
            "{}",
            setting.key
        );
    }
}

#[test]
fn the_tutorials_settings_are_understood() {
    let mut config = Config::default();
    let text = "# tutorial\ntransaction.max.timeout.ms=900000\ntransactional.id.expiration.ms = 86400000\n";
    for (key, value) in parse_properties(text).expect("a good file") {
        assert_eq!(config.set(&key, &value), Ok(None));
    }
    assert_eq!(config.transactional_id_expiration_ms, 86_400_000);
}

#[test]
fn an_unknown_key_and_a_flush_interval_between_are_refused() {
    let mut config = Config::default();
    assert_eq!(
        config.set("num.partition", "3"),
        Err(SettingError::Unknown("num.partition".into()))
    );
    let error = config
        .set("log.flush.interval.messages", "100")
        .expect_err("between");
    assert!(error.to_string().contains("use 1"), "{error}");
}

#[test]
fn the_listeners_of_kafkas_own_file_are_understood() {
    let listeners = |text| {
        let mut config = Config::default();
        config.set("listeners", text).map(|_| config.listener)
    };
    let shipped = listeners("PLAINTEXT://:9092,CONTROLLER://:9093");
    assert_eq!(shipped, Ok(Some((String::new(), 9092))));
    for wrong in [
        "PLAINTEXT://:9092,PLAINTEXT://:9094",
        "CONTROLLER://:9093",
        "SSL://:1",
    ] {
        let error = listeners(wrong).expect_err("not one plain listener");
        assert!(error.to_string().contains("one listener"), "{error}");
    }
}
