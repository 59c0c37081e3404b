//! An address and port in 18 bytes, for tables that hold many.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// An address (IPv4 in its mapped form, RFC 4291 2.5.5.2) and a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Endpoint {
    address: [u8; 16],
    port: u16,
}

impl Endpoint {
    pub(crate) fn new(address: IpAddr, port: u16) -> Self {
        let address = match address {
            IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
            IpAddr::V6(v6) => v6.octets(),
        };
        Self { address, port }
    }

    pub(crate) fn address(self) -> IpAddr {
        Ipv6Addr::from(self.address).to_canonical()
    }

    pub(crate) fn socket(self) -> SocketAddr {
        SocketAddr::new(self.address(), self.port)
    }
}
