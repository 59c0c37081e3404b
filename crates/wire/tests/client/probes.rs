//! A look at a mapper says at which step it fails.

use std::time::Duration;

use tokio::net::TcpListener;
use wire::client::{Settings, Shown, Step, probe};
use wire::response;

use super::reporters::settings;
use super::secure::{Files, certificate, secure, token};
use super::server::{Knows, Reply, Server};

async fn fails(settings: &Settings, step: Step, word: &str) {
    let error = probe(settings).await.unwrap_err();
    assert_eq!(error.step, step, "{error}");
    assert!(error.why.contains(word), "{error}");
}

#[tokio::test]
async fn a_mapper_is_asked_all_that_a_reporter_needs() {
    let server = Server::start().await;
    let probed = probe(&settings(&server.url())).await.unwrap();
    assert_eq!(probed.addresses, [server.address]);
    assert_eq!((probed.is_tls, probed.token), (false, Shown::None));
    assert_eq!((&probed.unknown[..], probed.is_replaced), (&[][..], false));
    // What is reported is nothing.
    let reports = server.reports();
    assert_eq!(reports.len(), 1);
    assert!(reports[0].body.contains(r#""results":[]"#));

    server.knows(Knows::Old);
    let probed = probe(&settings(&server.url())).await.unwrap();
    assert!(probed.is_replaced && probed.unknown.contains(&"srcPodUid"));
}

#[tokio::test]
async fn the_step_that_fails_is_told() {
    let closed = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let url = format!("http://{address}");
    fails(&settings(&url), Step::Connect, "refused").await;
    let nobody = settings("http://no-such-host.invalid:9090");
    fails(&nobody, Step::Name, "no-such-host.invalid").await;
    let no_authority = settings("https://localhost:9090");
    fails(&no_authority, Step::Settings, "certificate authority").await;

    let server = Server::start().await;
    server.rule(|_| Reply::Status(401, response::refused("who are you?")));
    fails(&settings(&server.url()), Step::Report, "who are you?").await;
    server.rule(|_| Reply::Slow(Duration::from_secs(5)));
    let hasty = Settings {
        timeout: Duration::from_millis(200),
        ..settings(&server.url())
    };
    fails(&hasty, Step::Report, "0.2 s").await;
}

#[tokio::test]
async fn tls_and_the_token_are_steps_of_their_own() {
    let (files, (pem, tls)) = (Files::new(), certificate());
    let server = Server::with(Some(tls)).await;
    let authority = files.write("ca.crt", &pem);
    let secret = files.write("token", "secret");
    let good = secure(&server, &authority, Some(secret.clone()));
    let probed = probe(&good).await.unwrap();
    assert_eq!((probed.is_tls, probed.token), (true, Shown::Shown));
    assert_eq!(token(&server.reports()[0]), Some("Bearer secret"));

    let (other, _) = certificate();
    let stranger = files.write("stranger.crt", &other);
    fails(&secure(&server, &stranger, None), Step::Tls, "TLS").await;
    let nothing = files.folder().join("nothing");
    fails(&secure(&server, &nothing, None), Step::Tls, "nothing").await;
    fails(
        &secure(&server, &authority, Some(nothing)),
        Step::Token,
        "nothing",
    )
    .await;

    let plain = Server::start().await;
    fails(&secure(&plain, &authority, None), Step::Tls, "TLS").await;
    let open = Settings {
        token_file: Some(secret),
        ..settings(&plain.url())
    };
    let probed = probe(&open).await.unwrap();
    assert_eq!(probed.token, Shown::Withheld);
    assert_eq!(token(&plain.reports()[0]), None);
}
