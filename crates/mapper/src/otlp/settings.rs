//! The standard variables: OpenTelemetry specification 1.40, "OpenTelemetry Protocol Exporter", "Environment Variable
//! Specification" and "Metrics Exporters - OTLP".

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Uri};

/// How a collector is reached, and how it is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How it is spoken to.
    pub protocol: Protocol,
    /// Where it is, the path of metrics included for HTTP.
    pub endpoint: Uri,
    /// Sent with every request; they may be secret.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Whether messages are packed with gzip.
    pub gzip: bool,
    /// How long one request may take, the connection included.
    pub timeout: Duration,
    /// How often.
    pub interval: Duration,
    /// What numbers mean.
    pub temporality: Temporality,
    /// The authority of the collector's certificate; that of the system when not given.
    pub certificate: Option<PathBuf>,
    /// What this process shows to the collector: certificate and key.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// What this process is, in the order in which it is sent.
    pub resource: Vec<(String, String)>,
}

/// How a collector is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// `grpc`
    Grpc,
    /// `http/protobuf`
    Http,
}

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Temporality {
    /// All since the start.
    Cumulative,
    /// What came since the last message that arrived.
    Delta,
}

/// A variable cannot be used. Its value is not shown where it may be secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {why}")]
pub struct SettingsError {
    /// Which.
    pub key: String,
    /// What is wrong, and what is expected.
    pub why: String,
}

/// Where collectors listen by default.
const GRPC_ENDPOINT: &str = "http://localhost:4317";
const HTTP_ENDPOINT: &str = "http://localhost:4318";

/// The path of metrics, behind an endpoint for all signals.
const METRICS_PATH: &str = "v1/metrics";

/// The defaults of the specification, in milliseconds.
const TIMEOUT: u64 = 10_000;
const INTERVAL: u64 = 60_000;
const EXPORT_TIMEOUT: u64 = 30_000;

/// What the exporter keeps of resource attributes and headers, each.
const MAX_PAIRS: usize = 128;

impl Settings {
    /// From the environment, which is asked for each variable. An empty value means unset. `service` is the name of this
    /// process when nobody gives another.
    pub fn read(
        env: &dyn Fn(&str) -> Option<String>,
        service: &str,
        version: &str,
    ) -> Result<Self, SettingsError> {
        let env = Env(env);
        let protocol = match env.otlp("PROTOCOL") {
            // The replaced mapper spoke gRPC only, whatever this variable said; it stays the default.
            None => Protocol::Grpc,
            Some((key, value)) => match value.as_str() {
                "grpc" => Protocol::Grpc,
                "http/protobuf" => Protocol::Http,
                _ => return Err(bad(&key, &value, "grpc or http/protobuf")),
            },
        };
        let certificate = env.otlp("CERTIFICATE").map(|(_, path)| path.into());
        let identity = match (env.otlp("CLIENT_CERTIFICATE"), env.otlp("CLIENT_KEY")) {
            (Some((_, certificate)), Some((_, key))) => Some((certificate.into(), key.into())),
            (None, None) => None,
            (Some((key, _)), None) | (None, Some((key, _))) => {
                let why = "a client's certificate and its key are given together or not at all";
                return Err(error(&key, why.to_owned()));
            }
        };
        let gzip = match env.otlp("COMPRESSION") {
            None => false,
            Some((key, value)) => match value.as_str() {
                "gzip" => true,
                "none" => false,
                _ => return Err(bad(&key, &value, "gzip or none")),
            },
        };
        let timeout = env.otlp("TIMEOUT");
        let timeout = milliseconds(timeout.as_ref(), TIMEOUT)?;
        let export_timeout = env.named("OTEL_METRIC_EXPORT_TIMEOUT");
        let export_timeout = milliseconds(export_timeout.as_ref(), EXPORT_TIMEOUT)?;
        let interval = env.named("OTEL_METRIC_EXPORT_INTERVAL");
        Ok(Self {
            protocol,
            endpoint: endpoint(&env, protocol)?,
            headers: headers(&env)?,
            gzip,
            timeout: timeout.min(export_timeout),
            interval: milliseconds(interval.as_ref(), INTERVAL)?,
            temporality: temporality(&env)?,
            certificate,
            identity,
            resource: resource(&env, service, version)?,
        })
    }

    /// Whether TLS is spoken.
    pub fn is_secure(&self) -> bool {
        self.endpoint.scheme_str() == Some("https")
    }
}

/// The environment, with the names of the specification.
struct Env<'a>(&'a dyn Fn(&str) -> Option<String>);

impl Env<'_> {
    /// With its name.
    fn named(&self, key: &str) -> Option<(String, String)> {
        let value = (self.0)(key)?;
        let value = value.trim();
        (!value.is_empty()).then(|| (key.to_owned(), value.to_owned()))
    }

    /// The one for metrics goes before that for all signals.
    fn otlp(&self, key: &str) -> Option<(String, String)> {
        self.named(&format!("OTEL_EXPORTER_OTLP_METRICS_{key}"))
            .or_else(|| self.named(&format!("OTEL_EXPORTER_OTLP_{key}")))
    }
}

