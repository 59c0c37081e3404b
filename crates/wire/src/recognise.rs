//! Which documents are a report and nothing else. No allocation, one pass.

use crate::document::ReportKind;
use crate::limits::MAX_KNOWN_DOCUMENT;

/// A document that is exactly one mutation of a report kind, its argument given as a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recognised<'q> {
    /// Which report.
    pub kind: ReportKind,
    /// The name of the operation, if it has one.
    pub operation: Option<&'q str>,
    /// The name of the variable that holds the report.
    pub variable: &'q str,
}

/// Reads `mutation Name ($v: Type!) { field(argument: $v) }`, whatever the names, white space and commas.
///
/// None for every other document, though it may be a valid one: with an alias, directives, fragments, a default, more
/// fields or variables, comments. The engine decides about those.
pub fn recognise(document: &str) -> Option<Recognised<'_>> {
    if document.len() > MAX_KNOWN_DOCUMENT {
        return None;
    }
    let mut rest = Tokens(document);
    rest.word("mutation")?;
    let mut next = rest.next()?;
    let operation = match next {
        Token::Name(name) => {
            next = rest.next()?;
            Some(name)
        }
        Token::Mark(_) => None,
    };
    (next == Token::Mark(b'(')).then_some(())?;
    rest.mark(b'$')?;
    let variable = rest.name()?;
    rest.mark(b':')?;
    let mut after_type = rest;
    rest.skip_type()?;
    rest.mark(b')')?;
    rest.mark(b'{')?;
    let field = rest.name()?;
    let kind = ReportKind::ALL
        .into_iter()
        .find(|kind| kind.field() == field)?;
    after_type.expect_type(kind)?;
    rest.mark(b'(')?;
    rest.word(kind.argument())?;
    rest.mark(b':')?;
    rest.mark(b'$')?;
    rest.word(variable)?;
    rest.mark(b')')?;
    rest.mark(b'}')?;
    rest.is_at_end().then_some(Recognised {
        kind,
        operation,
        variable,
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Token<'q> {
    Name(&'q str),
    Mark(u8),
}

/// What of the document is still to be read.
#[derive(Clone, Copy)]
struct Tokens<'q>(&'q str);

impl<'q> Tokens<'q> {
    /// Skips what GraphQL ignores between tokens, but for comments.
    fn skip_ignored(&mut self) {
        let ignored = |c| matches!(c, ' ' | '\t' | '\n' | '\r' | ',' | '\u{feff}');
        self.0 = self.0.trim_start_matches(ignored);
    }

    fn next(&mut self) -> Option<Token<'q>> {
        self.skip_ignored();
        let first = *self.0.as_bytes().first()?;
        if first == b'_' || first.is_ascii_alphabetic() {
            let in_name = |c: char| c == '_' || c.is_ascii_alphanumeric();
            let end = self.0.find(|c| !in_name(c)).unwrap_or(self.0.len());
            let (name, rest) = self.0.split_at_checked(end)?;
            self.0 = rest;
            Some(Token::Name(name))
        } else {
            self.0 = self.0.get(1..)?;
            Some(Token::Mark(first))
        }
    }

    fn name(&mut self) -> Option<&'q str> {
        match self.next()? {
            Token::Name(name) => Some(name),
            Token::Mark(_) => None,
        }
    }

    fn word(&mut self, word: &str) -> Option<()> {
        (self.name()? == word).then_some(())
    }

    fn mark(&mut self, mark: u8) -> Option<()> {
        (self.next()? == Token::Mark(mark)).then_some(())
    }

    fn skip_type(&mut self) -> Option<()> {
        let mut end = *self;
        while end.next()? != Token::Mark(b')') {
            *self = end;
        }
        Some(())
    }

    fn expect_type(&mut self, kind: ReportKind) -> Option<()> {
        if kind.is_list() {
            self.mark(b'[')?;
            self.word(kind.input())?;
            self.mark(b'!')?;
            self.mark(b']')?;
        } else {
            self.word(kind.input())?;
        }
        self.mark(b'!')?;
        self.mark(b')')
    }

    fn is_at_end(mut self) -> bool {
        self.skip_ignored();
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_white_space_and_commas_do_not_matter() {
        for document in [
            "mutation($r:CaptureResults!){reportCaptureResults(results:$r)}",
            "mutation M($r : CaptureResults !,) , {\n reportCaptureResults ( results : $ r , ) }\r\n\t",
            "\u{feff}mutation _x9($r:CaptureResults!){reportCaptureResults(results:$r)}",
        ] {
            let found = recognise(document).unwrap();
            assert_eq!((found.kind, found.variable), (ReportKind::Captures, "r"));
        }
    }

    #[test]
    fn anything_else_is_left_to_the_engine() {
        for document in [
            "",
            "mutation",
            "query($r:CaptureResults!){reportCaptureResults(results:$r)}",
            "mutation($r:CaptureResults){reportCaptureResults(results:$r)}",
            "mutation($r:[CaptureResults!]!){reportCaptureResults(results:$r)}",
            "mutation($r:AWSOperation!){reportAWSOperation(operation:$r)}",
            "mutation($r:CaptureTCPResults!){reportCaptureResults(results:$r)}",
            "mutation($r:CaptureResults!){reportCaptureResults(operation:$r)}",
            "mutation($r:CaptureResults!){reportCaptureResults(results:$q)}",
            "mutation($r:CaptureResults!={}){reportCaptureResults(results:$r)}",
            "mutation($r:CaptureResults! $q:Int){reportCaptureResults(results:$r)}",
            "mutation($r:CaptureResults!){a:reportCaptureResults(results:$r)}",
            "mutation($r:CaptureResults!)@a{reportCaptureResults(results:$r)}",
            "mutation($r:CaptureResults!){reportCaptureResults(results:$r)@a}",
            "mutation($r:CaptureResults!){reportCaptureResults(results:$r){a}}",
            "mutation($r:CaptureResults!){reportCaptureResults(results:$r) health}",
            "mutation($r:CaptureResults!){reportCaptureResults(results:$r)} query{health}",
            "mutation($r:CaptureResults!){reportCaptureResults(results:$r)#\n}",
            "mutation($r:CaptureResults!){reportCaptureResults(results:$r)é}",
            "mutation A B($r:CaptureResults!){reportCaptureResults(results:$r)}",
        ] {
            assert_eq!(recognise(document), None, "{document}");
        }
    }

    #[test]
    fn an_over_long_document_is_not_looked_at() {
        let document = "mutation($r:CaptureResults!){reportCaptureResults(results:$r)}";
        let padded = format!("{document}{}", " ".repeat(MAX_KNOWN_DOCUMENT));
        assert!(recognise(document).is_some());
        assert_eq!(recognise(&padded), None);
    }
}
