//! The closing summary adds up.

use crate::recordings::whole;

/// Numbers and what they count: sections with their parts, which stand two columns further right.
fn sections(summary: &str) -> Vec<(u64, String, Vec<u64>)> {
    let mut sections: Vec<(u64, String, Vec<u64>)> = Vec::new();
    for line in summary.lines() {
        let digits: String = line.chars().take(9).filter(|c| *c != ' ').collect();
        let (Ok(number), Some(what)) = (digits.parse(), line.get(9..)) else {
            continue;
        };
        match (what.strip_prefix("   "), sections.last_mut()) {
            // A note on a part, not a part.
            (Some(note), _) if note.starts_with("of the SYNs") => {}
            (Some(_), Some((_, _, parts))) => parts.push(number),
            _ => sections.push((number, what.trim().to_owned(), Vec::new())),
        }
    }
    sections
}

#[test]
fn every_packet_and_every_observation_is_in_it_once() {
    for name in ["shop", "harder"] {
        let sections = sections(&whole(name, "").err);
        let with_parts: Vec<_> = sections
            .iter()
            .filter(|(_, _, parts)| !parts.is_empty())
            .collect();
        assert_eq!(with_parts.len(), 5, "{sections:?}");
        for (total, what, parts) in with_parts {
            assert_eq!(*total, parts.iter().sum::<u64>(), "{name}: {what}");
        }
        // `599 observations (277 dns, 318 tcp, 4 socket)`
        let (total, what, _) = sections
            .iter()
            .find(|(_, what, _)| what.starts_with("observations"))
            .unwrap();
        let words = what
            .split(|c: char| !c.is_ascii_digit())
            .filter_map(|word| word.parse::<u64>().ok());
        assert_eq!(*total, words.sum::<u64>(), "{what}");
    }
}

#[test]
fn it_can_be_left_out() {
    let ran = whole("shop", " --quiet");
    assert_eq!(
        (ran.out.as_str(), ran.err.as_str()),
        (include_str!("golden/shop.list"), "")
    );
}
