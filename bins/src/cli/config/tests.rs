//! The layers, the messages, and the sample in docs/.

use std::time::Duration;

use super::*;

use super::commented::SAMPLE;

fn parse(text: &str) -> Result<Config, String> {
    let file = ConfigFile::parse(text, Path::new("/etc"))
        .map_err(|(place, message)| format!("{place}: {message}"))?;
    Ok(Config::of(ServerArgs::default(), file))
}

/// A configuration in which every key has a value of its own.
fn unusual() -> Config {
    let limits = Limits {
        text_bytes: 1024,
        burst: 9,
        per_second: 3,
        connections_per_address: 17,
        rates_per_address: 18,
        clients: 7,
        join_timeout: Duration::from_millis(1500),
        slow_reader_bytes: 131_072,
        slow_reader_timeout: Duration::from_secs(33),
        unread_bytes: 262_144,
        history: 5,
        backlog: 4,
        parked_for: Duration::from_secs(31),
        ping_after: Duration::from_secs(32),
        downloads_per_session: 2,
        downloads_per_address: 19,
        tickets_per_session: 3,
        lists_per_session: 4,
        request_burst: 21,
        requests_per_second: 11,
        malformed_burst: 22,
        malformed_per_second: 2,
        wasted_burst_bytes: 131_072,
        wasted_bytes_per_second: 1000,
    };
    let transfer = TransferLimits {
        downloads: 7,
        memory: 3 << 20,
        segment: 1024,
        fixed_cap: 5,
        ticket_ms: 5_000,
        silence_ms: 7_000,
    };
    Config {
        listen: "0.0.0.0:1".parse().expect("an address"),
        udp: "[::1]:7".parse().expect("an address"),
        share: Some("/srv/my files".into()),
        grace: Span::from_secs(120),
        log_format: LogFormat::Json,
        motd: Some("two\nlines \"quoted\" # no comment".into()),
        advertise: "203.0.113.7:44000".parse().ok(),
        state_dir: Some("/var/lib/backchat".into()),
        metrics: "[::1]:9464".parse().ok(),
        metrics_host: vec!["backchat.example".into()],
        proxies: vec!["127.0.0.1".parse().expect("an address"), "fd00::/8".parse().expect("a range")],
        limits,
        transfer,
    }
}

#[test]
fn the_sample_says_the_defaults_and_every_key() {
    assert_eq!(parse(SAMPLE), Ok(Config::default()));
    assert_eq!(Config::default().to_commented_toml(), SAMPLE);
    // Keys that have no value by default stand in it behind a `#`, and every key can be set in its place.
    let set = unusual().to_commented_toml();
    let (lines, sample): (Vec<&str>, Vec<&str>) = (set.lines().collect(), SAMPLE.lines().collect());
    let changed = sample.iter().filter(|line| !lines.contains(line)).count();
    let keys = unusual().to_toml().lines().filter(|line| line.contains(" = ")).count();
    assert_eq!(changed, keys, "{set}");
    assert_eq!(parse(&set), Ok(unusual()));
}

#[test]
fn an_empty_file_changes_nothing() {
    assert_eq!(parse(""), Ok(Config::default()));
    assert_eq!(parse("# only a comment\n[limits]\n"), Ok(Config::default()));
}

#[test]
fn every_key_is_read() {
    let text = r#"
        listen = "0.0.0.0"
        udp = "[::1]:7"
        advertise = "203.0.113.7:44000"
        share = "files"
        state_dir = "state"
        metrics = "127.0.0.1"
        metrics_host = ["a", "b"]
        proxies = ["10.0.0.0/8"]
        grace = "2m"
        log_format = "json"
        motd = "welcome"
        [limits]
        text_bytes = "1KiB"
        burst = 9
        slow_reader_bytes = 131072
        join_timeout = "5s"
        [transfer]
        downloads = 7
        segment = "1KiB"
        ticket = "5s"
    "#;
    let expected = Config {
        listen: "0.0.0.0:55000".parse().expect("an address"),
        udp: "[::1]:7".parse().expect("an address"),
        share: Some("/etc/files".into()),
        state_dir: Some("/etc/state".into()),
        metrics_host: vec!["a".into(), "b".into()],
        grace: Span::from_secs(120),
        log_format: LogFormat::Json,
        motd: Some("welcome".into()),
        limits: Limits {
            text_bytes: 1024,
            burst: 9,
            slow_reader_bytes: 131_072,
            join_timeout: Duration::from_secs(5),
            ..Limits::default()
        },
        transfer: TransferLimits {
            downloads: 7,
            segment: 1024,
            ticket_ms: 5_000,
            ..TransferLimits::default()
        },
        advertise: "203.0.113.7:44000".parse().ok(),
        metrics: "127.0.0.1:9464".parse().ok(),
        proxies: vec!["10.0.0.0/8".parse().expect("a range")],
    };
    assert_eq!(parse(text), Ok(expected));
    let error = parse("proxies = [\"localhost\"]").expect_err("a name is no address");
    assert!(error.contains("'localhost': expected an address such as 127.0.0.1"), "{error}");
}