fn endpoint(env: &Env<'_>, protocol: Protocol) -> Result<Uri, SettingsError> {
    let default = match protocol {
        Protocol::Grpc => GRPC_ENDPOINT,
        Protocol::Http => HTTP_ENDPOINT,
    };
    let given = env.otlp("ENDPOINT");
    let (key, text) = given.unwrap_or_else(|| ("the default".to_owned(), default.to_owned()));
    let expected = "an address such as http://collector:4317 or https://collector:4318";
    let whole = if text.contains("://") {
        text.clone()
    } else {
        let scheme = match env.otlp("INSECURE") {
            Some((key, value)) => match value.to_ascii_lowercase().as_str() {
                "true" => "http",
                "false" => "https",
                _ => return Err(bad(&key, &value, "true or false")),
            },
            None => "https",
        };
        format!("{scheme}://{text}")
    };
    let uri = Uri::from_str(&whole).map_err(|_| bad(&key, &text, expected))?;
    let is_known = matches!(uri.scheme_str(), Some("http" | "https"));
    let is_plain = uri.authority().is_some_and(|at| !at.as_str().contains('@'));
    if !is_known || !is_plain || uri.host().is_none_or(str::is_empty) {
        return Err(bad(&key, &text, expected));
    }
    // What is given for metrics alone is taken as it is.
    let is_base = !key.contains("_METRICS_");
    if protocol == Protocol::Http && is_base {
        let base = whole.trim_end_matches('/');
        return Uri::from_str(&format!("{base}/{METRICS_PATH}"))
            .map_err(|_| bad(&key, &text, expected));
    }
    Ok(uri)
}

fn headers(env: &Env<'_>) -> Result<Vec<(HeaderName, HeaderValue)>, SettingsError> {
    let Some((key, text)) = env.otlp("HEADERS") else {
        return Ok(Vec::new());
    };
    let all = pairs(&text).ok_or_else(|| no_pairs(&key))?;
    let headers = all.into_iter().map(|(name, value)| {
        let name = HeaderName::from_str(&name).ok()?;
        let mut value = HeaderValue::from_str(&value).ok()?;
        value.set_sensitive(true);
        Some((name, value))
    });
    let headers: Option<Vec<_>> = headers.collect();
    headers.ok_or_else(|| no_pairs(&key))
}

fn resource(
    env: &Env<'_>,
    service: &str,
    version: &str,
) -> Result<Vec<(String, String)>, SettingsError> {
    let mut attributes = vec![
        ("service.name".to_owned(), service.to_owned()),
        ("service.version".to_owned(), version.to_owned()),
    ];
    let mut set =
        |name: String, value: String| match attributes.iter_mut().find(|(known, _)| *known == name)
        {
            Some(known) => known.1 = value,
            None => attributes.push((name, value)),
        };
    if let Some((key, text)) = env.named("OTEL_RESOURCE_ATTRIBUTES") {
        for (name, value) in pairs(&text).ok_or_else(|| no_pairs(&key))? {
            set(name, value);
        }
    }
    if let Some((_, name)) = env.named("OTEL_SERVICE_NAME") {
        set("service.name".to_owned(), name);
    }
    Ok(attributes)
}

fn temporality(env: &Env<'_>) -> Result<Temporality, SettingsError> {
    let key = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
    let Some((key, value)) = env.named(key) else {
        return Ok(Temporality::Cumulative);
    };
    match value.to_ascii_lowercase().as_str() {
        "cumulative" => Ok(Temporality::Cumulative),
        // They differ only for kinds of metrics that are not sent.
        "delta" | "lowmemory" => Ok(Temporality::Delta),
        _ => Err(bad(&key, &value, "cumulative, delta or lowmemory")),
    }
}

fn milliseconds(given: Option<&(String, String)>, default: u64) -> Result<Duration, SettingsError> {
    let Some((key, value)) = given else {
        return Ok(Duration::from_millis(default));
    };
    match value.parse() {
        Ok(number @ 1..=86_400_000) => Ok(Duration::from_millis(number)),
        _ => Err(bad(
            key,
            value,
            "milliseconds, at least 1 and at most a day",
        )),
    }
}

/// `name=value,name=value`, with values and names as in a URL (W3C Baggage).
fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let parts = text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    let pairs = parts.map(|part| {
        let (name, value) = part.split_once('=')?;
        let (name, value) = (decoded(name.trim())?, decoded(value.trim())?);
        (!name.is_empty()).then_some((name, value))
    });
    let pairs: Vec<_> = pairs.collect::<Option<_>>()?;
    (pairs.len() <= MAX_PAIRS).then_some(pairs)
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        if byte == b'%'
            && let Some(hex) = rest.get(..2)
            && hex.iter().all(u8::is_ascii_hexdigit)
        {
            let digits = std::str::from_utf8(hex).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = rest.get(2..)?;
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

fn bad(key: &str, value: &str, expected: &str) -> SettingsError {
    error(key, format!("\"{value}\" is not {expected}"))
}

fn no_pairs(key: &str) -> SettingsError {
    let why = format!("name=value,name=value is expected, at most {MAX_PAIRS} of them");
    error(key, why)
}

fn error(key: &str, why: String) -> SettingsError {
    SettingsError {
        key: key.to_owned(),
        why,
    }
}
