//! The fields of the answers beyond the replaced contract, as GraphQL fragments: a document of ours asks for
//! `...EdgeFields` and ends with [`EDGE`]. Each fragment stands for all that the type in [`edge`](crate::edge) reads.

macro_rules! edge_details {
    () => {
        "	ports {
		protocol
		port
	}
	evidence
	services
	addresses
	kafkaTopics {
		name
		operations
	}
	httpResources {
		path
		methods
	}
	cloudActions
	cloudDataActions
	cloudRoles
"
    };
}

/// `EdgeFields` for [`Edge`](crate::edge::Edge), with the fragment `PeerFields` that it needs.
pub const EDGE: &str = concat!(
    "
fragment PeerFields on Peer {
	kind
	name
	namespace
	ownerKind
	labels {
		key
		value
	}
	provider
}
fragment EdgeFields on Edge {
	cluster
	client {
		...PeerFields
	}
	server {
		...PeerFields
	}
	firstSeen
	lastSeen
",
    edge_details!(),
    "	connections
	assumed
	outcomes
}
"
);

/// `EdgeChangeFields` for [`EdgeChange`](crate::edge::EdgeChange); needs [`EDGE`].
pub const EDGE_CHANGE: &str = concat!(
    "
fragment EdgeDetailsFields on EdgeDetails {
",
    edge_details!(),
    "}
fragment EdgeChangeFields on EdgeChange {
	kind
	edge {
		...EdgeFields
	}
	gained {
		...EdgeDetailsFields
	}
	lost {
		...EdgeDetailsFields
	}
}
"
);

/// `CoverageFields` for [`Coverage`](crate::edge::Coverage).
pub const COVERAGE: &str = "
fragment CoverageFields on Coverage {
	nodeName
	reporterId
	at
	seen {
		reason
		count
	}
	dropped {
		reason
		count
	}
	spooled
	rights
	lastScan
	version
	role
}
";

/// `StatusFields` for [`Status`](crate::edge::Status).
pub const STATUS: &str = "
fragment StatusFields on Status {
	at
	version
	synced
	pods
	edges
	attempts
	reports
	taken {
		reason
		count
	}
	fates {
		reason
		count
	}
	held
	forgotten
}
";

/// `TrafficLevelFields` for [`TrafficLevel`](crate::edge::TrafficLevel); needs [`EDGE`], for its `PeerFields`.
pub const TRAFFIC_LEVEL: &str = "
fragment TrafficLevelFields on TrafficLevel {
	client {
		...PeerFields
	}
	server {
		...PeerFields
	}
	bytesSent
	flows
	lastSeen
}
";
