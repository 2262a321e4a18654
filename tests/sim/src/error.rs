//! A refusal, in AWS's words.

/// Why AWS refuses a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsError {
    /// HTTP's status.
    pub status: u16,
    /// AWS's code.
    pub code: String,
    /// AWS's words.
    pub message: String,
}

impl AwsError {
    /// With status 400, as most.
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        Self { status: 400, code: code.to_owned(), message: message.into() }
    }

    /// With another status.
    pub(crate) fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// A request that breaks the service's model or rules.
    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new("ValidationException", message)
    }
}

impl std::fmt::Display for AwsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for AwsError {}

/// What an operation answers.
pub(crate) type Answer = Result<serde_json::Value, AwsError>;
