//! The contract over HTTP: good requests, bad ones, and hostile ones. The mapper answers, and goes on.

use std::io::{BufReader, Read, Write};
use std::time::Duration;

use e2e::http;
use e2e::mapper::Mapper;
use serde_json::json;

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn statuses_are_those_of_the_old_contract() {
    let mapper = Mapper::ready("statuses", &[]);
    let status = |document: &str, variables| mapper.ask(document, &variables).status;
    assert_eq!(
        mapper.query("query Health { health }", &json!({})),
        json!({"health": true})
    );
    // Not JSON, and not a request.
    assert_eq!(mapper.post(b"{\"query\":").status, 400);
    assert_eq!(mapper.post(b"[1]").status, 400);
    // Documents and variables that the schema refuses.
    assert_eq!(status("{", json!({})), 422);
    assert_eq!(status("{ nonsense }", json!({})), 422);
    let report = "mutation($r: CaptureResults!) { reportCaptureResults(results: $r) }";
    assert_eq!(status(report, json!({})), 422);
    let unknown = json!({"r": {"results": [], "unknown": 1}});
    assert_eq!(status(report, unknown), 422);
    assert_eq!(status(report, json!({"r": {"results": []}})), 200);
    // A single item stands for a list, numbers for text, text for integers of 64 bits, times have fractions.
    let lenient = json!({"r": {"results": {"srcIp": 1, "srcHostname": "", "destinations": {
        "destination": "a.example", "TTL": "9223372036854775807", "lastSeen": "2026-11-25T12:00:00.123456789+02:00",
    }}}});
    assert_eq!(status(report, lenient), 200);
    // Methods and media.
    let mut client = mapper.client();
    let plain = [("content-type", "text/plain")];
    let sent = client.send("POST", "/query", &plain, b"{\"query\":\"{health}\"}");
    assert_eq!(sent.unwrap().status, 400);
    let mut get = |path: &str| client.send("GET", path, &[], b"").unwrap();
    assert_eq!(
        get("/query?query=%7Bhealth%7D").text(),
        "{\"data\":{\"health\":true}}"
    );
    assert_eq!(get("/query?query=mutation%7BresetCapture%7D").status, 406);
    assert_eq!(get("/nowhere").status, 404);
    let put = client.send("PUT", "/query", &[], b"").unwrap();
    assert_eq!(put.status, 405);
    // Introspection tells the fields that a mapper knows.
    let schema = mapper.query(
        "{ __type(name: \"Destination\") { inputFields { name } } }",
        &json!({}),
    );
    let fields = schema["__type"]["inputFields"].to_string();
    assert!(
        fields.contains("destinationPodUid") && fields.contains("TTL"),
        "{fields}"
    );
    assert_eq!(
        mapper.query("mutation ResetCapture { resetCapture }", &json!({})),
        json!({"resetCapture": true})
    );
    mapper.wait_ends(1, 0, Duration::from_secs(45));
}

/// Each of these ended the replaced mapper, or took its memory.
#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn hostile_requests_harm_nobody() {
    let mut mapper = Mapper::ready("hostile", &[]);
    let before = mapper.memory();
    let source = |destinations| json!({"results": [{"srcIp": "10.9.9.9", "srcHostname": "", "destinations": destinations}]});
    mapper.report("reportTCPCaptureResults", &source(json!([])));
    let now = e2e::time::from_now(0);
    let named =
        |name: &str, ip| json!([{"destination": name, "destinationIP": ip, "lastSeen": now}]);
    mapper.report(
        "reportCaptureResults",
        &source(named("cluster.local", json!(null))),
    );
    mapper.report(
        "reportCaptureResults",
        &source(named("api.example.com", json!(null))),
    );
    mapper.report(
        "reportCaptureResults",
        &source(named("api.example.com", json!("203.0.113.9"))),
    );
    // Deep, wide and repeated documents.
    let deep = format!("{}{}", "{ a".repeat(20_000), "}".repeat(20_000));
    assert_eq!(mapper.ask(&deep, &json!({})).status, 422);
    let wide = format!("{{ {} }}", "health ".repeat(20_000));
    assert_eq!(mapper.ask(&wide, &json!({})).status, 422);
    let cycle = "query { ...f } fragment f on Query { ...f }";
    assert_eq!(mapper.ask(cycle, &json!({})).status, 422);
    // A body that says it is huge, half a request, no request at all.
    let mut client = mapper.client();
    let huge = [
        ("content-type", "application/json"),
        ("expect", "100-continue"),
    ];
    let announced = vec![b' '; 33 << 20];
    if let Ok(answer) = client.send("POST", "/query", &huge, &announced) {
        assert_eq!(answer.status, 413);
    }
    let mut half = http::connect(mapper.address).unwrap();
    half.write_all(b"POST /query HTTP/1.1\r\ncontent-le")
        .unwrap();
    let mut noise = http::connect(mapper.address).unwrap();
    noise.write_all(&[0xff; 4096]).unwrap();
    let mut silent = Vec::new();
    silent.extend((0..200).map(|_| http::connect(mapper.address).unwrap()));
    assert!(mapper.is_alive());
    assert_eq!(
        mapper.query("{ health }", &json!({})),
        json!({"health": true})
    );
    mapper.wait_ends(3, 0, Duration::from_secs(45));
    let grown = mapper.memory().saturating_sub(before);
    assert!(grown < 150 << 10, "{grown} KiB more than at the start");
}

/// A client whose body comes a byte at a time, until the server has had enough: the status that it gets.
fn trickle(mapper: &Mapper) -> u16 {
    let mut stream = http::connect(mapper.address).unwrap();
    let head = "POST /query HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let mut writing = stream.try_clone().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            while writing.write_all(b" ").is_ok() {
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        let mut reading = BufReader::new(stream);
        let answer = http::read(&mut reading, false).unwrap();
        // The connection ends with it, in one way or another.
        let _reset = reading.read_to_end(&mut Vec::new());
        answer.status
    })
}

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn a_body_that_trickles_in_is_cut_off_and_holds_up_nobody() {
    let mapper = Mapper::ready("trickle", &[]);
    std::thread::scope(|scope| {
        let slow: Vec<_> = (0..40).map(|_| scope.spawn(|| trickle(&mapper))).collect();
        for _ in 0..100 {
            assert_eq!(
                mapper.query("{ health }", &json!({})),
                json!({"health": true})
            );
            mapper.report("reportCaptureResults", &json!({"results": []}));
        }
        let waiting = slow.iter().filter(|client| !client.is_finished()).count();
        assert_eq!(waiting, slow.len(), "others were served meanwhile");
        for client in slow {
            assert_eq!(client.join().unwrap(), 408);
        }
    });
}
