//! Which packets the kernel passes on: a program of the classic packet filter (kernel:
//! `Documentation/networking/filter.rst`), attached to a packet socket without link headers.
//!
//! Passed are, of IPv4 and IPv6 and behind one VLAN tag too:
//!
//! * UDP from or to port 53, whole;
//! * TCP from port 53 with data, whole;
//! * TCP with SYN; RST with ACK and sequence number 0, which refuses a SYN (RFC 9293 3.10.7.1); RST without ACK, which
//!   answers an unexpected SYN-ACK (RFC 9293 3.5.2): their headers;
//! * IPv6 with extension headers, which such a program cannot walk: the beginning, for the reader to decide.
//!
//! Later fragments have no ports and are not passed.

/// Bytes of a datagram or segment with DNS that are kept, from the IP header on. A UDP answer is at most as long as the
/// client offered, which is 1 232 to 4 096 (RFC 6891 6.2.5, DNS flag day 2020); what TCP carries comes in several segments,
/// or in one that offload made of them.
pub const DNS_BYTES: u32 = 16_384;

/// Bytes of a handshake's packet that are kept: the longest IPv4 and TCP headers have 120, behind a VLAN tag of 4.
pub const HEADER_BYTES: u32 = 128;

/// Bytes of a packet with IPv6 extension headers: of an answer as long as the smallest offer, and its headers.
pub const EXTENDED_BYTES: u32 = 2_048;

/// One instruction (kernel: `struct sock_filter`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Instruction {
    /// What to do.
    pub code: u16,
    /// Instructions to skip when the condition holds.
    pub jump_true: u8,
    /// Instructions to skip when it does not.
    pub jump_false: u8,
    /// The operand.
    pub k: u32,
}

/// Codes of instructions (kernel: `include/uapi/linux/bpf_common.h`).
mod code {
    pub(super) const LOAD_WORD_INDEXED: u16 = 0x40;
    pub(super) const LOAD_HALF: u16 = 0x28;
    pub(super) const LOAD_HALF_INDEXED: u16 = 0x48;
    pub(super) const LOAD_BYTE: u16 = 0x30;
    pub(super) const LOAD_BYTE_INDEXED: u16 = 0x50;
    /// X = 4 × (low nibble of the byte): the length of an IPv4 header.
    pub(super) const LOAD_X_HEADER_LENGTH: u16 = 0xb1;
    pub(super) const LOAD_MEMORY: u16 = 0x60;
    pub(super) const LOAD_X: u16 = 0x01;
    pub(super) const LOAD_X_MEMORY: u16 = 0x61;
    pub(super) const STORE: u16 = 0x02;
    pub(super) const ADD: u16 = 0x04;
    pub(super) const ADD_X: u16 = 0x0c;
    pub(super) const SUBTRACT_X: u16 = 0x1c;
    pub(super) const AND: u16 = 0x54;
    pub(super) const SHIFT_RIGHT: u16 = 0x74;
    pub(super) const JUMP: u16 = 0x05;
    pub(super) const JUMP_EQUAL: u16 = 0x15;
    pub(super) const JUMP_SET: u16 = 0x45;
    pub(super) const RETURN: u16 = 0x06;
}

/// Where the kernel keeps the packet's ethertype (`SKF_AD_OFF + SKF_AD_PROTOCOL`).
const ETHERTYPE: u32 = 0xffff_f000;

/// Tags of IEEE 802.1Q and 802.1ad, and what was used before the latter. One more is taken off by the kernel.
const VLAN_TAGS: [u32; 3] = [0x8100, 0x88a8, 0x9100];

/// Numbers of IANA: the extension headers that `packet::parse` walks.
const EXTENSION_HEADERS: [u32; 6] = [0, 43, 44, 51, 60, 135];

const TCP: u32 = 6;
const UDP: u32 = 17;
const ICMPV6: u32 = 58;
const DNS_PORT: u32 = 53;
const IPV6_HEADER: u32 = 40;

/// Where a jump leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum To {
    Next,
    Label(Label),
}

/// Places in the program; those of each walk behind another number of tags are apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Label {
    Walk(u32),
    Ipv4(u32),
    Ipv6(u32),
    Extensions(u32),
    Transport(u32),
    Udp(u32),
    Tcp(u32),
    RefusesSyn(u32),
    DnsData(u32),
    Dns,
    Headers,
    Extended,
    Nothing,
}

/// An instruction whose jumps are not yet counted.
#[derive(Clone, Copy, Debug)]
struct Draft {
    code: u16,
    k: u32,
    then: To,
    otherwise: To,
}

#[derive(Debug, Default)]
struct Program {
    drafts: Vec<Draft>,
    labels: Vec<(Label, usize)>,
}

impl Program {
    fn label(&mut self, label: Label) {
        self.labels.push((label, self.drafts.len()));
    }

    fn add(&mut self, code: u16, k: u32) {
        self.branch(code, k, To::Next, To::Next);
    }

    fn branch(&mut self, code: u16, k: u32, then: To, otherwise: To) {
        self.drafts.push(Draft {
            code,
            k,
            then,
            otherwise,
        });
    }

    /// Goes to `label` when A is `k`.
    fn equal(&mut self, k: u32, label: Label) {
        self.branch(code::JUMP_EQUAL, k, To::Label(label), To::Next);
    }

