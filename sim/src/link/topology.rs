//! Every direction of a run, and the bottlenecks that they go through.
//!
//! A direction by itself answers at once what becomes of a packet. One that shares a bottleneck with others, or whose
//! queue is managed, cannot: its packets are [`Verdict::Queued`], and [`Topology::poll_departure`] says what became of each
//! when that is decided, in the order of time.
//!
//! # Who goes where
//! A path is `client — its own bottleneck — the shared one — server`. So upward a packet meets the rate of its link first,
//! downward last: a client with a slow line takes its share of what everybody uses, and loses it at its own door.
//!
//! # Time
//! [`Topology::offer`] may be called with any time from the last one that was polled on, hosts taking turns within a tick.
//! What is polled up to `now` is final: nobody may offer anything earlier any more.

use std::collections::{BTreeSet, VecDeque};

use backchat_core::seed::Seed;
use backchat_core::time::Instant;

use super::identity::Passing;
use super::plan::{BottleneckPlan, Order, Plan};
use super::router::{Decision, Parcel, Router};
use super::verdict::{Offered, Verdict};
use super::{HEADERS, Link};

/// The number of a direction in its [`Topology`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LinkId(pub usize);

/// What became of a packet that was queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Departure {
    /// Its direction.
    pub link: LinkId,
    /// Its number there.
    pub ordinal: u64,
    /// When that was decided.
    pub decided: Instant,
    /// When it left the last queue; when it was decided, if it got no further.
    pub departed: Instant,
    /// A queue has marked it: congestion was experienced (RFC 3168).
    pub is_marked: bool,
    /// Which copies arrive, or why none does.
    pub verdict: Verdict,
}

/// All directions of a run.
#[derive(Clone, Debug)]
pub struct Topology {
    links: Vec<Link>,
    /// The routers that each direction's packets go through, in their order; none where the direction answers at once.
    routes: Vec<Vec<usize>>,
    routers: Vec<Router>,
    /// When each router has something to do next, as it stands in `agenda`.
    scheduled: Vec<Option<Instant>>,
    agenda: BTreeSet<(Instant, usize)>,
    decided: Vec<Decision>,
    departures: VecDeque<Departure>,
}

impl Topology {
    /// The directions with these names and plans, whose `through` is a place in `shared`.
    pub fn new<'a>(
        seed: &Seed,
        shared: &[BottleneckPlan],
        directions: impl Iterator<Item = (String, &'a Plan)>,
    ) -> Self {
        let mut routers: Vec<Router> = shared.iter().map(Router::new).collect();
        let (mut links, mut routes) = (Vec::new(), Vec::new());
        for (name, plan) in directions {
            let mut route = Vec::new();
            if plan.profile.is_routed() {
                let through = plan.profile.through;
                let own = plan.profile.own_bottleneck().map(|own| {
                    routers.push(Router::new(&own));
                    routers.len() - 1
                });
                let shared = through.map(|through| through.bottleneck).filter(|place| *place < shared.len());
                let is_shared_first = through.is_some_and(|through| through.order == Order::BeforeOwn);
                let (first, second) = if is_shared_first { (shared, own) } else { (own, shared) };
                route.extend(first.into_iter().chain(second));
            }
            links.push(Link::new(seed, &name, plan));
            routes.push(route);
        }
        let scheduled = vec![None; routers.len()];
        let (agenda, decided, departures) = (BTreeSet::new(), Vec::new(), VecDeque::new());
        Self { links, routes, routers, scheduled, agenda, decided, departures }
    }

    /// A direction.
    pub fn link(&mut self, link: LinkId) -> Option<&mut Link> {
        self.links.get_mut(link.0)
    }

    /// As [`Link::offer`]; `None`: there is no such direction.
    #[inline]
    pub fn offer(
        &mut self,
        now: Instant,
        id: LinkId,
        length: usize,
        packet: Option<&Passing>,
    ) -> Option<Offered> {
        let offered = self.links.get_mut(id.0)?.offer(now, length, packet);
        if let Verdict::Queued = offered.verdict {
            let bytes = (length as u64).saturating_add(u64::from(HEADERS));
            let parcel = Parcel { link: id, ordinal: offered.ordinal, bytes, passed: 0, is_marked: false };
            self.forward(now, now, parcel);
        }
        Some(offered)
    }

    /// When [`Self::poll_departure`] has something to do next.
    pub fn next_departure(&self) -> Option<Instant> {
        self.agenda.first().map(|(at, _)| *at)
    }

    /// The next packet over which something was decided by `now`. Ask until there is none.
    pub fn poll_departure(&mut self, now: Instant) -> Option<Departure> {
        loop {
            if let Some(departure) = self.departures.pop_front() {
                return Some(departure);
            }
            let (_, place) = *self.agenda.first().filter(|(at, _)| *at <= now)?;
            let mut decided = core::mem::take(&mut self.decided);
            if let Some(router) = self.routers.get_mut(place) {
                router.step(&mut decided);
            }
            self.schedule(place);
            for Decision { at, mut parcel, outcome } in decided.drain(..) {
                match outcome {
                    Ok(out) => {
                        parcel.passed += 1;
                        self.forward(at, out, parcel);
                    }
                    Err(reason) => self.depart(at, at, parcel, Err(reason)),
                }
            }
            self.decided = decided;
        }
    }

    /// A packet goes to the next router of its route at `at`, or is through.
    fn forward(&mut self, decided: Instant, at: Instant, parcel: Parcel) {
        let next = self.routes.get(parcel.link.0).and_then(|route| route.get(parcel.passed)).copied();
        match next {
            Some(place) => {
                if let Some(router) = self.routers.get_mut(place) {
                    router.announce(at, parcel);
                }
                self.schedule(place);
            }
            None => self.depart(decided, at, parcel, Ok(())),
        }
    }

    fn depart(
        &mut self,
        decided: Instant,
        departed: Instant,
        Parcel { link: id, ordinal, is_marked, .. }: Parcel,
        outcome: Result<(), super::DropReason>,
    ) {
        let Some(link) = self.links.get_mut(id.0) else { return };
        let Some(verdict) = link.dequeued(ordinal, departed, is_marked, outcome) else { return };
        self.departures.push_back(Departure { link: id, ordinal, decided, departed, is_marked, verdict });
    }

    /// Notes when a router has something to do next.
    fn schedule(&mut self, place: usize) {
        let next = self.routers.get(place).and_then(Router::next);
        let Some(scheduled) = self.scheduled.get_mut(place) else { return };
        if *scheduled == next {
            return;
        }
        if let Some(before) = core::mem::replace(scheduled, next) {
            self.agenda.remove(&(before, place));
        }
        self.agenda.extend(next.map(|next| (next, place)));
    }
}
