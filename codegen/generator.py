"""
Run openapi-python-client with modules of our own: it reads the types of a contract, and our templates write them down.

`generate.py` starts this file as a process of its own, because the generator takes settings from its environment
and writes to its output.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import openapi_python_client
from openapi_python_client.cli import app

from codegen.client_types import Types
from codegen.contract_file import read_client_facts
from codegen.field_words import wrapped
from codegen.readme_examples import shown_in_readme
from codegen.resource_classes import all_classes, arranged, read_calls
from codegen.resource_layout import read_spellings, snake_case
from contract_tests.spec.document import Document, read_document
from contract_tests.spec.operation import every_operation

# The variable of the environment in which generate.py says what only it knows, as JSON.
TOLD = "CLIENT_FACTS"


class ClientProject(openapi_python_client.Project):
    """A client with resources; the generator's own client, models and endpoints are not written."""

    def _create_package(self) -> None:
        told = json.loads(os.environ[TOLD])
        contract_file = Path(told["contract"])
        document = read_document(contract_file)
        self.types = types = Types(self.openapi, document)
        endpoints = [each for tagged in self.openapi.endpoint_collections_by_tag.values() for each in tagged.endpoints]
        calls = list(read_calls(types, read_spellings(list(every_operation(document))), endpoints))
        roots = arranged(calls)
        resources = list(all_classes(roots))
        name = self._client_name(document, told["client_name"])
        self.env.globals.update(
            contract=read_client_facts(contract_file),
            info=document.tree["info"],
            told=told,
            types=types,
            roots=roots,
            classes=resources,
            client_name=name,
            client_variable=snake_case(name),
            base_url_variable=f"{snake_case(name).upper()}_BASE_URL",
            shown=shown_in_readme(types, resources, self.package_name, name),
            repeats_updates=any(call.spelling.is_repeatable for call in calls if call.is_patch),
        )
        self.env.filters.update(wrapped=wrapped, literal=repr, toml=_toml, as_tuple=lambda value: repr(tuple(value)))
        super()._create_package()

    def _client_name(self, document: Document, configured: str | None) -> str:
        """Return the name of the client: the configured one, or the title without the word API."""
        title = re.sub(r"\bAPI\b", "", str(document.tree["info"]["title"])).strip()
        name = configured or str(openapi_python_client.strings.ClassName(title or "Api", self.config.field_prefix))
        return f"{name}Client" if name in {*self.types.enums, *self.types.models} else name

    def _build_models(self) -> None:
        self._write("models")

    def _build_api(self) -> None:
        for module in ("async_connections", "client", "connections", "errors", "pages", "resources", "wire"):
            self._write(module)

    def _write(self, module: str) -> None:
        text = self.env.get_template(f"{module}.py.jinja").render()
        (self.package_dir / f"{module}.py").write_text(text, encoding=self.config.file_encoding)


def _toml(value: object) -> str:
    """Return a text as TOML writes it, in one line."""
    return json.dumps(" ".join(str(value).split()), ensure_ascii=False)


if __name__ == "__main__":
    openapi_python_client.Project = ClientProject  # type: ignore[misc]
    app()
