//! Under which nickname one joins.

use backchat_core::chat::Nickname;
use backchat_core::text::visible;

use crate::cli::args::Environment;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;

/// Who is nobody: a login name without a single character that fits.
const NOBODY: &str = "guest";

/// `--nick`, else `BACKCHAT_NICK`, else the login name. What was typed must be a nickname; a login name is made one.
pub fn choose(
    typed: Option<&str>,
    environment: &Environment,
    login: impl FnOnce() -> Option<String>,
) -> Result<Nickname, Failure> {
    let refuse = |source: &str, text: &str, error| {
        Failure::new(Exit::Usage, format!("{source} is '{}': {error}", visible(text)))
    };
    if let Some(text) = typed {
        return Nickname::parse(text).map_err(|error| refuse("--nick", text, error));
    }
    if let Some(raw) = environment.raw("BACKCHAT_NICK") {
        let text = raw.to_string_lossy();
        return Nickname::parse(&text)
            .map_err(|error| refuse("environment variable BACKCHAT_NICK", &text, error));
    }
    let name = sanitise(&login().unwrap_or_default());
    Nickname::parse(&name).map_err(|error| refuse("the login name", &name, error))
}

/// The nickname that a message is for. A name that nobody can have is nobody's.
pub fn addressee(text: &str) -> Result<Nickname, Failure> {
    Nickname::parse(text).map_err(|error| {
        Failure::new(Exit::NotFound, format!("no such nickname '{}': {error}", visible(text)))
    })
}

/// The login name of whoever runs this.
pub fn login_name() -> Option<String> {
    whoami::username().ok()
}

/// A login name as a nickname: a domain and what does not fit left out, at most as long as a nickname may be.
fn sanitise(login: &str) -> String {
    // `DOMAIN\user` and `user@domain`.
    let user = login.rsplit('\\').next().unwrap_or(login);
    let user = user.split('@').next().unwrap_or(user);
    let fits = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '[' | ']');
    let name: String = user.chars().filter(fits).take(Nickname::MAX_LENGTH).collect();
    if name.is_empty() { NOBODY.to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn login(name: &str) -> impl FnOnce() -> Option<String> {
        move || Some(name.to_owned())
    }

    #[test]
    fn a_flag_wins_over_the_environment_and_that_over_the_login_name() {
        let environment = Environment::of(&[("BACKCHAT_NICK", "env")]);
        let chosen =
            |typed, environment| choose(typed, environment, login("me")).map(|nick| nick.to_string());
        assert_eq!(chosen(Some("typed"), &environment), Ok("typed".into()));
        assert_eq!(chosen(None, &environment), Ok("env".into()));
        assert_eq!(chosen(None, &Environment::default()), Ok("me".into()));
        assert_eq!(
            choose(None, &Environment::default(), || None).map(|nick| nick.to_string()),
            Ok("guest".into())
        );
    }

    #[test]
    fn what_was_typed_is_never_bent_into_shape() {
        let environment = Environment::of(&[("BACKCHAT_NICK", "two words")]);
        let failure = choose(Some("a\u{1b}b"), &environment, login("me")).expect_err("not a nickname");
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.message.starts_with("--nick is 'a\\u{1b}b': nickname has "), "{}", failure.message);
        let failure = choose(None, &environment, login("me")).expect_err("not a nickname");
        assert!(failure.message.starts_with("environment variable BACKCHAT_NICK is 'two words'"));
    }

    #[test]
    fn login_names_lose_what_does_not_fit() {
        for (login, nick) in [
            ("ann", "ann"),
            ("CORP\\ann", "ann"),
            ("ann@corp", "ann"),
            ("ann lee", "annlee"),
            ("müller", "mller"),
            ("用户", "guest"),
        ] {
            assert_eq!(sanitise(login), nick, "{login}");
        }
    }

    #[test]
    fn a_name_that_nobody_can_have_is_nobodys() {
        assert_eq!(addressee("bob").map(|nick| nick.to_string()), Ok("bob".into()));
        assert_eq!(addressee("two words").map_err(|failure| failure.exit), Err(Exit::NotFound));
    }

    proptest! {
        #[test]
        fn any_login_name_gives_a_nickname(login: String) {
            prop_assert!(Nickname::parse(&sanitise(&login)).is_ok());
        }
    }
}
