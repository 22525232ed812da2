//! From the options of `get` to what the client and its files are asked for, and the command line that goes on
//! where a download stopped.

use backchat_core::chat::FileName;
use backchat_core::node::GetRequest;
use backchat_core::text::visible;

use super::get::{GetOptions, Output};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::values::Rate;
use crate::files::{Existing, Partial, Place, TargetSpec, Time};

/// What is asked of the server, and what becomes of the bytes. A name that no server can share is no such file.
pub fn of(args: &GetOptions) -> Result<(GetRequest, TargetSpec), Failure> {
    let file = FileName::parse(&args.name).map_err(|error| {
        let message = format!("no such file '{}': {error}", visible(&args.name));
        Failure::new(Exit::NotFound, message)
    })?;
    let default = GetRequest::new(file);
    let request = GetRequest {
        recovery: args.recovery.unwrap_or(default.recovery),
        congestion: args.congestion.unwrap_or(default.congestion),
        limit_rate: args.limit_rate.map(Rate::bytes_per_second),
        min_rate: args.min_rate.map(Rate::bytes_per_second),
        ..default
    };
    Ok((request, target(args)))
}

fn target(args: &GetOptions) -> TargetSpec {
    let place = match args.destination() {
        Output::Stdout => return TargetSpec::Stdout,
        Output::File(path) => Place::Path(path),
        Output::Folder(folder) => Place::Folder(folder),
    };
    let existing = match (args.force, args.rename, args.skip_existing) {
        (true, _, _) => Existing::Replace,
        (_, true, _) => Existing::Rename,
        (_, _, true) => Existing::Skip,
        _ => Existing::Refuse,
    };
    let partial = if args.no_resume { Partial::Discard } else { Partial::Resume };
    let time = if args.remote_time { Time::Remote } else { Time::Now };
    TargetSpec::File { place, existing, partial, time }
}

/// The command line `words` again, so that a shell takes it and the download goes on: as it was typed, without
/// `--no-resume`.
pub fn resume_command(words: &[String]) -> String {
    // Behind `--` there are only names.
    let options = words.iter().position(|word| word == "--").unwrap_or(words.len());
    let kept = words.iter().enumerate().filter(|(at, word)| *at > options || *word != "--no-resume");
    quote_all(kept.map(|(_, word)| word.as_str()))
}

/// Words as a shell takes them.
pub fn quote_all<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = words.into_iter().map(quote).collect();
    quoted.join(" ")
}

/// A word as a shell takes it. A NUL, which no shell and no command line can hold, is left out.
fn quote(word: &str) -> String {
    let word: String = word.chars().filter(|c| *c != '\0').collect();
    shlex::try_quote(&word).map_or_else(|_| word.clone(), std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use backchat_core::wire::CongestionChoice;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_option_has_its_value() {
        let mut args = GetOptions::of("book.bin");
        args.limit_rate = "500K".parse().ok();
        args.congestion = Some(CongestionChoice::Fixed(4));
        let (request, target) = of(&args).expect("valid");
        assert_eq!(request.file.as_str(), "book.bin");
        assert_eq!((request.limit_rate, request.congestion), (Some(500_000), CongestionChoice::Fixed(4)));
        assert_eq!(target, TargetSpec::folder("."));
        for (set, existing) in [
            (GetOptions { force: true, ..args.clone() }, Existing::Replace),
            (GetOptions { rename: true, ..args.clone() }, Existing::Rename),
            (GetOptions { skip_existing: true, ..args.clone() }, Existing::Skip),
        ] {
            let partial = Partial::Resume;
            let place = Place::Folder(".".into());
            assert_eq!(
                of(&set).expect("valid").1,
                TargetSpec::File { place, existing, partial, time: Time::Now }
            );
        }
        let args = GetOptions {
            output: Some("a/b".into()),
            no_resume: true,
            remote_time: true,
            ..GetOptions::of("x")
        };
        let expected = TargetSpec::File {
            place: Place::Path("a/b".into()),
            existing: Existing::Refuse,
            partial: Partial::Discard,
            time: Time::Remote,
        };
        assert_eq!(of(&args).expect("valid").1, expected);
        let args = GetOptions { output: Some("-".into()), ..GetOptions::of("x") };
        assert_eq!(of(&args).expect("valid").1, TargetSpec::Stdout);
    }

    #[test]
    fn a_name_that_nobody_can_share_is_no_such_file() {
        let long = "x".repeat(300);
        for name in ["../x", "/etc/passwd", "a/b", "C:x", "a\0b", "", ".hidden", &long] {
            let failure = of(&GetOptions::of(name)).expect_err(name);
            assert_eq!(failure.exit, Exit::NotFound, "{name}");
            assert!(failure.message.starts_with("no such file '"), "{}", failure.message);
        }
    }

    #[test]
    fn the_command_that_goes_on_can_be_pasted() {
        let words = |line: &str| shlex::split(line).expect("balanced quotes");
        let line = "backchat-client get 'my book.bin' --no-resume -d '$HOME; rm' --server h:7";
        assert_eq!(
            resume_command(&words(line)),
            "backchat-client get 'my book.bin' -d '$HOME; rm' --server h:7"
        );
        assert_eq!(resume_command(&words("b get -- --no-resume")), "b get -- --no-resume");
    }

    proptest! {
        #[test]
        fn a_shell_reads_back_what_was_quoted(words in prop::collection::vec("[^\0]{0,12}", 1..5)) {
            let expected: Vec<String> = words.iter().filter(|word| *word != "--no-resume").cloned().collect();
            prop_assert_eq!(shlex::split(&resume_command(&words)), Some(expected));
        }
    }
}
