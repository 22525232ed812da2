//! A file system in memory: for tests, and for simulated hosts.
//!
//! It answers as a Unix system does where share and targets look: names and inodes are two things, a lock belongs
//! to a handle, a file without a name lives as long as its handles, a full disk says so. It keeps everything that
//! was written when a process is killed; [`MemoryDisk::lose_power`] takes away what was not synced.
//!
//! Its files consist of any [`Content`]: of bytes, unless something else is said.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use backchat_core::time::UnixTime;

use crate::errno::Errno;

use super::content::Content;
use super::disk::{Disk, File, Folder, Kind, Lock, Overwrite, Stat};
use super::executor::AtOnce;

/// The user of every memory disk.
const USER: u32 = 1000;

/// What everything on it may be used for.
const MODE: u32 = 0o644;

/// A disk. Its clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct MemoryDisk<C = Vec<u8>>(Arc<Mutex<State<C>>>);

#[derive(Debug)]
struct State<C> {
    folders: BTreeMap<PathBuf, BTreeMap<OsString, Node>>,
    /// The names of each folder when it was last synced.
    synced: BTreeMap<PathBuf, BTreeMap<OsString, Node>>,
    inodes: BTreeMap<u64, Inode<C>>,
    last_inode: u64,
    /// Bytes that still fit.
    free: u64,
    access: Access,
    /// What syncing fails with.
    broken: Option<Errno>,
    /// A clock of changes: each change is a second later than the one before.
    changes: i64,
}

/// What may be done to a memory disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everything.
    ReadWrite,
    /// Changes fail with `EROFS`.
    ReadOnly,
}

#[derive(Clone, Debug)]
enum Node {
    File(u64),
    /// To this path, made by this user.
    Link(OsString, u32),
    Special,
    Folder,
}

#[derive(Debug)]
struct Inode<C> {
    content: C,
    /// Its content when it was last synced.
    synced: C,
    links: u64,
    handles: u64,
    owner: u32,
    /// Whether one of its handles has the lock.
    is_locked: bool,
    modified: i64,
    changed: i64,
}

impl<C> Default for State<C> {
    fn default() -> Self {
        Self {
            folders: BTreeMap::new(),
            synced: BTreeMap::new(),
            inodes: BTreeMap::new(),
            last_inode: 0,
            free: u64::MAX,
            access: Access::ReadWrite,
            broken: None,
            changes: 0,
        }
    }
}

impl MemoryDisk {
    /// An empty disk without a folder, for bytes.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<C: Content> MemoryDisk<C> {
    /// Makes a folder; its parents need not exist, and show it if they do.
    pub fn add_folder(&self, path: impl Into<PathBuf>) {
        let path = path.into();
        if let Ok((parent, name)) = split(&path)
            && let Some(entries) = self.state().folders.get_mut(parent)
        {
            entries.insert(name.to_owned(), Node::Folder);
        }
        self.state().folders.entry(path).or_default();
    }

    /// Puts a file into a folder that exists, or replaces its content.
    ///
    /// # Errors
    /// The folder does not exist, or the disk is full.
    pub fn put(&self, path: impl AsRef<Path>, content: impl Into<C>) -> io::Result<()> {
        let (folder, name) = split(path.as_ref())?;
        let folder = self.folder(folder)?;
        let file = folder.create(name)?;
        file.set_len(0)?;
        file.write_all_at(&content.into(), 0)?;
        file.sync()?;
        folder.sync()
    }

    /// The content of a file; `None` when there is none.
    pub fn read(&self, path: impl AsRef<Path>) -> Option<C> {
        let (folder, name) = split(path.as_ref()).ok()?;
        let state = self.state();
        match state.folders.get(folder)?.get(name)? {
            Node::File(inode) => state.inodes.get(inode).map(|inode| inode.content.clone()),
            Node::Link(..) | Node::Special | Node::Folder => None,
        }
    }

    /// Puts a symbolic link into a folder. One with a `/` in it leads out.
    ///
    /// # Errors
    /// The folder does not exist.
    pub fn put_link(&self, path: impl AsRef<Path>, target: impl Into<OsString>) -> io::Result<()> {
        self.put_node(path.as_ref(), Node::Link(target.into(), USER))
    }

    /// The same, by another user.
    #[cfg(test)]
    pub(super) fn put_foreign_link(
        &self,
        path: impl AsRef<Path>,
        target: impl Into<OsString>,
    ) -> io::Result<()> {
        self.put_node(path.as_ref(), Node::Link(target.into(), USER + 1))
    }

    /// Puts a FIFO into a folder.
    ///
    /// # Errors
    /// The folder does not exist.
    pub fn put_special(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.put_node(path.as_ref(), Node::Special)
    }

