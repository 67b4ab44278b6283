from typing import Any

import httpx

from ...client import Client
from ...errors import ApiError, read_documented, read_success
from ...models.error_response import ErrorResponse
from ...models.voice_list import VoiceList
from ...types import Response


def _get_kwargs() -> dict[str, Any]:

    _kwargs: dict[str, Any] = {
        "method": "GET",
        "url": "/personas/voices",
    }
    return _kwargs


def _parse_success(response: httpx.Response) -> VoiceList:
    if response.status_code == 200:
        response_200 = VoiceList.from_dict(response.json())

        return response_200

    raise ApiError.from_response(response)


def _parse_documented(response: httpx.Response) -> ErrorResponse | VoiceList | None:
    if response.status_code == 200:
        response_200 = VoiceList.from_dict(response.json())

        return response_200

    if response.status_code == 401:
        response_401 = ErrorResponse.from_dict(response.json())

        return response_401

    if response.status_code == 429:
        return None

    if response.status_code == 500:
        response_500 = ErrorResponse.from_dict(response.json())

        return response_500

    return None


def _build_response(response: httpx.Response) -> Response[ErrorResponse | VoiceList]:
    return Response(
        status_code=response.status_code,
        content=response.content,
        headers=response.headers,
        parsed=read_documented(response, _parse_documented),
    )


def sync(
    *,
    client: Client,
) -> VoiceList:
    """List voices

    List the voices, each with the languages it speaks.

    Returns:
        VoiceList

    Raises:
        ApiError: The answer is an error, or not what is documented.
        httpx.RequestError: There was no answer, for example within the client's timeout.
    """
    return read_success(client.send(_get_kwargs()), _parse_success)


def sync_detailed(
    *,
    client: Client,
) -> Response[ErrorResponse | VoiceList]:
    """List voices

    List the voices, each with the languages it speaks.

    Returns:
        The answer, whatever its status; its `parsed` is of type ErrorResponse | VoiceList.

    Raises:
        httpx.RequestError: There was no answer, for example within the client's timeout.
    """
    return _build_response(client.send(_get_kwargs()))


async def asyncio(
    *,
    client: Client,
) -> VoiceList:
    """List voices

    List the voices, each with the languages it speaks.

    Returns:
        VoiceList

    Raises:
        ApiError: The answer is an error, or not what is documented.
        httpx.RequestError: There was no answer, for example within the client's timeout.
    """
    return read_success(await client.asend(_get_kwargs()), _parse_success)


async def asyncio_detailed(
    *,
    client: Client,
) -> Response[ErrorResponse | VoiceList]:
    """List voices

    List the voices, each with the languages it speaks.

    Returns:
        The answer, whatever its status; its `parsed` is of type ErrorResponse | VoiceList.

    Raises:
        httpx.RequestError: There was no answer, for example within the client's timeout.
    """
    return _build_response(await client.asend(_get_kwargs()))
