use kernel::dns_stream::DnsStream;
use proptest::prelude::*;
use testkit::dns::over_tcp;

fn messages() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 1..6)
}

proptest! {
    /// Wherever the segments are cut, however often they come again: every message comes out once, in order.
    #[test]
    fn cuts_and_copies_do_not_matter(
        messages in messages(), first in any::<u32>(), known in any::<bool>(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        copies in prop::collection::vec(any::<bool>(), 10),
    ) {
        let bytes: Vec<u8> = messages.iter().flat_map(|message| over_tcp(message)).collect();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let mut stream = DnsStream::new(known.then_some(first));
        let mut read = Vec::new();
        for (pair, copy) in cuts.windows(2).zip(copies) {
            let sequence = first.wrapping_add(u32::try_from(pair[0]).unwrap());
            // A retransmission may hold what the next segment holds too.
            for _ in 0..=usize::from(copy) {
                stream.push(sequence, &bytes[pair[0]..pair[1]], |message| read.push(message.to_vec()));
            }
        }
        prop_assert_eq!(read, messages);
        prop_assert!(!stream.is_dead());
    }

    #[test]
    fn behind_a_gap_nothing_is_guessed(message in prop::collection::vec(any::<u8>(), 2..50), gap in 1..1000_u32) {
        let bytes = over_tcp(&message);
        let mut stream = DnsStream::new(Some(u32::MAX));
        stream.push(u32::MAX, &bytes[..2], |_| panic!("half a message"));
        stream.push(1_u32.wrapping_add(gap), &bytes[2..], |_| panic!("behind a gap"));
        prop_assert!(stream.is_dead());
        stream.push(1, &bytes[2..], |_| panic!("the place is lost"));
    }
}
