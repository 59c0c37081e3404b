//! What all processes share that report to the mapper: the flags, the client that they make, its metrics and its health.

mod losses;
mod metrics;

use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;

use wire::client::{Delivery, Folder, MapperUrl, Reporter, Settings, SettingsError, reporter};

use crate::clock;
use crate::config::{ByteSize, GoDuration, Port};

pub use losses::Losses;
pub use metrics::register;

/// The settings of every reporter, by `#[command(flatten)]`.
#[derive(Debug, clap::Args)]
pub struct ReporterArgs {
    /// Where the mapper is.
    #[arg(long, default_value = "http://mapper:9090/query", value_name = "URL")]
    pub mapper_api_url: MapperUrl,

    /// The file with a service account token for audience portolan, which the mapper asks for. It is only sent over
    /// https.
    #[arg(long, value_name = "FILE")]
    pub mapper_token_file: Option<PathBuf>,

    /// The file with the certificate authority that signed the mapper's certificate, in PEM.
    #[arg(long, value_name = "FILE")]
    pub mapper_ca_file: Option<PathBuf>,

    /// How long one report may take.
    #[arg(long, default_value = "60s", value_name = "DURATION")]
    pub calls_timeout: GoDuration,

    /// Port of /healthz and /readyz.
    #[arg(long, default_value = "9090", value_name = "PORT")]
    pub health_probes_port: Port,

    /// Memory for reports while the mapper is away.
    #[arg(long, default_value = "8Mi", value_name = "BYTES")]
    pub spool_size: ByteSize,

    /// The folder for reports that find no place in memory, or are left at the end.
    #[arg(long, value_name = "FOLDER")]
    pub spool_dir: Option<PathBuf>,

    /// The most bytes in that folder.
    #[arg(long, default_value = "64Mi", value_name = "BYTES")]
    pub spool_dir_size: ByteSize,
}

impl ReporterArgs {
    /// How the client is to be made.
    pub fn settings(&self) -> Settings {
        Settings {
            timeout: self.calls_timeout.get(),
            token_file: self.mapper_token_file.clone(),
            ca_file: self.mapper_ca_file.clone(),
            memory: usize::try_from(self.spool_size.get()).unwrap_or(usize::MAX),
            folder: self.spool_dir.clone().map(|path| Folder {
                path,
                bytes: self.spool_dir_size.get(),
            }),
            ..Settings::new(self.mapper_api_url.clone())
        }
    }

    /// The client, and the task that delivers what it is given, which must be run.
    pub fn open(&self) -> Result<(Reporter, Delivery), SettingsError> {
        let seed = RandomState::new().hash_one("the seed of retries");
        reporter(self.settings(), clock::now, seed)
    }
}

/// A name that no other reporter has: 128 bits of the keys that the system gives to hash tables.
pub fn random_name() -> String {
    let half = || RandomState::new().hash_one("the name of a reporter");
    format!("{:016x}{:016x}", half(), half())
}
