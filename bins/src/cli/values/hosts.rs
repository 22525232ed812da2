//! The hosts that downloads may come from: an address, or `any`.

use std::net::IpAddr;

use backchat_core::node::DownloadHosts;

/// Which hosts a user means. A name is none: it may stand for another address when the server's ticket comes.
///
/// # Errors
/// It is neither `any` nor an address.
pub fn parse_hosts(text: &str) -> Result<DownloadHosts, &'static str> {
    match text.trim() {
        "any" => Ok(DownloadHosts::Any),
        address => address
            .parse::<IpAddr>()
            .map(DownloadHosts::And)
            .map_err(|_| "expected an address such as 192.0.2.7 or 2001:db8::7, or 'any'"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_or_any() {
        assert_eq!(parse_hosts("any"), Ok(DownloadHosts::Any));
        assert_eq!(parse_hosts("::1"), Ok(DownloadHosts::And(IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]))));
        for text in ["", "all", "example.org", "192.0.2.7:44000"] {
            assert!(parse_hosts(text).is_err(), "{text}");
        }
    }
}
