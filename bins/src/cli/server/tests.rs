//! The ready line, and what signals do.

use std::time::Duration;

use super::direct::{Directed, Request, Wanted};
use super::notify::Notify;
use super::*;
use crate::cli::values::Span;
use crate::driver::Control;
use tokio::sync::oneshot;

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
async fn directed(
    signals: &[Signal],
    orphaned: bool,
    loads: impl Fn() -> Result<Config, String>,
) -> Vec<Control> {
    let (sender, receiver) = mpsc::channel(8);
    for signal in signals {
        sender.send(*signal).await.expect("room");
    }
    drop(sender);
    let (control, mut commands) = mpsc::channel(8);
    let (_, requests) = mpsc::channel(1);
    direct(receiver, requests, control, Config::default(), &Notify::default(), || orphaned, loads).await;
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
    let commands = directed(&[Signal::Reload, Signal::End], false, || Ok(new.clone())).await;
    assert!(matches!(&commands[0], Control::Reload(reload) if reload.motd.as_deref() == Some("hello")));
    assert!(matches!(commands[1], Control::Shutdown { grace } if grace == Duration::from_secs(3)));
}

#[tokio::test]
async fn the_hangup_of_a_terminal_that_is_gone_is_the_end() {
    let commands = directed(&[Signal::Reload], true, || Ok(Config::default())).await;
    assert_eq!(commands.len(), 1);
    assert!(matches!(commands[0], Control::Shutdown { grace } if grace == Duration::from_secs(10)));
}

#[tokio::test]
async fn a_configuration_with_an_error_changes_nothing() {
    let commands = directed(&[Signal::Reload, Signal::End], false, || Err("line 3".into())).await;
    assert_eq!(commands.len(), 1);
    assert!(matches!(commands[0], Control::Shutdown { grace } if grace == Duration::from_secs(10)));
}

#[tokio::test]
async fn an_operator_is_told_what_came_of_a_reload() {
    let (signals, receiver) = mpsc::channel(1);
    let (requests, requested) = mpsc::channel(1);
    let (control, mut commands) = mpsc::channel(1);
    let new = Config { listen: "elsewhere:1".parse().expect("an address"), ..Config::default() };
    let loads = std::cell::RefCell::new(vec![Err("line 3".to_owned()), Ok(new)]);
    let asking = async {
        let mut answers = Vec::new();
        for wanted in [Wanted::Reload, Wanted::Reload, Wanted::Grace] {
            let (answer, answered) = oneshot::channel();
            requests.send(Request { wanted, answer }).await.expect("it listens");
            answers.push(answered.await.expect("an answer"));
        }
        drop(signals);
        answers
    };
    let notify = Notify::default();
    let directing = direct(
        receiver,
        requested,
        control,
        Config::default(),
        &notify,
        || false,
        || loads.borrow_mut().pop().unwrap_or_else(|| Err("none".to_owned())),
    );
    let (answers, ()) = tokio::join!(asking, directing);
    assert_eq!(
        answers,
        [
            Directed::Reloaded { needs_restart: vec!["listen"] },
            Directed::NotReloaded("line 3".to_owned()),
            Directed::Grace(Span::from_secs(10)),
        ]
    );
    assert!(matches!(commands.recv().await, Some(Control::Reload(_))));
    assert!(commands.recv().await.is_none(), "what cannot be read changes nothing");
}
