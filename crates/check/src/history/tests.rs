use super::*;

fn sample() -> History {
    let mut history = History::new();
    let orders = Partition::new("or-ders", 0).generation(2);
    let me = Producer::transactional("me").with_epoch(1000, 3);
    history.event(
        0,
        1,
        Kind::Ok,
        Begin {
            txn: 5,
            producer: me.clone(),
        },
    );
    let record = SendRecord::new(orders.clone(), 7u64).txn(5).by(me.clone());
    let send = history.invoke(1, 1, record.clone());
    let poll = history.invoke(2, 2, Poll::new(Isolation::ReadUncommitted));
    history.ok_with(3, send, record.at(4));
    let read = PartitionRead::new(orders.clone())
        .record(4, 7u64)
        .positions(0, 5);
    history.ok_with(4, poll, Poll::new(Isolation::ReadUncommitted).read(read));
    let commit = history.invoke(5, 1, Op::commit(5, me));
    history.info(6, commit);
    history.event(7, 9, Kind::Info, Crash::Broker);
    history.event(8, 9, Kind::Info, Op::Healed {});
    let fetch = FetchOffsets {
        group: "g".into(),
        require_stable: true,
        offsets: [(orders, None)].into(),
    };
    history.invoke(9, 3, fetch);
    history
}

#[test]
fn a_history_survives_its_lines() {
    let history = sample();
    let mut lines = Vec::new();
    history.write(&mut lines).expect("memory does not fail");
    let read = History::read(lines.as_slice()).expect("our own lines");
    assert_eq!(read.events(), history.events());
}

#[test]
fn the_lines_are_plain() {
    let mut lines = Vec::new();
    sample().write(&mut lines).expect("memory does not fail");
    let text = String::from_utf8(lines).expect("JSON is UTF-8");
    let line = text.lines().nth(3).expect("the send's completion");
    assert_eq!(
        line,
        r#"{"time_us":3,"process":1,"id":0,"type":"ok","op":{"send":{"partition":"or-ders-0@2","value":7,"offset":4,"txn":5,"producer":{"transactional_id":"me","producer_id":1000,"epoch":3}}}}"#
    );
}

#[test]
fn a_writer_writes_what_a_history_would() {
    let mut writer = HistoryWriter::new(Vec::new());
    let id = writer.invoke(1, 1, Op::note("a")).expect("memory");
    writer.complete(2, id, Kind::Ok, None).expect("memory");
    assert!(writer.complete(3, id, Kind::Ok, None).is_err());
    let mut history = History::new();
    let invoked = history.invoke(1, 1, Op::note("a"));
    history.ok(2, invoked);
    let mut lines = Vec::new();
    history.write(&mut lines).expect("memory");
    assert_eq!(writer.finish().expect("memory"), lines);
}

#[test]
fn a_misspelt_field_is_an_error() {
    let send = |field: &str| {
        let op = format!(r#"{{"send":{{"partition":"a-0","value":1,"{field}":3}}}}"#);
        let line = format!(r#"{{"time_us":1,"process":1,"id":0,"type":"ok","op":{op}}}"#);
        History::read(format!("{line}\n").as_bytes())
    };
    assert!(send("offset").is_ok());
    assert!(send("ofset").is_err());
}

#[test]
fn a_bad_line_is_named_and_a_torn_one_cuts_the_history() {
    let mut lines = Vec::new();
    sample().write(&mut lines).expect("memory");
    let torn = History::read(&lines[..lines.len() - 9]).expect("all but the last line");
    assert!(torn.is_cut());
    assert_eq!(torn.events().len(), sample().events().len() - 1);
    lines.extend(b"{\"time_us\":1}\n");
    let error = History::read(lines.as_slice()).expect_err("no event");
    let line = sample().events().len() + 1;
    assert!(
        error.to_string().starts_with(&format!("line {line} ")),
        "{error}"
    );
}