    /// The machine lost its power: of each file only the bytes that were synced are left, and only the names that
    /// were in their folder when that was synced. The worst that a disk may do; handles of before are of no use.
    pub fn lose_power(&self) {
        let mut state = self.state();
        let State { folders, synced, inodes, .. } = &mut *state;
        for (path, entries) in folders.iter_mut() {
            *entries = synced.get(path).cloned().unwrap_or_default();
            entries.retain(|_, node| !matches!(node, Node::File(number) if !inodes.contains_key(number)));
        }
        for (number, inode) in inodes.iter_mut() {
            inode.content.clone_from(&inode.synced);
            inode.is_locked = false;
            let names = folders.values().flat_map(BTreeMap::values);
            inode.links =
                names.filter(|node| matches!(node, Node::File(named) if named == number)).count() as u64;
        }
        inodes.retain(|_, inode| inode.links > 0);
    }

    /// Says how many more bytes fit.
    pub fn set_free(&self, bytes: u64) {
        self.state().free = bytes;
    }

    /// Says what making a file durable fails with, if it does.
    #[cfg(test)]
    pub(super) fn set_broken(&self, errno: Option<Errno>) {
        self.state().broken = errno;
    }

    /// Says whether it can be written to.
    pub fn set_access(&self, access: Access) {
        self.state().access = access;
    }

    fn put_node(&self, path: &Path, node: Node) -> io::Result<()> {
        let (folder, name) = split(path)?;
        self.state().folders.get_mut(folder).ok_or(Errno::NOENT)?.insert(name.to_owned(), node);
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State<C>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn split(path: &Path) -> io::Result<(&Path, &OsStr)> {
    match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) => Ok((folder, name)),
        _ => Err(Errno::INVAL.into()),
    }
}

impl<C: Content> State<C> {
    fn writable(&self) -> io::Result<()> {
        match self.access {
            Access::ReadWrite => Ok(()),
            Access::ReadOnly => Err(Errno::ROFS.into()),
        }
    }

    fn entries(&mut self, folder: &Path) -> io::Result<&mut BTreeMap<OsString, Node>> {
        self.folders.get_mut(folder).ok_or_else(|| Errno::NOENT.into())
    }

    fn node(&self, folder: &Path, name: &OsStr) -> io::Result<Node> {
        let node = self.folders.get(folder).and_then(|entries| entries.get(name));
        node.cloned().ok_or_else(|| Errno::NOENT.into())
    }

    fn stat(&self, node: &Node) -> io::Result<Stat> {
        let (kind, owner) = match node {
            Node::File(inode) => return self.inode_stat(*inode),
            Node::Link(_, owner) => (Kind::Link, *owner),
            Node::Special => (Kind::Special, USER),
            Node::Folder => (Kind::Folder, USER),
        };
        Ok(Stat {
            kind,
            device: 1,
            inode: 0,
            links: 1,
            owner,
            mode: MODE,
            size: 0,
            modified: (0, 0),
            changed: (0, 0),
        })
    }

    fn inode(&mut self, inode: u64) -> io::Result<&mut Inode<C>> {
        self.inodes.get_mut(&inode).ok_or_else(|| Errno::BADF.into())
    }

    fn inode_stat(&self, number: u64) -> io::Result<Stat> {
        let inode = self.inodes.get(&number).ok_or(Errno::BADF)?;
        Ok(Stat {
            kind: Kind::File,
            device: 1,
            inode: number,
            links: inode.links,
            owner: inode.owner,
            mode: MODE,
            size: inode.content.len(),
            modified: (inode.modified, 0),
            changed: (inode.changed, 0),
        })
    }

    fn change(&mut self) -> i64 {
        self.changes += 1;
        self.changes
    }

    /// Takes a name away from a file, and the file too when that was the last of its names and handles.
    fn unlink(&mut self, number: u64) {
        let changed = self.change();
        if let Some(inode) = self.inodes.get_mut(&number) {
            inode.links = inode.links.saturating_sub(1);
            inode.changed = changed;
        }
        self.drop_unused(number);
    }

    fn drop_unused(&mut self, number: u64) {
        if let Some(inode) = self.inodes.get(&number)
            && inode.links == 0
            && inode.handles == 0
        {
            self.free = self.free.saturating_add(inode.content.len());
            self.inodes.remove(&number);
        }
    }

    /// Takes the room that a file of `length` bytes needs, or gives back what it needs no more.
    fn make_room(&mut self, number: u64, length: u64) -> io::Result<()> {
        let size = self.inode_stat(number)?.size;
        let free = self.free.saturating_add(size).checked_sub(length).ok_or(Errno::NOSPC)?;
        if usize::try_from(length).is_err() {
            return Err(Errno::FBIG.into());
        }
        // An unlimited disk stays one.
        self.free = if self.free == u64::MAX { u64::MAX } else { free };
        Ok(())
    }
}

