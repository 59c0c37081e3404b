//! From the body of a request straight to a report, when its document is one that [`recognise`] knows.
//!
//! ```text
//! body ─┬─► quick ────────────────► Report         captures, as reporters write them
//!       ├─► direct ───────────────► Report         one pass, no tree of values in between
//!       └─► Request ─► recognise ─┬─► Report         odd, but good
//!                                 └─► NotRecognised  the engine takes the request as it is
//! ```

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, IgnoredAny, MapAccess};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::document::{ReportKind, recognise};
use crate::input::{
    AwsOperation, AzureOperation, CaptureResults, CaptureTcpResults, GcpOperation,
    IstioConnectionResults, KafkaMapperResults, NodeCoverage, SocketScanResults,
    TrafficLevelResults,
};
use crate::{direct, list, numbers, quick};

/// A report as records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// DNS answers.
    Captures(CaptureResults),
    /// TCP handshakes.
    TcpCaptures(CaptureTcpResults),
    /// Open connections.
    SocketScans(SocketScanResults),
    /// Accesses to Kafka topics.
    Kafka(KafkaMapperResults),
    /// What Istio sidecars counted.
    Istio(IstioConnectionResults),
    /// Operations on Amazon Web Services.
    Aws(Vec<AwsOperation>),
    /// Operations on Azure.
    Azure(Vec<AzureOperation>),
    /// Operations on Google Cloud.
    Gcp(Vec<GcpOperation>),
    /// How much went between addresses.
    Traffic(TrafficLevelResults),
    /// What a reporter sees of its node.
    Coverage(NodeCoverage),
}

impl Report {
    /// Which kind it is.
    pub const fn kind(&self) -> ReportKind {
        match self {
            Self::Captures(_) => ReportKind::Captures,
            Self::TcpCaptures(_) => ReportKind::TcpCaptures,
            Self::SocketScans(_) => ReportKind::SocketScans,
            Self::Kafka(_) => ReportKind::Kafka,
            Self::Istio(_) => ReportKind::Istio,
            Self::Aws(_) => ReportKind::Aws,
            Self::Azure(_) => ReportKind::Azure,
            Self::Gcp(_) => ReportKind::Gcp,
            Self::Traffic(_) => ReportKind::Traffic,
            Self::Coverage(_) => ReportKind::Coverage,
        }
    }

    /// Reads a report of this kind.
    pub(crate) fn read<'de, D: Deserializer<'de>>(
        kind: ReportKind,
        from: D,
    ) -> Result<Self, D::Error> {
        match kind {
            ReportKind::Captures => list::object(from).map(Self::Captures),
            ReportKind::TcpCaptures => list::object(from).map(Self::TcpCaptures),
            ReportKind::SocketScans => list::object(from).map(Self::SocketScans),
            ReportKind::Kafka => list::object(from).map(Self::Kafka),
            ReportKind::Istio => list::object(from).map(Self::Istio),
            ReportKind::Aws => list::objects(from).map(Self::Aws),
            ReportKind::Azure => list::objects(from).map(Self::Azure),
            ReportKind::Gcp => list::objects(from).map(Self::Gcp),
            ReportKind::Traffic => list::object(from).map(Self::Traffic),
            ReportKind::Coverage => list::object(from).map(Self::Coverage),
        }
    }
}

/// What a body turned out to be.
#[derive(Clone, Debug)]
pub enum Decoded<'b> {
    /// A report, and nothing else.
    Recognised(Report),
    /// Some other document: for the engine.
    NotRecognised(Request<'b>),
    /// Status 400: not JSON, or not the JSON of a request.
    Undecodable(String),
    /// Status 422: the document is a report, but its variable is not.
    Invalid(String),
}

/// The body of a GraphQL request, its parts where they are in the body.
#[derive(Clone, Debug)]
pub struct Request<'b> {
    /// The document; empty if there is none.
    pub query: Cow<'b, str>,
    /// Which of the document's operations; none if the name is empty.
    pub operation_name: Option<Cow<'b, str>>,
    /// The JSON of the variables: an object.
    pub variables: &'b str,
}

/// Reads the body of a request. The only function that bytes from outside need to pass.
///
/// Nearly every body is good and is read once, by `quick` or `direct`. What they refuse is read again as the
/// engine would read it, to be sure and to say why.
pub fn decode(body: &[u8]) -> Decoded<'_> {
    if let Some(report) = quick::report(body).or_else(|| direct::report(body)) {
        return Decoded::Recognised(report);
    }
    let request = match Request::read(body) {
        Ok(request) => request,
        Err(error) => return Decoded::Undecodable(error.to_string()),
    };
    let Some(known) = recognise(&request.query) else {
        return Decoded::NotRecognised(request);
    };
    let wanted = request.operation_name.as_deref();
    if wanted.is_some_and(|wanted| known.operation != Some(wanted)) {
        return Decoded::NotRecognised(request);
    }
    match report(known.kind, known.variable, request.variables) {
        Ok(report) => Decoded::Recognised(report),
        Err(error) if error.is_data() => {
            Decoded::Invalid(format!("variable \"${}\": {error}", known.variable))
        }
        Err(error) => Decoded::Undecodable(error.to_string()),
    }
}

/// Reads one variable as the engine does: the last of equal keys counts, and a number that stands for text is the text
/// of the number.
fn report(kind: ReportKind, variable: &str, json: &str) -> serde_json::Result<Report> {
    match numbers::variables(json)?.get(variable) {
        Some(json) => Report::read(kind, numbers::tree(json)?),
        None => Err(de::Error::custom("must be defined")),
    }
}

impl<'b> Request<'b> {
    /// Reads the parts of the body. Only what the JSON of a request must be is checked: the document is not looked at,
    /// nor what is inside the variables.
    pub fn read(body: &'b [u8]) -> serde_json::Result<Self> {
        let mut reader = serde_json::Deserializer::from_slice(body);
        let request = reader.deserialize_map(RequestVisitor)?;
        reader.end()?;
        Ok(request)
    }
}

struct RequestVisitor;

impl<'b> de::Visitor<'b> for RequestVisitor {
    type Value = Request<'b>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a query")
    }

    fn visit_map<A: MapAccess<'b>>(self, mut map: A) -> Result<Request<'b>, A::Error> {
        let mut query = None;
        let mut operation_name = None;
        let mut variables = "{}";
        while let Some(Borrowed(key)) = map.next_key()? {
            match key.as_ref() {
                "query" => query = map.next_value::<Option<Borrowed<'b>>>()?,
                "operationName" => operation_name = map.next_value::<Option<Borrowed<'b>>>()?,
                "variables" => variables = object_text(map.next_value()?)?,
                "extensions" => {
                    object_text(map.next_value()?)?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let operation_name = operation_name.map(|name: Borrowed<'b>| name.0);
        Ok(Request {
            query: query.map_or(Cow::Borrowed(""), |query: Borrowed<'b>| query.0),
            operation_name: operation_name.filter(|name| !name.is_empty()),
            variables,
        })
    }
}

/// The text of an object; null is an empty one.
pub(crate) fn object_text<E: de::Error>(raw: &RawValue) -> Result<&str, E> {
    match raw.get() {
        "null" => Ok("{}"),
        text if text.starts_with('{') => Ok(text),
        _ => Err(E::custom("must be an object")),
    }
}

/// Text that is borrowed from the body unless it has escapes.
pub(crate) struct Borrowed<'b>(pub(crate) Cow<'b, str>);

impl<'de> Deserialize<'de> for Borrowed<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Borrowed<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Borrowed(Cow::Borrowed(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Borrowed(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(Visitor)
    }
}
