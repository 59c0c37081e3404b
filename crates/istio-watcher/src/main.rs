//! `portolan-istio-watcher`: tells the mapper which methods and paths workloads call, by what Istio's sidecars count.

use std::process::ExitCode;

fn main() -> ExitCode {
    istio_watcher::main()
}
