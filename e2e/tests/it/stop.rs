//! How it ends.

use std::io::{BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use e2e::http;
use e2e::mapper::Mapper;
use e2e::time::wait;

/// A request whose body lacks its last byte.
fn begun(mapper: &Mapper) -> TcpStream {
    let mut stream = http::connect(mapper.address).unwrap();
    let head = "POST /query HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 20\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(b"{\"query\":\"{health}\"").unwrap();
    stream
}

/// Waits until it says that it stops.
fn stops(mapper: &Mapper) {
    let said = wait(Duration::from_secs(10), || {
        mapper.log().contains("\"stopping\"").then_some(())
    });
    assert!(said.is_some(), "{}", mapper.log());
}

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn it_ends_within_five_seconds_whatever_is_open() {
    let mut mapper = Mapper::ready("stop", &[]);
    let mut events = http::connect(mapper.address).unwrap();
    events
        .write_all(b"GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .unwrap();
    let mut events = BufReader::new(events);
    assert_eq!(http::read_head(&mut events).unwrap().0, 200);
    let _idle: Vec<_> = (0..20)
        .map(|_| http::connect(mapper.address).unwrap())
        .collect();
    let mut half = http::connect(mapper.address).unwrap();
    half.write_all(b"POST /query HTT").unwrap();
    // One of these requests goes on, the other never does.
    let (_never, mut slow) = (begun(&mapper), begun(&mapper));
    let mut other = mapper.client();
    assert_eq!(other.send("GET", "/healthz", &[], b"").unwrap().status, 200);
    mapper.signal("TERM");
    stops(&mapper);
    slow.write_all(b"}").unwrap();
    let answer = http::read(&mut BufReader::new(slow), false).unwrap();
    assert_eq!(
        (answer.status, &*answer.text()),
        (200, "{\"data\":{\"health\":true}}")
    );
    let ended = mapper.wait_end(Duration::from_secs(5));
    let (status, _) = ended.expect("it does not stop in time");
    assert_eq!(status.code(), Some(0), "{}", mapper.log());
}

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn a_second_sigterm_ends_it_at_once() {
    let mut mapper = Mapper::ready("stop-twice", &[]);
    // Without it, the first would do.
    let _open = begun(&mapper);
    let mut other = mapper.client();
    assert_eq!(other.send("GET", "/healthz", &[], b"").unwrap().status, 200);
    mapper.signal("TERM");
    stops(&mapper);
    assert!(mapper.is_alive(), "{}", mapper.log());
    mapper.signal("TERM");
    let ended = mapper.wait_end(Duration::from_secs(2));
    let (status, _) = ended.expect("it does not stop at once");
    assert_eq!(status.code(), Some(143), "{}", mapper.log());
}
