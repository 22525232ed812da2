//! The lists of the one-shot commands: one entry a line, the name last, because it alone can hold spaces.

use backchat_core::chat::{FileEntry, NameEntry};
use backchat_core::text::visible;

use super::json::printable;

/// Who is here: a nickname a line.
pub fn names(names: &[NameEntry]) -> Vec<String> {
    names.iter().map(|entry| entry.nick.to_string()).collect()
}

/// What can be downloaded: size in bytes, day and time of the last change (UTC), name.
pub fn files(files: &[FileEntry]) -> Vec<String> {
    let width = files.iter().map(|entry| entry.size.to_string().len()).max().unwrap_or_default();
    let line = |entry: &FileEntry| {
        format!("{:>width$}  {}  {}", entry.size, entry.modified, visible(entry.name.as_str()))
    };
    files.iter().map(line).collect()
}

/// A list as one JSON array.
pub fn array<T: serde::Serialize>(entries: &[T]) -> String {
    // Entries are names, numbers and times: nothing that JSON cannot hold.
    printable(&serde_json::to_string(entries).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use backchat_core::chat::{FileName, Nickname};
    use backchat_core::time::UnixTime;

    use super::*;

    fn entry(name: &str, size: u64) -> FileEntry {
        let name = FileName::parse(name).expect("a name");
        FileEntry { name, size, modified: UnixTime::from_millis(1_795_348_800_000) }
    }

    #[test]
    fn files_stand_in_columns_with_the_name_last() {
        let entries = [entry("book.bin", 524_288), entry("שלום a.txt", 7)];
        assert_eq!(
            files(&entries),
            ["524288  2026-11-22T12:00:00.000Z  book.bin", "     7  2026-11-22T12:00:00.000Z  שלום a.txt"]
        );
        assert!(files(&[]).is_empty());
    }

    #[test]
    fn arrays_have_the_fields_of_the_contract() {
        assert_eq!(
            array(&[entry("a b", 7)]),
            r#"[{"name":"a b","size":7,"modified":"2026-11-22T12:00:00.000Z"}]"#
        );
        let ann = NameEntry { nick: Nickname::parse("ann").expect("a nickname") };
        assert_eq!(names(std::slice::from_ref(&ann)), ["ann"]);
        assert_eq!(array(&[ann]), r#"[{"nick":"ann"}]"#);
        assert_eq!(array::<NameEntry>(&[]), "[]");
    }
}
