//! Certificates that change while the server runs.

use std::time::Duration;

use mapper::access::{Access, Rules};
use mapper::limits::CERTIFICATE_EVERY;
use mapper::server::tls::{Files, Loader, TlsError};

use super::server::{Bed, Pair, pair};

async fn shows(bed: &Bed, pair: &Pair) -> bool {
    bed.from(2).tls(&pair.der).await.is_ok()
}

async fn shows_soon(bed: &Bed, pair: &Pair) -> bool {
    for _ in 0..40 {
        if shows(bed, pair).await {
            return true;
        }
        tokio::time::sleep(CERTIFICATE_EVERY / 20).await;
    }
    false
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_pair_is_taken_and_a_bad_one_is_not() {
    let bed = Bed::new(Access::Token).await;
    assert!(shows(&bed, &bed.pair).await);
    // Half a file, then a pair that does not belong together.
    let (new, other) = (pair(), pair());
    let half = &new.certificate[..new.certificate.len() / 2];
    bed.write(half, &new.key);
    tokio::time::sleep(CERTIFICATE_EVERY + Duration::from_millis(500)).await;
    bed.write(&new.certificate, &other.key);
    tokio::time::sleep(CERTIFICATE_EVERY + Duration::from_millis(500)).await;
    assert!(shows(&bed, &bed.pair).await, "the old one stays");
    bed.write(&new.certificate, &new.key);
    assert!(shows_soon(&bed, &new).await);
    assert!(!shows(&bed, &bed.pair).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_may_come_later() {
    let bed = Bed::with(Rules::default(), false).await;
    assert!(!shows(&bed, &bed.pair).await);
    bed.write(&bed.pair.certificate, &bed.pair.key);
    assert!(shows_soon(&bed, &bed.pair).await);
}

#[test]
fn links_are_followed_as_kubelet_swaps_them_and_errors_name_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let files = Files {
        certificate: at("tls.crt"),
        key: at("tls.key"),
    };
    let mut loader = Loader::new(files);
    let error = loader.look().unwrap_err();
    assert!(
        matches!(&error, TlsError::File { path, .. } if path.ends_with("tls.crt")),
        "{error}"
    );

    // tls.crt -> ..data/tls.crt, ..data -> ..1
    let versions = [pair(), pair()];
    for (number, pair) in versions.iter().enumerate() {
        let version = at(&format!("..{number}"));
        std::fs::create_dir(&version).unwrap();
        std::fs::write(version.join("tls.crt"), &pair.certificate).unwrap();
        std::fs::write(version.join("tls.key"), &pair.key).unwrap();
    }
    let link = std::os::unix::fs::symlink::<&str, std::path::PathBuf>;
    link("..0", at("..data")).unwrap();
    link("..data/tls.crt", at("tls.crt")).unwrap();
    link("..data/tls.key", at("tls.key")).unwrap();
    assert!(loader.look().unwrap());
    assert!(!loader.look().unwrap(), "nothing new");
    let certificate = loader.certificate();
    assert!(certificate.expires().is_some());

    link("..1", at("..data_tmp")).unwrap();
    std::fs::rename(at("..data_tmp"), at("..data")).unwrap();
    assert!(loader.look().unwrap());

    std::fs::write(at("..1/tls.key"), "nothing of PEM").unwrap();
    let error = loader.look().unwrap_err();
    assert!(
        matches!(&error, TlsError::Pem { path, .. } if path.ends_with("tls.key")),
        "{error}"
    );
    assert!(
        !loader.look().unwrap(),
        "what has not changed is not tried again"
    );
    assert!(certificate.is_there(), "the one before stays");
    std::fs::write(at("..1/tls.key"), &versions[0].key).unwrap();
    assert!(matches!(loader.look().unwrap_err(), TlsError::Pair(_)));
    std::fs::write(at("..1/tls.key"), &versions[1].key).unwrap();
    assert!(loader.look().unwrap());
}
