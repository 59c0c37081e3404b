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
            (Some(note), _) if note.starts_with("of the ") => {}
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
        assert_eq!(with_parts.len(), 6, "{sections:?}");
        for (total, what, parts) in with_parts {
            assert_eq!(*total, parts.iter().sum::<u64>(), "{name}: {what}");
        }
        // `599 observations (277 dns, 318 tcp, 4 socket)`
        for title in ["sightings", "observations"] {
            let (total, what, _) = sections
                .iter()
                .find(|(_, what, _)| what.starts_with(title))
                .unwrap();
            let words = what
                .split(|c: char| !c.is_ascii_digit())
                .filter_map(|word| word.parse::<u64>().ok());
            assert_eq!(*total, words.sum::<u64>(), "{what}");
        }
    }
}

/// From stop to stop: what one hands on is what the next one takes in.
#[test]
fn every_stop_takes_what_the_one_before_hands_on() {
    for name in ["shop", "harder"] {
        let summary = whole(name, "").err;
        let count = |what: &str| {
            let line = summary
                .lines()
                .find(|line| line.get(9..).is_some_and(|line| line.trim() == what));
            let digits = line.map(|line| line[..9].replace(' ', ""));
            digits.map_or(0, |digits| digits.parse::<u64>().unwrap())
        };
        let handshakes =
            count("accepted") + count("refused") + count("of the SYNs: never answered");
        let held = count("of the SYNs: still unanswered at the end of the capture");
        assert_eq!(count("SYNs"), handshakes + held, "{summary}");
        assert!(
            summary.contains(&format!(" {handshakes} tcp, ")),
            "{summary}"
        );
        let sockets = count("open connections");
        assert!(
            summary.contains(&format!(" {sockets} socket)")),
            "{summary}"
        );
        let messages = count("DNS datagrams") + count("DNS segments over TCP");
        assert!(
            summary.contains(&format!("{} DNS messages", grouped(messages))),
            "{summary}"
        );
        let observations = count("observations");
        assert!(
            summary.contains(&format!("{observations} observations (")),
            "{summary}"
        );
    }
}

/// 1234 as `1 234`.
fn grouped(n: u64) -> String {
    if n < 1_000 {
        n.to_string()
    } else {
        format!("{} {:03}", n / 1_000, n % 1_000)
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