impl<C: Content> Disk for MemoryDisk<C> {
    type Content = C;
    type Folder = MemoryFolder<C>;
    type Executor = AtOnce;

    fn executor(&self) -> AtOnce {
        AtOnce
    }

    fn folder(&self, path: &Path) -> io::Result<MemoryFolder<C>> {
        self.state().entries(path)?;
        Ok(MemoryFolder { disk: self.clone(), path: path.to_owned() })
    }

    fn is_at(&self, path: &Path, folder: &MemoryFolder<C>) -> io::Result<bool> {
        self.state().entries(path)?;
        Ok(folder.path == path)
    }

    fn is_stream(&self, _: &Path) -> bool {
        false
    }

    fn open_stream(&self, _: &Path) -> io::Result<Box<dyn Write + Send>> {
        Err(Errno::NXIO.into())
    }
}

/// An open folder of a [`MemoryDisk`].
#[derive(Debug)]
pub struct MemoryFolder<C = Vec<u8>> {
    disk: MemoryDisk<C>,
    path: PathBuf,
}

impl<C: Content> MemoryFolder<C> {
    fn handle(&self, state: &mut State<C>, inode: u64) -> io::Result<MemoryFile<C>> {
        state.inode(inode)?.handles += 1;
        Ok(MemoryFile { disk: self.disk.clone(), inode, has_lock: AtomicBool::new(false) })
    }

    /// Follows links inside the folder, and no further than a system would.
    fn resolve(&self, state: &State<C>, name: &OsStr) -> io::Result<Node> {
        let mut node = state.node(&self.path, name)?;
        for _ in 0..8 {
            let Node::Link(target, _) = node else { return Ok(node) };
            if Path::new(&target).components().count() != 1 || target == ".." {
                return Err(io::ErrorKind::PermissionDenied.into());
            }
            node = state.node(&self.path, &target)?;
        }
        Err(Errno::LOOP.into())
    }
}

impl<C: Content> Folder for MemoryFolder<C> {
    type File = MemoryFile<C>;

    fn list(&self, at_most: usize) -> io::Result<Vec<(OsString, Stat)>> {
        let state = self.disk.state();
        let entries = state.folders.get(&self.path).ok_or(Errno::NOENT)?;
        let found = entries.keys().filter_map(|name| {
            let node = self.resolve(&state, name).ok()?;
            Some((name.clone(), state.stat(&node).ok()?))
        });
        Ok(found.take(at_most).collect())
    }

    fn stat(&self, name: &OsStr) -> io::Result<Stat> {
        let state = self.disk.state();
        state.stat(&state.node(&self.path, name)?)
    }

    fn read_link(&self, name: &OsStr) -> io::Result<PathBuf> {
        match self.disk.state().node(&self.path, name)? {
            Node::Link(target, _) => Ok(target.into()),
            Node::File(_) | Node::Special | Node::Folder => Err(Errno::INVAL.into()),
        }
    }

