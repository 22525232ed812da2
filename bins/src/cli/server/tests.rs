//! The ready line, and what signals do.

use std::time::Duration;

use super::*;
use crate::cli::values::Span;

#[test]
fn a_path_that_is_no_plain_word_is_quoted() {
    for (path, shown) in [
        ("docs", "docs"),
        ("/srv/files", "/srv/files"),
        ("grüße", "grüße"),
        ("my files", "\"my files\""),
        ("a\tb", "\"a\\tb\""),
        ("a\u{202e}b", "\"a\\u202eb\""),
        ("a\u{a0}b", "\"a\u{a0}b\""),
        ("\"docs\"", "\"\\\"docs\\\"\""),
        ("-", "\"-\""),
        ("", "\"\""),
    ] {
        assert_eq!(quote(Path::new(path)), shown, "{path:?}");
    }
}

/// What `direct` makes of signals, `loads` being what the configuration is each time it is read.
async fn directed(signals: &[Signal], loads: impl Fn() -> Result<Config, String>) -> Vec<Control> {
    let (sender, receiver) = mpsc::channel(8);
    for signal in signals {
        sender.send(*signal).await.expect("room");
    }
    drop(sender);
    let (control, mut commands) = mpsc::channel(8);
    direct(receiver, control, Config::default(), loads).await;
    let mut all = Vec::new();
    while let Some(command) = commands.recv().await {
        all.push(command);
    }
    all
}

#[tokio::test]
async fn a_reload_changes_what_can_change_and_the_grace_of_the_end() {
    let new = Config {
        motd: Some("hello".into()),
        grace: Span::from_secs(3),
        listen: "elsewhere:1".parse().expect("an address"),
        ..Config::default()
    };
    let commands = directed(&[Signal::Reload, Signal::End], || Ok(new.clone())).await;
    assert!(matches!(&commands[0], Control::Reload(reload) if reload.motd.as_deref() == Some("hello")));
    assert!(matches!(commands[1], Control::Shutdown { grace } if grace == Duration::from_secs(3)));
}

#[tokio::test]
async fn a_configuration_with_an_error_changes_nothing() {
    let commands = directed(&[Signal::Reload, Signal::End], || Err("line 3".into())).await;
    assert_eq!(commands.len(), 1);
    assert!(matches!(commands[0], Control::Shutdown { grace } if grace == Duration::from_secs(10)));
}
