"""How the mock starts: what it prints, which files it follows, what it refuses, and that it is a stranger here."""

import ast
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from contract_tests.mock_api.__main__ import announcement, build_api
from contract_tests.mock_api.errors import StartError
from contract_tests.mock_api.process import MockStartError, RunningMock, running_mock

ROOT = Path(__file__).resolve().parents[3]
MOCK = ROOT / "contract_tests" / "mock_api"
PAGE_PERSONA = "3zfmuDbVQsi4GaseDtiVcS"
SMALLEST = {"name": "Friendly Customer", "voice_name": "aria", "language_code": "en-US"}

Change = Callable[[dict[str, Any]], object]


def contract_copy(folder: Path, change: Change) -> str:
    """Write a copy of openapi.yaml with *change* made to it."""
    document = yaml.safe_load((ROOT / "openapi.yaml").read_text())
    document["x-seeds"] = str(ROOT / document["x-seeds"])
    change(document)
    file = folder / "openapi.yaml"
    file.write_text(yaml.safe_dump(document))
    return str(file)


def client_of(mock: RunningMock) -> httpx.Client:
    return httpx.Client(base_url=mock.url, headers={"x-api-key": mock.api_key})


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "contract_tests.mock_api", "--port", "0", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20)


def assert_refused(*arguments: str, naming: list[str]) -> None:
    """The mock prints one line that names what is wrong, and exits with 4."""
    ended = run(*arguments)
    assert (ended.returncode, ended.stdout, ended.stderr[-1:]) == (4, "", "\n")
    assert_one_line(ended.stderr[:-1], naming)


def assert_one_line(said: str, naming: list[str]) -> None:
    assert "\n" not in said
    assert all(name in said for name in naming), said


def refusal(contract_file: Path, seeds: Path | None = None) -> str:
    """What the mock says to files it cannot follow; asked without a process, of which each takes a third of a second."""
    with pytest.raises(StartError) as refused:
        build_api(contract_file, seeds)
    return str(refused.value)


# -- What it prints ---------------------------------------------------------------------------------------------------


def test_mock_prints_what_a_person_needs_and_ends_quietly() -> None:
    """URL, key, docs and a curl line that works are printed; SIGTERM and Ctrl-C end the mock with 0 and no word."""
    for number in (signal.SIGTERM, signal.SIGINT):
        command = [sys.executable, "-m", "contract_tests.mock_api", "--port", "0"]
        environment = {**os.environ, "COVAL_API_KEY": "somebodys-real-key"}
        with subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            lines = dict(process.stdout.readline().split(None, 1) for _ in range(4))
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+/v1\n", lines["mock:"])
            assert re.fullmatch(r"(?=.*[a-z])(?=.*[A-Z])(?=.*\d)[A-Za-z0-9]{16,}\n", lines["key:"])
            assert_curl_line_works(lines["try:"])
            process.send_signal(number)
            assert process.communicate(timeout=10) == ("", "")
        assert process.returncode == 0


def assert_curl_line_works(line: str) -> None:
    assert f"/personas/{PAGE_PERSONA}" in line
    if shutil.which("curl"):
        said = subprocess.run(
            f"{line.strip()} -s --noproxy '*'", shell=True, capture_output=True, text=True, timeout=10
        )
        assert json.loads(said.stdout)["persona"]["wait_seconds"] == 0.8


@pytest.mark.parametrize("required", [[], ["name", "voice_name"]], ids=len)
def test_curl_line_without_an_example_is_accepted(required: list[str], tmp_path: Path) -> None:
    """Where the update has no example, the line sends what the contract takes: no field, or the item's own."""

    def without_example(document: dict[str, Any]) -> None:
        del document["paths"]["/personas/{persona_id}"]["patch"]["requestBody"]["content"]["application/json"][
            "examples"
        ]
        document["components"]["schemas"]["PersonaUpdate"]["required"] = required

    api = build_api(Path(contract_copy(tmp_path, without_example)))
    api.url = "http://127.0.0.1:1/v1"
    words = shlex.split(announcement(api).splitlines()[-1])
    body = json.loads(words[words.index("-d") + 1])
    assert set(required) <= body.keys()
    assert api.resource.rules.is_valid("update", body)


