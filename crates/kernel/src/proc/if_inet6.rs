//! The IPv6 addresses of a network namespace.

use std::net::Ipv6Addr;

use super::{MAX_LOCAL_ADDRESSES, lines};

/// The scope of an address that is valid beyond its link (kernel: `IPV6_ADDR_SCOPE_…` in `include/net/ipv6.h`); those of
/// links and of loopback have others.
const GLOBAL: &[u8] = b"00";

/// The IPv6 addresses of a network namespace that are valid beyond their link, from `/proc/<pid>/net/if_inet6` (kernel:
/// `net/ipv6/addrconf.c`): 32 hexadecimal digits, number of the interface, length of the prefix, scope, flags, interface.
/// In the order of the file, at most 4 096.
pub fn local_addresses_v6(if_inet6: &[u8]) -> Vec<Ipv6Addr> {
    let address = |line: &[u8]| {
        let mut fields = line
            .split(u8::is_ascii_whitespace)
            .filter(|field| !field.is_empty());
        let digits = std::str::from_utf8(fields.next()?).ok()?;
        let scope = fields.nth(2)?;
        let number = u128::from_str_radix(digits, 16).ok()?;
        (digits.len() == 32 && scope == GLOBAL).then(|| Ipv6Addr::from(number))
    };
    lines(if_inet6)
        .filter_map(address)
        .take(MAX_LOCAL_ADDRESSES)
        .collect()
}
