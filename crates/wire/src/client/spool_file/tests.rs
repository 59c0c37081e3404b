use proptest::prelude::*;

use super::*;
use crate::Report;
use crate::client::batch::encode_offered;
use crate::input::{AwsOperation, NodeCoverage};

fn batches(sizes: &[usize]) -> Vec<Batch> {
    let at = Time::from_nanos(1_795_000_000_123_456_789);
    let mut batches = Vec::new();
    for size in sizes {
        let report = match size {
            0 => Report::Coverage(NodeCoverage::default()),
            size => Report::Aws(vec![
                AwsOperation {
                    resource: "arn:\n\"ä\"".into(),
                    ..AwsOperation::default()
                };
                *size
            ]),
        };
        batches.extend(encode_offered(report, at).batches);
    }
    batches
}

proptest! {
    #[test]
    fn what_is_written_is_read(sizes in prop::collection::vec(0_usize..20, 0..8)) {
        let batches = batches(&sizes);
        prop_assert_eq!(read(&write(&batches)), Ok(batches));
    }

    #[test]
    fn no_change_of_a_byte_goes_unnoticed(sizes in prop::collection::vec(0_usize..4, 0..4), at in any::<prop::sample::Index>(), change in 1_u8..) {
        let mut file = write(&batches(&sizes));
        let at = at.index(file.len());
        file[at] ^= change;
        prop_assert!(read(&file).is_err());
    }
}

#[test]
fn a_file_that_is_cut_anywhere_is_torn_and_one_that_is_longer_too() {
    let file = write(&batches(&[3, 0, 2]));
    for cut in 0..file.len() {
        assert_eq!(read(&file[..cut]), Err(FileError::Torn), "at {cut}");
    }
    assert_eq!(read(&[&file[..], b"x"].concat()), Err(FileError::Torn));
}

#[test]
fn what_is_not_ours_is_told_apart() {
    for other in ["x\n", "{\"a\":1}\n", "portolan-spoon 1 a 0\n", "\u{fffd}"] {
        assert_eq!(read(other.as_bytes()), Err(FileError::Foreign), "{other}");
    }
    let file = String::from_utf8(write(&[])).unwrap();
    let newer = file.replacen(" 1 ", " 2 ", 1);
    assert_eq!(read(newer.as_bytes()), Err(FileError::Version(2)));
    let strange = file.replacen(" 1 ", " one ", 1);
    assert_eq!(read(strange.as_bytes()), Err(FileError::Torn));
}

#[test]
fn under_a_good_checksum_only_batches_are_taken() {
    let json = r#"{"resource":"a","actions":[],"srcIp":null,"iamRole":null,"client":null}"#;
    let size = format!("5 {}", json.len());
    let good = format!("reportAWSOperation {size}\n{json}\n");
    let [batch] = &read(&seal(good.as_bytes())).unwrap()[..] else {
        panic!("one batch");
    };
    assert_eq!(
        (batch.kind(), batch.items(), batch.offered_at()),
        (ReportKind::Aws, 1, Time::from_nanos(5))
    );
    for bad in [
        "reportAWSOperation 5 0\n\n".to_owned(),
        "resetCapture 5 2\n{}\n".to_owned(),
        "reportAWSOperation 5 2\n{}\n".to_owned(),
        "reportCoverage 5 2\n{}\n".to_owned(),
        "reportAWSOperation 5 1\n]\n".to_owned(),
        good.replacen(&size, "5 50", 1),
        good.replacen(&size, "5 99999999999999999999", 1),
        good.replacen('5', "x", 1),
        good.replacen(&size, &format!("{size} x"), 1),
        good.trim_end().to_owned(),
        "x".repeat(1000),
    ] {
        let found = read(&seal(bad.as_bytes()));
        assert!(
            matches!(found, Err(FileError::Content(_))),
            "{bad}: {found:?}"
        );
    }
}
