"""A client library for accessing Coval Personas API"""

from .client import Client
from .errors import ApiError

__all__ = ("ApiError", "Client")
