use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use kernel::capture_file::{CaptureError, CaptureReader};
use kernel::packet::LinkType;
use proptest::prelude::*;
use testkit::capture::{Timed, link, pcap, pcapng};

type Read1 = (i64, Result<LinkType, u32>, Vec<u8>);

/// All frames, and why there were no more.
fn read(reader: impl Read) -> (Vec<Read1>, Option<CaptureError>) {
    let mut frames = Vec::new();
    let mut capture = match CaptureReader::open(reader) {
        Ok(capture) => capture,
        Err(error) => return (frames, Some(error)),
    };
    loop {
        match capture.next_frame() {
            Ok(Some(frame)) => frames.push((frame.time_nanos, frame.link, frame.bytes.to_vec())),
            Ok(None) => return (frames, None),
            Err(error) => {
                assert!(
                    matches!(capture.next_frame(), Ok(None)),
                    "it goes on after an error"
                );
                return (frames, Some(error));
            }
        }
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A pipe that hands over one byte at a time.
struct Drops<'a>(&'a [u8]);

impl Read for Drops<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let one = buffer.len().min(1);
        self.0.read(&mut buffer[..one])
    }
}

fn frames() -> impl Strategy<Value = Vec<Timed>> {
    // Microseconds, which both formats can say.
    let micros = 0..4_000_000_000_000_000_i64;
    let frame = (micros, prop::collection::vec(any::<u8>(), 0..90));
    prop::collection::vec(
        frame.prop_map(|(micros, frame)| (micros * 1_000, frame)),
        0..8,
    )
}

fn formats() -> impl Strategy<Value = fn(u32, &[Timed]) -> Vec<u8>> {
    prop_oneof![
        Just(pcap as fn(u32, &[Timed]) -> Vec<u8>),
        Just(pcapng as _)
    ]
}

proptest! {
    #[test]
    fn every_frame_comes_back(frames in frames(), write in formats(), packed in any::<bool>()) {
        let file = write(link::SLL2, &frames);
        let file = if packed { gzip(&file) } else { file };
        let (found, error) = read(Drops(&file));
        prop_assert!(error.is_none(), "{:?}", error);
        let expected: Vec<Read1> =
            frames.into_iter().map(|(nanos, bytes)| (nanos, Ok(LinkType::LinuxSll2), bytes)).collect();
        prop_assert_eq!(found, expected);
    }

    /// What came before the break counts, and the break is told.
    #[test]
    fn a_file_that_breaks_off_still_tells_its_frames(
        frames in frames(), write in formats(), packed in any::<bool>(), cut in any::<prop::sample::Index>(),
    ) {
        let whole = write(link::ETHERNET, &frames);
        let whole = if packed { gzip(&whole) } else { whole };
        let cut = cut.index(whole.len());
        let (found, error) = read(&whole[..cut]);
        for ((nanos, link, bytes), expected) in found.iter().zip(&frames) {
            prop_assert_eq!((*nanos, bytes), (expected.0, &expected.1));
            prop_assert_eq!(*link, Ok(LinkType::Ethernet));
        }
        match error {
            // Between two frames, nobody can see that more was meant to come.
            None => prop_assert!(!packed),
            Some(CaptureError::CutOff { frames }) => prop_assert_eq!(frames, found.len() as u64),
            Some(CaptureError::NotACapture) => prop_assert!(found.is_empty()),
            Some(error) => panic!("{error}"),
        }
    }

    #[test]
    fn noise_does_no_harm(mut bytes in prop::collection::vec(any::<u8>(), 0..400), write in formats()) {
        let _ = read(&bytes[..]);
        let mut file = write(link::ETHERNET, &[]);
        file.append(&mut bytes);
        let (found, _) = read(&file[..]);
        prop_assert!(found.len() < 40);
    }
}

#[test]
fn what_is_no_capture_is_told() {
    for bytes in [
        &b""[..],
        b"\x1f",
        b"\x1f\x8b",
        b"{\"kind\":\"List\"}",
        b"GIF89a",
        &[0; 100],
    ] {
        let (_, error) = read(bytes);
        assert!(
            matches!(error, Some(CaptureError::NotACapture)),
            "{bytes:?}: {error:?}"
        );
    }
}

#[test]
fn an_unknown_link_type_is_named() {
    let file = pcap(147, &[(0, vec![1, 2, 3])]);
    let (found, error) = read(&file[..]);
    assert!(error.is_none());
    assert_eq!(found, [(0, Err(147), vec![1, 2, 3])]);
}

#[test]
fn a_length_that_no_frame_has_allocates_nothing() {
    let mut file = pcap(link::ETHERNET, &[(0, vec![0; 4])]);
    file[24 + 8..24 + 12].copy_from_slice(&0xffff_fff0_u32.to_ne_bytes());
    let (found, error) = read(&file[..]);
    assert!(found.is_empty());
    assert!(
        matches!(error, Some(CaptureError::Damaged { frames: 0 })),
        "{error:?}"
    );
}

#[test]
fn several_gzip_members_are_one_file() {
    let file = pcap(link::RAW, &[(1_000, vec![1]), (2_000, vec![2])]);
    let (first, second) = file.split_at(30);
    let (found, error) = read(&[gzip(first), gzip(second)].concat()[..]);
    assert!(error.is_none());
    assert_eq!(found.len(), 2);
}

/// Damage inside a packed file costs little of what came before it, and as much from a pipe as from a disk.
#[test]
fn damage_in_gzip_spares_the_frames_before_it() {
    let frames: Vec<Timed> = (0..4_000_i64)
        .map(|number| {
            // Not all alike, or the whole file would be a few packed bytes.
            let noise = number.wrapping_mul(0x5851_f42d_4c95_7f2d).to_be_bytes();
            (number * 1_000, noise.repeat(8))
        })
        .collect();
    let whole = gzip(&pcap(link::ETHERNET, &frames));
    for place in [whole.len() / 3, whole.len() / 2, whole.len() * 9 / 10] {
        let mut damaged = whole.clone();
        damaged[place..place + 40].fill(0xff);
        let (found, error) = read(&damaged[..]);
        assert!(
            matches!(error, Some(CaptureError::Damaged { .. })),
            "{error:?}"
        );
        let sound = frames.len() * place / whole.len();
        assert!(
            found.len() + 100 > sound,
            "{} of {sound} frames before byte {place}",
            found.len()
        );
        assert_eq!(read(Drops(&damaged)).0, found);
    }
}

/// Found by the fuzz target `capture_file`.
#[test]
fn a_damaged_file_reads_alike_from_a_pipe() {
    let damaged = include_bytes!("../../../../fuzz/seeds/capture_file/gzip-damaged");
    let (found, error) = read(&damaged[..]);
    assert!(error.is_some());
    assert_eq!(read(Drops(damaged)).0, found);
}
