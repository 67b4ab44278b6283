from typing import Any

import httpx

from ...client import Client
from ...errors import ApiError, read_documented, read_success
from ...models.error_response import ErrorResponse
from ...models.persona_list import PersonaList
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    page_size: int | Unset = UNSET,
    page_token: str | Unset = UNSET,
    filter_: str | Unset = UNSET,
    order_by: str | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["page_size"] = page_size

    params["page_token"] = page_token

    params["filter"] = filter_

    params["order_by"] = order_by

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "GET",
        "url": "/personas",
        "params": params,
    }
    return _kwargs


def _parse_success(response: httpx.Response) -> PersonaList:
    if response.status_code == 200:
        response_200 = PersonaList.from_dict(response.json())

        return response_200

    raise ApiError.from_response(response)


def _parse_documented(response: httpx.Response) -> ErrorResponse | PersonaList | None:
    if response.status_code == 200:
        response_200 = PersonaList.from_dict(response.json())

        return response_200

    if response.status_code == 400:
        response_400 = ErrorResponse.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = ErrorResponse.from_dict(response.json())

        return response_401

    if response.status_code == 429:
        return None

    if response.status_code == 500:
        response_500 = ErrorResponse.from_dict(response.json())

        return response_500

    return None


def _build_response(response: httpx.Response) -> Response[ErrorResponse | PersonaList]:
    return Response(
        status_code=response.status_code,
        content=response.content,
        headers=response.headers,
        parsed=read_documented(response, _parse_documented),
    )


def sync(
    *,
    client: Client,
    page_size: int | Unset = UNSET,
    page_token: str | Unset = UNSET,
    filter_: str | Unset = UNSET,
    order_by: str | Unset = UNSET,
) -> PersonaList:
    """List personas

    List personas page by page, newest first unless `order_by` says otherwise.

    Args:
        page_size (int | Unset):
        page_token (str | Unset):
        filter_ (str | Unset):
        order_by (str | Unset):

    Returns:
        PersonaList

    Raises:
        ApiError: The answer is an error, or not what is documented.
        httpx.RequestError: There was no answer, for example within the client's timeout.
    """
    return read_success(
        client.send(
            _get_kwargs(
                page_size=page_size,
                page_token=page_token,
                filter_=filter_,
                order_by=order_by,
            )
        ),
        _parse_success,
    )


def sync_detailed(
    *,
    client: Client,
    page_size: int | Unset = UNSET,
    page_token: str | Unset = UNSET,
    filter_: str | Unset = UNSET,
    order_by: str | Unset = UNSET,
) -> Response[ErrorResponse | PersonaList]:
    """List personas

    List personas page by page, newest first unless `order_by` says otherwise.

    Args:
        page_size (int | Unset):
        page_token (str | Unset):
        filter_ (str | Unset):
        order_by (str | Unset):

    Returns:
        The answer, whatever its status; its `parsed` is of type ErrorResponse | PersonaList.

    Raises:
        httpx.RequestError: There was no answer, for example within the client's timeout.
    """
    return _build_response(
        client.send(
            _get_kwargs(
                page_size=page_size,
                page_token=page_token,
                filter_=filter_,
                order_by=order_by,
            )
        )
    )


async def asyncio(
    *,
    client: Client,
    page_size: int | Unset = UNSET,
    page_token: str | Unset = UNSET,
    filter_: str | Unset = UNSET,
    order_by: str | Unset = UNSET,
) -> PersonaList:
    """List personas

    List personas page by page, newest first unless `order_by` says otherwise.

    Args:
        page_size (int | Unset):
        page_token (str | Unset):
        filter_ (str | Unset):
        order_by (str | Unset):

    Returns:
        PersonaList

    Raises:
        ApiError: The answer is an error, or not what is documented.
        httpx.RequestError: There was no answer, for example within the client's timeout.
    """
    return read_success(
        await client.asend(
            _get_kwargs(
                page_size=page_size,
                page_token=page_token,
                filter_=filter_,
                order_by=order_by,
            )
        ),
        _parse_success,
    )


async def asyncio_detailed(
    *,
    client: Client,
    page_size: int | Unset = UNSET,
    page_token: str | Unset = UNSET,
    filter_: str | Unset = UNSET,
    order_by: str | Unset = UNSET,
) -> Response[ErrorResponse | PersonaList]:
    """List personas

    List personas page by page, newest first unless `order_by` says otherwise.

    Args:
        page_size (int | Unset):
        page_token (str | Unset):
        filter_ (str | Unset):
        order_by (str | Unset):

    Returns:
        The answer, whatever its status; its `parsed` is of type ErrorResponse | PersonaList.

    Raises:
        httpx.RequestError: There was no answer, for example within the client's timeout.
    """
    return _build_response(
        await client.asend(
            _get_kwargs(
                page_size=page_size,
                page_token=page_token,
                filter_=filter_,
                order_by=order_by,
            )
        )
    )
