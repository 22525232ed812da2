//! Carrying out what happens to nodes.

use std::sync::Arc;

use backchat::files::memory::MemoryDisk;
use backchat_core::time::Instant;

use super::lives::Switch;
use super::tcp::ServerPower;
use super::world::World;
use crate::engine::faults::{Happening, Node};
use crate::trace::{self, RunEvent};

/// How nodes are killed and live again.
pub(super) struct Levers {
    pub(super) power: Arc<ServerPower>,
    pub(super) switches: Vec<Arc<Switch>>,
    /// The clients' disks. The server's is only read.
    pub(super) disks: Vec<MemoryDisk>,
}

impl Levers {
    pub(super) fn carry_out(
        &self,
        now: Instant,
        happening: Happening,
        sim: &mut turmoil::Sim<'_>,
        world: &World,
    ) {
        match happening {
            Happening::Healed => world.record(now, trace::Node::SIM, RunEvent::Healed),
            Happening::Rebind(client, addr) => world.lock().rebind(now, client, addr),
            Happening::Kill { node: Node::Server, power } => {
                world.record(now, trace::Node::SERVER, RunEvent::Crashed { power });
                world.lock().reset_connections(now, None);
                self.power.down(power);
                sim.crash(super::SERVER);
            }
            Happening::Kill { node: Node::Client(client), power } => {
                let name = world.lock().client_name(client);
                world.record(now, name, RunEvent::Crashed { power });
                world.lock().reset_connections(now, Some(client));
                if let Some(switch) = self.switches.get(client.0) {
                    switch.turn(false);
                }
                if let Some(disk) = self.disks.get(client.0).filter(|_| power) {
                    disk.lose_power();
                }
            }
            Happening::Revive(Node::Server) => sim.bounce(super::SERVER),
            Happening::Revive(Node::Client(client)) => {
                if let Some(switch) = self.switches.get(client.0) {
                    switch.turn(true);
                }
            }
        }
    }
}