def test_key_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """MOCK_API_KEY replaces the key; the old one is refused."""
    monkeypatch.setenv("MOCK_API_KEY", "Another1")
    with running_mock() as mock:
        assert mock.api_key == "Another1"
        answers = [httpx.get(f"{mock.url}/personas", headers={"x-api-key": key}) for key in ("Another1", "another1")]
    assert [answer.status_code for answer in answers] == [200, 401]


# -- Which contract it follows ----------------------------------------------------------------------------------------

VOLUME_SCHEMAS = [
    {"type": ["number", "null"], "minimum": 0, "maximum": 1.5, "x-on-null": "clear"},
    {"anyOf": [{"$ref": "#/components/schemas/Volume"}, {"type": "null"}], "x-on-null": "clear"},
]


@pytest.mark.parametrize("schema", VOLUME_SCHEMAS, ids=["inline", "referred"])
@pytest.mark.parametrize("where", [["PersonaUpdate"], ["PersonaUpdate", "PersonaCreate", "Persona"]], ids=len)
def test_added_field_is_checked_stored_and_answered(tmp_path: Path, schema: dict[str, Any], where: list[str]) -> None:
    """A field that is added to openapi.yaml is checked, stored and answered with no change of code."""

    def add_volume(document: dict[str, Any]) -> None:
        schemas = document["components"]["schemas"]
        schemas["Volume"] = {"type": "number", "minimum": 0, "maximum": 1.5}
        for name in where:
            schemas[name]["properties"]["voice_volume"] = schema

    with running_mock("--contract", contract_copy(tmp_path, add_volume)) as mock, client_of(mock) as api:
        created = api.post("/personas", json={**SMALLEST, "voice_volume": 0.25}).json()["persona"]
        assert created["voice_volume"] == (0.25 if "PersonaCreate" in where else None)
        path = f"/personas/{created['id']}"
        assert api.patch(path, json={"voice_volume": 1.5}).json()["persona"]["voice_volume"] == 1.5
        assert api.get(path).json()["persona"]["voice_volume"] == 1.5
        refused = api.patch(path, json={"voice_volume": 1.5000000000000002})
        assert [detail["field"] for detail in refused.json()["error"]["details"]] == ["voice_volume"]
        assert api.patch(path, json={"voice_volume": None}).json()["persona"]["voice_volume"] is None


def test_changed_contract_changes_the_mock(tmp_path: Path) -> None:
    """A limit, an x-on-null, an error code, a page size, the base path and the key's header follow openapi.yaml."""

    def change(document: dict[str, Any]) -> None:
        schemas, components = document["components"]["schemas"], document["components"]
        document["servers"][0]["url"] = "/api/v7"
        schemas["WaitSeconds"]["maximum"] = 3
        schemas["PersonaUpdate"]["properties"]["wait_seconds"]["x-on-null"] = "keep"
        components["responses"]["NotFound"]["x-error-code"] = "GONE"
        components["securitySchemes"]["ApiKeyAuth"]["name"] = "X-Other-Key"
        document["paths"]["/personas"]["get"]["parameters"][0]["schema"]["maximum"] = 7

    with running_mock("--contract", contract_copy(tmp_path, change)) as mock:
        assert mock.url.endswith("/api/v7")
        with httpx.Client(base_url=mock.url, headers={"x-other-key": mock.api_key}) as api:
            path = f"/personas/{PAGE_PERSONA}"
            assert api.patch(path, json={"wait_seconds": 3}).status_code == 200
            assert api.patch(path, json={"wait_seconds": None}).json()["persona"]["wait_seconds"] == 3
            assert api.get("/personas/unknown").json()["error"]["code"] == "GONE"
            assert [api.get(f"/personas?page_size={size}").status_code for size in (7, 8)] == [200, 400]


def drop_update(document: dict[str, Any]) -> None:
    del document["paths"]["/personas/{persona_id}"]["patch"]


def misspell_on_null(document: dict[str, Any]) -> None:
    document["components"]["schemas"]["PersonaUpdate"]["properties"]["name"]["x-on-null"] = "erase"


def misspell_minimum(document: dict[str, Any]) -> None:
    document["components"]["schemas"]["WaitSeconds"]["minimum"] = "0.1"


def break_reference(document: dict[str, Any]) -> None:
    document["components"]["schemas"]["PersonaUpdate"]["properties"]["name"] = {"$ref": "#/components/schemas/Nme"}


