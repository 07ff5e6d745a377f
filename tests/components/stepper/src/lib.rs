//! A workflow that interprets a list of steps, so that a test can ask for any order of host calls.

mod outcome;

use exports::test::stepper::workflow::{Guest, IdRef, Level, Step};
use obelisk::log::log;
use obelisk::types::execution::{ExecutionId, Function};
use obelisk::types::join_set::JoinSet;
use obelisk::workflow::workflow_support as host;
use outcome::{ErrorCase, Outcome, refused};
use test::probe::activity::add;
use test::probe_obelisk_ext::activity::{add_await_next, add_get, add_submit};
use test::probe_obelisk_schedule::activity::add_schedule;

wit_bindgen::generate!({
    world: "test:stepper/stepper",
    path: [
        "../../../examples/wit/deps/obelisk-types",
        "../../../examples/wit/deps/obelisk-log",
        "../../../examples/wit/deps/obelisk-workflow",
        "../probe/wit",
        "../wit/deps/test-probe-obelisk-ext",
        "../wit/deps/test-probe-obelisk-schedule",
        "wit",
    ],
    generate_all,
});

struct Component;

impl Guest for Component {
    fn run(steps: Vec<Step>) -> Result<Vec<String>, String> {
        interpret(steps)
    }

    fn run_cancellable(steps: Vec<Step>) -> Result<Vec<String>, String> {
        interpret(steps)
    }

    fn nested(depth: u32, leaf: u32) -> Result<u32, String> {
        if depth == 0 {
            return Ok(leaf);
        }
        let params = ["[", &(depth - 1).to_string(), ",", &leaf.to_string(), "]"].concat();
        let child = function("test:stepper/workflow".to_owned(), "nested".to_owned());
        match host::call_json(&child, &params) {
            Ok(Ok(Some(json))) => json.parse().map_err(|_| "not a u32: ".to_owned() + &json),
            other => Err(other.outcome()),
        }
    }
}

fn interpret(steps: Vec<Step>) -> Result<Vec<String>, String> {
    let mut machine = Machine::default();
    let ending = machine.take(steps);
    // Not dropped here: what is still open at the end is for the engine to close.
    std::mem::forget(machine.join_sets);
    ending.map(|()| machine.outcomes)
}

#[derive(Default)]
struct Machine {
    /// None once closed.
    join_sets: Vec<Option<JoinSet>>,
    /// What each step named, for the steps that refer to it.
    ids: Vec<Option<ExecutionId>>,
    outcomes: Vec<String>,
}

impl Machine {
    fn take(&mut self, steps: Vec<Step>) -> Result<(), String> {
        for step in steps {
            match step {
                Step::ReturnEarly => return Ok(()),
                Step::Fail(reason) => return Err(reason),
                step => {
                    let (outcome, id) = self.act(step)?;
                    self.outcomes.push(outcome);
                    self.ids.push(id);
                }
            }
        }
        Ok(())
    }

