//! DNS messages (RFC 1035 4): the question, and the addresses in the answer section.
//!
//! The name is the question's, whatever chain of CNAMEs leads to the addresses: it is what the client asked for.
//! Nothing is allocated, and the answer section is walked only when its addresses are asked for.

mod addresses;
mod name;

pub use addresses::{Address, Addresses};
pub use name::Name;

use crate::bytes;

/// Why a message cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum Malformed {
    /// It ends before its question does. Nothing to do when the capture kept only the beginning of frames, except
    /// to capture more of them.
    #[error("the message is cut off")]
    CutOff,
    /// It does not hold exactly one question; no resolver asks two (RFC 9619 forbids it). Such a client cannot be
    /// mapped by DNS.
    #[error("the message does not hold exactly one question")]
    Questions,
    /// A label type that RFC 1035 does not know, a name above 255 bytes, or a pointer in the first name: something
    /// else than DNS speaks on this port.
    #[error("the name in the question is not a name")]
    Name,
}

impl Malformed {
    /// Every reason.
    pub const ALL: [Self; 3] = [Self::CutOff, Self::Questions, Self::Name];

    /// The words for it in summaries and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CutOff => "cut off",
            Self::Questions => "not one question",
            Self::Name => "bad name",
        }
    }
}

/// What was asked (RFC 1035 4.1.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// The name.
    pub name: Name,
    /// The record type: 1 for A, 28 for AAAA.
    pub record_type: u16,
    /// The class, nearly always 1 (the internet).
    pub class: u16,
}

/// A query or its answer.
#[derive(Clone, Debug)]
pub struct Message<'a> {
    bytes: &'a [u8],
    header: [u8; HEADER],
    question: Question,
    /// Where the answer section begins.
    answers: usize,
}

/// Bytes of the header (RFC 1035 4.1.1).
const HEADER: usize = 12;

/// Reads the header and the question.
pub fn parse(bytes: &[u8]) -> Result<Message<'_>, Malformed> {
    let header: [u8; HEADER] = bytes::array(bytes, 0).ok_or(Malformed::CutOff)?;
    if [header[4], header[5]] != [0, 1] {
        return Err(Malformed::Questions);
    }
    let (name, place) = Name::first(bytes, HEADER)?;
    let question = Question {
        name,
        record_type: bytes::be16(bytes, place).ok_or(Malformed::CutOff)?,
        class: bytes::be16(bytes, place + 2).ok_or(Malformed::CutOff)?,
    };
    Ok(Message {
        bytes,
        header,
        question,
        answers: place + 4,
    })
}

impl<'a> Message<'a> {
    /// The number that joins an answer to its query.
    pub const fn id(&self) -> u16 {
        u16::from_be_bytes([self.header[0], self.header[1]])
    }

    /// Whether it is an answer (the QR bit).
    pub const fn is_answer(&self) -> bool {
        self.header[2] & 0x80 != 0
    }

    /// 0 for a standard query.
    pub const fn opcode(&self) -> u8 {
        self.header[2] >> 3 & 0x0f
    }

    /// Whether the answer did not fit (the TC bit).
    pub const fn is_truncated(&self) -> bool {
        self.header[2] & 0x02 != 0
    }

    /// 0 for success, 3 for no such name.
    pub const fn response_code(&self) -> u8 {
        self.header[3] & 0x0f
    }

    /// What was asked.
    pub const fn question(&self) -> &Question {
        &self.question
    }

    /// The addresses in the answer section: A and AAAA records of class IN.
    pub const fn addresses(&self) -> Addresses<'a> {
        let records = u16::from_be_bytes([self.header[6], self.header[7]]);
        Addresses::new(self.bytes, self.answers, records)
    }
}
