//! TLS and tokens.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use wire::client::{Settings, SettingsError, reporter};
use wire::response;

use super::reporters::{all_out, now, report, run, settings, until};
use super::server::{Reply, Seen, Server};

/// A certificate for `localhost` that signs itself: in PEM, and a server that shows it.
pub(crate) fn certificate() -> (String, ServerConfig) {
    let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let pem = pem::encode(&pem::Pem::new("CERTIFICATE", certificate.der().as_ref()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        );
    (pem, config.unwrap())
}

pub(crate) struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

pub(crate) fn secure(server: &Server, authority: &Path, token: Option<PathBuf>) -> Settings {
    Settings {
        ca_file: Some(authority.to_owned()),
        token_file: token,
        ..settings(&format!("https://localhost:{}", server.address.port()))
    }
}

pub(crate) fn token(seen: &Seen) -> Option<&str> {
    let header = seen.headers.get("authorization")?;
    Some(header.to_str().unwrap())
}

#[tokio::test]
async fn over_tls_the_token_is_shown_and_read_again_when_it_is_refused() {
    let (files, (pem, tls)) = (Files::new(), certificate());
    let server = Server::with(Some(tls)).await;
    let authority = files.write("ca.crt", &pem);
    let path = files.write("token", "first\n");
    let (reporter, _task) = run(secure(&server, &authority, Some(path)));
    reporter.offer(report(0..1));
    all_out(&reporter).await;
    server.rule(|seen| match token(seen) {
        Some("Bearer second") => Reply::Take,
        _ => Reply::Status(401, response::refused("a token is needed")),
    });
    reporter.offer(report(1..2));
    let stats = until(&reporter, |stats| stats.trouble.is_some()).await;
    assert_eq!(stats.trouble.unwrap().why, "status 401: a token is needed");
    let before = server.reports().len();
    files.write("token", "second");
    let stats = all_out(&reporter).await;
    assert_eq!(stats.delivered, 2);
    // One may have been on its way.
    assert!(server.reports().len() - before <= 2);
    assert_eq!(server.taken(), [0, 1]);
    let seen = server.seen();
    assert_eq!(token(&seen[0]), Some("Bearer first"), "the question too");
    assert!(seen.iter().all(|seen| seen.connection == 0));
}

#[tokio::test]
async fn over_plain_http_no_token_is_sent() {
    let files = Files::new();
    let server = Server::start().await;
    let (reporter, _task) = run(Settings {
        token_file: Some(files.write("token", "secret")),
        ..settings(&server.url())
    });
    reporter.offer(report(0..1));
    all_out(&reporter).await;
    let seen = server.seen();
    assert_eq!(seen.len(), 2);
    for seen in seen {
        assert_eq!(token(&seen), None);
        assert!(!format!("{:?} {}", seen.headers, seen.body).contains("secret"));
    }
}

#[tokio::test]
async fn https_needs_an_authority() {
    let https = settings("https://mapper:9090");
    let error = reporter(https, now, 1).unwrap_err();
    assert!(matches!(error, SettingsError::NoAuthority(_)));
    assert!(
        error
            .to_string()
            .starts_with("https://mapper:9090/query needs a file"),
        "{error}"
    );
}

#[tokio::test]
async fn a_mapper_that_another_authority_vouches_for_is_told_nothing() {
    let (files, (pem, _), (_, other)) = (Files::new(), certificate(), certificate());
    let server = Server::with(Some(other)).await;
    let authority = files.write("ca.crt", &pem);
    let token = files.write("token", "secret");
    let (reporter, _task) = run(secure(&server, &authority, Some(token)));
    reporter.offer(report(0..1));
    let stats = until(&reporter, |stats| stats.trouble.is_some()).await;
    let why = stats.trouble.unwrap().why;
    assert!(why.starts_with("TLS with https://localhost:"), "{why}");
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_new_authority_is_taken_from_its_file_and_a_bad_one_is_not() {
    let files = Files::new();
    let (pem, tls) = certificate();
    let server = Server::with(Some(tls.clone())).await;
    let authority = files.write("ca.crt", &pem);
    let (reporter, _task) = run(secure(&server, &authority, None));
    reporter.offer(report(0..1));
    all_out(&reporter).await;
    assert_eq!(token(&server.seen()[0]), None);

    files.write("ca.crt", "-----BEGIN CERTIFICATE-----\nhalf");
    server.stop().await;
    server.restart_with(tls).await;
    reporter.offer(report(1..2));
    all_out(&reporter).await;

    let (pem, tls) = certificate();
    server.stop().await;
    server.restart_with(tls).await;
    files.write("ca.crt", &pem);
    reporter.offer(report(2..3));
    all_out(&reporter).await;
    assert_eq!(server.taken(), [0, 1, 2]);
}

#[tokio::test]
async fn files_that_are_not_what_they_should_be_are_named() {
    let (files, (pem, tls)) = (Files::new(), certificate());
    let server = Server::with(Some(tls)).await;
    let good = files.write("ca.crt", &pem);
    let none = files.folder.path().join("none");
    for (authority, token, part) in [
        (
            files.write("bad.crt", "no certificate"),
            None,
            "bad.crt is not what it should be: there is no certificate in it",
        ),
        (none.clone(), None, "none cannot be read: "),
        (good.clone(), Some(none), "none cannot be read: "),
        (
            good.clone(),
            Some(files.write("empty", " \n")),
            "empty is not what it should be: it is empty",
        ),
        (
            good.clone(),
            Some(files.write("two", "a b")),
            "two is not what it should be: ",
        ),
        (
            good,
            Some(files.write("long", &"x".repeat(20_000))),
            "long cannot be read: it has more than ",
        ),
    ] {
        let (reporter, _task) = run(secure(&server, &authority, token));
        reporter.offer(report(0..1));
        let stats = until(&reporter, |stats| stats.trouble.is_some()).await;
        let why = stats.trouble.unwrap().why;
        assert!(why.contains(part), "{why}");
    }
    assert!(server.seen().is_empty());
}

/// It is a second after the mapper's start that kubelet has written the token.
#[tokio::test]
async fn what_is_missing_may_come_later() {
    let (files, (pem, tls)) = (Files::new(), certificate());
    let server = Server::with(Some(tls)).await;
    let (authority, path) = (
        files.folder.path().join("ca.crt"),
        files.folder.path().join("token"),
    );
    let (reporter, _task) = run(secure(&server, &authority, Some(path)));
    reporter.offer(report(0..1));
    until(&reporter, |stats| stats.trouble.is_some()).await;
    files.write("ca.crt", &pem);
    tokio::time::sleep(Duration::from_millis(300)).await;
    files.write("token", "t");
    all_out(&reporter).await;
    assert_eq!(token(&server.reports()[0]), Some("Bearer t"));
}
