//! Truth values as Go's `strconv.ParseBool` reads them.

/// The text is none of the twelve that Go accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected true or false (or 1, t, T, TRUE, True, 0, f, F, FALSE, False)")]
pub struct BooleanError;

/// Reads a truth value. The replaced system took every other text for false; here it is an error.
pub fn parse_boolean(text: &str) -> Result<bool, BooleanError> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        _ => Err(BooleanError),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_spellings_of_go_are_truth_values() {
        for text in ["1", "t", "T", "TRUE", "true", "True"] {
            assert_eq!(parse_boolean(text), Ok(true), "{text}");
        }
        for text in ["0", "f", "F", "FALSE", "false", "False"] {
            assert_eq!(parse_boolean(text), Ok(false), "{text}");
        }
        for text in ["", "yes", "on", "tRUE", "2", " true", "truee"] {
            assert_eq!(parse_boolean(text), Err(BooleanError), "{text}");
        }
    }
}
