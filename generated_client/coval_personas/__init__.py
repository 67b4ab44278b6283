"""A client of the Coval Personas API: Change the simulated callers that test a voice agent."""

from .client import AsyncCoval, Coval
from .errors import (
    ApiConnectionError,
    ApiError,
    ApiResponseError,
    ApiStatusError,
    ApiTimeoutError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    ErrorDetail,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
)
from .pages import AsyncPages, Page, Pages
from .resources import METHODS
from .types import UNSET, Unset
from .wire import RawResponse

__version__ = "1.0.0"
CONTRACT_VERSION = "1.0.0"
CONTRACT_SHA256 = "8f20b949159e9159961a151448e9aed15cc471f1a2043a68b96eae65c5a42c5e"
"""Of the contract as JSON: comments and line breaks of its file do not count."""

CLIENT, ASYNC_CLIENT = Coval, AsyncCoval
"""The classes of this contract, for programs that work with any."""

__all__ = [
    "METHODS",
    "UNSET",
    "ApiConnectionError",
    "ApiError",
    "ApiResponseError",
    "ApiStatusError",
    "ApiTimeoutError",
    "AsyncCoval",
    "AsyncPages",
    "AuthenticationError",
    "BadRequestError",
    "Coval",
    "ConflictError",
    "ErrorDetail",
    "InvalidRequestError",
    "NotFoundError",
    "Page",
    "Pages",
    "PermissionDeniedError",
    "RateLimitError",
    "RawResponse",
    "ServerError",
    "Unset",
]
