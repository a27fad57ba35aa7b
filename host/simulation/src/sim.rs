// SPDX-License-Identifier: GPL-2.0

//! One task, from event to event: which thread does what, and how fast.

use crate::{
    cpus::{
        Cpus,
        Noise,
        Pool,
        NICE_0, //
    },
    machine::Machine,
    policy::{
        Next,
        Policy,
        Progress,
        Ways, //
    },
    random::Random,
    work::Work,
    workers::Workers, //
};

/// What a thread does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    /// It is queued and runs from this time on, or is the caller and queues helpers until then.
    Starts(f64),
    /// It claims, and has a chunk from this time on.
    Claims(f64),
    Works,
    Ended,
}

struct Thread {
    phase: Phase,
    pool: Pool,
    /// Where it runs, if it does.
    cpu: Option<usize>,
    weight: f64,
    /// Length of its chunk.
    units: usize,
    /// What is left of that: the node of the memory and the cost, the last one first.
    pieces: Vec<(usize, f64)>,
    /// When its first chunk began.
    first: Option<f64>,
}

impl Thread {
    fn new(starts: f64, pool: Pool, weight: f64) -> Self {
        Self {
            phase: Phase::Starts(starts),
            pool,
            cpu: None,
            weight,
            units: 0,
            pieces: Vec::new(),
            first: None,
        }
    }

    /// The node whose memory it works on, and what is left there.
    fn piece(&self) -> Option<(usize, f64)> {
        let works = self.phase == Phase::Works;
        self.pieces.last().copied().filter(|_| works)
    }
}

/// How a task went.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// From the call to its return.
    pub makespan_ns: f64,
    /// How many chunks were claimed.
    pub chunks: usize,
    /// When each helper that worked began its first chunk, in this order.
    pub starts_ns: Vec<f64>,
    /// How many helpers were queued.
    pub helpers: usize,
    /// How many of them were queued for CPUs of each node to begin with.
    pub placed: Vec<usize>,
    /// How often a helper moved to another node.
    pub moves: usize,
    /// How many helpers had not started, there or where they moved to, when the caller was done.
    pub cancelled: usize,
    /// Share of the work that was done on its own node.
    pub local: f64,
    /// How many units were completed.
    pub units: usize,
    /// Speed that other threads had at the memory of node 0 meanwhile, by their full speed.
    pub others: f64,
}

/// What adds up to an [`Outcome`].
#[derive(Default)]
struct Sums {
    chunks: usize,
    placed: Vec<usize>,
    moves: usize,
    cancelled: usize,
    worked: f64,
    local: f64,
    others: f64,
}

/// Runs a task whose caller is on `caller`.
pub(crate) fn run(
    machine: &Machine,
    work: &Work,
    policy: &mut dyn Policy,
    noise: Noise,
    caller: usize,
) -> Outcome {
    let mut sim = Sim {
        machine,
        work,
        ways: policy.ways(),
        policy,
        noise,
        cpus: Cpus::new(machine, noise),
        workers: Workers::default(),
        random: Random::new(noise.seed ^ (1 << 32)),
        now: 0.0,
        threads: vec![Thread::new(0.0, Pool::ShardOf(caller), NICE_0)],
        cursors: vec![0.0; work.places().len()],
        progress: Progress::default(),
        caller_ended: 0.0,
        sums: Sums {
            placed: vec![0; machine.nodes],
            ..Sums::default()
        },
    };
    sim.enter(0, caller);
    let pools = sim.policy.helpers();
    sim.threads[0].phase = Phase::Starts(sim.queue(pools));
    while sim.threads.iter().any(|t| t.phase != Phase::Ended) {
        sim.step();
    }
    sim.outcome()
}

struct Sim<'a> {
    machine: &'a Machine,
    work: &'a Work,
    policy: &'a mut dyn Policy,
    ways: Ways,
    noise: Noise,
    cpus: Cpus<'a>,
    workers: Workers,
    random: Random,
    now: f64,
    /// The caller, then the helpers.
    threads: Vec<Thread>,
    /// When each cursor can be claimed from next.
    cursors: Vec<f64>,
    progress: Progress,
    caller_ended: f64,
    sums: Sums,
}

