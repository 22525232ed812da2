//! The links of a line: addresses of the web that somebody said, and the place of a file that was saved.
//!
//! What others chose ends up between escape sequences here, so that a link holds printable ASCII alone: everything else in
//! an address is written by its percent codes, and a host that is not of ASCII makes no link.

use std::fmt::Write as _;
use std::ops::Range;
use std::path::Path;

/// Longest address: what browsers take, and no terminal cuts.
const MAX_BYTES: usize = 2_000;

/// Most links of a line.
const MAX_LINKS: usize = 32;

/// Protocols that a click may speak.
const SCHEMES: [&str; 2] = ["https://", "http://"];

/// A part of a text that leads somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Which part, in bytes.
    pub range: Range<usize>,
    /// Where to: an address of printable ASCII without blanks.
    pub to: String,
}

/// The addresses in a text, from the left.
pub fn in_text(text: &str) -> Vec<Link> {
    let mut links = Vec::new();
    let mut from = 0;
    while let Some(start) = next_scheme(text, from)
        && links.len() < MAX_LINKS
    {
        let rest = text.get(start..).unwrap_or_default();
        let length = length_of(rest);
        let is_inside_a_word =
            text.get(..start).is_some_and(|before| before.ends_with(char::is_alphanumeric));
        if let Some(to) = rest.get(..length).and_then(address)
            && !is_inside_a_word
        {
            links.push(Link { range: start..start + length, to });
        }
        from = start + length.max(1);
    }
    links
}

/// Where a scheme begins, at `from` or behind it.
fn next_scheme(text: &str, from: usize) -> Option<usize> {
    let begins = |at: usize| {
        let rest = text.as_bytes().get(at..).unwrap_or_default();
        SCHEMES.iter().any(|scheme| {
            rest.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme.as_bytes()))
        })
    };
    (from..text.len()).find(|at| begins(*at))
}

/// How much of what begins with a scheme belongs to the address: up to a blank or what stands around addresses, without
/// the punctuation that ends a sentence, and without a bracket that was opened before it.
fn length_of(rest: &str) -> usize {
    // Marks of hidden characters have a backslash.
    let end = rest.find(|c: char| c.is_whitespace() || "<>\"\\^`{|}".contains(c)).unwrap_or(rest.len());
    let mut address = rest.get(..end).unwrap_or_default();
    loop {
        let count = |c: char| address.matches(c).count();
        let cut = address.strip_suffix(['.', ',', ';', ':', '!', '?', '\'', '*', '_', '…']);
        let cut = cut.or_else(|| address.strip_suffix(')').filter(|_| count(')') > count('(')));
        let cut = cut.or_else(|| address.strip_suffix(']').filter(|_| count(']') > count('[')));
        match cut {
            Some(shorter) => address = shorter,
            None => return address.len(),
        }
    }
}

/// An address as it can stand in an escape sequence; `None` where it has no host, or one that is not of ASCII.
fn address(text: &str) -> Option<String> {
    let (_, behind) = text.split_once("://")?;
    let host = behind.split(['/', '?', '#']).next().unwrap_or_default();
    let has_name = host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[');
    // A name before an @ looks like the host that it is not.
    let is_honest = host.chars().all(|c| c.is_ascii_graphic()) && !host.contains('@');
    let address = percent(text.as_bytes(), |byte| byte.is_ascii_graphic());
    (has_name && is_honest && address.len() <= MAX_BYTES).then_some(address)
}

/// The address of a file of this machine, which is called `host`; `None` where a path does not begin at the root.
pub fn of_file(host: &str, path: &Path) -> Option<String> {
    let host: String = host.chars().filter(|c| c.is_ascii_alphanumeric() || ".-".contains(*c)).collect();
    let is_kept = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    let path = path.is_absolute().then(|| percent(path.as_os_str().as_encoded_bytes(), is_kept))?;
    let address = format!("file://{host}{path}");
    (cfg!(unix) && address.len() <= MAX_BYTES).then_some(address)
}

fn percent(bytes: &[u8], is_kept: impl Fn(u8) -> bool) -> String {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        match is_kept(*byte) {
            true => text.push(char::from(*byte)),
            // A string takes everything.
            false => _ = write!(text, "%{byte:02X}"),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(text: &str) -> Vec<(&str, String)> {
        in_text(text).into_iter().map(|link| (text.get(link.range).expect("a part"), link.to)).collect()
    }

    #[test]
    fn addresses_end_where_the_sentence_goes_on() {
        for (text, expected) in [
            ("see https://a.example/b?c=d#e, please", "https://a.example/b?c=d#e"),
            ("(http://a.example/x_(y))", "http://a.example/x_(y)"),
            ("[HTTPS://a.example]", "HTTPS://a.example"),
            ("<https://a.example/>", "https://a.example/"),
            ("https://a.example/b.", "https://a.example/b"),
            ("https://[::1]:8080/x", "https://[::1]:8080/x"),
            ("https://a.example/\\u{1b}]8;;x", "https://a.example/"),
        ] {
            assert_eq!(of(text), [(expected, expected.to_owned())], "{text}");
        }
        let kaese = "https://a.example/Käse";
        assert_eq!(of(kaese), [(kaese, "https://a.example/K%C3%A4se".to_owned())]);
        assert_eq!(of("http://a https://b").len(), 2);
        assert_eq!(of(&"http://a ".repeat(100)).len(), MAX_LINKS);
    }

    #[test]
    fn what_leads_elsewhere_than_it_says_is_no_link() {
        for text in [
            "https://",
            "http:// a",
            "xhttp://a",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "https://bank.example@evil.example/",
            "https://b\u{e4}nk.example/",
            "https://-/",
        ] {
            assert_eq!(of(text), [], "{text}");
        }
        assert_eq!(of(&format!("https://a.example/{}", "b".repeat(MAX_BYTES))), []);
    }

    #[test]
    #[cfg(unix)]
    fn a_file_has_an_address_with_its_host() {
        let link = |path: &str| of_file("box", Path::new(path));
        assert_eq!(link("/a b/ä;\u{1b}").as_deref(), Some("file://box/a%20b/%C3%A4%3B%1B"));
        assert_eq!(link("a"), None);
    }

    proptest! {
        #[test]
        fn no_link_holds_what_a_terminal_acts_on(text in "(https?://|[ -~]|\\PC|[\\x00-\\x1f\u{80}-\u{9f}\u{202e}]){0,40}") {
            for link in in_text(&text) {
                prop_assert!(link.to.bytes().all(|byte| byte.is_ascii_graphic()), "{:?}", link);
                prop_assert!(text.get(link.range).is_some());
            }
        }
    }
}