def refer_in_a_circle(document: dict[str, Any]) -> None:
    document["components"]["schemas"]["PersonaName"] = {"$ref": "#/components/schemas/PersonaName"}


def drop_paths(document: dict[str, Any]) -> None:
    del document["paths"]


def say_30(document: dict[str, Any]) -> None:
    document["openapi"] = "3.0.3"


@pytest.mark.parametrize(
    ("change", "naming"),
    [
        (drop_update, "no operation is called updatePersona"),
        (misspell_on_null, "x-on-null of name"),
        (misspell_minimum, "components.schemas.WaitSeconds.minimum"),
        (break_reference, "properties.name.$ref"),
        (refer_in_a_circle, "#/components/schemas/PersonaName leads nowhere"),
        (drop_paths, "paths"),
        (say_30, "openapi"),
    ],
)
def test_contract_that_would_mislead_is_refused(tmp_path: Path, change: Change, naming: str) -> None:
    """An openapi.yaml that cannot be followed is refused in one line: file, place, fix."""
    file = contract_copy(tmp_path, change)
    assert_one_line(refusal(Path(file)), naming=[file, naming, "; "])


@pytest.mark.parametrize("text", ["", "[1, 2]", "a: [", "a: \ttab", "\x00", "1: 2", "openapi: 3.1.0\npaths: 5"])
def test_contract_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    """A file that is no OpenAPI document at all is refused in one line."""
    file = tmp_path / "openapi.yaml"
    file.write_text(text)
    assert_one_line(refusal(file), naming=[str(file)])


# -- Which personas exist at the start --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["yaml", "json"])
def test_seeds_are_loaded(tmp_path: Path, kind: str) -> None:
    """A file of seeds in YAML or JSON holds the items at the start, and what it leaves out is as x-seeds says."""
    seeds = [
        {**SMALLEST, "id": "seed1", "wait_seconds": 2, "background_sound": "off", "tags": ["ignored"]},
        {**SMALLEST, "create_time": "2025-01-24T11:00:00+01:00", "update_time": None},
    ]
    texts = {
        "yaml": yaml.safe_dump({"personas": seeds}).replace("'off'", "off"),
        "json": json.dumps({"personas": seeds}),
    }
    file = tmp_path / "seeds"
    file.write_text(texts[kind])
    with running_mock("--seeds", str(file)) as mock, client_of(mock) as api:
        newest, oldest = api.get("/personas").json()["personas"]
    assert (newest["id"], newest["wait_seconds"], newest["background_sound"]) == ("seed1", 2, "off")
    assert (oldest["create_time"], len(oldest["id"])) == ("2025-01-24T10:00:00Z", 22)


@pytest.mark.parametrize(
    ("text", "naming"),
    [
        ("[", "line"),
        ("[5]", "mapping"),
        ("people: []", "people"),
        ("personas: {}", "list"),
        ("- 5", "item 1"),
        ("- {name: x, voice_name: aria}", "item 1: language_code"),
        ("- {name: x, voice_name: aria, language_code: en-US, wait_seconds: 7}", "wait_seconds"),
        ("- {name: x, voice_name: aria, language_code: de-DE}", "language_code"),
        ("- {name: x, voice_name: aria, language_code: en-US, id: voices}", "id"),
        ("- {name: x, voice_name: aria, language_code: en-US, id: a/b}", "id"),
        ("- {name: x, voice_name: aria, language_code: en-US, id: 7}", "id"),
        ("- {name: x, voice_name: aria, language_code: en-US, create_time: today}", "create_time"),
        ("- &a {name: x, voice_name: aria, language_code: en-US, id: a}\n- *a", "item 2: id"),
    ],
)
def test_seeds_that_break_the_contract_is_refused(tmp_path: Path, text: str, naming: str) -> None:
    """Bad seeds are refused in one line: file, item, field, fix."""
    file = tmp_path / "seeds.yaml"
    file.write_text(f"personas:\n{text}" if text.startswith("-") else text)
    assert_one_line(refusal(ROOT / "openapi.yaml", file), naming=[str(file), naming])


