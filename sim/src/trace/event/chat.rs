//! The server's chat: connections, sessions and messages.

macro_rules! chat {
    ([$next:ident $($rest:ident)*] $($before:tt)*) => {
        $next! { [$($rest)*] $($before)*
            /// The server took a connection.
            ChatOpened = "chat:opened" {
                /// The connection.
                stream: u64,
                /// Its session, until it resumes another.
                session: u64,
            }
            /// The server turned a connection away.
            ChatTurnedAway = "chat:turned_away" {
                /// The connection.
                stream: u64,
                /// Why.
                reason: Name,
            }
            /// A connection is closed by the server, or was by the peer.
            ChatClosed = "chat:closed" {
                /// The connection.
                stream: u64,
                /// Why.
                reason: Name,
            }
            /// A session took a nickname.
            ChatJoined = "chat:joined" {
                /// The session.
                session: u64,
                /// The nickname.
                nick: Name,
            }
            /// A session lost its connection and may come back.
            ChatParked = "chat:parked" {
                /// The session.
                session: u64,
                /// Why.
                reason: Name,
            }
            /// A session goes on, on another connection.
            ChatResumed = "chat:resumed" {
                /// The session.
                session: u64,
                /// Its connection from now on.
                stream: u64,
                /// The last message that its client had seen.
                seen: u64,
            }
            /// A session gave its nickname back.
            ChatLeft = "chat:left" {
                /// The session.
                session: u64,
                /// The nickname it had.
                nick: Name,
                /// Why.
                reason: Name,
            }
            /// A session has another nickname.
            ChatRenamed = "chat:renamed" {
                /// The session.
                session: u64,
                /// So far.
                from: Name,
                /// From now on.
                to: Name,
            }
            /// The server took a message.
            ChatSaid = "chat:said" {
                /// Whose.
                session: u64,
                /// The message's number.
                number: u64,
                /// The other party's session, if it is a private one.
                to: Option<u64>,
                /// What its sender calls it.
                id: Option<Name>,
            }
            /// A message came again under an id that was taken before.
            ChatRepeated = "chat:repeated" {
                /// Whose.
                session: u64,
                /// The number that it was given the first time.
                number: u64,
            }
            /// The server refused a request.
            ChatRefused = "chat:refused" {
                /// Whose.
                session: u64,
                /// Why.
                code: Name,
            }
            /// A line was no frame.
            ChatDropped = "chat:dropped" {
                /// Whose.
                session: u64,
                /// Why.
                reason: Name,
            }
        }
    };
}
