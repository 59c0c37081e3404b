//! The gate, its certificate, and what is to be said about them at the start.

use app::App;
use cluster::live::TokenReviewer;

use crate::access::Access;
use crate::metrics;
use crate::server::tls::{Certificate, Files, Loader};
use crate::server::{Gate, ask};
use crate::settings::AccessArgs;

/// Makes the gate, and a task that looks after the certificate.
pub(super) fn gate(
    args: &AccessArgs,
    app: &mut App,
    reviewer: TokenReviewer,
) -> Result<(Gate, Certificate), app::metrics::MetricsError> {
    let rules = args.rules();
    say_what_it_means(args);
    let gate = Gate::new(rules, ask(reviewer));
    let certificate = match (&args.tls_cert_file, &args.tls_key_file) {
        (Some(certificate), Some(key)) => {
            let mut loader = Loader::new(Files {
                certificate: certificate.clone(),
                key: key.clone(),
            });
            let found = loader.look();
            loader.report(found);
            let certificate = loader.certificate();
            app.tasks
                .spawn("certificate", loader.watch(app.stop.clone()));
            certificate
        }
        _ => Certificate::none(),
    };
    metrics::access::register(&app.metrics, &gate, &certificate)?;
    Ok((gate, certificate))
}

fn say_what_it_means(args: &AccessArgs) {
    let has_certificate = args.tls_cert_file.is_some();
    match args.access {
        Access::Open => tracing::warn!(
            "--access=open: everybody who reaches the port may report, read and reset the map; once no sniffer of the replaced system is left, set --access=token"
        ),
        Access::Token if !has_certificate => tracing::warn!(
            "there is no certificate: only port-forwards reach the mapper, sniffers cannot report; set --tls-cert-file and --tls-key-file, or --access=open"
        ),
        Access::Token if args.report_subjects.is_empty() => tracing::warn!(
            "nobody may report but by a port-forward; name the service accounts of the sniffers in --report-subjects"
        ),
        Access::Token => {}
    }
}
