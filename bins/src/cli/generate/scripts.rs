//! The scripts that make a shell ask the program itself while one types.

use super::complete::Asking;

/// The script for a shell.
pub(super) fn script(shell: Asking, program: &str) -> String {
    let template = match shell {
        Asking::Bash => BASH,
        Asking::Fish => FISH,
        Asking::Zsh => ZSH,
    };
    template.replace("PROGRAM", program).replace("FUNCTION", &program.replace('-', "_"))
}

/// Written for bash 3.2, which macOS has. `COMP_WORDS` is of no use: it is cut at `:` and `=`.
const BASH: &str = r#"_FUNCTION() {
    local program=${1/#\~\//$HOME/} answer
    COMPREPLY=()
    while IFS= read -r answer; do
        case $answer in
            $'\tfiles'*) compopt -o default 2>/dev/null ;;
            $'\tfolders'*) compopt -o dirnames 2>/dev/null ;;
            *) COMPREPLY+=("$answer") ;;
        esac
    done < <("$program" complete bash -- "${COMP_LINE:0:COMP_POINT}" "$2" 2>/dev/null </dev/null)
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[/:=] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -F _FUNCTION PROGRAM
"#;

const ZSH: &str = r#"#compdef PROGRAM
_FUNCTION() {
    local line answer value shown rest
    local -a whole begun whole_shown begun_shown
    line="${(j: :)words[1,CURRENT-1]} $QIPREFIX$PREFIX"
    while IFS= read -r answer; do
        case $answer in
            $'\t'*)
                rest=${answer#$'\t'*$'\t'}
                compset -p ${#rest}
                if [[ $answer == $'\tfolders'* ]]; then _files -/; else _files; fi
                return ;;
        esac
        value=${answer%%$'\t'*}
        shown=$value
        [[ $answer == *$'\t'* ]] && shown="$value  -- ${answer#*$'\t'}"
        if [[ $value == *[/:=] ]]; then
            begun+=("$value") begun_shown+=("$shown")
        else
            whole+=("$value") whole_shown+=("$shown")
        fi
    done < <("${~words[1]}" complete zsh -- "$line" 2>/dev/null </dev/null)
    local described=
    [[ "$whole_shown $begun_shown" == *'  -- '* ]] && described=-l
    (( $#begun )) && compadd -S '' $described -d begun_shown -a begun
    (( $#whole )) && compadd $described -d whole_shown -a whole
    (( $#begun + $#whole ))
}
if [[ $funcstack[1] == _PROGRAM ]]; then
    _FUNCTION "$@"
else
    compdef _FUNCTION PROGRAM
fi
"#;

const FISH: &str = r#"function __FUNCTION
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    for answer in ($words[1] complete fish -- (commandline -cp | string collect) 2>/dev/null </dev/null)
        set -l parts (string split \t -- $answer)
        if test -n "$parts[1]"
            printf '%s\n' $answer
            continue
        end
        set -l path (string sub -s (math 1 + (string length -- "$parts[3]")) -- "$word")
        if test "$parts[2]" = folders
            __fish_complete_directories "$path" '' | string replace -r '^' -- "$parts[3]"
        else
            __fish_complete_path "$path" '' | string replace -r '^' -- "$parts[3]"
        end
    end
end
complete --command PROGRAM --no-files --keep-order --arguments '(__FUNCTION)'
"#;
