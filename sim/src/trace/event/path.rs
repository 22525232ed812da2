//! How a client proves a new address.

macro_rules! path {
    ([$next:ident $($rest:ident)*] $($before:tt)*) => {
        $next! { [$($rest)*] $($before)*
            /// A challenge went to a new address.
            PathChallenged = "path:challenged" {
                /// The download.
                transfer: TransferId,
            }
            /// A new address proved itself and is used from now on.
            PathValidated = "path:validated" {
                /// The download.
                transfer: TransferId,
            }
        }
    };
}
