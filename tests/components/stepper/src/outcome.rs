//! The text of what the host returned; the forms are listed in the components' README.md.

use crate::host::{
    GetResultJsonError, JoinNextError, JoinNextTryError, JoinSetCreateError, StubJsonError,
    SubmitJsonError,
};
use crate::obelisk::types::execution::{
    AwaitNextExtensionError, ExecutionFailureKind, ExecutionId, Function, FunctionMismatch,
    GetExtensionError, ResponseId, ScheduleJsonError,
};
use crate::obelisk::types::time::Datetime;

/// What a host function returned.
pub trait Outcome {
    fn outcome(&self) -> String;
}

/// A case of one of the host's error variants.
pub trait ErrorCase {
    fn case(&self) -> String;
}

pub fn refused(error: &impl ErrorCase) -> String {
    "error ".to_owned() + &error.case()
}

impl<E: ErrorCase> Outcome for Result<(), E> {
    fn outcome(&self) -> String {
        match self {
            Ok(()) => "ok".to_owned(),
            Err(error) => refused(error),
        }
    }
}

impl<E: ErrorCase> Outcome for Result<Result<Option<String>, Option<String>>, E> {
    fn outcome(&self) -> String {
        match self {
            Ok(Ok(None)) => "ok".to_owned(),
            Ok(Ok(Some(json))) => "ok ".to_owned() + json,
            Ok(Err(None)) => "err".to_owned(),
            Ok(Err(Some(json))) => "err ".to_owned() + json,
            Err(error) => refused(error),
        }
    }
}

impl Outcome for Result<u32, ()> {
    fn outcome(&self) -> String {
        match self {
            Ok(value) => "ok ".to_owned() + &value.to_string(),
            Err(()) => "err".to_owned(),
        }
    }
}

impl<E: ErrorCase> Outcome for Result<Result<u32, ()>, E> {
    fn outcome(&self) -> String {
        match self {
            Ok(result) => result.outcome(),
            Err(error) => refused(error),
        }
    }
}

impl Outcome for Result<Datetime, ()> {
    fn outcome(&self) -> String {
        match self {
            Ok(due) => format!("ok {}.{:09}", due.seconds, due.nanoseconds),
            Err(()) => "err".to_owned(),
        }
    }
}

impl<E: ErrorCase> Outcome for Result<Option<ExecutionFailureKind>, E> {
    fn outcome(&self) -> String {
        match self {
            Ok(None) => "none".to_owned(),
            Ok(Some(kind)) => kind_name(*kind).to_owned(),
            Err(error) => refused(error),
        }
    }
}

impl Outcome for Option<ExecutionId> {
    fn outcome(&self) -> String {
        self.as_ref()
            .map_or_else(|| "none".to_owned(), |id| id.id.clone())
    }
}

impl Outcome for Option<ResponseId> {
    fn outcome(&self) -> String {
        self.as_ref().map_or_else(|| "none".to_owned(), response_id)
    }
}

impl ErrorCase for JoinSetCreateError {
    fn case(&self) -> String {
        match self {
            Self::Conflict => "conflict".to_owned(),
            Self::InvalidName(reason) => "invalid-name: ".to_owned() + reason,
        }
    }
}

impl ErrorCase for SubmitJsonError {
    fn case(&self) -> String {
        match self {
            Self::FfqnParsingError(reason) => "ffqn-parsing-error: ".to_owned() + reason,
            Self::FunctionNotFound => "function-not-found".to_owned(),
            Self::TypeCheckError(reason) => "type-check-error: ".to_owned() + reason,
        }
    }
}

impl ErrorCase for ScheduleJsonError {
    fn case(&self) -> String {
        match self {
            Self::FfqnParsingError(reason) => "ffqn-parsing-error: ".to_owned() + reason,
            Self::FunctionNotFound => "function-not-found".to_owned(),
            Self::TypeCheckError(reason) => "type-check-error: ".to_owned() + reason,
        }
    }
}

impl ErrorCase for GetResultJsonError {
    fn case(&self) -> String {
        match self {
            Self::ExecutionIdParsingError(reason) => {
                "execution-id-parsing-error: ".to_owned() + reason
            }
            Self::NotFoundInProcessedResponses => "not-found-in-processed-responses".to_owned(),
        }
    }
}

impl ErrorCase for StubJsonError {
    fn case(&self) -> String {
        match self {
            Self::ExecutionIdParsingError(reason) => {
                "execution-id-parsing-error: ".to_owned() + reason
            }
            Self::ExecutionNotFound => "execution-not-found".to_owned(),
            Self::TypeCheckError(reason) => "type-check-error: ".to_owned() + reason,
            Self::Conflict => "conflict".to_owned(),
        }
    }
}

impl ErrorCase for JoinNextError {
    fn case(&self) -> String {
        match self {
            Self::AllProcessed => "all-processed".to_owned(),
        }
    }
}

impl ErrorCase for JoinNextTryError {
    fn case(&self) -> String {
        match self {
            Self::AllProcessed => "all-processed".to_owned(),
            Self::Pending => "pending".to_owned(),
        }
    }
}

impl ErrorCase for AwaitNextExtensionError {
    fn case(&self) -> String {
        match self {
            Self::AllProcessed => "all-processed".to_owned(),
            Self::FunctionMismatch(mismatch) => mismatch.case(),
        }
    }
}

impl ErrorCase for GetExtensionError {
    fn case(&self) -> String {
        match self {
            Self::FunctionMismatch(mismatch) => mismatch.case(),
            Self::NotFoundInProcessedResponses => "not-found-in-processed-responses".to_owned(),
        }
    }
}

impl ErrorCase for FunctionMismatch {
    fn case(&self) -> String {
        let specified = ffqn(&self.specified_function);
        let actual = self
            .actual_function
            .as_ref()
            .map_or_else(|| "none".to_owned(), ffqn);
        let id = response_id(&self.actual_id);
        format!("function-mismatch: specified {specified}, actual {actual}, {id}")
    }
}

fn ffqn(function: &Function) -> String {
    [&function.interface_name, ".", &function.function_name].concat()
}

fn response_id(id: &ResponseId) -> String {
    match id {
        ResponseId::ExecutionId(execution) => "execution-id ".to_owned() + &execution.id,
        ResponseId::DelayId(delay) => "delay-id ".to_owned() + &delay.id,
    }
}

fn kind_name(kind: ExecutionFailureKind) -> &'static str {
    match kind {
        ExecutionFailureKind::TimedOut => "timed-out",
        ExecutionFailureKind::NondeterminismDetected => "nondeterminism-detected",
        ExecutionFailureKind::OutOfFuel => "out-of-fuel",
        ExecutionFailureKind::Cancelled => "cancelled",
        ExecutionFailureKind::Uncategorized => "uncategorized",
    }
}
