//! A broker that logs nothing that can be used, and what to do about it.

use std::fmt;

/// What came of a broker's log so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// Lines, whatever they are.
    pub lines: u64,
    /// Of these, an authorizer's.
    pub authorizer: u64,
    /// Of these, accesses to topics that were allowed.
    pub allowed: u64,
    /// Of these, accesses to topics that were denied.
    pub denied: u64,
    /// Of these, such as look like accesses and cannot be used.
    pub unusable: u64,
}

/// Why nothing is known of a broker's topics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// Not a line came.
    NoLines,
    /// Lines came, and none is an authorizer's.
    NoAuthorizer {
        /// How many came.
        lines: u64,
    },
    /// The authorizer's lines cannot be used.
    Unusable {
        /// How many of them.
        lines: u64,
    },
    /// Only what was denied is logged.
    OnlyDenied,
    /// Its authorizer logs, but no access to a topic was among it.
    NoTopics,
}

/// The settings that make a broker log what is needed, for people who read the log.
pub const SETTINGS: &str = "\
Kafka up to 3.9 (config/log4j.properties):
  log4j.logger.kafka.authorizer.logger=DEBUG, stdout
  log4j.additivity.kafka.authorizer.logger=false
Kafka 4 (config/log4j2.yaml, under Configuration: Loggers: Logger:):
  - name: kafka.authorizer.logger
    level: debug
    additivity: false
    AppenderRef:
      ref: STDOUT
or, where Log4j 2 reads properties:
  logger.authorizer.name=kafka.authorizer.logger
  logger.authorizer.level=debug
  logger.authorizer.additivity=false
  logger.authorizer.appenderRef.stdout.ref=STDOUT
until the next restart, without one (broker 0):
  kafka-configs.sh --bootstrap-server … --alter --entity-type broker-loggers --entity-name 0 --add-config kafka.authorizer.logger=DEBUG
The broker needs an authorizer: authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer (without \
ZooKeeper) or kafka.security.authorizer.AclAuthorizer (with), and allow.everyone.if.no.acl.found=true where no access is \
to be denied.";

impl Heard {
    /// Why nothing is known, if that is so.
    pub const fn silence(&self) -> Option<Silence> {
        if self.allowed > 0 {
            return None;
        }
        Some(if self.lines == 0 {
            Silence::NoLines
        } else if self.authorizer == 0 {
            Silence::NoAuthorizer { lines: self.lines }
        } else if self.denied > 0 {
            Silence::OnlyDenied
        } else if self.unusable > 0 {
            Silence::Unusable {
                lines: self.unusable,
            }
        } else {
            Silence::NoTopics
        })
    }
}

impl Silence {
    /// Whether the broker's settings are to be changed: else it may be right as it is.
    pub const fn wants_settings(self) -> bool {
        !matches!(self, Self::NoTopics)
    }
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoLines => f.write_str("it has logged nothing at all"),
            Self::NoAuthorizer { lines } => {
                write!(f, "it has logged {lines} lines, and none of its authorizer")
            }
            Self::Unusable { lines } => write!(
                f,
                "{lines} lines of its authorizer cannot be used: its layout must leave the message as it is, on one line"
            ),
            Self::OnlyDenied => f.write_str(
                "it has logged only accesses that were denied: those that are allowed are logged with level DEBUG",
            ),
            Self::NoTopics => {
                f.write_str("its authorizer logs, but no client has used a topic yet")
            }
        }
    }
}
