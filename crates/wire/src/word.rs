//! The enums of the contract: their values are matched exactly.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

/// An enum whose values have these words on the wire, and those of `map` where it has the same.
macro_rules! words {
    (
        $(#[$about:meta])*
        $name:ident is $of:path { $($(#[$note:meta])* $value:ident = $word:literal,)+ }
    ) => {
        words! { $(#[$about])* $name { $($(#[$note])* $value = $word,)+ } }

        impl From<$of> for $name {
            fn from(word: $of) -> Self {
                use $of as Same;
                match word {
                    $(Same::$value => Self::$value,)+
                }
            }
        }

        impl From<$name> for $of {
            fn from(word: $name) -> Self {
                match word {
                    $($name::$value => Self::$value,)+
                }
            }
        }
    };
    (
        $(#[$about:meta])*
        $name:ident { $($(#[$note:meta])* $value:ident = $word:literal,)+ }
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[cfg_attr(feature = "server", derive(async_graphql::Enum))]
        pub enum $name {
            $(
                $(#[$note])*
                #[serde(rename = $word)]
                #[cfg_attr(feature = "server", graphql(name = $word))]
                $value,
            )+
        }

        impl $name {
            /// Every value, in the order of the contract.
            pub const VALUES: &'static [Self] = &[$(Self::$value),+];

            const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word on the wire.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value => $word,)+
                }
            }

            /// The value that has exactly this word.
            pub fn from_word(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$value),)+
                    _ => None,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        // Not derived: that would take `{"WORD": null}` too.
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Visitor;

                impl de::Visitor<'_> for Visitor {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str(concat!("a value of ", stringify!($name)))
                    }

                    fn visit_str<E: de::Error>(self, word: &str) -> Result<$name, E> {
                        $name::from_word(word).ok_or_else(|| E::unknown_variant(word, $name::WORDS))
                    }
                }

                deserializer.deserialize_str(Visitor)
            }
        }
    };
}

words! {
    /// What a client does to a Kafka topic.
    KafkaOperation is map::KafkaOperation {
        /// Everything.
        All = "ALL",
        /// Read records.
        Consume = "CONSUME",
        /// Write records.
        Produce = "PRODUCE",
        /// Create the topic.
        Create = "CREATE",
        /// Change the topic.
        Alter = "ALTER",
        /// Delete the topic or its records.
        Delete = "DELETE",
        /// Ask about the topic.
        Describe = "DESCRIBE",
        /// Between brokers.
        ClusterAction = "CLUSTER_ACTION",
        /// Ask for the configuration.
        DescribeConfigs = "DESCRIBE_CONFIGS",
        /// Change the configuration.
        AlterConfigs = "ALTER_CONFIGS",
        /// Write without duplicates.
        IdempotentWrite = "IDEMPOTENT_WRITE",
    }
}

words! {
    /// The method of an HTTP request. There is no HEAD.
    HttpMethod is map::HttpMethod {
        /// GET.
        Get = "GET",
        /// POST.
        Post = "POST",
        /// PUT.
        Put = "PUT",
        /// DELETE.
        Delete = "DELETE",
        /// OPTIONS.
        Options = "OPTIONS",
        /// TRACE.
        Trace = "TRACE",
        /// PATCH.
        Patch = "PATCH",
        /// CONNECT.
        Connect = "CONNECT",
        /// Any method.
        All = "ALL",
    }
}

words! {
    /// What kind of access an intent is. Only HTTP and KAFKA are ever given; other traffic has none.
    IntentType {
        /// Requests, seen by a sidecar.
        Http = "HTTP",
        /// Topics, seen by a broker.
        Kafka = "KAFKA",
        /// Never given.
        Database = "DATABASE",
        /// Never given.
        Aws = "AWS",
        /// Never given.
        S3 = "S3",
    }
}

words! {
    /// A transport protocol with ports.
    Protocol is map::Protocol {
        /// RFC 9293.
        Tcp = "TCP",
        /// RFC 768.
        Udp = "UDP",
    }
}

words! {
    /// What became of an attempt that made no connection.
    AttemptOutcome {
        /// The server said no: a reset to the first packet, an access denied.
        Refused = "REFUSED",
        /// Nobody answered.
        Unanswered = "UNANSWERED",
    }
}

words! {
    /// How something was seen.
    Evidence is map::Evidence {
        /// A DNS answer that the client had asked for.
        Dns = "DNS",
        /// A TCP handshake.
        Tcp = "TCP",
        /// An open connection, found by a scan of socket tables.
        Socket = "SOCKET",
        /// A line of a Kafka broker's authorizer log.
        Kafka = "KAFKA",
        /// A request counter of an Istio sidecar.
        Istio = "ISTIO",
        /// A cloud's own account of who used its resources.
        Cloud = "CLOUD",
    }
}

words! {
    /// What stands at one end of an edge.
    PeerKind {
        /// A workload of the cluster.
        Workload = "WORKLOAD",
        /// A DNS name outside the cluster.
        Name = "NAME",
        /// An address outside the cluster without a name, or a range of them.
        Address = "ADDRESS",
        /// Whoever calls in from outside.
        Internet = "INTERNET",
        /// A resource of a cloud provider.
        Cloud = "CLOUD",
    }
}

words! {
    /// Who provides a cloud resource.
    CloudProvider is map::CloudProvider {
        /// Amazon Web Services.
        Aws = "AWS",
        /// Microsoft Azure.
        Azure = "AZURE",
        /// Google Cloud.
        Gcp = "GCP",
    }
}

words! {
    /// What happened to an edge between two times.
    ChangeKind {
        /// It was first seen.
        Added = "ADDED",
        /// It was not seen any more.
        Removed = "REMOVED",
        /// It was seen before and after, with other ports, evidence, topics, …
        Changed = "CHANGED",
    }
}

impl From<AttemptOutcome> for map::Outcome {
    fn from(outcome: AttemptOutcome) -> Self {
        match outcome {
            AttemptOutcome::Refused => Self::Refused,
            AttemptOutcome::Unanswered => Self::Unanswered,
        }
    }
}

impl AttemptOutcome {
    /// None if a connection was made.
    pub const fn of(outcome: map::Outcome) -> Option<Self> {
        match outcome {
            map::Outcome::Refused => Some(Self::Refused),
            map::Outcome::Unanswered => Some(Self::Unanswered),
            map::Outcome::Accepted => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_matched_exactly() {
        for method in HttpMethod::VALUES {
            let json = serde_json::to_string(method).unwrap();
            assert_eq!(json, format!("\"{method}\""));
            assert_eq!(serde_json::from_str::<HttpMethod>(&json).unwrap(), *method);
        }
        for json in ["\"get\"", "\"HEAD\"", "0", "null", "{\"GET\":null}"] {
            assert!(serde_json::from_str::<HttpMethod>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn the_words_of_the_map_are_those_of_the_contract() {
        for word in map::KafkaOperation::ALL {
            assert_eq!(KafkaOperation::from(word).as_str(), word.as_str());
        }
        for word in map::HttpMethod::ALL {
            assert_eq!(HttpMethod::from(word).as_str(), word.as_str());
        }
    }
}