    /// Takes one step; returns its outcome and the execution it names, if it names one.
    fn act(&mut self, step: Step) -> Result<(String, Option<ExecutionId>), String> {
        let outcome = match step {
            Step::CreateJoinSet => self.hold(host::join_set_create()),
            Step::CreateJoinSetNamed(name) => match host::join_set_create_named(&name) {
                Ok(join_set) => self.hold(join_set),
                Err(error) => refused(&error),
            },
            Step::Close(index) => {
                host::join_set_close(self.release(index)?);
                "closed".to_owned()
            }
            Step::Drop(index) => {
                drop(self.release(index)?);
                "dropped".to_owned()
            }
            Step::DropAll => {
                for join_set in &mut self.join_sets {
                    join_set.take();
                }
                "dropped".to_owned()
            }
            Step::JoinSetId(index) => self.join_set(index)?.id(),
            Step::JoinSetLastId(index) => self.join_set(index)?.last_id().outcome(),

            Step::Submit(args) => {
                let target = function(args.interface_name, args.function_name);
                return Ok(named_if_ok(host::submit_json(
                    self.join_set(args.join_set)?,
                    &target,
                    &args.params,
                )));
            }
            Step::SubmitDelay(args) => {
                host::submit_delay(self.join_set(args.join_set)?, args.timeout).id
            }
            Step::JoinNext(index) => host::join_next(self.join_set(index)?).outcome(),
            Step::JoinNextTry(index) => host::join_next_try(self.join_set(index)?).outcome(),
            Step::GetResult(id) => host::get_result_json(&self.id(id)?).outcome(),
            Step::FailureKind(id) => host::get_execution_failure_kind(&self.id(id)?).outcome(),

            Step::Sleep(args) => host::sleep(args.schedule_at, args.name.as_deref()).outcome(),
            Step::RandomU64(range) => host::random_u64(range.min, range.max).to_string(),
            Step::RandomU64Inclusive(range) => {
                host::random_u64_inclusive(range.min, range.max).to_string()
            }
            Step::RandomString(length) => host::random_string(length.min, length.max),

            Step::ExecutionIdCurrent => return Ok(named(host::execution_id_current())),
            Step::ExecutionIdGenerate => return Ok(named(host::execution_id_generate())),
            Step::LastDirectCallId => {
                let id = host::last_direct_call_id();
                return Ok((id.outcome(), id));
            }
            Step::LastOneoffId => host::last_oneoff_id().outcome(),
            Step::Schedule(args) => {
                let target = function(args.interface_name, args.function_name);
                let id = self.id(args.execution_id)?;
                host::schedule_json(&id, args.schedule_at, &target, &args.params).outcome()
            }
            Step::Call(args) => {
                let target = function(args.interface_name, args.function_name);
                host::call_json(&target, &args.params).outcome()
            }
            Step::Stub(args) => {
                host::stub_json(&self.id(args.execution_id)?, &args.result_json).outcome()
            }

            Step::TypedCall(args) => add(args.a, args.b).outcome(),
            Step::TypedSubmit(args) => {
                return Ok(named(add_submit(
                    self.join_set(args.join_set)?,
                    args.a,
                    args.b,
                )));
            }
            Step::TypedAwaitNext(index) => add_await_next(self.join_set(index)?).outcome(),
            Step::TypedGet(id) => add_get(&self.id(id)?).outcome(),
            Step::TypedSchedule(args) => {
                return Ok(named(add_schedule(args.schedule_at, args.a, args.b)));
            }

            Step::Log(args) => {
                let write = match args.level {
                    Level::Trace => log::trace,
                    Level::Debug => log::debug,
                    Level::Info => log::info,
                    Level::Warn => log::warn,
                    Level::Error => log::error,
                };
                write(&args.message);
                "logged".to_owned()
            }
            Step::Panic => panic!("asked to"),
            Step::Spin => spin(),
            Step::Fail(_) | Step::ReturnEarly => unreachable!("taken by the caller"),
        };
        Ok((outcome, None))
    }

    fn hold(&mut self, join_set: JoinSet) -> String {
        self.join_sets.push(Some(join_set));
        "created ".to_owned() + &(self.join_sets.len() - 1).to_string()
    }

    fn join_set(&self, index: u32) -> Result<&JoinSet, String> {
        let slot = self.join_sets.get(index as usize).and_then(Option::as_ref);
        slot.ok_or_else(|| no_join_set(index))
    }

    fn release(&mut self, index: u32) -> Result<JoinSet, String> {
        let slot = self
            .join_sets
            .get_mut(index as usize)
            .and_then(Option::take);
        slot.ok_or_else(|| no_join_set(index))
    }

    fn id(&self, reference: IdRef) -> Result<ExecutionId, String> {
        match reference {
            IdRef::Text(id) => Ok(ExecutionId { id }),
            IdRef::Step(index) => {
                let id = self.ids.get(index as usize).cloned().flatten();
                id.ok_or_else(|| ["step ", &index.to_string(), " named no execution"].concat())
            }
        }
    }
}

fn no_join_set(index: u32) -> String {
    ["no open join set ", &index.to_string()].concat()
}

fn function(interface_name: String, function_name: String) -> Function {
    Function {
        interface_name,
        function_name,
    }
}

fn named(id: ExecutionId) -> (String, Option<ExecutionId>) {
    (id.id.clone(), Some(id))
}

fn named_if_ok<E: ErrorCase>(submitted: Result<ExecutionId, E>) -> (String, Option<ExecutionId>) {
    match submitted {
        Ok(id) => named(id),
        Err(error) => (refused(&error), None),
    }
}

fn spin() -> ! {
    let mut turns = 0_u64;
    loop {
        turns = std::hint::black_box(turns.wrapping_add(1));
    }
}

export!(Component);
