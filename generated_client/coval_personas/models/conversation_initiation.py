from enum import StrEnum


class ConversationInitiation(StrEnum):
    SPEAK_FIRST = "speak_first"
    WAIT_FOR_USER = "wait_for_user"

    def __str__(self) -> str:
        return str(self.value)
