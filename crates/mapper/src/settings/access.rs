//! Who may reach the mapper.

use std::path::PathBuf;

use crate::access::{Access, Rules, Subjects};

/// Who may report, read and reset the map.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct AccessArgs {
    /// Whether others than port-forwards need TLS and a token for audience portolan, or everybody may do everything over
    /// plain HTTP too, as sniffers of the replaced system need it.
    #[arg(long, value_enum, default_value_t = Access::Token, value_name = "MODE")]
    pub(crate) access: Access,

    /// The server's certificate and those that vouch for it, in PEM; taken anew when it changes. Without it TLS is
    /// refused.
    #[arg(long, requires = "tls_key_file", value_name = "FILE")]
    pub(crate) tls_cert_file: Option<PathBuf>,

    /// The key of the certificate, in PEM.
    #[arg(long, requires = "tls_cert_file", value_name = "FILE")]
    pub(crate) tls_key_file: Option<PathBuf>,

    /// Who may report: namespace:serviceaccount, user:NAME, group:NAME or full names of users, separated by blanks.
    #[arg(long, default_value = "", value_name = "SUBJECTS")]
    pub(crate) report_subjects: Subjects,

    /// Who may read the map, likewise.
    #[arg(long, default_value = "", value_name = "SUBJECTS")]
    pub(crate) read_subjects: Subjects,

    /// Who may make the map forget, likewise.
    #[arg(long, default_value = "", value_name = "SUBJECTS")]
    pub(crate) reset_subjects: Subjects,
}

impl AccessArgs {
    /// As the gate takes them.
    pub(crate) fn rules(&self) -> Rules {
        Rules {
            access: self.access,
            report: self.report_subjects.clone(),
            read: self.read_subjects.clone(),
            reset: self.reset_subjects.clone(),
        }
    }
}