    fn open(&self, name: &OsStr) -> io::Result<MemoryFile<C>> {
        let mut state = self.disk.state();
        match self.resolve(&state, name)? {
            Node::File(inode) => self.handle(&mut state, inode),
            Node::Link(..) | Node::Special | Node::Folder => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    fn create(&self, name: &OsStr) -> io::Result<MemoryFile<C>> {
        let mut state = self.disk.state();
        state.writable()?;
        let inode = match state.entries(&self.path)?.get(name).cloned() {
            Some(Node::File(inode)) => inode,
            Some(Node::Link(..)) => return Err(Errno::LOOP.into()),
            Some(Node::Special) => return Err(Errno::NXIO.into()),
            Some(Node::Folder) => return Err(Errno::ISDIR.into()),
            None => {
                let changed = state.change();
                state.last_inode += 1;
                let number = state.last_inode;
                let inode = Inode {
                    content: C::default(),
                    synced: C::default(),
                    links: 1,
                    handles: 0,
                    owner: USER,
                    is_locked: false,
                    modified: changed,
                    changed,
                };
                state.inodes.insert(number, inode);
                state.entries(&self.path)?.insert(name.to_owned(), Node::File(number));
                number
            }
        };
        self.handle(&mut state, inode)
    }

    fn rename(&self, from: &OsStr, to: &OsStr, overwrite: Overwrite) -> io::Result<()> {
        let mut state = self.disk.state();
        state.writable()?;
        let entries = state.entries(&self.path)?;
        let node = entries.get(from).cloned().ok_or(Errno::NOENT)?;
        match (entries.get(to), overwrite) {
            (Some(_), Overwrite::No) => return Err(Errno::EXIST.into()),
            (Some(Node::Folder), Overwrite::Yes) => return Err(Errno::ISDIR.into()),
            (Some(_) | None, _) => {}
        }
        entries.remove(from);
        if let Some(Node::File(replaced)) = entries.insert(to.to_owned(), node) {
            state.unlink(replaced);
        }
        Ok(())
    }

    fn remove(&self, name: &OsStr) -> io::Result<()> {
        let mut state = self.disk.state();
        state.writable()?;
        match state.entries(&self.path)?.remove(name) {
            Some(Node::File(inode)) => state.unlink(inode),
            Some(_) => {}
            None => return Err(Errno::NOENT.into()),
        }
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        let entries = state.entries(&self.path)?.clone();
        state.synced.insert(self.path.clone(), entries);
        Ok(())
    }

    fn user(&self) -> u32 {
        USER
    }
}

/// An open file of a [`MemoryDisk`].
#[derive(Debug)]
pub struct MemoryFile<C: Content = Vec<u8>> {
    disk: MemoryDisk<C>,
    inode: u64,
    has_lock: AtomicBool,
}

impl<C: Content> File for MemoryFile<C> {
    type Content = C;

    fn stat(&self) -> io::Result<Stat> {
        self.disk.state().inode_stat(self.inode)
    }

    fn read_at(&self, range: Range<u64>, into: &mut C) -> io::Result<()> {
        let mut state = self.disk.state();
        into.clear();
        into.extend_from(&state.inode(self.inode)?.content, range);
        Ok(())
    }

    fn write_all_at(&self, content: &C, offset: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.writable()?;
        let end = offset.checked_add(content.len()).ok_or(Errno::FBIG)?;
        let size = state.inode_stat(self.inode)?.size;
        if end > size {
            state.make_room(self.inode, end)?;
        }
        let changed = state.change();
        let inode = state.inode(self.inode)?;
        let mut behind = C::default();
        behind.extend_from(&inode.content, end..size);
        inode.content.set_length(offset);
        inode.content.extend_from(content, 0..content.len());
        inode.content.extend_from(&behind, 0..behind.len());
        (inode.modified, inode.changed) = (changed, changed);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.writable()?;
        state.make_room(self.inode, length)?;
        let changed = state.change();
        let inode = state.inode(self.inode)?;
        inode.content.set_length(length);
        (inode.modified, inode.changed) = (changed, changed);
        Ok(())
    }

    fn set_mode(&self, _: u32) -> io::Result<()> {
        Ok(())
    }

    fn set_modified(&self, at: UnixTime) -> io::Result<()> {
        self.disk.state().inode(self.inode)?.modified = at.as_millis() / 1000;
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        if let Some(errno) = state.broken {
            return Err(errno.into());
        }
        let inode = state.inode(self.inode)?;
        inode.synced.clone_from(&inode.content);
        Ok(())
    }

    fn try_lock(&self) -> io::Result<Lock> {
        let mut state = self.disk.state();
        let inode = state.inode(self.inode)?;
        if inode.is_locked {
            return Ok(Lock::Taken);
        }
        inode.is_locked = true;
        self.has_lock.store(true, Ordering::Relaxed);
        Ok(Lock::Held)
    }
}

impl<C: Content> Drop for MemoryFile<C> {
    fn drop(&mut self) {
        let mut state = self.disk.state();
        if let Ok(inode) = state.inode(self.inode) {
            inode.handles = inode.handles.saturating_sub(1);
            if self.has_lock.load(Ordering::Relaxed) {
                inode.is_locked = false;
            }
        }
        state.drop_unused(self.inode);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_of_power_takes_what_was_not_synced_and_nothing_else() {
        let disk = MemoryDisk::new();
        disk.add_folder("/d");
        disk.put("/d/kept", b"kept").unwrap();
        let folder = disk.folder(Path::new("/d")).unwrap();
        let name = OsStr::new;
        // Bytes without a name, a name without bytes, and both.
        let nameless = folder.create(name("nameless")).unwrap();
        let whole = folder.create(name("partial")).unwrap();
        whole.write_all_at(&b"synced".to_vec(), 0).unwrap();
        whole.sync().unwrap();
        whole.write_all_at(&b"not synced".to_vec(), 6).unwrap();
        folder.rename(name("partial"), name("whole"), Overwrite::No).unwrap();
        folder.remove(name("nameless")).unwrap();
        folder.sync().unwrap();
        let late = folder.create(name("late")).unwrap();
        late.write_all_at(&b"late".to_vec(), 0).unwrap();
        late.sync().unwrap();
        disk.lose_power();
        let names: Vec<OsString> = folder.list(10).unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["kept", "whole"]);
        assert_eq!(disk.read("/d/kept").unwrap(), b"kept");
        assert_eq!(disk.read("/d/whole").unwrap(), b"synced");
        // Whoever held them is gone as well, and may be dropped later.
        drop((nameless, whole, late));
        assert_eq!(disk.read("/d/whole").unwrap(), b"synced");
    }
}
