//! Where something happened: the name of a host or of a direction, as cheap as a number.
//!
//! Every record has one, so it is neither compared nor copied as a text: each name is kept once for the life of the
//! process and stands behind a reference. There are as many as scenarios name, or as a trace that is read may have.

use core::cmp::Ordering;
use core::fmt;
use core::ops::Deref;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// A host such as `alice`, a direction such as `server->alice`, or `sim`, the run itself.
#[derive(Clone, Copy)]
pub struct Node(&'static Kept);

/// Which way a node that is a direction goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From this client to the server.
    Up(Node),
    /// From the server to this client.
    Down(Node),
}

impl Direction {
    /// Whose path it is of.
    pub const fn client(self) -> Node {
        match self {
            Self::Up(client) | Self::Down(client) => client,
        }
    }
}

struct Kept {
    text: &'static str,
    direction: Option<Direction>,
    /// In the order in which this process met them. It differs from one process to the next, so it is a place in a
    /// table and never an order.
    number: u32,
}

static KEPT: Mutex<BTreeMap<&'static str, Node>> = Mutex::new(BTreeMap::new());

static SIM: Kept = Kept { text: "sim", direction: None, number: 0 };
static SERVER: Kept = Kept { text: "server", direction: None, number: 1 };

/// Names that are kept from the beginning.
const BUILT_IN: [Node; 2] = [Node::SIM, Node::SERVER];

impl Node {
    /// The run itself.
    pub const SIM: Self = Self(&SIM);

    /// The server.
    pub const SERVER: Self = Self(&SERVER);

    /// The node that is called `name`.
    pub fn new(name: &str) -> Self {
        let client = match (name.strip_prefix("server->"), name.strip_suffix("->server")) {
            (Some(client), _) => Some(Direction::Down(Self::kept(client, None))),
            (None, Some(client)) => Some(Direction::Up(Self::kept(client, None))),
            (None, None) => None,
        };
        Self::kept(name, client)
    }

    fn kept(name: &str, direction: Option<Direction>) -> Self {
        if let Some(node) = BUILT_IN.into_iter().find(|node| node.0.text == name) {
            return node;
        }
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(node) = kept.get(name) {
            return *node;
        }
        let text: &'static str = Box::leak(name.into());
        let number = u32::try_from(BUILT_IN.len() + kept.len()).unwrap_or(u32::MAX);
        let node = Self(Box::leak(Box::new(Kept { text, direction, number })));
        kept.insert(text, node);
        node
    }

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        self.0.text
    }

    /// Which way it goes, if it is a direction of a path.
    pub const fn direction(self) -> Option<Direction> {
        self.0.direction
    }

    const fn place(self) -> usize {
        self.0.number as usize
    }
}

impl Deref for Node {
    type Target = str;
    fn deref(&self) -> &str {
        self.0.text
    }
}

impl From<&str> for Node {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl From<String> for Node {
    fn from(name: String) -> Self {
        Self::new(&name)
    }
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.0.number == other.0.number
    }
}

impl Eq for Node {}

impl PartialOrd for Node {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Node {
    fn cmp(&self, other: &Self) -> Ordering {
        if self == other { Ordering::Equal } else { self.0.text.cmp(other.0.text) }
    }
}

impl PartialEq<str> for Node {
    fn eq(&self, other: &str) -> bool {
        self.0.text == other
    }
}

impl PartialEq<&str> for Node {
    fn eq(&self, other: &&str) -> bool {
        self.0.text == *other
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.text)
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.0.text, f)
    }
}

/// Something for each node, found without a search.
#[derive(Clone, Debug)]
pub struct NodeMap<T> {
    by_place: Vec<Option<(Node, T)>>,
}

impl<T> NodeMap<T> {
    /// Nothing for anybody.
    pub const fn new() -> Self {
        Self { by_place: Vec::new() }
    }

    /// What is there for `node`.
    pub fn get(&self, node: Node) -> Option<&T> {
        self.by_place.get(node.place())?.as_ref().map(|(_, it)| it)
    }

    /// The same, to change it.
    pub fn get_mut(&mut self, node: Node) -> Option<&mut T> {
        self.by_place.get_mut(node.place())?.as_mut().map(|(_, it)| it)
    }

    /// What is there for `node`; made by `new` where nothing is.
    pub fn get_or(&mut self, node: Node, new: impl FnOnce() -> T) -> &mut T {
        let place = node.place();
        if place >= self.by_place.len() {
            self.grow(place);
        }
        let (_, it) = self.by_place[place].get_or_insert_with(|| (node, new()));
        it
    }

    #[cold]
    fn grow(&mut self, place: usize) {
        self.by_place.resize_with(place + 1, || None);
    }

    /// Everything, by the nodes' names.
    pub fn iter(&self) -> impl Iterator<Item = (Node, &T)> {
        let mut all: Vec<(Node, &T)> = self.by_place.iter().flatten().map(|(node, it)| (*node, it)).collect();
        all.sort_by_key(|(node, _)| *node);
        all.into_iter()
    }

    /// The same, to change it.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (Node, &mut T)> {
        let mut all: Vec<_> = self.by_place.iter_mut().flatten().map(|(node, it)| (*node, it)).collect();
        all.sort_by_key(|(node, _)| *node);
        all.into_iter()
    }
}

impl<T> Default for NodeMap<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_node_however_often_it_is_asked_for() {
        assert_eq!(Node::new("ann"), Node::new("ann"));
        assert_ne!(Node::new("ann"), Node::new("bob"));
        assert_eq!((Node::new("sim"), Node::new("server")), (Node::SIM, Node::SERVER));
    }

    #[test]
    fn a_direction_knows_whose_it_is() {
        let ann = Node::new("ann");
        assert_eq!(Node::new("ann->server").direction(), Some(Direction::Up(ann)));
        assert_eq!(Node::new("server->ann").direction(), Some(Direction::Down(ann)));
        assert_eq!((ann.direction(), Node::SIM.direction()), (None, None));
    }

    #[test]
    fn order_is_that_of_names_whoever_came_first() {
        let late_comes_first = [Node::new("node-order-z"), Node::new("node-order-a")];
        let mut map = NodeMap::new();
        for (count, node) in late_comes_first.into_iter().enumerate() {
            *map.get_or(node, || 0) += count;
        }
        let names: Vec<_> = map.iter().map(|(node, count)| (node.as_str(), *count)).collect();
        assert_eq!(names, [("node-order-a", 1), ("node-order-z", 0)]);
    }
}