impl Sim<'_> {
    /// The caller queues helpers, one after the other; returns when it is done with that.
    fn queue(&mut self, pools: Vec<Pool>) -> f64 {
        let mut queued = self.now;
        for pool in pools {
            queued += self.machine.queue_ns;
            self.sums.placed[pool.node(self.machine)] += 1;
            let starts = self.wakeup(pool, queued);
            self.threads
                .push(Thread::new(starts, pool, self.ways.weight));
        }
        queued
    }

    /// When a worker of `pool` runs what has been queued. A wakeup takes from half as long as it
    /// usually does to one and a half times.
    fn wakeup(&mut self, pool: Pool, queued: f64) -> f64 {
        let woken = queued + self.machine.wake_ns * (0.5 + self.random.uniform());
        self.workers.take(self.machine, pool, woken)
    }

    /// Goes on to the next event.
    fn step(&mut self) {
        let speeds = self.speeds();
        let (index, at) = self.next_event(&speeds);
        let tick = self.cpus.next_tick();
        self.advance(at.min(tick), &speeds);
        if tick < at {
            return self.look();
        }
        match self.threads[index].phase {
            Phase::Starts(_) => self.start(index),
            Phase::Claims(_) => self.begin(index),
            Phase::Works => self.finish(index),
            Phase::Ended => (),
        }
    }

    /// Which thread is the next that something happens to, and when.
    fn next_event(&self, speeds: &[f64]) -> (usize, f64) {
        let event = |thread: &Thread, speed: f64| match (thread.phase, thread.piece()) {
            (Phase::Starts(at) | Phase::Claims(at), _) => at,
            (Phase::Works, Some((_, left))) => self.now + left / speed,
            _ => f64::INFINITY,
        };
        let events = self.threads.iter().zip(speeds).map(|(t, &s)| event(t, s));
        events
            .enumerate()
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .unwrap_or((0, self.now))
    }

    /// How fast each thread works, by one thread's full speed.
    fn speeds(&self) -> Vec<f64> {
        let mut speeds: Vec<_> = self.threads.iter().map(|t| self.alone(t)).collect();
        let served = self.served(&speeds);
        for (thread, speed) in self.threads.iter().zip(&mut speeds) {
            if let Some((node, _)) = thread.piece() {
                *speed *= served[node];
            }
        }
        speeds
    }

    /// How fast a thread would work if memory could serve everybody.
    fn alone(&self, thread: &Thread) -> f64 {
        let (Some(cpu), Some((node, _))) = (thread.cpu, thread.piece()) else {
            return 0.0;
        };
        let near = self.machine.node_of(cpu) == node;
        let speed = if near { 1.0 } else { self.machine.remote };
        speed * self.cpus.share(cpu, thread.weight)
    }

    /// What share of their speed threads keep at the memory of each node.
    fn served(&self, alone: &[f64]) -> Vec<f64> {
        let mut wanted = vec![0.0; self.machine.nodes];
        wanted[0] = self.noise.others;
        for (thread, speed) in self.threads.iter().zip(alone) {
            if let Some((node, _)) = thread.piece() {
                wanted[node] += speed;
            }
        }
        wanted.iter().map(|&w| self.machine.served(w)).collect()
    }

    fn advance(&mut self, to: f64, speeds: &[f64]) {
        let passed = to - self.now;
        if self.noise.others > 0.0 {
            let alone: Vec<_> = self.threads.iter().map(|t| self.alone(t)).collect();
            self.sums.others += self.served(&alone)[0] * passed;
        }
        for (thread, speed) in self.threads.iter_mut().zip(speeds) {
            let Some((node, left)) = thread.piece() else {
                continue;
            };
            let done = (speed * passed).min(left);
            if let Some(piece) = thread.pieces.last_mut() {
                piece.1 -= done;
            }
            self.sums.worked += done;
            if thread.cpu.map(|cpu| self.machine.node_of(cpu)) == Some(node) {
                self.sums.local += done;
            }
        }
        self.now = to;
    }

    /// The scheduler moves threads that share a CPU to idle ones.
    fn look(&mut self) {
        let before: Vec<_> = self.threads.iter().map(|t| self.shares(t)).collect();
        self.cpus.look();
        for (index, before) in before.into_iter().enumerate() {
            // A CPU that is busy only now is seen at the next look.
            let now = self.shares(&self.threads[index]);
            let better = before.and(now).and_then(|cpu| self.cpus.better(cpu));
            if let Some(better) = better {
                self.leave(index);
                self.enter(index, better);
            }
        }
    }

    /// The CPU of a thread, if that does other things too.
    fn shares(&self, thread: &Thread) -> Option<usize> {
        let cpu = thread.cpu?;
        (self.cpus.share(cpu, thread.weight) < 1.0).then_some(cpu)
    }

    fn enter(&mut self, index: usize, cpu: usize) {
        self.cpus.enter(cpu, self.threads[index].weight);
        self.threads[index].cpu = Some(cpu);
    }

    fn leave(&mut self, index: usize) {
        if let Some(cpu) = self.threads[index].cpu.take() {
            self.cpus.leave(cpu, self.threads[index].weight);
        }
    }

    fn start(&mut self, index: usize) {
        if self.threads[index].cpu.is_none() {
            let cpu = self.cpus.wake(self.threads[index].pool);
            self.enter(index, cpu);
        }
        self.claim(index);
    }

    /// A thread looks for something to do.
    fn claim(&mut self, index: usize) {
        match self.policy.next(index, &mut self.random) {
            Next::Chunk { units, cursor } => {
                let turn = self.cursors[cursor].max(self.now);
                let claimed = turn + self.ways.lines * self.machine.line_ns;
                self.cursors[cursor] = claimed;
                self.sums.chunks += 1;
                let longer = 1.0 + self.noise.jitter * (2.0 * self.random.uniform() - 1.0);
                let thread = &mut self.threads[index];
                thread.units = units.len();
                thread.pieces = self.work.pieces(units);
                for piece in &mut thread.pieces {
                    piece.1 *= longer;
                }
                thread.phase = Phase::Claims(claimed);
            }
            Next::Move(pool) => {
                self.leave(index);
                self.sums.moves += 1;
                let starts = self.wakeup(pool, self.now + self.machine.queue_ns);
                let thread = &mut self.threads[index];
                (thread.pool, thread.phase) = (pool, Phase::Starts(starts));
            }
            Next::Done => self.end(index),
        }
    }

    fn begin(&mut self, index: usize) {
        let thread = &mut self.threads[index];
        thread.phase = Phase::Works;
        thread.first.get_or_insert(self.now);
    }

    /// A piece of a chunk is done, and maybe all of it.
    fn finish(&mut self, index: usize) {
        let thread = &mut self.threads[index];
        thread.pieces.pop();
        if !thread.pieces.is_empty() {
            return;
        }
        self.progress.now = self.now;
        self.progress.chunks += 1;
        self.progress.units += thread.units;
        if index == 0 {
            self.call_more();
        } else {
            self.claim(index);
        }
    }

    /// The caller may start more helpers between chunks.
    fn call_more(&mut self) {
        let pools = self.policy.more(&self.progress);
        if pools.is_empty() {
            return self.claim(0);
        }
        self.threads[0].phase = Phase::Starts(self.queue(pools));
    }

    fn end(&mut self, index: usize) {
        self.leave(index);
        self.threads[index].phase = Phase::Ended;
        if index == 0 {
            self.caller_ended = self.now;
            self.cancel();
        }
        if self.threads[0].phase == Phase::Ended {
            self.boost();
        }
    }

    /// Helpers that have not started never will, if the policy says so.
    fn cancel(&mut self) {
        if self.ways.waits_for_all {
            return;
        }
        for (index, thread) in self.threads.iter_mut().enumerate() {
            if matches!(thread.phase, Phase::Starts(_)) {
                thread.phase = Phase::Ended;
                self.sums.cancelled += 1;
                self.policy.cancelled(index);
            }
        }
    }

    /// The caller that waits boosts one helper at a time to its own priority.
    fn boost(&mut self) {
        let running = self.threads.iter().position(|t| t.phase != Phase::Ended);
        let Some(index) = running.filter(|&index| self.threads[index].weight < NICE_0) else {
            return;
        };
        let cpu = self.threads[index].cpu;
        self.leave(index);
        self.threads[index].weight = NICE_0;
        if let Some(cpu) = cpu {
            self.enter(index, cpu);
        }
    }

    fn outcome(self) -> Outcome {
        assert_eq!(self.policy.held(), 0, "helpers that no limit got back");
        let helpers = self.threads.get(1..).unwrap_or_default();
        let mut starts_ns: Vec<_> = helpers.iter().filter_map(|t| t.first).collect();
        starts_ns.sort_by(f64::total_cmp);
        // A caller that had to wait has to be woken in the end.
        let waited = self.now > self.caller_ended;
        let woken = if waited { self.machine.wake_ns } else { 0.0 };
        Outcome {
            makespan_ns: self.now + woken,
            chunks: self.sums.chunks,
            starts_ns,
            helpers: helpers.len(),
            placed: self.sums.placed,
            moves: self.sums.moves,
            cancelled: self.sums.cancelled,
            local: self.sums.local / self.sums.worked,
            units: self.progress.units,
            others: self.sums.others / self.now,
        }
    }
}
