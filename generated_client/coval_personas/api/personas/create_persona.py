from typing import Any

import httpx

from ...client import Client
from ...errors import ApiError, read_documented, read_success
from ...models.error_response import ErrorResponse
from ...models.persona_create import PersonaCreate
from ...models.persona_response import PersonaResponse
from ...types import Response, Unset


def _get_kwargs(
    *,
    body: PersonaCreate,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "POST",
        "url": "/personas",
    }
    if not isinstance(body, Unset):
        _kwargs["json"] = body.to_dict()

        headers["Content-Type"] = "application/json"
    _kwargs["headers"] = headers
    return _kwargs


def _parse_success(response: httpx.Response) -> PersonaResponse:
    if response.status_code == 201:
        response_201 = PersonaResponse.from_dict(response.json())

        return response_201

    raise ApiError.from_response(response)


def _parse_documented(response: httpx.Response) -> ErrorResponse | PersonaResponse | None:
    if response.status_code == 201:
        response_201 = PersonaResponse.from_dict(response.json())

        return response_201

    if response.status_code == 400:
        response_400 = ErrorResponse.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = ErrorResponse.from_dict(response.json())

        return response_401

    if response.status_code == 415:
        response_415 = ErrorResponse.from_dict(response.json())

        return response_415

    if response.status_code == 429:
        return None

    if response.status_code == 500:
        response_500 = ErrorResponse.from_dict(response.json())

        return response_500

    return None


def _build_response(response: httpx.Response) -> Response[ErrorResponse | PersonaResponse]:
    return Response(
        status_code=response.status_code,
        content=response.content,
        headers=response.headers,
        parsed=read_documented(response, _parse_documented),
    )


def sync(
    *,
    client: Client,
    body: PersonaCreate,
) -> PersonaResponse:
    """Create persona

    Create a persona. Every field that is accepted is stored.

    Args:
        body (PersonaCreate): A new persona.

    Returns:
        PersonaResponse

    Raises:
        ApiError: The answer is an error, or not what is documented.
        httpx.RequestError: There was no answer, for example within the client's timeout.
    """
    return read_success(
        client.send(
            _get_kwargs(
                body=body,
            )
        ),
        _parse_success,
    )


def sync_detailed(
    *,
    client: Client,
    body: PersonaCreate,
) -> Response[ErrorResponse | PersonaResponse]:
    """Create persona

    Create a persona. Every field that is accepted is stored.

    Args:
        body (PersonaCreate): A new persona.

    Returns:
        The answer, whatever its status; its `parsed` is of type ErrorResponse | PersonaResponse.

    Raises:
        httpx.RequestError: There was no answer, for example within the client's timeout.
    """
    return _build_response(
        client.send(
            _get_kwargs(
                body=body,
            )
        )
    )


async def asyncio(
    *,
    client: Client,
    body: PersonaCreate,
) -> PersonaResponse:
    """Create persona

    Create a persona. Every field that is accepted is stored.

    Args:
        body (PersonaCreate): A new persona.

    Returns:
        PersonaResponse

    Raises:
        ApiError: The answer is an error, or not what is documented.
        httpx.RequestError: There was no answer, for example within the client's timeout.
    """
    return read_success(
        await client.asend(
            _get_kwargs(
                body=body,
            )
        ),
        _parse_success,
    )


async def asyncio_detailed(
    *,
    client: Client,
    body: PersonaCreate,
) -> Response[ErrorResponse | PersonaResponse]:
    """Create persona

    Create a persona. Every field that is accepted is stored.

    Args:
        body (PersonaCreate): A new persona.

    Returns:
        The answer, whatever its status; its `parsed` is of type ErrorResponse | PersonaResponse.

    Raises:
        httpx.RequestError: There was no answer, for example within the client's timeout.
    """
    return _build_response(
        await client.asend(
            _get_kwargs(
                body=body,
            )
        )
    )