def test_personas_are_limited(tmp_path: Path) -> None:
    """The mock holds 10,000 personas; one more gets 429 until another is deleted."""
    file = tmp_path / "seeds.json"
    file.write_text(json.dumps({"personas": [{**SMALLEST, "id": f"seed{number}"} for number in range(10_000)]}))
    with running_mock("--seeds", str(file)) as mock, client_of(mock) as api:
        assert api.post("/personas", json=SMALLEST).status_code == 429
        assert api.patch("/personas/seed1", json={"name": "still"}).status_code == 200
        assert api.delete("/personas/seed2").status_code == 200
        assert api.post("/personas", json=SMALLEST).status_code == 201


def test_bound_of_items_can_be_another() -> None:
    """--max-items says how many items of a resource there may be."""
    with running_mock("--max-items", "0") as mock, client_of(mock) as api:
        assert api.post("/personas", json=SMALLEST).status_code == 429


# -- What it refuses --------------------------------------------------------------------------------------------------


def test_taken_port_is_refused() -> None:
    """A port that is taken ends the mock with 4 and one line that names it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert_refused("--port", port, naming=[f"port {port}", "--port"])


@pytest.mark.parametrize("arguments", [["--port", "http"], ["--port", "70000"], ["--speed", "9"], ["--seeds"]])
def test_wrong_usage_is_refused(arguments: list[str]) -> None:
    """Rejection usage ends the mock with 4 and one line."""
    assert_refused(*arguments, naming=["--help"])


def test_file_that_cannot_be_followed_is_refused(tmp_path: Path) -> None:
    """A bad file, or one that is not there, ends the mock with 4 and one line, which a caller gets to see."""
    assert_refused("--contract", contract_copy(tmp_path, misspell_minimum), naming=["WaitSeconds.minimum"])
    assert_refused("--contract", str(tmp_path / "none.yaml"), naming=["none.yaml"])
    assert_refused("--seeds", str(tmp_path), naming=[str(tmp_path)])
    with pytest.raises(MockStartError, match=r"exit code 4.*none\.yaml"), running_mock("--contract", "none.yaml"):
        pass


# -- The pages beside the API -----------------------------------------------------------------------------------------


def test_docs_need_no_other_host() -> None:
    """/docs shows Swagger UI from the mock alone; /openapi.yaml is the contract with the mock as its server."""
    with running_mock() as mock, httpx.Client(base_url=mock.url.removesuffix("/v1")) as browser:
        page = browser.get("/docs")
        references = re.findall(r'(?:src|href|url)\s*[=:]\s*"([^"]*)"', page.text + browser.get("/docs/start.js").text)
        assert len(references) >= 4
        assert all(reference.startswith("/") for reference in references)
        assert "default-src 'self'" in page.headers["content-security-policy"]
        assert all(browser.get(reference).status_code == 200 for reference in references)
        assert "SwaggerUIBundle" in browser.get("/docs/swagger-ui-bundle.js").text
        served = yaml.safe_load(browser.get("/openapi.yaml").text)
        as_localhost = yaml.safe_load(browser.get("/openapi.yaml", headers={"host": "localhost:1"}).text)
        assert browser.get("/docs/../../etc/passwd").status_code in (401, 404)
        assert browser.post("/docs").status_code == 405
    contract = yaml.safe_load((ROOT / "openapi.yaml").read_text())
    assert [server["url"] for server in served["servers"]] == [mock.url]
    assert [server["url"] for server in as_localhost["servers"]] == ["http://localhost:1/v1"]
    assert {**served, "servers": contract["servers"]} == contract


# -- A stranger to the suite ------------------------------------------------------------------------------------------


def test_mock_imports_nothing_of_the_suite_or_the_client() -> None:
    """mock_api imports only itself and libraries, so that it cannot share a mistake with what it tests."""
    for file in MOCK.rglob("*.py"):
        depth = len(file.relative_to(MOCK).parts)
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert node.level <= depth, file
                outside = [] if node.level else [node.module or ""]
            elif isinstance(node, ast.Import):
                outside = [alias.name for alias in node.names]
            else:
                continue
            forbidden = {"contract_tests", "generated_client", "coval_personas", "coval_sdk"}
            assert not forbidden & {name.partition(".")[0] for name in outside}, file


def test_mock_names_nothing_of_a_contract() -> None:
    """No module of the mock holds a word of openapi.yaml's resource."""
    for file in MOCK.rglob("*.py"):
        assert not re.search("persona|voice|coval|language_code", file.read_text(), re.IGNORECASE), file
