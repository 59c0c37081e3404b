//! How far a long capture has been read.

use std::io::{self, Read};

use indicatif::{ProgressBar, ProgressStyle};

use super::frames::Input;

/// Captures below this size are read in the blink of an eye.
const SHOWN_FROM: u64 = 64 << 20;

/// A bar on standard error, in bytes of the files; nothing where that is no terminal, or for short captures.
pub(crate) fn follow<'a>(inputs: Vec<Input<'a>>) -> (Vec<Input<'a>>, ProgressBar) {
    let length = inputs
        .iter()
        .try_fold(0_u64, |sum, input| Some(sum.saturating_add(input.length?)));
    let bar = match length {
        Some(length) if length < SHOWN_FROM => return (inputs, ProgressBar::hidden()),
        Some(length) => ProgressBar::new(length).with_style(style(
            "{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left",
        )),
        None => ProgressBar::no_length().with_style(style("{spinner} {bytes}, {bytes_per_sec}")),
    };
    let followed = inputs
        .into_iter()
        .map(|input| Input {
            reader: Box::new(Followed {
                reader: input.reader,
                bar: bar.clone(),
            }) as Box<dyn Read + 'a>,
            ..input
        })
        .collect();
    (followed, bar)
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

struct Followed<'a> {
    reader: Box<dyn Read + 'a>,
    bar: ProgressBar,
}

impl Read for Followed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.bar.inc(count as u64);
        Ok(count)
    }
}
