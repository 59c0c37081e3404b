//! `portolan reset`.

use crate::args::ResetArgs;
use crate::failure::Failure;
use crate::{old, output, reach};

/// `portolan reset`.
pub(crate) fn run(args: &ResetArgs) -> Result<(), Failure> {
    reach::runtime()?.block_on(async {
        let mut mapper = reach::open(&args.mapper).await?;
        old::ask::reset(&mut mapper).await
    })?;
    output::note("the map is forgotten up to now; what goes on is reported again\n");
    Ok(())
}
