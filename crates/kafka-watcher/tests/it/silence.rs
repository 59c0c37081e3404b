//! A broker that logs nothing that can be used is told so, with what to set.

use kafka_watcher::{Heard, SETTINGS, Silence};

#[test]
fn what_is_wrong_is_told_from_what_came() {
    let heard = Heard::default();
    for (heard, silence) in [
        (heard, Some(Silence::NoLines)),
        (
            Heard { lines: 5, ..heard },
            Some(Silence::NoAuthorizer { lines: 5 }),
        ),
        (
            Heard {
                lines: 5,
                authorizer: 3,
                ..heard
            },
            Some(Silence::NoTopics),
        ),
        (
            Heard {
                lines: 5,
                authorizer: 3,
                unusable: 2,
                ..heard
            },
            Some(Silence::Unusable { lines: 2 }),
        ),
        (
            Heard {
                lines: 5,
                authorizer: 3,
                denied: 1,
                ..heard
            },
            Some(Silence::OnlyDenied),
        ),
        (
            Heard {
                lines: 5,
                authorizer: 3,
                allowed: 1,
                ..heard
            },
            None,
        ),
    ] {
        assert_eq!(heard.silence(), silence, "{heard:?}");
        let wants = silence.is_some_and(Silence::wants_settings);
        assert_eq!(
            wants,
            silence.is_some() && silence != Some(Silence::NoTopics)
        );
    }
}

/// The brokers of the end-to-end tests are set up with these lines, so that they are known to work.
#[test]
fn the_settings_are_those_that_the_tests_brokers_have() {
    let properties = include_str!("../../../../testbed/kafka/3.9/log4j.properties");
    let yaml = include_str!("../../../../testbed/kafka/4.1/log4j2.yaml");
    let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let settings = squeeze(SETTINGS);
    for line in properties
        .lines()
        .filter(|line| line.contains("kafka.authorizer.logger"))
    {
        assert!(settings.contains(&squeeze(line)), "{line}");
    }
    let logger = squeeze(yaml.split_once("asks for.\\n").unwrap_or(("", yaml)).1);
    let logger = &logger[logger.find("- name: kafka.authorizer.logger").unwrap()..];
    assert!(settings.contains(logger), "{logger}");
}