    fn jump(&mut self, label: Label) {
        self.branch(code::JUMP, 0, To::Label(label), To::Next);
    }

    fn finish(self) -> Vec<Instruction> {
        let Self { drafts, labels } = self;
        let skip = |from: usize, to: To| -> u32 {
            let To::Label(label) = to else { return 0 };
            let place = labels.iter().find(|(known, _)| *known == label);
            let place = place.map_or(from + 1, |(_, place)| *place);
            // Forward only, and the program is short; a test walks it.
            u32::try_from(place.saturating_sub(from + 1)).unwrap_or(0)
        };
        let instruction = |(from, draft): (usize, &Draft)| {
            let (then, otherwise) = (skip(from, draft.then), skip(from, draft.otherwise));
            if draft.code == code::JUMP {
                return Instruction {
                    code: draft.code,
                    jump_true: 0,
                    jump_false: 0,
                    k: then,
                };
            }
            Instruction {
                code: draft.code,
                jump_true: u8::try_from(then).unwrap_or(0),
                jump_false: u8::try_from(otherwise).unwrap_or(0),
                k: draft.k,
            }
        };
        drafts.iter().enumerate().map(instruction).collect()
    }
}

/// The program.
pub fn program() -> Vec<Instruction> {
    let mut program = Program::default();
    program.add(code::LOAD_HALF, ETHERTYPE);
    for tag in VLAN_TAGS {
        program.equal(tag, Label::Walk(4));
    }
    for base in [0, 4] {
        walk(&mut program, base);
    }
    for (label, bytes) in [
        (Label::Dns, DNS_BYTES),
        (Label::Headers, HEADER_BYTES),
        (Label::Extended, EXTENDED_BYTES),
        (Label::Nothing, 0),
    ] {
        program.label(label);
        program.add(code::RETURN, bytes);
    }
    program.finish()
}

/// From an IP header at `base` on. X holds the length of the IP header, M\[0\] that of the packet.
fn walk(program: &mut Program, base: u32) {
    program.label(Label::Walk(base));
    program.add(code::LOAD_BYTE, base);
    program.add(code::AND, 0xf0);
    program.equal(0x40, Label::Ipv4(base));
    program.equal(0x60, Label::Ipv6(base));
    program.jump(Label::Nothing);

    program.label(Label::Ipv4(base));
    program.add(code::LOAD_HALF, base + 6);
    let later_fragment = To::Label(Label::Nothing);
    program.branch(code::JUMP_SET, 0x1fff, later_fragment, To::Next);
    program.add(code::LOAD_HALF, base + 2);
    program.add(code::STORE, 0);
    program.add(code::LOAD_X_HEADER_LENGTH, base);
    program.add(code::LOAD_BYTE, base + 9);
    program.jump(Label::Transport(base));

    program.label(Label::Ipv6(base));
    program.add(code::LOAD_HALF, base + 4);
    program.add(code::ADD, IPV6_HEADER);
    program.add(code::STORE, 0);
    program.add(code::LOAD_X, IPV6_HEADER);
    program.add(code::LOAD_BYTE, base + 6);
    for header in EXTENSION_HEADERS {
        program.equal(header, Label::Extensions(base));
    }

    program.label(Label::Transport(base));
    program.equal(UDP, Label::Udp(base));
    program.equal(TCP, Label::Tcp(base));
    program.jump(Label::Nothing);

    // Every extension header begins with the number of what is behind it. Groups are joined all the time.
    program.label(Label::Extensions(base));
    program.add(code::LOAD_BYTE, base + IPV6_HEADER);
    program.equal(ICMPV6, Label::Nothing);
    program.jump(Label::Extended);

    program.label(Label::Udp(base));
    for port in [0, 2] {
        program.add(code::LOAD_HALF_INDEXED, base + port);
        program.equal(DNS_PORT, Label::Dns);
    }
    program.jump(Label::Nothing);

    program.label(Label::Tcp(base));
    program.add(code::LOAD_BYTE_INDEXED, base + 13);
    let syn = 0x02;
    program.branch(code::JUMP_SET, syn, To::Label(Label::Headers), To::Next);
    let (rst, rst_and_ack) = (0x04, 0x14);
    program.add(code::AND, rst_and_ack);
    program.equal(rst, Label::Headers);
    program.equal(rst_and_ack, Label::RefusesSyn(base));

    program.label(Label::DnsData(base));
    program.add(code::LOAD_HALF_INDEXED, base);
    program.branch(
        code::JUMP_EQUAL,
        DNS_PORT,
        To::Next,
        To::Label(Label::Nothing),
    );
    // The length of both headers: that of TCP is the high nibble of a byte, in words.
    program.add(code::LOAD_BYTE_INDEXED, base + 12);
    program.add(code::AND, 0xf0);
    program.add(code::SHIFT_RIGHT, 2);
    program.add(code::ADD_X, 0);
    program.add(code::STORE, 1);
    program.add(code::LOAD_MEMORY, 0);
    program.add(code::LOAD_X_MEMORY, 1);
    program.add(code::SUBTRACT_X, 0);
    program.equal(0, Label::Nothing);
    program.jump(Label::Dns);

    program.label(Label::RefusesSyn(base));
    program.add(code::LOAD_WORD_INDEXED, base + 4);
    program.equal(0, Label::Headers);
    program.jump(Label::Nothing);
}

#[cfg(test)]
mod tests;