#[test]
fn the_effective_configuration_is_a_file_that_says_the_same() {
    assert_eq!(parse(&unusual().to_toml()), Ok(unusual()));
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (text, expected) in [
        (
            "lisen = 'x'",
            "1:1: unknown field `lisen`, expected one of `listen`, `udp`, `advertise`, `share`, `state_dir`, `metrics`, `metrics_host`, `proxies`, `grace`, `log_format`, `motd`, `limits`, `transfer`",
        ),
        ("\n[limits]\nburst = 5\nbrust = 6\n", "4:1: unknown field `brust`, expected one of"),
        (
            "grace = 10",
            "1:9: invalid type: integer `10`, expected a time as a string, such as \"15ms\" or \"10s\"",
        ),
        ("grace = '10'", "1:9: a unit is missing: write 10s for seconds or 10ms for milliseconds"),
        ("listen = ':1'", "1:10: the host is missing: expected HOST or HOST:PORT, such as 127.0.0.1:55000"),
        ("log_format = 'xml'", "1:14: unknown value `xml`, expected `text` or `json`"),
        ("[limits]\nburst = -1", "2:9: expected a number that is not below zero"),
        ("[limits]\nburst = 'x'", "2:9: expected a whole number"),
        ("share = ''", "1:9: share is empty: name a folder, or leave it out for a chat alone"),
        ("[limits]\nburst = 0", "2:9: burst is 0, expected 1 to 1000000"),
        ("limits = { join_timeout = '0s' }", "1:27: join_timeout is 0s, expected 1ms to 1day"),
        ("[limits]\ntext_bytes = '1GiB'", "2:14: text_bytes is 1073741824, expected 1 to 15360"),
        ("[limits]\ntext_bytes = -4", "2:14: a size cannot be negative"),
        (
            "motd = \"\\u0007\"",
            "1:8: motd: text has the control character U+0007; only tab and line feed are allowed",
        ),
        ("share = ", "1:9: "),
        ("# ü\nü = 1", "2:1: "),
    ] {
        let error = parse(text).expect_err(text);
        assert!(error.starts_with(expected), "{text}: {error}");
        assert!(!error.contains('\n'), "{error}");
    }
}

#[test]
fn no_word_from_inside_is_in_what_is_said_of_any_key() {
    let keys: Vec<String> = unusual().to_toml().lines().map(str::to_owned).collect();
    let mut section = "";
    let mut wrong = vec!["limits = 3".to_owned(), "transfer = []".to_owned(), "transfer = 'x'".to_owned()];
    for line in &keys {
        match line.split_once(" = ") {
            Some((key, _)) => {
                for value in ["1", "-1", "1.5", "true", "'x'", "[1]", "{ a = 1 }", "1979-05-27"] {
                    wrong.push(format!("{section}\n{key} = {value}"));
                }
            }
            None => section = line,
        }
    }
    for text in wrong {
        let Err(error) = parse(&text) else { continue };
        for word in
            ["struct", "enum", "variant", "sequence", "newtype", "tuple", "Option", "Table", "path string"]
        {
            assert!(!error.contains(word), "{text}: {error}");
        }
    }
    let mistyped = parse("limits = 3").expect_err("no table");
    assert_eq!(mistyped, "1:10: invalid type: integer `3`, expected a table of settings");
}

#[test]
fn a_file_lies_below_the_environment_and_that_below_flags() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("backchat.toml");
    let text = "listen = 'file:1'\nudp = 'file:2'\nshare = 'files'\ngrace = '3s'\n[limits]\nburst = 7\n";
    std::fs::write(&path, text).expect("written");
    let path = path.to_str().expect("UTF-8");
    let environment = Environment::of(&[
        ("BACKCHAT_CONFIG", path),
        ("BACKCHAT_LISTEN", "env:1"),
        ("BACKCHAT_UDP", "env:2"),
    ]);
    let flags = ServerArgs { listen: "flag:1".parse().ok(), ..ServerArgs::default() };
    let config = Config::load(&flags, &environment).expect("valid");
    assert_eq!(config.listen.to_string(), "flag:1");
    assert_eq!(config.udp.to_string(), "env:2");
    assert_eq!(config.share, Some(folder.path().join("files")));
    assert_eq!(config.grace, Span::from_secs(3));
    assert_eq!(config.limits.burst, 7);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let load = |path: PathBuf| {
        let flags = ServerArgs { config: Some(path), ..ServerArgs::default() };
        Config::load(&flags, &Environment::default()).expect_err("unreadable").to_string()
    };
    let missing = load(folder.path().join("none.toml"));
    assert!(
        missing.starts_with("cannot read the configuration file ") && missing.contains("none.toml: "),
        "{missing}"
    );
    let binary = folder.path().join("binary.toml");
    std::fs::write(&binary, b"\xff\xfe").expect("written");
    assert!(load(binary).contains("UTF-8"));
    let wrong = folder.path().join("wrong.toml");
    std::fs::write(&wrong, "listen = 1").expect("written");
    assert!(load(wrong).contains("wrong.toml:1:10: invalid type"));
}

#[test]
fn what_a_running_server_cannot_change_is_named() {
    let old = Config::default();
    let new = Config {
        udp: "127.0.0.1:1".parse().expect("an address"),
        share: Some("x".into()),
        grace: Span::from_secs(1),
        ..Config::default()
    };
    assert_eq!(old.needs_restart(&new), ["udp", "share"]);
    assert!(old.needs_restart(&old).is_empty());
}
