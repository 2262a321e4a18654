//! The failure kind of an AWS error code.

use crate::domain::FailureKind;

/// The kind of a failure. The order of the checks matters: some services use one code for several problems and only the
/// message tells them apart.
pub(in crate::aws) fn kind(code: &str, message: &str, status: Option<u16>) -> FailureKind {
    let lower = message.to_ascii_lowercase();
    if code == "TagPolicyException"
        || lower.contains("tag policy")
        || lower.contains("tag policies")
    {
        return FailureKind::TagPolicy;
    }
    if is_throttle(code) || status == Some(429) {
        return FailureKind::Throttled;
    }
    if is_about_key_state(code, message) {
        return FailureKind::DisabledKey;
    }
    if lower.contains("maximum parameter value of") || status == Some(413) {
        return FailureKind::TooLarge;
    }
    match code {
        "InvalidKeyId" | "KMSNotFoundException" | "NotFoundException" => FailureKind::MissingKey,
        // Secrets Manager: the key is disabled, is being deleted, or does not allow this use.
        "EncryptionFailure" | "DecryptionFailure" => FailureKind::DisabledKey,
        "ParameterAlreadyExists" | "ResourceExistsException" => FailureKind::Conflict,
        "TooManyTagsError" => FailureKind::Limit,
        _ if code.contains("LimitExceeded") || code.contains("QuotaExceeded") => FailureKind::Limit,
        _ if code.starts_with("AccessDenied") || is_credentials_error(code) => {
            FailureKind::AccessDenied
        }
        "UnauthorizedOperation"
        | "UnauthorizedException"
        | "KMSAccessDenied"
        | "KMSAccessDeniedException" => FailureKind::AccessDenied,
        // A resource that existed a moment ago is gone, or the token of a list has expired. Another read helps.
        "ParameterNotFound"
        | "ParameterVersionNotFound"
        | "ResourceNotFoundException"
        | "InvalidResourceId"
        | "InvalidNextToken"
        | "InvalidNextTokenException"
        | "PaginationTokenExpiredException" => FailureKind::Unavailable,
        _ if code.starts_with("Internal") || code.starts_with("ServiceUnavailable") => {
            FailureKind::Unavailable
        }
        "ServiceException" | "RequestTimeout" | "RequestTimeoutException" => {
            FailureKind::Unavailable
        }
        _ => match status {
            Some(401 | 403) => FailureKind::AccessDenied,
            Some(500..) => FailureKind::Unavailable,
            _ => FailureKind::Invalid,
        },
    }
}

/// Whether the code is a throttle.
pub(in crate::aws) fn is_throttle(code: &str) -> bool {
    code.contains("Throttl")
        || code.starts_with("TooManyRequests")
        || matches!(
            code,
            "TooManyUpdates"
                | "RequestLimitExceeded"
                | "SlowDown"
                | "PriorRequestNotComplete"
                | "ProvisionedThroughputExceededException"
        )
}

/// SSM and Secrets Manager pass errors of KMS on under their own codes, with KMS's code in the message.
fn is_about_key_state(code: &str, message: &str) -> bool {
    const WORDS: [&str; 5] = [
        "DisabledException",
        "KMSInvalidState",
        "is disabled",
        "pending deletion",
        "pending import",
    ];
    matches!(code, "DisabledException" | "KMSDisabledException" | "KMSInvalidStateException")
        || ((code == "InvalidKeyId" || message.contains("KMS"))
            && WORDS.iter().any(|word| message.contains(word)))
}

/// Whether the credentials themselves are refused: wrong, expired, or unknown in this Region.
pub(in crate::aws) fn is_credentials_error(code: &str) -> bool {
    const CODES: [&str; 11] = [
        "ExpiredToken",
        "RequestExpired",
        "UnrecognizedClient",
        "InvalidClientTokenId",
        "InvalidAccessKeyId",
        "InvalidSignature",
        "SignatureDoesNotMatch",
        "IncompleteSignature",
        "MissingAuthenticationToken",
        "OptInRequired",
        "RegionDisabled",
    ];
    CODES.iter().any(|known| code.starts_with(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_class() {
        let size = "Standard tier parameters support a maximum parameter value of 4096 characters";
        let disabled =
            "arn:aws:kms:x is disabled. (Service: AWSKMS; Error Code: DisabledException)";
        let deleted = "key/1 is pending deletion (Service: AWSKMS; Code: KMSInvalidStateException)";
        let policy = "The tag policy does not allow the specified value";
        for (status, code, message, expected) in [
            (400, "ThrottlingException", "Rate exceeded", FailureKind::Throttled),
            (400, "Throttling", "", FailureKind::Throttled),
            (400, "TooManyRequestsException", "", FailureKind::Throttled),
            (400, "RequestLimitExceeded", "", FailureKind::Throttled),
            (400, "TooManyUpdates", "", FailureKind::Throttled),
            (400, "ProvisionedThroughputExceededException", "", FailureKind::Throttled),
            (429, "Whatever", "", FailureKind::Throttled),
            (400, "AccessDeniedException", "User: x is not authorized", FailureKind::AccessDenied),
            (403, "AccessDenied", "", FailureKind::AccessDenied),
            (403, "Forbidden", "", FailureKind::AccessDenied),
            (400, "UnauthorizedOperation", "", FailureKind::AccessDenied),
            (400, "ExpiredTokenException", "", FailureKind::AccessDenied),
            (400, "UnrecognizedClientException", "", FailureKind::AccessDenied),
            (403, "InvalidClientTokenId", "", FailureKind::AccessDenied),
            (400, "InvalidKeyId", "Invalid keyId alias/none", FailureKind::MissingKey),
            (400, "InvalidKeyId", disabled, FailureKind::DisabledKey),
            (400, "AccessDeniedException", deleted, FailureKind::DisabledKey),
            (400, "DisabledException", "", FailureKind::DisabledKey),
            (400, "KMSInvalidStateException", "", FailureKind::DisabledKey),
            (400, "EncryptionFailure", "", FailureKind::DisabledKey),
            (400, "ParameterLimitExceeded", "", FailureKind::Limit),
            (400, "ParameterMaxVersionLimitExceeded", "", FailureKind::Limit),
            (400, "ParameterVersionLabelLimitExceeded", "", FailureKind::Limit),
            (400, "PoliciesLimitExceededException", "", FailureKind::Limit),
            (400, "HierarchyLevelLimitExceededException", "", FailureKind::Limit),
            (400, "LimitExceededException", "", FailureKind::Limit),
            (400, "TooManyTagsError", "", FailureKind::Limit),
            (400, "TagPolicyException", "", FailureKind::TagPolicy),
            (400, "ValidationException", policy, FailureKind::TagPolicy),
            (400, "ValidationException", size, FailureKind::TooLarge),
            (400, "ValidationException", "the user mailbox is disabled", FailureKind::Invalid),
            (400, "ValidationException", "", FailureKind::Invalid),
            (400, "HierarchyTypeMismatchException", "", FailureKind::Invalid),
            (400, "ParameterAlreadyExists", "", FailureKind::Conflict),
            (400, "ParameterNotFound", "", FailureKind::Unavailable),
            (500, "InternalServerError", "", FailureKind::Unavailable),
            (400, "InternalServiceError", "", FailureKind::Unavailable),
            (503, "Whatever", "", FailureKind::Unavailable),
        ] {
            assert_eq!(kind(code, message, Some(status)), expected, "{code}: {message}");
        }
    }
}
