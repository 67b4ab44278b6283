"""Contains all the data models used in inputs/outputs"""

from .background_sound import BackgroundSound
from .conversation_initiation import ConversationInitiation
from .deleted import Deleted
from .error_body import ErrorBody
from .error_detail import ErrorDetail
from .error_response import ErrorResponse
from .persona import Persona
from .persona_create import PersonaCreate
from .persona_list import PersonaList
from .persona_response import PersonaResponse
from .persona_update import PersonaUpdate
from .voice import Voice
from .voice_list import VoiceList

__all__ = (
    "BackgroundSound",
    "ConversationInitiation",
    "Deleted",
    "ErrorBody",
    "ErrorDetail",
    "ErrorResponse",
    "Persona",
    "PersonaCreate",
    "PersonaList",
    "PersonaResponse",
    "PersonaUpdate",
    "Voice",
    "VoiceList",
)
