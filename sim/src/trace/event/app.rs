//! What a user of a client wanted, and was told.

macro_rules! app {
    ([$next:ident $($rest:ident)*] $($before:tt)*) => {
        $next! { [$($rest)*] $($before)*
            /// The user wants something.
            Asked = "app:asked" {
                /// The wish's number, in the life of the scenario; one that is said again after a crash keeps it.
                wish: u64,
                /// What: the step's `do`.
                what: Name,
                /// The text, the file, the nickname.
                detail: Option<Name>,
            }
            /// The client took a wish: its request, or its download, is called so from now on.
            Taken = "app:taken" {
                /// The wish.
                wish: u64,
                /// The request's id, or the download's.
                id: Name,
            }
            /// The client did not take a wish.
            NotTaken = "app:not_taken" {
                /// The wish.
                wish: u64,
                /// Why.
                reason: Name,
            }
            /// A wish that is no download is over.
            Answered = "app:answered" {
                /// The wish.
                wish: u64,
                /// How: `accepted`, `names`, `files`, `done`, an error's code, `unconfirmed`, `unsent`, `unanswered`.
                outcome: Name,
                /// The message's number.
                number: Option<u64>,
            }
            /// The connection is there.
            Connected = "app:connected" {}
            /// The client could not connect.
            CannotConnect = "app:cannot_connect" {
                /// What the system said.
                error: Name,
            }
            /// The server has welcomed the client.
            Joined = "app:joined" {
                /// As what.
                nick: Name,
                /// An earlier session goes on.
                resumed: bool,
                /// The server was restarted since.
                new_epoch: bool,
            }
            /// The server does not let the client in.
            Refused = "app:refused" {
                /// Why.
                code: Name,
            }
            /// The connection is gone, or could not be made.
            Disconnected = "app:disconnected" {
                /// Why.
                reason: Name,
            }
            /// It will be tried again.
            Reconnecting = "app:reconnecting" {
                /// After how long.
                after: Duration,
            }
            /// It will not be tried again.
            GaveUp = "app:gave_up" {}
            /// A message to all was shown.
            Message = "app:message" {
                /// Its number.
                number: u64,
                /// Who said it.
                from: Name,
                /// The text.
                text: Name,
                /// It was said before this client came, or before it came back.
                backlog: bool,
            }
            /// A message to one was shown.
            Private = "app:private" {
                /// Its number.
                number: u64,
                /// Who said it.
                from: Name,
                /// To whom.
                to: Name,
                /// The text.
                text: Name,
                /// It was said before this client came, or before it came back.
                backlog: bool,
            }
            /// Messages are missing here, and the client was told.
            Gap = "app:gap" {
                /// How many public ones, at least.
                missed: u64,
            }
            /// Somebody came.
            PeerJoined = "app:peer_joined" {
                /// Who.
                nick: Name,
            }
            /// Somebody went.
            PeerLeft = "app:peer_left" {
                /// Who.
                nick: Name,
                /// Why.
                reason: Name,
            }
            /// Another frame was shown.
            Shown = "app:shown" {
                /// Its type.
                kind: Name,
                /// What it says.
                text: Option<Name>,
            }
            /// A download's handshake is through.
            DownloadStarted = "app:download_started" {
                /// The wish.
                wish: u64,
                /// The download.
                transfer: TransferId,
                /// The file's bytes.
                size: u64,
                /// The first one that comes; above 0 when resumed.
                start: u64,
            }
            /// A file has its name. What is on the disk was read once more for this.
            DownloadFinished = "app:download_finished" {
                /// The wish.
                wish: u64,
                /// The file.
                file: Name,
                /// Bytes on the disk.
                size: u64,
                /// Their hash.
                blake3: Hash,
                /// The first byte that differs from the server's file.
                differs_at: Option<u64>,
                /// The first byte that came in this attempt.
                resumed_from: u64,
                /// Segments that arrived.
                segments_received: u64,
                /// Those that brought nothing new.
                duplicates: u64,
            }
            /// A download is over without the file.
            DownloadFailed = "app:download_failed" {
                /// The wish.
                wish: u64,
                /// The file.
                file: Name,
                /// Why, for programs.
                reason: Name,
                /// Why, for people.
                message: Name,
                /// Bytes that are kept for a later resume.
                kept: u64,
            }
        }
    };
}
