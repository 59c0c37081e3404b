//! Keys of the replaced system that are accepted and do nothing.

/// A key that is accepted so that old manifests keep working, and has no effect.
#[derive(Clone, Copy, Debug)]
pub struct Ignored {
    /// In kebab case, such as `client-id`.
    pub key: &'static str,
    /// Why it does nothing, as the end of a sentence.
    pub why: &'static str,
}

const CLOUD: &str = "nothing is uploaded to a cloud";
const TELEMETRY: &str = "no telemetry is ever sent";

/// The keys for cloud and telemetry that every process of the replaced system accepted (`mapper.md` 5.1, `sniffer.md`
/// 3.3). A role adds its own.
pub const EVERYWHERE: &[Ignored] = &[
    cloud("api-address"),
    cloud("api-extra-ca-pem"),
    cloud("client-id"),
    cloud("client-secret"),
    cloud("cloud-client-timeout"),
    cloud("component-report-interval"),
    cloud("intent-events-report-interval"),
    cloud("intent-status-report-interval"),
    cloud("operator-config-report-interval"),
    telemetry("telemetry-active-interval-duration"),
    telemetry("telemetry-client-timeout"),
    telemetry("telemetry-enabled"),
    telemetry("telemetry-errors-address"),
    telemetry("telemetry-errors-api-key"),
    telemetry("telemetry-errors-enabled"),
    telemetry("telemetry-errors-stage"),
    telemetry("telemetry-interval-seconds"),
    telemetry("telemetry-max-batch-size"),
    telemetry("telemetry-reset-interval-duration"),
    telemetry("telemetry-usage-enabled"),
];

const fn cloud(key: &'static str) -> Ignored {
    Ignored { key, why: CLOUD }
}

const fn telemetry(key: &'static str) -> Ignored {
    Ignored {
        key,
        why: TELEMETRY,
    }
}
