//! What a call of the system says when it fails, by its number.
//!
//! [`std::io::ErrorKind`] has names for many of them, and none for some that mean something to a user, such as a link where
//! a file was to be. On Windows the same names stand for the numbers that come closest there, so that whoever looks at an
//! error is the same code everywhere.

#[cfg(unix)]
pub(crate) use rustix::io::Errno;

#[cfg(windows)]
pub(crate) use windows::Errno;

#[cfg(windows)]
mod windows {
    use std::io;

    /// A number of the system's errors (`winerror.h`, `winsock2.h`).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct Errno(i32);

    impl Errno {
        /// `ERROR_ACCESS_DENIED`.
        pub(crate) const ACCESS: Self = Self(5);
        /// `WSAEBADF`.
        pub(crate) const BADF: Self = Self(10_009);
        /// `WSAECONNABORTED`.
        #[cfg(test)]
        pub(crate) const CONNABORTED: Self = Self(10_053);
        /// `ERROR_DISK_QUOTA_EXCEEDED`.
        pub(crate) const DQUOT: Self = Self(1295);
        /// `ERROR_ALREADY_EXISTS`.
        pub(crate) const EXIST: Self = Self(183);
        /// `ERROR_FILE_TOO_LARGE`.
        pub(crate) const FBIG: Self = Self(223);
        /// `ERROR_IO_DEVICE`.
        pub(crate) const IO: Self = Self(1117);
        /// `WSAEINVAL`; `ERROR_INVALID_PARAMETER` is another.
        pub(crate) const INVAL: Self = Self(10_022);
        /// `ERROR_DIRECTORY_NOT_SUPPORTED`: a folder where a file is needed.
        pub(crate) const ISDIR: Self = Self(336);
        /// `ERROR_CANT_RESOLVE_FILENAME`: too many links, or one where none may be.
        pub(crate) const LOOP: Self = Self(1921);
        /// `WSAEMFILE`.
        pub(crate) const MFILE: Self = Self(10_024);
        /// `ERROR_TOO_MANY_OPEN_FILES`.
        pub(crate) const NFILE: Self = Self(4);
        /// `WSAENETUNREACH`.
        #[cfg(test)]
        pub(crate) const NETUNREACH: Self = Self(10_051);
        /// `WSAENOBUFS`.
        pub(crate) const NOBUFS: Self = Self(10_055);
        /// `ERROR_FILE_NOT_FOUND`.
        pub(crate) const NOENT: Self = Self(2);
        /// `ERROR_NOT_ENOUGH_MEMORY`.
        pub(crate) const NOMEM: Self = Self(8);
        /// `ERROR_DISK_FULL`.
        pub(crate) const NOSPC: Self = Self(112);
        /// `ERROR_DIRECTORY`: the name of a folder is that of something else.
        pub(crate) const NOTDIR: Self = Self(267);
        /// `WSAENOTSOCK`.
        pub(crate) const NOTSOCK: Self = Self(10_038);
        /// `ERROR_BAD_DEVICE`: there is no such device.
        pub(crate) const NXIO: Self = Self(1200);
        /// `WSAEOPNOTSUPP`.
        pub(crate) const OPNOTSUPP: Self = Self(10_045);
        /// `ERROR_PRIVILEGE_NOT_HELD`.
        pub(crate) const PERM: Self = Self(1314);
        /// `ERROR_WRITE_PROTECT`.
        pub(crate) const ROFS: Self = Self(19);
        /// `ERROR_NOT_SAME_DEVICE`.
        pub(crate) const XDEV: Self = Self(17);

        /// The error of this number.
        pub(crate) const fn from_raw_os_error(number: i32) -> Self {
            Self(number)
        }

        /// Its number.
        #[cfg(test)]
        pub(crate) const fn raw_os_error(self) -> i32 {
            self.0
        }
    }

    impl From<Errno> for io::Error {
        fn from(errno: Errno) -> Self {
            Self::from_raw_os_error(errno.0)
        }
    }
}
