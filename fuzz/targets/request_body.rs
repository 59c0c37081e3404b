//! The body of a request to the mapper: what the fast route takes, the engine would take too, and both need the same
//! role. As an answer of a mapper, the same bytes harm no client.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use mapper::access::{Roles, needs::needs};
use wire::decode::Request;
use wire::document::recognise;
use wire::engine::Inputs;
use wire::{Decoded, decode, response};

static INPUTS: LazyLock<Inputs> =
    LazyLock::new(|| Inputs::of(wire::sdl::SERVED).expect("our own schema"));

fuzz_target!(|body: &[u8]| {
    match decode(body) {
        Decoded::Recognised(report) => {
            let request = Request::read(body).expect("a report is a request");
            let known = recognise(&request.query).expect("a report has a known document");
            assert_eq!(known.kind, report.kind());
            assert_eq!(roles(&request), Some(Roles::KNOWN | Roles::REPORT));
            let answer = response::reported(report.kind(), true);
            let field = report.kind().field();
            assert!(response::boolean(answer.as_bytes(), field).expect("our own answer"));
        }
        Decoded::NotRecognised(request) => {
            // A fragment that nothing uses asks for nothing.
            let unused = " fragment Unused_ on Query { edges { client { name } } }";
            let mut longer = request.clone();
            longer.query.to_mut().push_str(unused);
            if let (Some(before), Some(after)) = (roles(&request), roles(&longer)) {
                assert!(before == after || request.query.contains("Unused_"));
            }
        }
        Decoded::Undecodable(message) | Decoded::Invalid(message) => {
            let answer = response::refused(&message);
            let error = response::boolean(answer.as_bytes(), "health").expect_err("a refusal");
            assert_eq!(error.to_string(), message);
        }
    }
    if let Ok(data) = response::data::<serde_json::Value>(body) {
        assert!(!data.is_null());
    }
});

/// As the server tells them, behind the engine's parser and its view of the variables.
fn roles(request: &Request<'_>) -> Option<Roles> {
    let mut request = INPUTS.request(request).ok()?;
    let document = request.parsed_query().expect("it was parsed already");
    Some(needs(document))
}
