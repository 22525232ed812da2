//! What the server tells its operator: `backchat_core::node::ServerEvent`, and that of the chat in it.

use backchat_core::chat::ChatEvent;
use backchat_core::node::TransferEvent;

use super::table;

table! {
    ChatEvent {
        Opened "chat:opened" { stream, session, peer }
        TurnedAway "chat:turned_away" { stream, reason, peer }
        Closed "chat:closed" { stream, reason }
        Joined "chat:joined" { session, nick, peer }
        Parked "chat:parked" { session, reason }
        Resumed "chat:resumed" { session, stream, seen, peer }
        Left "chat:left" { session, nick, reason, peer }
        Renamed "chat:renamed" { session, from, to }
        Said "chat:said" { session, number, to, id }
        Repeated "chat:repeated" { session, number }
        Refused "chat:refused" { session, code }
        Dropped "chat:dropped" { session, reason }
    }
}

table! {
    TransferEvent {
        Offered "transfer:offered" { transfer, session, file, size, start }
        Refused "transfer:refused" { session, file, code }
        Served "transfer:served" { transfer, session, file, outcome, bytes, stats, round_trip, took }
    }
}
